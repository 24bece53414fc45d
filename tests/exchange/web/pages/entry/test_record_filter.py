"""The table of conditions is complete: each has a REST parameter and a field, and each finds at both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from exchange.record_filter import CONDITIONS, ConditionGroup
from exchange.web.openapi import openapi_document
from exchange.web.pages.entry.search_form import FIELDS
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.schemas.examples import exhibit_fields, record_fields

FITS: dict[str, tuple[str, str]] = {
    "calibre": ("9x19", "12 ga"),
    "jurisdiction": ("RS", "MK"),
    "case_reference": ("rs-2026", "RS-2025"),
    "item": ("3", "13"),
    "offence": ("robbery", "threat"),
    "municipality": ("ниш", "Novi Sad"),
    "earliest": ("2026-03-02", "2026-03-03"),
    "breech_face": ("granular", "parallel"),
    "headstamp": ("ппу", "SB"),
    "make": ("застава", "CZ"),
    "converted": ("no", "yes"),
    "ejector_hour": ("8", "9"),
    "roi": ("breech_face", "ejector_mark"),
    "level": ("full", "search"),
    "audience": ("MK", "AL"),
    "retention_until": ("2036-12-31", "2036-12-30"),
    "empty": ("seal", "item"),
    "filled": ("item", "seal"),
}
"""A value that fits the example, and one that does not. Every condition is tried on the store
(``tests/exchange/store/entry/test_search.py``)."""


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_has_a_parameter_and_a_field(name: str) -> None:
    parameters = json.loads(openapi_document())["paths"]["/v1/records"]["get"]["parameters"]
    assert name in {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    assert FIELDS[name].label


def test_few_conditions_stand_first_and_each_group_has_some() -> None:
    first = [field for field in FIELDS.values() if field.group is ConditionGroup.USUAL]
    assert list(FIELDS.values())[: len(first)] == first
    assert len(first) < 10
    assert {field.group for field in FIELDS.values()} == set(ConditionGroup)


@pytest.mark.slow
def test_conditions_find_what_fits_and_nothing_else(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    made = node.submit(
        tiny_scan(),
        case_reference=record_fields()["case_reference"],
        exhibit=exhibit_fields(item="K-3"),
        level="full",
        audience=["MK"],
        retention_until="2036-12-31",
    )
    statement = made.json()["statement_id"]
    person = signed_in(Role.INVESTIGATOR)
    for name, values in FITS.items():
        for value, fits in zip(values, (True, False), strict=True):
            listed = node.get("/v1/records", Role.INVESTIGATOR, params={name: value, "limit": 1}).json()["items"]
            assert (statement in {item["statement_id"] for item in listed}) == fits, (name, value)
            shown = person.http.get(f"{node.url}/app/search", params={name: value}).text
            assert (f"/app/records/{statement}" in shown) == fits, (name, value)
            assert re.search(rf'<(select|input)[^>]* name="{name}"', shown)


@pytest.mark.slow
def test_a_list_comes_several_times_and_its_names_are_known(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    made = node.submit(tiny_scan(), exhibit=exhibit_fields(item="7"))
    statement = made.json()["statement_id"]
    asked = "filled=item&filled=headstamp&empty=seal&empty=firearm"
    listed = node.get(f"/v1/records?{asked}&limit=1", Role.INVESTIGATOR).json()["items"]
    assert [item["statement_id"] for item in listed] == [statement]
    refused = node.get("/v1/records?empty=serial", Role.INVESTIGATOR)
    assert refused.status_code == 422
    assert "there is no field 'serial'" in refused.text
    person = signed_in(Role.INVESTIGATOR)
    shown = person.get(f"/app/search?{asked}").text
    assert f"/app/records/{statement}" in shown
    assert "/app/search?empty=firearm&amp;filled=item&amp;filled=headstamp" in shown, "without one of several"
    (row,) = node.get(
        "/v1/audit", Role.AUDITOR, params={"actor": person.pseudonym, "act": "search-records", "limit": 1}
    ).json()["items"]
    assert '"filled": "item, headstamp"' in row["asked"]


@pytest.mark.slow
def test_what_is_asked_is_shown_its_group_is_open_and_what_was_found_is_counted(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    for item in ("1", "2"):
        made = node.submit(tiny_scan(), case_reference="CHIPS-1", exhibit=exhibit_fields(item=item, headstamp="CHIP"))
        assert made.status_code == 201, made.text
    person = signed_in(Role.INVESTIGATOR)
    shown = person.get("/app/search?case_reference=CHIPS&headstamp=chip").text
    assert 'href="/app/search?case_reference=CHIPS"' in shown, "without the headstamp"
    opened = re.findall(r'<details class="more"( open)?><summary>([^<]+)', shown)
    assert [group for is_open, group in opened if is_open] == [ConditionGroup.EXHIBIT.value]
    assert re.search(r">2 of \d+ records fit\.<", shown)
    assert re.search(r'robbery</td><td class="number">2</td>', shown)
    assert re.search(r'2026-03</td><td class="number">2</td>', shown)
