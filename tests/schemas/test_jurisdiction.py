"""A jurisdiction is a code of two capital letters, whichever."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from schemas import AnyStatement, ContractError, parse_statement, statement_payload
from schemas.jurisdiction import FIRST_JURISDICTIONS, MAX_JURISDICTIONS, Jurisdiction
from schemas.record import Record
from tests.schemas.examples import encoded, of_node, record_fields
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
    record = _record(audience=["HR", "group-neighbours"], jurisdiction="RS")
    assert isinstance(record, Record)
    assert [type(name) for name in (record.jurisdiction, *record.audience)] == [Jurisdiction, Jurisdiction, str]
    for wrong in ("hr", "HRV", 3, None):
        with pytest.raises(ContractError) as refused:
            _record(jurisdiction=wrong)
        assert refused.value.reason == "invalid-field"


def _policy(**changes: Any) -> dict[str, Any]:
    return statement_fields()["policy"] | changes


def _basis(code: str) -> dict[str, Any]:
    (basis, *_) = statement_fields()["policy"]["bases"]
    found: dict[str, Any] = basis | {"jurisdiction": code}
    return found


@pytest.mark.parametrize(
    "fields",
    [
        record_fields(jurisdiction="HR"),
        record_fields(audience=["MK", "HR"]),
        statement_fields()["grant"] | {"jurisdiction": "HR"},
        statement_fields()["approval"] | {"jurisdiction": "HR"},
        _policy(groups=[{"name": "group-neighbours", "members": ["ME", "HR"]}]),
        _policy(bases=[_basis("HR")]),
        rotation_fields(**of_node("ffp-hr")),
    ],
    ids=["record", "audience", "grant", "approval", "group", "basis", "card"],
)
def test_any_code_is_read(fields: dict[str, Any]) -> None:
    """Which jurisdictions there are is data of the reader's node."""
    read = parse_statement(encoded(fields))
    assert parse_statement(statement_payload(read)) == read


def test_a_group_names_as_many_as_there_may_be() -> None:
    codes = [f"{a}{b}" for a in "QRSTUVWX" for b in "ABCDEFGH"]
    assert len(codes) == MAX_JURISDICTIONS

    def group(*members: str) -> bytes:
        return encoded(_policy(groups=[{"name": "group-all", "members": members}]))

    parse_statement(group(*codes))
    with pytest.raises(ContractError, match="at most 64 items"):
        parse_statement(group(*codes, "ZZ"))
