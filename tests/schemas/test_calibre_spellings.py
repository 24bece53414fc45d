"""Seventy calibres of all kinds, the most usual first, each as laboratories of the region write it: by hand, not from
the list."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from schemas import fold_calibre
from schemas.calibre_list import CALIBRES
from schemas.calibres.entry import CalibreKind

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
    ".32 S&W": ("32 S&W", ".32 Smith & Wesson", "32 SW", ".32 S & W", ".32 S+W Short"),
    ".44 Special": ("44 Spl", ".44 S&W Special", "44 SPECIAL", ".44 S & W Spl.", "cal .44 Special"),
    ".41 Remington Magnum": (".41 Mag", "41 Rem. Mag.", ".41 Rem Magnum", "41 MAGNUM", "kal. .41 Magnum"),
    "8 mm Gasser": ("8 mm Rast-Gasser", "8x27R Gasser", "8mm Gasser", "8 мм Gasser", "8×27 R Gasser"),
    "11.3 mm Gasser": ("11,3 mm Gasser", "11.3x36R", "11,3×36 R", "11 mm Montenegrin", "11.3 х 36 R"),
    ".455 Webley": ("455 Webley", ".455 Eley", ".455 Webley Mk. II", "455 Colt", "cal. .455 Webley"),
    ".380 Revolver": (".380 Short", "380 Revolver", ".380 Bulldog", "380 bulldog", ".380-Revolver"),
    "7 mm pinfire": ("7mm Lefaucheux", "7 mm Pinfire", "7 мм Lefaucheux", "kal. 7 mm Lefaucheux", "7 MM PINFIRE"),
    "5.45x18": ("5,45x18", "5,45 х 18", "5.45 mm PSM", "5,45×18 ПСМ", "545x18"),
    "9 mm Ultra": ("9x18 Ultra", "9mm Police", "9 х 18 Ultra", "9 mm ULTRA", "9×18 Police"),
    "9 mm Browning Long": ("9x20 SR", "9mm Browning Long", "9 mm Browning lang", "9×20 Browning", "9 х 20"),
    "9 mm Steyr": ("9x23 Steyr", "9mm Steyr", "9 mm Steyr M 12", "9×23 Steyr", "9 мм Steyr"),
    "9x21": ("9 х 21", "9×21 IMI", "9x21mm IMI", "9 mm IMI", "9*21"),
    "10 mm Auto": ("10x25", "10mm Auto", "10 х 25", "10 mm Automatic", "10×25 mm"),
    ".357 SIG": ("357 SIG", ".357 Sig", "9x22 SIG", "357sig", "cal .357 SIG"),
    "5.7x28": ("5,7x28", "5.7×28 mm FN", "5,7 х 28", "57x28", "5.7mm FN"),
    "7.5x55 Swiss": ("7,5x55", "7.5×55 GP11", "7,5 х 55 Swiss", "75x55", "7.5 x 55 mm Swiss"),
    "7.92x33": ("7,92x33", "8 mm Kurz", "7.92×33 Kurz", "7,92 х 33", "792x33"),
    ".303 British": ("303 Brit", ".303", "7,7x56R", "303 British", ".303 british"),
    "8x56R": ("8x56 R", "8×56R", "8 х 56 Р", "8x56R Mannlicher", "8x56 R Hungarian"),
    "8x50R Mannlicher": ("8×50R Mannlicher", "8 x 50 R Mannlicher", "8х50R Mannlicher", "8x50 Mannlicher", "8x50R M93"),
    "9.3x62": ("9,3x62", "9,3 х 62", "9.3×62 mm", "93x62", "9,3*62"),
    ".338 Lapua Magnum": ("338 Lapua", ".338 Lapua Mag.", "338 LM", "8,6x70", "338 Lapua Magnum"),
    "6 mm Flobert": (".22 BB Cap", "6mm Flobert", "22 BB", "6 мм Flobert", "kal. 6 mm Flobert"),
    ".17 HMR": ("17 HMR", ".17 Hornady Magnum Rimfire", "4,5x27R", ".17 hmr", "cal .17 HMR"),
    "28 gauge": ("28/70", "28 ga", "kal. 28 x 70", "28 bore", "28х65"),
    "32 gauge": ("32/70", "32 ga.", "32×65", "32 bore", "кал. 32 х 70"),
    ".22 Long K": (".22 Long Knall", "22 long blank", "22 lang Knall", "22 Long K", ".22 Knall"),
    "6 mm Flobert K": ("6mm Flobert Knall", "6 mm Knall", "6 мм blank", "6 mm Flobert blank", "6 mm FLOBERT KNALL"),
    "10x28": ("10 х 28", "10×28", "10x28 T", "10x28 mm", "10*28"),
}


@pytest.mark.parametrize(
    ("written", "designation"),
    [(written, designation) for designation, spellings in SPELLINGS.items() for written in spellings],
)
def test_a_usual_spelling_is_folded(written: str, designation: str) -> None:
    assert fold_calibre(written).value == designation


@pytest.mark.parametrize(
    ("written", "designation"),
    [
        ("M43", "7.62x39"),
        ("m 43", "7.62x39"),
        ("nagan", "7.62 mm Nagant"),
        ("7,62 Nagan", "7.62 mm Nagant"),
        ("38 spec.", ".38 Special"),
        ("38sp", ".38 Special"),
        ("7,65 Br.", "7.65 mm Browning"),
    ],
)
def test_a_short_word_of_the_bench_is_folded(written: str, designation: str) -> None:
    assert fold_calibre(written).value == designation


def test_seventy_calibres_of_all_kinds_are_written_in_five_ways() -> None:
    assert len(SPELLINGS) == 70
    assert all(len(set(spellings)) == 5 for spellings in SPELLINGS.values())
    kinds = Counter(entry.kind for entry in CALIBRES if entry.designation in SPELLINGS)
    assert set(kinds) == set(CalibreKind)
    assert min(kinds.values()) >= 5


def test_the_spellings_are_no_copy_of_the_list() -> None:
    listed = {name for entry in CALIBRES for name in (entry.designation, *entry.synonyms)}
    by_hand = [written for spellings in SPELLINGS.values() for written in spellings]
    assert sum(written not in listed for written in by_hand) > len(by_hand) / 2
    assert sum("," in written for written in by_hand) >= 30
    assert sum("×" in written for written in by_hand) >= 20
    assert sum(bool(re.search("[а-яА-Я]", written)) for written in by_hand) >= 30
