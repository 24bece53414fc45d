"""What is added to the contract has a version, and a statement states the lowest one that has all that it uses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import AnyStatement, ContractError, NewerContract, parse_statement, statement_payload
from schemas.kinds import KINDS
from schemas.versions import ADDED, NEWEST, VERSIONS, is_newer, needed_version, stated_version
from tests.schemas.examples import (
    acquisition_fields,
    encoded,
    exhibit_fields,
    firearm_fields,
    fired_fields,
    record_fields,
)
from tests.schemas.statement_examples import custody_fields, statement_fields
from tests.schemas.write_contract import FIRST, names_of_the_contract

NEW_KINDS = {"action": "1.3", "onboarding": "1.3"}
"""Kinds that came after the first version, with the version that brought them."""


def test_each_addition_has_a_version_and_nothing_is_gone() -> None:
    first = set(json.loads(FIRST.read_text(encoding="utf-8")))
    now = names_of_the_contract()
    assert now - first - ADDED.keys() == set(), "give these a version in schemas.versions.ADDED"
    assert (first | ADDED.keys()) - now == set(), "the contract only grows: older nodes still say these"
    assert set(ADDED.values()) <= set(VERSIONS), "schemas.statement_base.ReadContract lists each version"
    assert list(VERSIONS) == sorted(VERSIONS, key=lambda version: tuple(map(int, version.split("."))))


@pytest.mark.parametrize(
    "kind", sorted(kind for kind, fields in statement_fields().items() if fields["contract"] == "1.0")
)
def test_a_statement_without_additions_has_the_bytes_that_the_first_release_reads(kind: str) -> None:
    assert stated_version(statement_payload(parse_statement(encoded(statement_fields()[kind])))) == "1.0"


@pytest.mark.parametrize(("kind", "version"), NEW_KINDS.items())
def test_a_kind_that_came_later_needs_the_version_that_brought_it(kind: str, version: str) -> None:
    assert stated_version(statement_payload(parse_statement(encoded(statement_fields()[kind])))) == version


def _record(**changes: Any) -> AnyStatement:
    return parse_statement(encoded(record_fields(**changes)))


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("Record.supersedes", lambda: _record(supersedes="ab" * 32)),
        ("Statement.nonce", _record),  # declared once, for all kinds
        ("Measurement.light_hour", lambda: _record(acquisitions=[acquisition_fields(lighting="side", light_hour=3)])),
        ("Record.type=record", _record),
        ("HandlingCode=H0", lambda: _record(handling={"code": "H0"})),
        ("Blob.media_type=application/x-x3p", _record),
        ("Jurisdiction=MK", lambda: _record(audience=["MK"])),
    ],
)
def test_a_statement_needs_the_version_of_what_it_uses(name: str, used: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field, a kind, a word of a vocabulary."""
    monkeypatch.setitem(ADDED, name, "1.10")
    monkeypatch.setitem(ADDED, "Record.type", "1.9")
    assert needed_version(used()) == "1.10"
    assert json.loads(statement_payload(used()))["contract"] == "1.10"


@pytest.mark.parametrize("name", ["Record.supersedes", "Hit.answers", "HandlingCode=H0", "Hit.type=hit"])
def test_what_a_statement_does_not_use_asks_nothing_of_its_reader(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADDED, name, "1.10")
    assert needed_version(_record(handling={"code": "H1"}, supersedes=None)) == "1.0"


def test_a_record_that_names_an_instrument_check_needs_the_version_that_brought_it() -> None:
    check = {"specimen": "SRM 2461-12", "checked_on": "2026-11-20", "warning": False, "digest": "cd" * 32}
    named = _record(contract="1.1", acquisitions=[acquisition_fields(instrument_check=check)])
    assert stated_version(statement_payload(named)) == "1.1"
    assert json.loads(statement_payload(named))["acquisitions"][0]["instrument_check"] == check
    without = json.loads(statement_payload(_record()))
    assert "instrument_check" not in without["acquisitions"][0], "a node of before reads it"
    assert without["contract"] == "1.0"


def test_versions_are_numbers() -> None:
    assert is_newer("1.10", "1.9")
    assert is_newer("2.0", "1.10")
    assert not is_newer("1.0", "1.0")
    assert not is_newer(NEWEST)


@pytest.mark.parametrize("changes", [{}, {"colour": "grey"}, {"type": "notice"}, {"level": "mirrored"}])
def test_what_states_a_newer_version_is_new_whatever_else_is_unknown_of_it(changes: dict[str, str]) -> None:
    with pytest.raises(NewerContract) as refused:
        parse_statement(encoded({**record_fields(contract="9.1"), **changes}))
    assert (refused.value.version, refused.value.reason) == ("9.1", "unknown-contract")
    assert "this node is older" in str(refused.value)


@pytest.mark.parametrize("stated", ["0.9", "1", "1.00", "01.1", "1.1.1", "-1.2", "1.1\n", "1.1000", 1.1, None, ["1.1"]])
def test_what_states_no_version_is_wrong_and_not_new(stated: object) -> None:
    with pytest.raises(ContractError) as refused:
        parse_statement(encoded(record_fields(contract=stated)))
    assert not isinstance(refused.value, NewerContract)


def test_the_kinds_that_are_told_are_those_that_are_read() -> None:
    assert set(KINDS) == statement_fields().keys() | {"record", "key-event"}


@pytest.mark.parametrize("name", ["item", "seal", "incident"])
def test_an_exhibit_with_its_number_needs_the_version_that_brought_it(name: str) -> None:
    numbered = json.loads(statement_payload(_record(contract="1.2", exhibit=exhibit_fields(**{name: "2"}))))
    assert (numbered["contract"], numbered["exhibit"][name]) == ("1.2", "2")
    assert name not in json.loads(statement_payload(_record()))["exhibit"], "a node of before reads it"


def test_a_test_fire_names_its_firearm() -> None:
    named = json.loads(statement_payload(_record(contract="1.2", exhibit=fired_fields())))
    assert named["contract"] == "1.2"
    assert named["exhibit"]["firearm"] == firearm_fields()
    other = fired_fields(firearm=firearm_fields(calibre="other", calibre_words="11 mm Werndl"))
    words = json.loads(statement_payload(_record(contract="1.2", exhibit=other)))["exhibit"]["firearm"]
    assert (words["calibre"], words["calibre_words"]) == ("other", "11 mm Werndl")


@pytest.mark.parametrize("step", ["sent", "received", "returned"])
def test_a_step_of_custody_is_read_by_who_knows_custody(step: str) -> None:
    said = json.loads(statement_payload(parse_statement(encoded(custody_fields(step)))))
    assert (said["contract"], said["seal"]) == ("1.2", "B 004711")
    agreed = parse_statement(encoded(statement_fields()["physical-comparison"]))
    assert stated_version(statement_payload(agreed)) == "1.0", "who agrees is understood by all"


def test_a_compendium_of_law_needs_the_version_that_brought_it() -> None:
    law = parse_statement(encoded(statement_fields()["law"]))
    assert stated_version(statement_payload(law)) == "1.3"
