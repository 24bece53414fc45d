"""What pages changed of a draft is merged by field; what two of them changed is left, and asked about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from exchange.flows.entry.draft_changes import Change, changes_of_form, merged
from exchange.flows.entry.draft_form import MAX_TYPED

FILE, GONE = "ab" * 16, "cd" * 16
HEADSTAMP, LOT = "exhibit.headstamp", "exhibit.cartridge_lot"
ROI = f"file.{FILE}.roi"

texts = some.sampled_from(["", "PPU", "S&B", "7 ", " 7"])
names = some.sampled_from([HEADSTAMP, LOT, ROI, "audience.MK"])
drafts = some.dictionaries(names, texts.map(str.strip).filter(bool))


def test_what_was_not_changed_stays() -> None:
    fields = {ROI: "breech_face", HEADSTAMP: "PPU"}
    assert merged(fields, {LOT: Change("", "7")}, [FILE]) == ({**fields, LOT: "7"}, {})
    assert merged(fields, {HEADSTAMP: Change("PPU", "")}, [FILE]) == ({ROI: "breech_face"}, {})


@pytest.mark.parametrize(
    ("change", "stands"),
    [
        (Change("PPU", "S&B"), True),
        (Change("", "S&B"), False),
        (Change("GFL", ""), False),
        (Change("GFL", "PPU"), True),
    ],
)
def test_what_was_changed_elsewhere_is_not_overwritten(change: Change, stands: bool) -> None:
    fields, elsewhere = merged({HEADSTAMP: "PPU"}, {HEADSTAMP: change, LOT: Change("", "7")}, [])
    assert fields[LOT] == "7", "beside it the rest is kept"
    assert elsewhere == ({} if stands else {HEADSTAMP: "PPU"})
    assert fields[HEADSTAMP] == (change.now if stands else "PPU")


def test_what_was_removed_elsewhere_is_asked_about_too() -> None:
    assert merged({}, {HEADSTAMP: Change("PPU", "S&B")}, []) == ({}, {HEADSTAMP: ""})


def test_what_the_form_has_not_is_dropped() -> None:
    changes = {
        f"file.{GONE}.roi": Change("", "breech_face"),
        "exhibit.__class__": Change("", "x"),
        LOT: Change("", "x" * (MAX_TYPED + 9)),
    }
    fields, elsewhere = merged({}, changes, [FILE])
    assert (set(fields), elsewhere) == ({LOT}, {})
    assert len(fields[LOT]) == MAX_TYPED


@given(stored=drafts, first=drafts, second=drafts)
def test_of_two_pages_nothing_is_lost(stored: dict[str, str], first: dict[str, str], second: dict[str, str]) -> None:
    """Both were drawn from the same draft, one is saved after the other: each change stands, or is asked about."""

    def changes(page: dict[str, str]) -> dict[str, Change]:
        names = {name for name in stored | page if stored.get(name, "") != page.get(name, "")}
        return {name: Change(stored.get(name, ""), page.get(name, "")) for name in names}

    once, nothing = merged(stored, changes(first), [FILE])
    twice, elsewhere = merged(once, changes(second), [FILE])
    assert (once, nothing) == (first, {})
    for name, change in changes(second).items():
        assert twice.get(name, "") == change.now or elsewhere[name] == first.get(name, "")
    for name, change in changes(first).items():
        assert twice.get(name, "") == change.now or name in changes(second)


def test_a_form_that_was_sent_whole_says_what_was_changed_on_it() -> None:
    drawn = {HEADSTAMP: "PPU", "audience.MK": "yes", "audience.ME": "yes", f"file.{FILE}.lighting": "none"}
    sent = {HEADSTAMP: "S&B", LOT: "", "audience.ME": "yes", "exhibit.kind": "crime_scene"}
    assert changes_of_form(sent, drawn) == {
        HEADSTAMP: Change("PPU", "S&B"),
        "audience.MK": Change("yes", ""),
        "exhibit.kind": Change("", "crime_scene"),
    }, "of an unticked box it says nothing; of what it does not show neither"
