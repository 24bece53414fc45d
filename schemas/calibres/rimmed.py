"""Calibres of rifles with a rim (C.I.P.: TAB II)."""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.calibres.entry import (
    CIP_XXIV,
    FR_MUNITIONS,
    NOT_CIP,
    WIKI_8X50R,
    CalibreEntry,
    CalibreKind,
    calibre,
    tab,
)

_rifle = partial(calibre, CalibreKind.RIFLE, CIP_XXIV)
_french = partial(calibre, CalibreKind.RIFLE, FR_MUNITIONS)
_to_check = partial(calibre, CalibreKind.RIFLE, tab("II"))
_wiki = partial(calibre, CalibreKind.RIFLE, WIKI_8X50R)
_old = partial(calibre, CalibreKind.RIFLE, NOT_CIP)

RIMMED: Final[tuple[CalibreEntry, ...]] = (
    _french(
        *("7.62x54R", "7.62x54", "7.62x53R", "7.62 mm Mosin-Nagant", "7.62x54R Mosin-Nagant", "7.62x54 Mosin-Nagant"),
        *("7.62 mm Mosin", "7.62x54R Mosin", "7.62 mm Russian", "7.62x54 Мосин", "7.62x54R Мосин"),
    ),
    _french(".303 British", ".303", ".303 Brit", "7.7x56", "7.7x56R"),
    _french(".25-20 Winchester", ".25-20", "6.35x34R"),
    _french(".32-20 Winchester", ".32-20", "8x33 Winchester"),
    _french(".38-40 Winchester", ".38-40", ".38-40 Remington", "10.1x33 Winchester"),
    _french(".44-40 Winchester", ".44-40", ".44-40-200"),
    _rifle(".22 Hornet", "5.6x35R"),
    _rifle("8.2x53R"),
    _rifle("9.3x53R", "9.3x53R Finnish"),
    _wiki("8x50R Mannlicher", "8x50 Mannlicher", "8x50R M93", ".315 Indian"),
    _wiki("8x56R", "8x56R Mannlicher", "8x56R Hungarian", "8x56R M30S", "8x56RS"),
    _to_check(".30-30 Winchester", ".30-30", ".30 WCF", "7.62x51R"),
    _to_check(".30-40 Krag", ".30-40"),
    _to_check(".30 R Blaser"),
    _to_check(".32 Winchester Special"),
    _to_check(".444 Marlin"),
    _to_check(".45-70 Government", ".45-70", ".45-70 Govt"),
    _to_check("5.6x50R Magnum"),
    _to_check("5.6x52R", ".22 Savage", ".22 Savage High-Power"),
    _to_check("6.5x53R", "6.5x53R Mannlicher", "6.5 mm Romanian"),
    _to_check("6.5x57R"),
    _to_check("6.5x65R", "6.5x65R RWS"),
    _to_check("7x57R"),
    _to_check("7x65R", "7x65R Brenneke"),
    _to_check("8x50R Lebel", "8x51R Lebel", "8 mm Lebel rifle"),
    _to_check("8x57 IR", "8x57 JR", "8x57R"),
    _to_check("8x57 IRS", "8x57 JRS"),
    _to_check("8x65 RS", "8x65R Brenneke"),
    _to_check("8x75 RS", "8x75R"),
    _to_check("8.15x46R"),
    _to_check("9x57R"),
    _to_check("9.3x72R"),
    _to_check("9.3x74R"),
    _to_check("11x59R Gras", "11 mm Gras", "11x59R"),
    _to_check("11x60R Mauser", "11.15x60R", "11.15x60R Mauser", "11x60R", "11 mm Mauser"),
    _old("9x53R", "9x53", "9x53R Лось"),
    _old("10.15x63R Serbian Mauser", "10.15x63R", "10.15 mm Serbian Mauser"),
    _old("10.4x47R Vetterli-Vitali", "10.4x47R", "10.35x47R", "10.4 mm Vetterli"),
    _old("10.75x58R Berdan", "10.75x58R", ".42 Berdan", "4.2 line Berdan"),
)
