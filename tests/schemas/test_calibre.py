"""Calibres: what laboratories write is folded to one designation; which cartridges one firearm may fire."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Calibre, ContractError, compatible_calibres, fold_calibre
from schemas.calibre import _BY_SYNONYM, _SYNONYMS, _folded


@pytest.mark.parametrize(
    ("written", "designation"),
    [
        ("9 mm Luger", Calibre.LUGER_9MM),
        ("9x19", Calibre.LUGER_9MM),
        ("9 mm Parabellum", Calibre.LUGER_9MM),
        ("7.65 mm Browning", Calibre.BROWNING_7_65),
        (".32 ACP", Calibre.BROWNING_7_65),
        ("9 mm Makarov", Calibre.MAKAROV_9MM),
        ("9x18", Calibre.MAKAROV_9MM),
        ("7.62x39", Calibre.M43_7_62X39),
        ("7.62 mm Tokarev", Calibre.TOKAREV_7_62),
        ("7.62x25", Calibre.TOKAREV_7_62),
        (".380 ACP", Calibre.BROWNING_COURT_9MM),
        ("9 mm Browning Court", Calibre.BROWNING_COURT_9MM),
        (".45 ACP", Calibre.ACP_45),
        (".38 Special", Calibre.SPECIAL_38),
        (".357 Magnum", Calibre.MAGNUM_357),
        (".40 S&W", Calibre.SW_40),
        ("5.45x39", Calibre.M74_5_45X39),
        ("5.56x45", Calibre.REM_223),
        (".223 Rem", Calibre.REM_223),
        (".22 LR", Calibre.LR_22),
        ("6.35 mm Browning", Calibre.BROWNING_6_35),
        (".25 ACP", Calibre.BROWNING_6_35),
        ("12 gauge", Calibre.GAUGE_12),
        ("9 mm P.A.", Calibre.PA_9MM),
        ("unknown", Calibre.UNKNOWN),
        ("not examined", Calibre.NOT_EXAMINED),
    ],
)
def test_designations_and_their_synonyms(written: str, designation: Calibre) -> None:
    assert fold_calibre(written) is designation


@pytest.mark.parametrize(
    "written",
    ["9X19", "9×19", "9 × 19 mm", "9mm luger", " 9 mm  PARA ", "9\N{CYRILLIC SMALL LETTER HA}19", "9\u00a0mm Luger"],
)
def test_spelling_does_not_matter(written: str) -> None:
    assert fold_calibre(written) is Calibre.LUGER_9MM


@pytest.mark.parametrize(
    ("written", "designation"),
    [
        ("380 ACP", Calibre.BROWNING_COURT_9MM),
        ("22LR", Calibre.LR_22),
        ("7,62 x 39", Calibre.M43_7_62X39),
        ("9mm PA", Calibre.PA_9MM),
    ],
)
def test_points_and_commas(written: str, designation: Calibre) -> None:
    assert fold_calibre(written) is designation


@pytest.mark.parametrize("written", ["9x91", "", "9", "9 mm", "9x19 Лугер", "x" * 100_000, "\ud800", "\u202e9x91"])
def test_what_is_not_known_is_refused(written: str) -> None:
    with pytest.raises(ContractError) as caught:
        fold_calibre(written)
    assert caught.value.reason == "unknown-calibre"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_refusal_names_what_is_near() -> None:
    with pytest.raises(ContractError, match=r"'9x91'.*Nearest: 9 mm Luger"):
        fold_calibre("9x91")


def test_no_synonym_stands_for_two_calibres() -> None:
    spellings = [_folded(name) for calibre in Calibre for name in {calibre.value, *_SYNONYMS[calibre]}]
    assert len(set(spellings)) == len(_BY_SYNONYM)
    for calibre in Calibre:
        for name in (calibre.value, *_SYNONYMS[calibre]):
            assert fold_calibre(name) is calibre


@given(st.text())
def test_any_text_is_folded_or_refused(text: str) -> None:
    known = _folded(text) in _BY_SYNONYM
    with nullcontext() if known else pytest.raises(ContractError, match="is not known"):
        assert fold_calibre(text) in Calibre


def test_compatible_is_symmetric_and_reflexive() -> None:
    for one, other in product(Calibre, Calibre):
        assert (other in compatible_calibres(one)) == (one in compatible_calibres(other)), (one, other)
    assert all(calibre in compatible_calibres(calibre) for calibre in Calibre)


@pytest.mark.parametrize("calibre", [Calibre.UNKNOWN, Calibre.NOT_EXAMINED])
def test_what_is_not_known_may_be_any(calibre: Calibre) -> None:
    assert compatible_calibres(calibre) == frozenset(Calibre)


def test_who_fires_what() -> None:
    assert Calibre.MAGNUM_357 in compatible_calibres(Calibre.SPECIAL_38)
    assert {Calibre.LUGER_9MM, Calibre.MAKAROV_9MM, Calibre.BROWNING_COURT_9MM} < compatible_calibres(Calibre.PA_9MM)
    assert Calibre.MAKAROV_9MM not in compatible_calibres(Calibre.LUGER_9MM)
    nothing_else = {Calibre.ACP_45, Calibre.UNKNOWN, Calibre.NOT_EXAMINED}
    assert compatible_calibres(Calibre.ACP_45) == nothing_else
