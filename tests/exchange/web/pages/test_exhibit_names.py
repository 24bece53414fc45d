"""Two exhibits of one case are told apart wherever they are listed, and a case's exhibits stand by incident."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from exchange.flows.review.records import StoredRecord
from exchange.web.wording.exhibit_name import listed_name, record_name
from schemas import Record, parse_statement
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.schemas.examples import encoded, exhibit_fields, fired_fields, record_fields


@pytest.mark.parametrize(
    ("incident", "item", "name", "blind"),
    [
        (None, None, "RS-1", "RS-1"),
        (None, "3", "RS-1, item 3", "RS-1, item 3"),
        ("2", "3", "RS-1, incident 2, item 3", "RS-1, item 3"),
        ("2", None, "RS-1, incident 2", "RS-1"),
    ],
)
def test_the_name_of_an_exhibit(incident: str | None, item: str | None, name: str, blind: str) -> None:
    exhibit = StoredRecord(case_reference="RS-1", incident=incident, item=item)
    assert listed_name(exhibit) == name
    assert listed_name(exhibit, with_incident=False) == blind


def test_of_what_was_signed() -> None:
    record = parse_statement(encoded(record_fields(exhibit=fired_fields())))
    assert isinstance(record, Record)
    assert record_name(record) == "RS-2026-0001, incident 2, item K-2/1"


@pytest.mark.slow
def test_two_exhibits_of_one_case_are_told_apart(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    for incident, item in (("2", "3"), ("1", "1"), (None, "9")):
        stated = {"incident": incident, "item": item}
        named = {name: value for name, value in stated.items() if value is not None}
        made = node.submit(tiny_scan(), case_reference="TWO-OF-ONE", exhibit=exhibit_fields(**named))
        assert made.status_code == 201, made.text
    person = signed_in(Role.INVESTIGATOR)
    listed = person.get("/app/search?case_reference=TWO-OF-ONE").text
    for name in ("TWO-OF-ONE, incident 2, item 3", "TWO-OF-ONE, incident 1, item 1", "TWO-OF-ONE, item 9"):
        assert name in listed
    case = person.get("/app/cases/RS/TWO-OF-ONE").text
    assert re.findall(r"<h3>([^<]+)</h3>", case) == ["No incident named", "Incident 1", "Incident 2"]
    answers = node.get("/v1/records", params={"case_reference": "TWO-OF-ONE"}).json()["items"]
    assert [(answer["incident"], answer["item"]) for answer in answers] == [(None, "9"), ("1", "1"), ("2", "3")]
