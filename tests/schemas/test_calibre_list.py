"""The list of calibres and of pairs, as data: whole, without contradictions, and honest about its sources."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from schemas import Calibre, fold_calibre
from schemas.calibre import MAX_WRITTEN, _folded
from schemas.calibre_list import AMBIGUOUS, CALIBRES
from schemas.calibres.entry import CalibreEntry, CalibreKind
from schemas.calibres.pairs import PAIRS

DESIGNATIONS = {entry.designation: entry for entry in CALIBRES}

USUAL = {
    "9 mm Luger": ("9x19", "9x19 mm", "9 mm Parabellum", "9 mm Para", "9 Luger", "9x19 Parabellum", "9x19 Para"),
    "7.65 mm Browning": (".32 ACP", ".32 Auto", "7.65x17", "7.65 Browning", "7.65x17SR"),
    "9 mm Makarov": ("9x18", "9x18 mm", "9x18 Makarov", "9 Makarov"),
    "7.62x39": ("7.62x39 mm", "7.62 mm M43", "7.62x39 M43"),
    "7.62 mm Tokarev": ("7.62x25", "7.62x25 mm", "7.62x25 Tokarev", "7.62 Tokarev"),
    "9 mm Browning Court": (".380 ACP", ".380 Auto", "9x17", "9 mm Kurz", "9 mm Short", "9 mm Corto"),
    ".45 ACP": (".45 Auto", "11.43x23"),
    ".38 Special": (".38 Spl", "9x29R"),
    ".357 Magnum": (".357 Mag", "9x33R"),
    ".40 S&W": (".40 SW", "10x22"),
    "5.45x39": ("5.45x39 mm", "5.45 mm M74"),
    "5.56x45": ("5.56x45 mm", "5.56 NATO", ".223 Rem", ".223 Remington"),
    ".22 LR": (".22 Long Rifle", "5.6x15R"),
    "6.35 mm Browning": (".25 ACP", ".25 Auto", "6.35x16", "6.35 Browning"),
    "12 gauge": ("12 ga", "12/70", "12/76", "12 bore"),
    "9 mm P.A.": ("9 mm PA", "9 mm P.A.K.", "9 mm PAK", "9x22 PA", "9 mm P.A. Knall"),
    "unknown": ("not known",),
    "not_examined": (),
}
"""The usual calibres with what laboratories write for them most often."""


def test_each_designation_stands_once_and_is_a_word_of_the_wire() -> None:
    assert max(Counter(entry.designation for entry in CALIBRES).values()) == 1
    assert set(DESIGNATIONS) | {"other", "unknown", "not_examined"} == set(Calibre)
    assert {entry.kind for entry in CALIBRES} == set(CalibreKind)


@pytest.mark.parametrize(("designation", "synonyms"), USUAL.items())
def test_the_usual_calibres_are_read(designation: str, synonyms: tuple[str, ...]) -> None:
    assert {fold_calibre(name).value for name in (designation, *synonyms)} == {designation}


def test_no_spelling_leads_to_two_calibres() -> None:
    leads: dict[str, set[str]] = {}
    for entry in CALIBRES:
        for name in (entry.designation, *entry.synonyms):
            leads.setdefault(_folded(name), set()).add(entry.designation)
            if re.match(r"\d+\.\d+x\d", _folded(name)):  # is folded without its points as well
                leads.setdefault(_folded(name).replace(".", ""), set()).add(entry.designation)
    for name in AMBIGUOUS:
        for spelling in (_folded(name), _folded(name).removesuffix("mm")):
            leads.setdefault(spelling, set()).add(f"ambiguous: {name}")
    assert {spelling: found for spelling, found in leads.items() if len(found) > 1} == {}


@pytest.mark.parametrize("entry", CALIBRES, ids=lambda entry: entry.designation)
def test_designation_and_synonyms_are_folded_to_the_designation(entry: CalibreEntry) -> None:
    for name in (entry.designation, *entry.synonyms):
        for written in (name, name.upper(), name.replace(".", ","), f" {name} ", name.replace(" ", "-")):
            assert fold_calibre(written).value == entry.designation, written


def test_synonyms_are_no_mere_spelling_of_what_is_there() -> None:
    for entry in CALIBRES:
        spellings = [_folded(name) for name in (entry.designation, *entry.synonyms)]
        assert len(set(spellings)) == len(spellings), entry.designation


def test_texts_of_the_list_are_one_short_line() -> None:
    for entry in CALIBRES:
        for text in (entry.designation, *entry.synonyms):
            assert text == text.strip()
            assert text.isprintable()
            assert 0 < len(text) <= MAX_WRITTEN / 2
        assert len(entry.designation) <= 40, "what the page of a draft takes"


def test_only_a_decision_of_cip_or_a_law_verifies_a_designation() -> None:
    for entry in CALIBRES:
        assert entry.verified == bool(re.match(r"(C\.I\.P\. decisions|France:) .*https://", entry.source)), entry
    for pair in PAIRS:
        assert pair.verified == (pair.source is not None and "https://" in pair.source), pair
        assert pair.reason


def test_pairs_are_two_calibres_of_the_list_each_pair_once() -> None:
    pairs = [frozenset({pair.one, pair.other}) for pair in PAIRS]
    assert max(Counter(pairs).values()) == 1
    assert all(len(pair) == 2 and pair <= DESIGNATIONS.keys() for pair in pairs)


def test_what_is_ambiguous_names_two_calibres_or_more() -> None:
    assert all(len(set(choices)) == len(choices) >= 2 for choices in AMBIGUOUS.values())
    assert {choice for choices in AMBIGUOUS.values() for choice in choices} <= DESIGNATIONS.keys()
