"""What is added to the contract has a version, and a statement states the lowest one that has all that it uses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import AnyStatement, ContractError, NewerContract, parse_statement, statement_payload
from schemas.kinds import KINDS
from schemas.versions import ADDED, NEWEST, VERSIONS, is_newer, needed_version
from tests.schemas.examples import acquisition_fields, encoded, record_fields
from tests.schemas.statement_examples import statement_fields
from tests.schemas.write_contract import FIRST, names_of_the_contract


def test_each_addition_has_a_version_and_nothing_is_gone() -> None:
    first = set(json.loads(FIRST.read_text(encoding="utf-8")))
    now = names_of_the_contract()
    assert now - first - ADDED.keys() == set(), "before 0.1.0: make contract; then: schemas.versions.ADDED"
    assert (first | ADDED.keys()) - now == set(), "before 0.1.0: make contract; then the contract only grows"
    assert set(ADDED.values()) <= set(VERSIONS), "schemas.statement_base.ReadContract lists each version"
    assert list(VERSIONS) == sorted(VERSIONS, key=lambda version: tuple(map(int, version.split("."))))


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


def test_there_is_an_example_of_each_kind() -> None:
    assert set(KINDS) == statement_fields().keys() | {"record", "key-event"}
