"""The forty most usual calibres, each as laboratories of the region write it: by hand, not from the list."""

from __future__ import annotations

import pytest

from schemas import fold_calibre

SPELLINGS = {
    "9 mm Luger": ("9x19", "9 х 19", "9mm Para", "9 MM PARABELLUM", "9×19 mm Luger"),
    "7.65 mm Browning": (".32 ACP", "7,65 Browning", "7.65 x 17 SR", "32 auto", "cal. 7,65 mm Browning"),
    "9 mm Makarov": ("9x18", "9х18 ПМ", "9 мм Макаров", "9 mm PM", "9 x 18 mm Makarov"),
    "7.62x39": ("7,62 х 39", "7.62X39mm", "7,62 mm M43", "762x39", "7.62*39"),
    "7.62 mm Tokarev": ("7,62x25", "7.62 х 25 ТТ", "7.62 Tokarev", "7.62x25mm Tokarev", "7,62 мм ТТ"),
    "9 mm Browning Court": (".380 ACP", "9x17", "9 mm kratki Browning", "9mm Kurz", "380 Auto"),
    ".45 ACP": ("45 ACP", ".45 Auto", "11,43x23", "45acp", "cal .45 Automatic"),
    ".38 Special": ("38 Spl.", ".38 special", "38 SPECIAL", "9x29 R", ".38 Spl Wad Cutter"),
    ".357 Magnum": ("357 Mag", ".357 Mag.", "357 MAGNUM", "9x33R", ".357-Magnum"),
    ".40 S&W": ("40 S&W", ".40 SW", ".40 Smith & Wesson", "10x22", "40S&W"),
    "5.45x39": ("5,45 х 39", "5.45x39 mm", "545x39", "5,45 mm M74", "5.45×39"),
    "5.56x45": (".223 Rem", "5,56x45 NATO", "223 Remington", "5.56 NATO", "5,56 х 45"),
    ".22 LR": ("22LR", ".22 Long Rifle", ".22 l.r.", "5,6x15R", "22 lfB"),
    "6.35 mm Browning": (".25 ACP", "6,35 Browning", "6.35mm", "25 Auto", "6,35 х 16"),
    "12 gauge": ("12 ga", "12/70", "12х76", "kal. 12", "12 bore"),
    "9 mm P.A.": ("9mm PA", "9 мм Р.А.", "9 mm P.A.K.", "9 mm PAK", "9x22 PA Knall"),
    "7.62x54R": ("7,62 х 54 R", "7.62x54", "7,62х54Р", "7.62×54mmR", "7,62 mm Mosin-Nagant"),
    "7.62 mm Nagant": ("7,62x38R", "7.62 Nagant", "7,62 мм Наган", "Nagant", "7.62x38 mm R"),
    ".308 Winchester": (".308 Win", "7,62x51", "7.62x51 NATO", "308 win.", "7.62 mm NATO"),
    ".30-06 Springfield": ("30-06", ".30-06 Spring.", "7,62x63", "30-06 Sprg", "3006 Springfield"),
    "8x57 IS": ("7,92x57", "8x57 JS", "8 mm Mauser", "7.92 Mauser", "8 х 57 IS"),
    "16 gauge": ("16/70", "16 ga", "16x65", "kal 16", "16 Gauge"),
    "20 gauge": ("20/76", "20 ga.", "20 bore", "cal. 20", "20x70"),
    ".410 bore": (".410", "410 bore", "36 gauge", ".410/76", "410 ga"),
    "8 mm K": ("8mm Knall", "8 mm blank", "8x20", "8 mm Blanc", "8 мм К"),
    "9 mm R K": (".380 R Knall", "9 mm R Blanc", "380 R blank", "9mm RK", ".380 Knall"),
    ".22 WMR": (".22 Win. Mag.", "22 Magnum", "22 WMR", ".22 Winchester Magnum RF", "5,6x27R"),
    ".22 Short": ("22 short", ".22 kurz", ".22 Court", "22 Corto", "5,6x11R"),
    ".44 Magnum": (".44 Rem. Mag.", "44 Mag", "44 Remington Magnum", ".44 MAGNUM", "10,9x33R"),
    ".45 Colt": (".45 Long Colt", "45 LC", "45 Colt", ".45 colt", "cal. .45 Colt"),
    ".32 S&W Long": ("32 S&W Long", ".32 Smith & Wesson Long", "32 SW Long", ".32 S&W long NP", ".32 S+W Long"),
    ".38 S&W": ("38 S&W", ".38 Smith & Wesson", ".38/200", "38 SW", ".38 S & W Short"),
    "7.65 mm Parabellum": (".30 Luger", "7,65x21", "7.65 Para", "7,65 mm Luger", "7.65 х 21 Parabellum"),
    "7.63 mm Mauser": ("7,63x25", "7.63 Mauser", "30 Mauser", "7,63 х 25 Mauser", "7.63mm Mauser"),
    "9x39": ("9 х 39", "9x39 mm", "9×39", "9х39 СП-5", "9 x 39 SP-5"),
    ".50 Browning": (".50 BMG", "12,7x99", "50 BMG", "12.7 х 99 NATO", "12,7*99 mm"),
    "12.7x108": ("12,7х108", "12.7 x 108 mm", "12.7×108", "127x108", "12,7x108 ДШК"),
    ".300 Winchester Magnum": (".300 Win. Mag.", "300 Win Mag", "300 WM", ".300 Winchester Mag", "7,62x67"),
    "6.5x55 SE": ("6,5x55", "6.5 x 55 Swedish", "6.5x55mm", "6,5 х 55 SE", "65x55"),
    ".243 Winchester": ("243 Win", ".243", ".243 Win.", "243 WINCHESTER", "6,2x52"),
}


@pytest.mark.parametrize(
    ("written", "designation"),
    [(written, designation) for designation, spellings in SPELLINGS.items() for written in spellings],
)
def test_a_usual_spelling_is_folded(written: str, designation: str) -> None:
    assert fold_calibre(written).value == designation


def test_forty_calibres_are_written_in_five_ways() -> None:
    assert len(SPELLINGS) == 40
    assert all(len(set(spellings)) == 5 for spellings in SPELLINGS.values())
