"""Calibres of rifles without a rim and with a belt (C.I.P.: TAB I and III)."""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.calibres.entry import (
    CIP_2020,
    CIP_XXIV,
    FR_MUNITIONS,
    FR_R311_2,
    NOT_CIP,
    CalibreEntry,
    CalibreKind,
    calibre,
    tab,
)

_french_code = partial(calibre, CalibreKind.RIFLE, FR_R311_2)
_french = partial(calibre, CalibreKind.RIFLE, FR_MUNITIONS)
_cip_2020 = partial(calibre, CalibreKind.RIFLE, CIP_2020)
_rifle = partial(calibre, CalibreKind.RIFLE, CIP_XXIV)
_rimless = partial(calibre, CalibreKind.RIFLE, tab("I"))
_magnum = partial(calibre, CalibreKind.RIFLE, tab("III"))
_military = partial(calibre, CalibreKind.RIFLE, NOT_CIP)

_SERVICE: Final = (
    _french_code(
        *("7.62x39", "7.62 mm M43", "M43", "7.62x39 M43", "7.62x39 M67", "7.62x39 Kalashnikov"),
        usual=True,
    ),
    _french_code(
        *("5.45x39", "5.45 mm M74", "5.45x39 M74", "5.45x39 Kalashnikov"),
        usual=True,
    ),
    _french_code(
        *("5.56x45", "5.56", "5.56 mm", "5.56 mm NATO", "5.56x45 NATO"),
        *(".223 Remington", ".223"),
        usual=True,
    ),
    _french_code("14.5x114", "14.5 mm KPV", "14.5x114 КПВ"),
    _french(".308 Winchester", ".308", "7.62x51", "7.62 mm NATO", "7.62x51 NATO"),
    _french(".30-06 Springfield", ".30-06", "7.62x63", ".30-06 Sprg"),
    _french(".30 Carbine", ".30 M1", ".30 M1 Carbine", ".30 US Carbine", "7.62x33"),
    _french(
        *("8x57 IS", "8x57 JS", "8x57", "7.92x57", "7.92x57 IS", "7.92x57 JS"),
        *("8 mm Mauser", "7.92 mm Mauser", "7.92x57 Mauser", "8x57 Mauser", "7.9x57", "7.9 mm Mauser"),
    ),
    _french("8x57 I", "8x57 J"),
    _french("7.5x54 MAS", "7.5x54", "7.5x54 French"),
    _french("7.5x55 Swiss", "7.5x55", "7.5x55 GP11", "7.5x55 Suisse"),
    _rifle(".50 Browning", ".50 BMG", "12.7x99", "12.7x99 NATO"),
    _rifle("7.65x53 Argentine", "7.65x53", "7.65x53 Arg", "7.65x53 Mauser", "7.65x53 Belgian", "7.65x54 Mauser"),
    _military("9x39", "9x39 SP-5", "9x39 SP-6", "9x39 СП-5", "9x39 СП-6", "9x39 ПАБ-9"),
    _military("12.7x108", "12.7x108 DShK", "12.7x108 ДШК"),
    _military("12.7x55", "12.7x55 STs-130", "12.7x55 СЦ-130"),
    _military("7.62x45", "7.62x45 vz. 52", "7.62x45 Czech"),
    _military(".366 TKM", "9.55x39", ".366 ТКМ"),
    _rimless("7.92x33", "7.92x33 Kurz", "8x33 Kurz", "7.92 mm Kurz", "8x33", "8 mm Kurz"),
    _rimless("6.5x50 SR Arisaka", "6.5x50", "6.5x50SR", "6.5x50 Arisaka", "6.5x50 Japanese"),
    _rimless("6.5x52 Carcano", "6.5x52", "6.5 mm Carcano", "6.5x52 Mannlicher-Carcano"),
    _rimless("7.35x51 Carcano", "7.35x51", "7.35 mm Carcano"),
    _rimless("6.5x54 M.Sch.", "6.5x54", "6.5x54 MS", "6.5x54 Mannlicher-Schönauer", "6.5x54 Mannlicher-Schoenauer"),
    _rimless("6.5x55 SE", "6.5x55", "6.5x55 Swedish", "6.5x55 Mauser", "6.5x55 SKAN"),
    _rimless("7x57", "7x57 Mauser", "7 mm Mauser"),
    _rimless(".338 Federal"),
    _rifle(".338 Lapua Magnum", "8.6x70", ".338 LM", ".338 Lapua"),
    _rimless(".338 Norma Magnum"),
    _rimless(".408 CheyTac", ".408 Cheyenne Tactical"),
    _rimless(".416 Barrett", "10.6x83"),
)

