"""Calibres of pistols and of revolvers (C.I.P.: TAB IV), and what the region's older handguns fire."""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.calibres.entry import (
    CIP_2020,
    CIP_XXIV,
    FR_COLLECTION,
    NOT_CIP,
    SSUSA,
    WIKI_NAGANT,
    WOUNDS,
    CalibreEntry,
    CalibreKind,
    calibre,
    tab,
)

_TAB_IV: Final = tab("IV")
_pistol = partial(calibre, CalibreKind.PISTOL, CIP_XXIV)
_pistol_to_check = partial(calibre, CalibreKind.PISTOL, _TAB_IV)
_old_pistol = partial(calibre, CalibreKind.PISTOL, NOT_CIP)
_revolver = partial(calibre, CalibreKind.REVOLVER, CIP_XXIV)
_revolver_to_check = partial(calibre, CalibreKind.REVOLVER, _TAB_IV)
_nagant = partial(calibre, CalibreKind.REVOLVER, WIKI_NAGANT)
_old_revolver = partial(calibre, CalibreKind.REVOLVER, NOT_CIP)

_USUAL: Final = (
    _pistol(
        *("9 mm Luger", "9x19", "9 mm Parabellum", "9x19 Parabellum", "9x19 Luger", "9 mm NATO", "9x19 NATO"),
        usual=True,
    ),
    _pistol(
        *("7.65 mm Browning", ".32 ACP", ".32 Auto", "7.65x17", "7.65x17SR", "7.65x17 Browning"),
        *("7.65 mm Auto", "7.65 Br"),
        usual=True,
    ),
    _pistol(
        *("9 mm Makarov", "9x18", "9x18 Makarov", "9x18 PM", "9x18 PMM", "9 mm PM", "9x18 ПМ", "9 мм ПМ"),
        *("9 mm Makarow", "9x18 Makarow", "9 мм Макаров"),
        usual=True,
    ),
    _pistol(
        *("7.62 mm Tokarev", "7.62x25", "7.62x25 Tokarev", "7.62x25 TT", "7.62 mm TT", "7.62x25 ТТ", "7.62 мм ТТ"),
        usual=True,
    ),
    _pistol(
        *("9 mm Browning Court", ".380 ACP", ".380 Auto", "9x17", "9 mm Kurz", "9 mm Short", "9 mm Corto"),
        *(
            "9 mm kratki",
            "9 mm kratki Browning",
            "9 mm Browning kratki",
            "9 mm Browning Short",
            "9 mm Browning Kurz",
            "9x17 Browning",
            "9x17 Kurz",
            "9x17 Short",
        ),
        usual=True,
    ),
    _pistol(".45 ACP", ".45 Auto", "11.43x23", "11.43x23 ACP", usual=True),
    _revolver(
        *(".38 Special", "9x29R", "9.1x29R", ".38 S&W Special", ".38 Special Wad Cutter", ".38 Spec", ".38 Sp"),
        usual=True,
    ),
    _revolver(".357 Magnum", "9x33R", "9.1x33R", ".357 S&W Magnum", usual=True),
    calibre(CalibreKind.PISTOL, SSUSA, ".40 S&W", ".40", "10x22", usual=True),
    _pistol("6.35 mm Browning", "6.35", "6.35 mm", ".25 ACP", ".25 Auto", "6.35x16", "6.35x16SR", usual=True),
)

_PISTOLS: Final = (
    _pistol("5.45x18", "5.45x18 MPTs", "5.45x18 PSM", "5.45 mm PSM", "5.45x18 ПСМ", "5.45x18 МПЦ"),
    _pistol("7.65 mm Parabellum", ".30 Luger", "7.65x21", "7.65x21 Parabellum", "7.65 mm Luger", "7.65x22 Parabellum"),
    _pistol("9 mm Steyr", "9x23 Steyr", "9 mm Steyr M12", "9 mm Mannlicher-Steyr"),
    _pistol("9x21", "9x21 IMI", "9 mm IMI"),
    _pistol("9x22 MJR"),
    _pistol(".357 SIG", "9x22 SIG"),
    _pistol(".38 Super Auto", ".38 Super", "9x23SR", ".38 Super +P"),
    _pistol(".41 Action Express", ".41 AE", ".41 Act Exp"),
    _pistol(".45 HP"),
    calibre(CalibreKind.PISTOL, FR_COLLECTION, "4.25 mm Liliput", "4.25 mm Erika"),
    calibre(CalibreKind.PISTOL, FR_COLLECTION, "5 mm Clement", "5 mm Clément", "5 mm Charola"),
    calibre(CalibreKind.PISTOL, FR_COLLECTION, "6.5 mm Bergmann"),
    calibre(CalibreKind.PISTOL, FR_COLLECTION, "7.63 mm Mannlicher", "7.65 mm Mannlicher", "7.63x21 Mannlicher"),
    _pistol_to_check("4.6x30", "4.6x30 HK", "4.6 mm HK"),
    _pistol_to_check("5.7x28", "5.7x28 FN", "5.7 mm FN"),
    _pistol_to_check("7.5x27", "7.5 FK", "7.5x27 FK"),
    _pistol_to_check("7.63 mm Mauser", ".30 Mauser", "7.63x25", "7.63x25 Mauser"),
    _pistol_to_check("7.65 mm Longue", "7.65x20", "7.65x20 Longue", "7.65 mm MAS", "7.65 mm French Long"),
    _pistol_to_check("9 mm Browning Long", "9x20", "9x20SR", "9 mm Browning Lang", "9x20 Browning"),
    _pistol_to_check("9 mm Bergmann-Bayard", "9 mm Bayard", "9 mm Largo", "9x23 Largo", "9x23 Bergmann"),
    _pistol_to_check("9 mm Ultra", "9x18 Ultra", "9 mm Police", "9x18 Police"),
    _pistol_to_check("9x23 Winchester"),
    _pistol_to_check("9x25 Mauser", "9x25", "9 mm Mauser", "9 mm Mauser Export"),
    _pistol_to_check("9 mm Glisenti", "9x19 Glisenti"),
    _pistol_to_check("10 mm Auto", "10x25", "10x25 Auto"),
    _pistol_to_check(".45 GAP", ".45 Glock"),
    _pistol_to_check(".45 Winchester Magnum"),
    _pistol_to_check(".50 Action Express", ".50 AE", "12.7x33", "12.7x33RB"),
    _old_pistol("7.62 mm SP-4", "7.62x41", "7.62x41 SP-4", "7.62x42", "7.62x42 SP-4", "7.62x41 СП-4", "7.62 мм СП-4"),
    _old_pistol("8 mm Roth-Steyr", "8x18.5 Roth-Steyr", "8x19 Roth-Steyr", "8 mm Steyr M7"),
    _old_pistol("9x21 Gyurza", "9x21 SP-10", "9x21 СП-10", "9x21 Gjurza", "9x21 7N29"),
)

