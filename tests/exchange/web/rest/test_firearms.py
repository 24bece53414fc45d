"""Firearms by REST: entered, named by test fires, changed, removed; the serial number never leaves."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan
from tests.exchange.web.rest.test_audit import Rows, rows
from tests.schemas.examples import firearm_fields

pytestmark = pytest.mark.slow

__all__ = ["rows"]

SERIAL = "synthetic 4711"


def ask(node: RunningNode, method: str, path: str, role: Role = Role.EXAMINER, **more: Any) -> httpx.Response:
    return node.http.request(method, f"{node.url}/v1/firearms{path}", headers=node.bearer(role), **more)


def entered(node: RunningNode, firearm_id: str, **changes: Any) -> dict[str, Any]:
    firearm = firearm_fields(firearm_id=firearm_id, **changes)
    made = ask(node, "POST", "", json={"firearm": firearm, "serial_number": SERIAL})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/firearms/{firearm_id}"
    found: dict[str, Any] = made.json()
    return found


def fire(node: RunningNode, **firearm: Any) -> httpx.Response:
    """Submit a test fire."""
    return node.submit(
        tiny_scan(), exhibit={"kind": "test_fire", "calibre": "9x19", "firearm": firearm_fields(**firearm)}
    )


def test_a_firearm_is_entered_and_read(node: RunningNode) -> None:
    made = entered(node, "F-1/a", calibre="other", calibre_words="11 mm Werndl")
    read = ask(node, "GET", "/F-1/a", Role.INVESTIGATOR).json()
    assert read == made
    assert (read["firearm"]["calibre_words"], read["serial_number"], read["test_fires"]) == ("11 mm Werndl", SERIAL, [])


@pytest.mark.parametrize("text", ["f-2", "zastava", "CZ 99", "4711", "9 mm luger", "Застава"])
def test_it_is_found_by_a_part_of_what_is_known(node: RunningNode, text: str) -> None:
    if ask(node, "GET", "/F-2").status_code == 404:
        entered(node, "F-2")
    found = ask(node, "GET", "", params={"text": text, "limit": 200}).json()["items"]
    assert "F-2" in [item["firearm"]["firearm_id"] for item in found]
    assert not ask(node, "GET", "", params={"text": "no such firearm"}).json()["items"]


def test_pages_of_the_list_follow_on_each_other(node: RunningNode) -> None:
    names = [f"F-page-{number}" for number in range(5)]
    for name in names:
        entered(node, name)
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(node, "GET", "", params={"text": "F-page", "limit": 2, **cursor}).json()
        found += [item["firearm"]["firearm_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == names[::-1]


def test_test_fires_name_it_and_the_serial_number_stays(node: RunningNode) -> None:
    entered(node, "F-3")
    first, second = fire(node, firearm_id="F-3"), fire(node, firearm_id="F-3")
    assert (first.status_code, second.status_code) == (201, 201), first.text
    names = [second.json()["statement_id"], first.json()["statement_id"]]
    assert ask(node, "GET", "/F-3").json()["test_fires"] == names
    for path in (f"/v1/records/{names[0]}", f"/v1/records/{names[0]}/envelope", f"/v1/records/{names[0]}/bundle"):
        assert "4711" not in node.get(path).text
    said = node.get(f"/v1/records/{names[0]}").json()["statement"]
    assert said["exhibit"]["firearm"] == firearm_fields(firearm_id="F-3")
    assert "remove" not in problem(ask(node, "DELETE", "/F-3"), 409, "firearm-in-use")["title"]


def test_a_test_fire_enters_a_firearm_that_is_not_here(node: RunningNode) -> None:
    assert fire(node, firearm_id="F-4", model="M57").status_code == 201
    read = ask(node, "GET", "/F-4").json()
    assert (read["firearm"]["model"], read["serial_number"], len(read["test_fires"])) == ("M57", None, 1)


def test_a_test_fire_that_describes_it_otherwise_is_refused(node: RunningNode) -> None:
    entered(node, "F-5")
    refused = problem(fire(node, firearm_id="F-5", model="M57", converted="yes"), 422, "firearm-differs")
    assert [item["where"] for item in refused["problems"]] == ["exhibit.firearm.model", "exhibit.firearm.converted"]
    assert "model and converted" in refused["detail"]
    assert ask(node, "GET", "/F-5").json()["test_fires"] == []


def test_what_is_known_changes_and_what_was_signed_stays(node: RunningNode) -> None:
    before = entered(node, "F-6")
    fired = fire(node, firearm_id="F-6").json()["statement_id"]
    content = {"firearm": firearm_fields(firearm_id="F-6", model="CZ 999"), "serial_number": None}
    changed = ask(node, "PUT", "/F-6", json={**content, "seen": before["changed_at"]})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["firearm"]["model"], changed.json()["serial_number"]) == ("CZ 999", None)
    assert (changed.json()["entered_at"], changed.json()["test_fires"]) == (before["entered_at"], [fired])
    assert node.get(f"/v1/records/{fired}").json()["statement"]["exhibit"]["firearm"]["model"] == "CZ 99"
    again = ask(node, "PUT", "/F-6", json={**content, "seen": before["changed_at"]})
    problem(again, 409, "firearm-changed")


def test_one_that_nothing_names_can_be_removed(node: RunningNode) -> None:
    entered(node, "F-7")
    assert ask(node, "DELETE", "/F-7").status_code == 204
    problem(ask(node, "GET", "/F-7"), 404, "not-found")
    problem(ask(node, "DELETE", "/F-7"), 404, "not-found")


@pytest.mark.parametrize(
    ("pseudonym", "serial"),
    [("F-synthetic4711", "synthetic 4711"), ("4711", "synthetic 4711"), ("ABC-4711", "abc 4711")],
)
def test_a_pseudonym_never_tells_the_serial_number(node: RunningNode, pseudonym: str, serial: str) -> None:
    body = {"firearm": firearm_fields(firearm_id=pseudonym), "serial_number": serial}
    problem(ask(node, "POST", "", json=body), 422, "pseudonym-tells")
    problem(ask(node, "GET", f"/{pseudonym}"), 404, "not-found")


@pytest.mark.parametrize("told", [{"model": "CZ 99 No. ABC-4711"}, {"make": "Застава абц 4711"}])
def test_no_description_tells_the_serial_number(node: RunningNode, told: dict[str, str]) -> None:
    body = {"firearm": firearm_fields(firearm_id="F-T", **told), "serial_number": "abc 4711"}
    refused = problem(ask(node, "POST", "", json=body), 422, "description-tells")
    assert [item["where"] for item in refused["problems"]] == list(told)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"firearm_id": "the pistol"}, "firearm.firearm_id"),
        ({"kind": "crossbow"}, "firearm.kind"),
        ({"calibre": "9x91"}, "firearm.calibre"),
        ({"calibre": "other"}, "firearm.calibre_words"),
        ({"make": "Zast\u202eava"}, "firearm.make"),
        ({"model": ""}, "firearm.model"),
        ({"origin": "bought"}, "firearm.origin"),
        ({"converted": True}, "firearm.converted"),
        ({"serial_number": "4711"}, "firearm.serial_number"),
    ],
)
def test_bad_input_is_told_by_its_place(node: RunningNode, wrong: dict[str, Any], place: str) -> None:
    refused = ask(node, "POST", "", json={"firearm": firearm_fields(firearm_id="F-8") | wrong})
    told = problem(refused, 422, "invalid-parameter")
    assert any(place in item["where"] for item in told["problems"]), told
    assert ask(node, "GET", "/F-8").status_code == 404


def test_it_is_known_already(node: RunningNode) -> None:
    entered(node, "F-9")
    again = ask(node, "POST", "", json={"firearm": firearm_fields(firearm_id="F-9")})
    assert "another pseudonym, such as F-20" in problem(again, 409, "firearm-known")["detail"]


def test_who_reads_and_changes_is_written_down(node: RunningNode, rows: Rows) -> None:
    entered(node, "F-10")
    ask(node, "GET", "/F-10", Role.INVESTIGATOR)
    changed, read = rows.new()
    assert (changed.role, changed.act, changed.subjects, changed.asked) == (
        "examiner",
        "change-firearm",
        ("F-10",),
        "entered",
    )
    assert (read.role, read.act, read.subjects, read.count) == ("investigator", "read-firearm", ("F-10",), 1)
