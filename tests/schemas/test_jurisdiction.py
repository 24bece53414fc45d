"""A jurisdiction is a code of two capital letters; one that came later needs the contract that made codes data."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from schemas import AnyStatement, ContractError, parse_statement, statement_payload
from schemas.jurisdiction import FIRST_JURISDICTIONS, MAX_JURISDICTIONS, Jurisdiction
from schemas.record import Record
from schemas.versions import is_newer, needed_version, stated_version
from tests.schemas.examples import encoded, record_fields
from tests.schemas.key_examples import rotation_fields
from tests.schemas.statement_examples import statement_fields


def test_a_code_is_a_text_and_one_object() -> None:
    hr = Jurisdiction("HR")
    assert (hr, f"{hr}", hr.lower(), json.dumps(hr)) == ("HR", "HR", "hr", '"HR"')
    assert isinstance(hr, str)
    assert hr is Jurisdiction(hr) is copy.deepcopy(hr) is pickle.loads(pickle.dumps(hr))  # noqa: S301 - our own bytes
    assert type(str(hr)) is str
    assert Jurisdiction("RS") is Jurisdiction.RS
    assert [*FIRST_JURISDICTIONS] == ["AL", "BA", "ME", "MD", "MK", "RS", "UA", "XK"]


@pytest.mark.parametrize("word", ["", "R", "rs", "RSX", "R5", "RS\n", " RS", "ЅR", None, 1])
def test_anything_else_is_refused(word: Any) -> None:
    with pytest.raises(ValueError, match="two capital letters"):
        Jurisdiction(word)


def _record(**changes: Any) -> AnyStatement:
    return parse_statement(encoded(record_fields(**changes)))


def test_what_is_read_has_the_type() -> None:
    record = _record(audience=["HR", "group-neighbours"], jurisdiction="RS", contract="1.2")
    assert isinstance(record, Record)
    assert [type(name) for name in (record.jurisdiction, *record.audience)] == [Jurisdiction, Jurisdiction, str]
    for wrong in ("hr", "HRV", 3, None):
        with pytest.raises(ContractError) as refused:
            _record(jurisdiction=wrong)
        assert refused.value.reason == "invalid-field"


@pytest.mark.parametrize("code", FIRST_JURISDICTIONS)
def test_the_first_releases_codes_need_nothing_new(code: str) -> None:
    assert needed_version(_record(audience=[code])) == "1.0"


def _policy(**changes: Any) -> dict[str, Any]:
    return statement_fields()["policy"] | changes


def _basis(code: str) -> dict[str, Any]:
    (basis, *_) = statement_fields()["policy"]["bases"]
    found: dict[str, Any] = basis | {"jurisdiction": code}
    return found


@pytest.mark.parametrize(
    "fields",
    [
        record_fields(jurisdiction="HR", contract="1.2"),
        record_fields(audience=["MK", "HR"], contract="1.2"),
        statement_fields()["grant"] | {"jurisdiction": "HR", "contract": "1.2"},
        statement_fields()["approval"] | {"jurisdiction": "HR", "contract": "1.2"},
        _policy(groups=[{"name": "group-neighbours", "members": ["ME", "HR"]}], contract="1.2"),
        _policy(bases=[_basis("HR")], contract="1.2"),
        rotation_fields() | {"jurisdiction": "HR", "contract": "1.2"},
    ],
    ids=["record", "audience", "grant", "approval", "group", "basis", "card"],
)
def test_a_later_code_needs_the_contract_that_made_codes_data(fields: dict[str, Any]) -> None:
    """So a node that reads 1.1 leaves it on the lane until it is upgraded, and refuses nothing."""
    said = parse_statement(encoded(fields))
    assert needed_version(said) == "1.2"
    assert stated_version(statement_payload(said)) == "1.2"
    assert is_newer("1.2", than="1.1")


def test_a_group_names_as_many_as_there_may_be() -> None:
    codes = [f"{a}{b}" for a in "QRSTUVWX" for b in "ABCDEFGH"]
    assert len(codes) == MAX_JURISDICTIONS

    def group(*members: str) -> bytes:
        return encoded(_policy(groups=[{"name": "group-all", "members": members}], contract="1.2"))

    parse_statement(group(*codes))
    with pytest.raises(ContractError, match="at most 64 items"):
        parse_statement(group(*codes, "ZZ"))