_REVOLVERS: Final = (
    _nagant(
        *("7.62 mm Nagant", "7.62x38", "7.62x38R", "7.62x38 Nagant"),
        *("7.62x38R Nagant", "Nagant", "7.62x38 Наган", "7.62 мм Наган", "Наган", "7.62 mm Nagan", "Nagan"),
    ),
    calibre(CalibreKind.REVOLVER, FR_COLLECTION, "5.5 mm Velo-Dog", "Velo-Dog", "5.75 mm Velo-Dog", "5.6 mm Velo-Dog"),
    calibre(CalibreKind.REVOLVER, CIP_2020, ".38 S&W", ".38 S&W Short", ".38/200", ".380/200", ".38 Colt New Police"),
    calibre(CalibreKind.REVOLVER, WOUNDS, ".32 S&W", ".32 S&W Short"),
    _revolver(".32 S&W Long", ".32 S&W Long NP", ".32 S&W Long Wad Cutter", ".32 Colt New Police"),
    _revolver(".41 Remington Magnum", ".41 Magnum"),
    _revolver(".44 Magnum", ".44 Remington Magnum", "10.9x33R", "11x33R"),
    _revolver(".44 Special", ".44 S&W Special"),
    _revolver(".45 Colt", ".45 Long Colt", ".45 LC"),
    _revolver("8 mm Gasser", "8x27R Gasser", "8 mm Rast-Gasser", "8 mm Rast & Gasser", "8 mm Rast und Gasser"),
    _revolver("8 mm Lebel", "8 mm Lebel revolver", "8x27R Lebel", "8 mm French Ordnance", "8 mm 1892"),
    calibre(CalibreKind.REVOLVER, SSUSA, ".454 Casull"),
    calibre(CalibreKind.REVOLVER, SSUSA, ".455 Webley", ".455 Eley", ".455 Colt", ".455 Webley Mk II"),
    _revolver_to_check(".32 H&R Magnum"),
    _revolver_to_check(".327 Federal Magnum", ".327 Federal"),
    _revolver_to_check(".38 Long Colt"),
    _revolver_to_check(".38 Short Colt"),
    _revolver_to_check(".44 S&W Russian", ".44 Russian"),
    _revolver_to_check(".45 Auto Rim"),
    _revolver_to_check(".450 Revolver", ".450 Adams", ".450 Short", ".450 Corto"),
    _revolver_to_check(".460 S&W Magnum", ".460 S&W"),
    _revolver_to_check(".500 S&W Magnum", ".500 S&W"),
    _revolver_to_check("7.5 mm Swiss Ordnance", "7.5 mm Nagant", "7.5 mm Ordonnanz 1882"),
    _revolver_to_check("10.4 mm Italian", "10.4 mm Bodeo", "10.35 mm Italian", "10.4 mm Italian Ordnance"),
    _revolver_to_check("10.6 mm German Ordnance", "10.6 mm Reichsrevolver", "10.6x25R"),
    _revolver_to_check(".320 Revolver", ".320 Short", ".320 Bulldog"),
    _revolver_to_check(".380 Revolver", ".380 Short", ".380 Bulldog"),
    _revolver_to_check(".442 Webley", ".442 RIC"),
    _old_revolver("11 mm French Ordnance", "11 mm 1873", "11 mm MAS 1873"),
    _old_revolver("11.3 mm Gasser", "11.3x36R", "11 mm Gasser", "11 mm Montenegrin", "11.3 mm Montenegrin"),
    _old_revolver("7 mm pinfire", "7 mm Lefaucheux"),
    _old_revolver("9 mm pinfire", "9 mm Lefaucheux"),
    _old_revolver("12 mm pinfire", "12 mm Lefaucheux"),
)

HANDGUNS: Final[tuple[CalibreEntry, ...]] = (*_USUAL, *_PISTOLS, *_REVOLVERS)
