"""The table of conditions is complete: each has a column, a REST parameter and a field, and each finds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from operator import attrgetter

import pytest

from exchange.record_filter import CONDITIONS
from exchange.store.entry.records import record_columns
from exchange.store.tables.records import BreechFaceClassRow, RecordRow
from exchange.web.openapi import openapi_document
from exchange.web.pages.search import FIELDS
from schemas import Record, parse_statement
from schemas.vocabulary import Role
from tests.exchange.conftest import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.schemas.examples import encoded, exhibit_fields, record_fields

IN_CODE = {
    "calibre": (RecordRow.calibre, "9x19", "12 ga"),
    "municipality": (RecordRow.place, "ниш", "Novi Sad"),
    "earliest": (RecordRow.latest, "2026-03-02", "2026-03-03"),
    "latest": (RecordRow.earliest, "2026-03-01", "2026-02-28"),
    "breech_face": (BreechFaceClassRow.breech_face_class, "granular", "parallel"),
}
"""Of the conditions that the store has code for: the column asked, a value that fits the example, one that does not."""


def example() -> Record:
    record = parse_statement(encoded(record_fields()))
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_has_a_column_a_parameter_and_a_field(name: str) -> None:
    where = CONDITIONS[name].equals
    assert (where is None) == (name in IN_CODE)
    if where is not None:
        stated = attrgetter(where)(example())
        assert stated is not None
        assert record_columns(example())[name] == stated
        assert name in RecordRow.__table__.columns
    parameters = json.loads(openapi_document())["paths"]["/v1/records"]["get"]["parameters"]
    assert name in {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    assert FIELDS[name].label


@pytest.mark.slow
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_finds_what_fits_and_nothing_else(
    node: RunningNode, signed_in: Callable[[Role], Person], name: str
) -> None:
    made = node.submit(tiny_scan(), case_reference=record_fields()["case_reference"], exhibit=exhibit_fields())
    statement = made.json()["statement_id"]
    person = signed_in(Role.INVESTIGATOR)
    for value, fits in zip(values(name), (True, False), strict=True):
        listed = node.get("/v1/records", Role.INVESTIGATOR, params={name: value, "limit": 1}).json()["items"]
        assert (statement in {item["statement_id"] for item in listed}) == fits
        shown = person.http.get(f"{node.url}/app/search", params={name: value}).text
        assert (statement in shown) == fits
        assert re.search(rf'<(select|input)[^>]* name="{name}"', shown)


def values(name: str) -> tuple[str, str]:
    """One that fits the example, and one that does not."""
    where = CONDITIONS[name].equals
    if where is None:
        return IN_CODE[name][1:]
    stated = str(attrgetter(where)(example()))
    others = [str(option) for option in FIELDS[name].options] or ["something else"]
    return stated, next(other for other in others if other != stated)
