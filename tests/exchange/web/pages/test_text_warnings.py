"""After signing, a page says which free texts may tell of a person."""

from __future__ import annotations

from collections.abc import Callable

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

NAME = "This looks like a person"


def test_the_page_of_an_own_record_warns(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    exhibit = {"kind": "crime_scene", "calibre": "9 mm Luger"}
    named, plain = (
        node.submit(tiny_scan(), exhibit=exhibit | headstamp).json()["statement_id"]
        for headstamp in ({"headstamp": "Петар Петровић"}, {"headstamp": "PPU 9 mm"})
    )
    person = signed_in(Role.EXAMINER)
    shown = person.get(f"/app/records/{named}").text
    assert NAME in shown
    assert "exhibit.headstamp" in shown
    assert NAME not in person.get(f"/app/records/{plain}").text


def test_so_does_that_of_approvals_of_the_reason_just_signed(signed_in: Callable[[Role], Person]) -> None:
    head = signed_in(Role.HEAD)
    assert NAME in head.get("/app/approvals?doubt=name").text
    assert NAME not in head.get("/app/approvals").text
    assert head.get("/app/approvals?doubt=anything").status_code == 422
