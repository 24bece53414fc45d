"""Calibres of rimfire firearms (C.I.P.: TAB V), of shotguns (TAB VII), and of alarm, gas and less lethal weapons
(TAB VIII: alarm weapons; TAB IX: weapons for small shot).

C.I.P.'s *Blanc* is the German *Knall*: K here, as on the weapons themselves.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.calibres.entry import (
    CIP_XXIV,
    GAUGES,
    NOT_CIP,
    WIKI_GAS_PISTOL,
    WIKI_RIMFIRE,
    CalibreEntry,
    CalibreKind,
    calibre,
    tab,
)

_cip_rimfire = partial(calibre, CalibreKind.RIMFIRE, CIP_XXIV)
_rimfire = partial(calibre, CalibreKind.RIMFIRE, tab("V"))
_gauges = partial(calibre, CalibreKind.SHOTGUN, GAUGES)
_gauges_to_check = partial(calibre, CalibreKind.SHOTGUN, tab("VII"))
_blank = partial(calibre, CalibreKind.BLANK_AND_ALARM, CIP_XXIV)
_blank_to_check = partial(calibre, CalibreKind.BLANK_AND_ALARM, tab("VIII"))
_less_lethal = partial(calibre, CalibreKind.BLANK_AND_ALARM, NOT_CIP)


def _gauge(number: int, *chambers: str) -> tuple[str, ...]:
    """The designation of a gauge, and its spellings: with each length of chamber in mm, and in short."""
    lengths = [f"{number}{between}{length}" for length in chambers for between in "/x"]
    return (f"{number} gauge", f"{number}g", *lengths)


RIMFIRE: Final[tuple[CalibreEntry, ...]] = (
    _cip_rimfire(
        *(".22 LR", ".22 Long Rifle", ".22 lfB", ".22 LR HV", "5.6x15R", "5.6x15", "5.6 mm LR"),
        usual=True,
    ),
    _cip_rimfire("6 mm ME Flobert", "6 mm ME", "6 mm ME Flobert Court"),
    calibre(CalibreKind.RIMFIRE, WIKI_RIMFIRE, "6 mm Flobert", ".22 BB Cap", ".22 BB"),
    _rimfire(".22 CB Cap", ".22 CB"),
    _rimfire(".22 Short", ".22 Kurz", ".22 Court", ".22 Corto", "5.6x11R"),
    _rimfire(".22 Long"),
    _rimfire(".22 Extra Long"),
    _rimfire(".22 WMR", ".22 Winchester Magnum", ".22 Magnum", ".22 Winchester Magnum RF", "5.6x27R", "5.7x27R"),
    _rimfire(".22 WRF", ".22 Winchester Rimfire"),
    _rimfire(".17 HMR", "4.5x27R", ".17 Hornady Magnum Rimfire"),
    _rimfire(".17 Mach 2", ".17 HM2"),
    _rimfire(".17 WSM", ".17 Winchester Super Magnum"),
    _rimfire("4 mm Randz. kurz", "4 mm M20", "4 mm Übungsmunition", "4 mm Randzünder kurz"),
    _rimfire("4 mm Randz. lang", "4 mm lang", "4 mm Randzünder lang"),
    _rimfire("9 mm Flobert", "9 mm Rimfire", "9 mm Flobert shot"),
)

SHOTGUN: Final[tuple[CalibreEntry, ...]] = (
    _gauges(*_gauge(12, "65", "67", "67.5", "70", "73", "76", "89"), "12", usual=True),
    _gauges(*_gauge(10, "70", "73", "76", "89")),
    _gauges(*_gauge(16, "65", "67", "67.5", "70"), "16"),
    _gauges(*_gauge(20, "65", "67", "70", "76"), "20"),
    _gauges(*_gauge(28, "65", "67", "70", "76")),
    calibre(
        CalibreKind.SHOTGUN,
        GAUGES,
        ".410 bore",
        ".410",
        ".410 Magnum",
        ".410/76",
        ".410/70",
        *_gauge(36, "65", "70", "76"),
    ),
    _gauges_to_check(*_gauge(8)),
    _gauges_to_check(*_gauge(24, "63", "65", "70")),
    _gauges_to_check(*_gauge(32, "63", "65", "70")),
    calibre(CalibreKind.SHOTGUN, NOT_CIP, "23x75R", "23x75", "KS-23", "КС-23"),
)

BLANK_AND_ALARM: Final[tuple[CalibreEntry, ...]] = (
    _blank(
        *(
            "9 mm P.A.",
            "9 mm P.A.K.",
            "9x22 PA",
            "9x22 PAK",
            "9x22 PA Knall",
            "9x22",
            "9 mm P.A. Knall",
            "9 mm P.A. Blanc",
        ),
        *("9 mm P.A. blank", "9 mm P.A. rubber", "9 мм Р.А.", "9 мм Р.А.К.", "9 мм П.А."),
        usual=True,
    ),
    _blank("8 mm K", "8 mm Blanc", "8 mm Knall", "8 mm blank", "8x20", "8 mm alarm", "8 mm gas", "8 мм К"),
    _blank(
        *("9 mm R K", ".380 R K", "9 mm R Blanc", ".380 R Blanc", "9 mm R Knall", ".380 R Knall", ".380 Knall"),
        *("9 mm R blank", ".380 R blank", ".380 blank", "9x17R K", "9 мм Р К"),
    ),
    _blank(
        ".22 Long K", ".22 Long Blanc", ".22 Long Knall", ".22 lang Knall", ".22 Long blank", ".22 Knall", ".22 blank"
    ),
    _blank(".315 K", ".315 Blanc", ".315 Knall", ".315 blank"),
    _blank(".35 K", ".35 Blanc", ".35 Knall", ".35 blank"),
    _blank(".35 R K", ".35 R Blanc", ".35 R Knall", ".35 R blank"),
    _blank(".35 GR"),
    _blank("12 gauge K", "12 Blanc", "12 gauge blank", "12 Knall"),
    _blank("16 gauge K", "16 Blanc", "16 gauge blank", "16 Knall"),
    calibre(CalibreKind.BLANK_AND_ALARM, WIKI_GAS_PISTOL, ".45 Short K", ".45 Short Knall", ".45 Knall", ".45 blank"),
    _blank_to_check("6 mm Flobert K", "6 mm Flobert Knall", "6 mm Knall", "6 mm Flobert blank", "6 mm blank"),
    _less_lethal(".45 Rubber", ".45 резина"),
    _less_lethal("10x22T", "10x22 Т"),
    _less_lethal("10x28", "10x28Т", "10x28T"),
    _less_lethal("18x45T", "18x45", "18x45 Т"),
)

OTHERS: Final[tuple[CalibreEntry, ...]] = (*RIMFIRE, *SHOTGUN, *BLANK_AND_ALARM)