_HUNTING: Final = (
    _rifle(".22-250 Remington", ".22-250"),
    _rifle("5.6x61 SE v. Hofe", "5.6x61", "5.6x61 SE v. H", "5.6x61 vom Hofe"),
    _rifle("5.7 mm UCC Voere", "5.7 mm UCC"),
    _rifle("6 mm BR Norma", "6 mm BR"),
    _rifle("7x33 Sako", "7x33"),
    _cip_2020("6 mm Creedmoor"),
    _cip_2020("6.5 Creedmoor", "6.5 CM"),
    _cip_2020(".318 Rimless N.E.", ".318 Riml. N.E.", ".318 Westley Richards"),
    _cip_2020(".350 Legend"),
    _cip_2020(".404 Rimless N.E.", ".404 Riml. N.E.", ".404 Jeffery"),
    _cip_2020(".458 SOCOM"),
    _rimless(".17 Remington"),
    _rimless(".204 Ruger"),
    _rimless(".220 Swift"),
    _rimless(".222 Remington", ".222", "5.7x43"),
    _rimless("5.6x39", ".220 Russian", "5.6x39 Барс"),
    _rimless("5.6x50 Magnum"),
    _rimless("5.6x57"),
    _rimless("6 mm PPC", "6 mm PPC USA"),
    _rimless("6 mm Remington", ".244 Remington"),
    _rimless(".243 Winchester", ".243", "6.2x52"),
    _rimless(".25-06 Remington", ".25-06"),
    _rimless(".260 Remington", "6.5-08"),
    _rimless("6.5 Grendel", "6.5x39", "6.5x39 Grendel"),
    _rimless("6.5x47 Lapua", "6.5x47"),
    _rimless("6.5x57", "6.5x57 Mauser", "6.5x57 RWS"),
    _rimless("6.5x65", "6.5x65 RWS"),
    _rimless("6.5x68", "6.5x68 RWS"),
    _rimless("6.5 PRC"),
    _rimless("6.8 mm Remington SPC", "6.8 SPC", "6.8x43"),
    _rimless(".270 Winchester", ".270"),
    _rimless(".270 WSM", ".270 Winchester Short Magnum"),
    _rimless("7x64", "7x64 Brenneke"),
    _rimless("7 mm-08 Remington", "7-08"),
    _rimless("7 mm WSM", "7 mm Winchester Short Magnum"),
    _rimless(".280 Remington"),
    _rimless(".284 Winchester"),
    _rimless(".300 AAC Blackout", ".300 Blackout", ".300 BLK", "7.62x35"),
    _rimless(".300 WSM", ".300 Winchester Short Magnum"),
    _rimless(".300 PRC"),
    _rimless(".300 Remington Ultra Magnum", ".300 RUM"),
    _rimless(".35 Remington"),
    _rimless(".35 Whelen"),
    _rimless(".358 Winchester"),
    _rimless("8x56 M.Sch.", "8x56 MS", "8x56 Mannlicher-Schönauer", "8x56 Mannlicher-Schoenauer"),
    _rimless("8x60 S", "8x60 Mauser"),
    _rimless("8x64 S", "8x64 Brenneke"),
    _rimless("8x68 S", "8x68"),
    _rimless("9x57", "9x57 Mauser"),
    _rimless("9.3x57"),
    _rimless("9.3x62", "9.3x62 Mauser"),
    _rimless("9.3x64", "9.3x64 Brenneke"),
    _rimless("9.5x57 M.Sch.", "9.5x57 MS", "9.5x57"),
    _rimless("10.75x68", "10.75x68 Mauser"),
    _rimless(".416 Rigby"),
)

_MAGNUMS: Final = (
    _rifle(".264 Winchester Magnum"),
    _rifle(".300 Weatherby Magnum"),
    _magnum("7 mm Remington Magnum"),
    _magnum(".300 H&H Magnum", ".300 H&H", ".300 Holland & Holland Magnum"),
    _magnum(".300 Winchester Magnum", ".300 WM", "7.62x67"),
    _magnum(".308 Norma Magnum"),
    _magnum(".338 Winchester Magnum"),
    _magnum(".375 H&H Magnum", ".375 H&H", ".375 Holland & Holland Magnum"),
    _magnum(".416 Remington Magnum"),
    _magnum(".458 Winchester Magnum"),
)

RIFLES: Final[tuple[CalibreEntry, ...]] = (*_SERVICE, *_HUNTING, *_MAGNUMS)
