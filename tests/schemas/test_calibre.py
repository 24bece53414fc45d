"""Calibres: what laboratories write is folded to one designation; which cartridges one firearm may fire."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Calibre, ContractError, compatible_calibres, fold_calibre


@pytest.mark.parametrize(
    ("written", "designation"),
    [
        ("9 mm Luger", Calibre.LUGER_9MM),
        ("9 Luger", Calibre.LUGER_9MM),
        (".32 ACP", Calibre.BROWNING_7_65),
        ("9x18", Calibre.MAKAROV_9MM),
        (".45 Auto", Calibre.ACP_45),
        ("12 ga", Calibre.GAUGE_12),
        ("9 mm P.A.", Calibre.PA_9MM),
        ("other", Calibre.OTHER),
        ("unknown", Calibre.UNKNOWN),
        ("not known", Calibre.UNKNOWN),
        ("not examined", Calibre.NOT_EXAMINED),
        ("NOT_EXAMINED", Calibre.NOT_EXAMINED),
        ("Drugo", Calibre.OTHER),
        ("kalibar: ostalo", Calibre.OTHER),
        ("ДРУГО", Calibre.OTHER),
        ("tjetër", Calibre.OTHER),
        ("nepoznat kalibar", Calibre.UNKNOWN),
        ("не е испитано", Calibre.NOT_EXAMINED),
    ],
)
def test_calibres_of_the_first_release_and_the_words(written: str, designation: Calibre) -> None:
    assert fold_calibre(written) is designation


@pytest.mark.parametrize(
    "written",
    [
        *("9X19", "9×19", "9 × 19 mm", "9mm luger", " 9 mm  PARA ", "9\N{CYRILLIC SMALL LETTER HA}19", "9*19"),
        *("9\u00a0mm Luger", "cal. 9x19", "kalibar 9x19", "калібр 9х19 мм", "9-mm-Luger", "9x19 cal"),
    ],
)
def test_spelling_does_not_matter(written: str) -> None:
    assert fold_calibre(written) is Calibre.LUGER_9MM


def test_a_calibre_of_the_list_has_its_designation_as_name() -> None:
    assert fold_calibre("7,62 х 54 R") is Calibre["7.62x54R"] is Calibre("7.62x54R")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("9 mm", ("9 mm Luger", "9 mm Makarov", "9 mm Browning Court", "9 mm P.A.")),
        ("9", ("9 mm Luger", "9 mm Makarov")),
        ("9мм", ("9 mm Luger", "9 mm Makarov")),
        ("7.62", ("7.62x39", "7.62 mm Tokarev", "7.62x54R", "7.62 mm Nagant")),
        ("7,62 mm", ("7.62x39", "7.62x54R")),
        ("cal. 7,65", ("7.65 mm Browning", "7.65 mm Parabellum")),
        ("5,45", ("5.45x39", "5.45x18")),
        ("22", (".22 LR", ".22 Short")),
        (".38", (".38 Special", ".38 S&W")),
        ("8x50 R", ("8x50R Mannlicher", "8x50R Lebel")),
        ("9 mm Browning", ("9 mm Browning Court", "9 mm Browning Long")),
    ],
)
def test_an_ambiguous_word_is_refused_and_its_meanings_are_named(written: str, named: tuple[str, ...]) -> None:
    with pytest.raises(ContractError, match="is ambiguous: it may be") as caught:
        fold_calibre(written)
    assert caught.value.reason == "unknown-calibre"
    for designation in named:
        assert designation in str(caught.value)


BAD = [
    *("9x91", "", "  ", ".", "9x19 Лугер", "x" * 81, "x" * 100_000, "9x19" * 5_000, "\ud800", "\u202e9x91", "9\x0091"),
    *("9x19\nunknown-caliber", "12 mm", "20 mm", "<script>alert(1)</script>", "'; DROP TABLE record; --", "{{7*7}}"),
    *("../../9x19", "=9x19+1", "9x19 %s", "\N{FULLWIDTH DIGIT NINE}x91", "9" * 80, "-", "mm", "cal."),
]


@pytest.mark.parametrize("written", BAD, ids=range(len(BAD)))
def test_what_is_not_known_is_refused_in_words(written: str) -> None:
    with pytest.raises(ContractError, match="is not known") as caught:
        fold_calibre(written)
    assert caught.value.reason == "unknown-calibre"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_refusal_names_what_is_near() -> None:
    with pytest.raises(ContractError, match=r"'9x91'.*Nearest: 9 mm Luger"):
        fold_calibre("9x91")
    with pytest.raises(ContractError, match=r"'7,62x55R'.*Nearest: .*7\.62x54R"):
        fold_calibre("7,62x55R")
    with pytest.raises(ContractError, match="is not known") as caught:
        fold_calibre("others")
    assert "Nearest: other" not in str(caught.value), "a word is no calibre"


@given(st.text())
def test_any_text_is_folded_or_refused(text: str) -> None:
    outcome = _outcome(text)
    if isinstance(outcome, ContractError):
        assert outcome.reason == "unknown-calibre"
        assert str(outcome).isprintable()
    else:
        assert outcome in Calibre


def _outcome(text: str) -> Calibre | ContractError:
    try:
        return fold_calibre(text)
    except ContractError as error:
        return error


def test_compatible_is_symmetric_and_reflexive() -> None:
    beside = {calibre: compatible_calibres(calibre) for calibre in Calibre}
    for one, other in product(Calibre, Calibre):
        assert (other in beside[one]) == (one in beside[other]), (one, other)
    assert all(calibre in beside[calibre] for calibre in Calibre)


@pytest.mark.parametrize("calibre", [Calibre.UNKNOWN, Calibre.NOT_EXAMINED])
def test_what_is_not_known_may_be_any(calibre: Calibre) -> None:
    assert compatible_calibres(calibre) == frozenset(Calibre)


def _beside(designation: str) -> set[str]:
    return {item.value for item in compatible_calibres(Calibre(designation))} - {"unknown", "not_examined", designation}


def test_who_fires_what() -> None:
    assert ".357 Magnum" in _beside(".38 Special")
    assert {"9 mm Luger", "9 mm Makarov", "9 mm Browning Court"} < _beside("9 mm P.A.")
    assert {"7.65 mm Browning", "6.35 mm Browning"} == _beside("8 mm K")
    assert ".22 Short" in _beside(".22 LR")
    assert ".44 Special" in _beside(".44 Magnum")
    assert "9 mm Makarov" not in _beside("9 mm Luger")
    assert _beside("7.62x39") == _beside("7.62x54R") == _beside("other") == set()


def test_a_laboratory_may_know_of_more_pairs() -> None:
    extra = [frozenset({"7,62x39", "5.45x39"}), frozenset({"9 mm Para", ".40 SW", ".45 ACP"})]
    ak = compatible_calibres(Calibre.M43_7_62X39, extra)
    assert ak - compatible_calibres(Calibre.M43_7_62X39) == {Calibre.M74_5_45X39}
    assert {Calibre.SW_40, Calibre.ACP_45} < compatible_calibres(Calibre.LUGER_9MM, iter(extra))
    assert compatible_calibres(Calibre.LR_22, extra) == compatible_calibres(Calibre.LR_22)
    assert compatible_calibres(Calibre.UNKNOWN, extra) == frozenset(Calibre)


@pytest.mark.parametrize("wrong", ["9x91", "9 mm", ""])
def test_a_pair_of_what_is_no_calibre_is_refused(wrong: str) -> None:
    with pytest.raises(ContractError, match=r"is not known|is ambiguous"):
        compatible_calibres(Calibre.UNKNOWN, [frozenset({"9x19", wrong})])
