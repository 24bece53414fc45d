"""A jurisdiction that the node's directory has beside the eight, on pages, in REST and in reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from exchange.jurisdictions.own_file import OWN_FILE, add_own_entries
from schemas.vocabulary import KOSOVO_FOOTNOTE, Role
from tests.exchange.jurisdictions.croatia import croatia
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


@pytest.fixture
def told(node: RunningNode) -> Iterator[RunningNode]:
    """A node that runs, and whose operator adds Croatia."""
    home = node.node.settings.home
    add_own_entries(home, croatia())
    yield node
    (home / OWN_FILE).unlink()


def test_rest_names_it(told: RunningNode) -> None:
    receipt = told.submit(tiny_scan(), audience=["HR", "XK"], level="full", case_reference="HR-1").json()
    named = {one["jurisdiction"]["code"]: one["jurisdiction"] for one in receipt["sharing"]}
    assert named["HR"] == {"code": "HR", "name": "Croatia", "footnote": None}
    assert named["XK"]["footnote"] == KOSOVO_FOOTNOTE
    known = told.get("/v1/vocabularies").json()["jurisdictions"]
    assert {
        **named["HR"],
        "languages": ["hr"],
        "clock": "Europe/Zagreb",
    } in known


def test_a_slip_of_the_pen_is_told_and_shares_nothing(told: RunningNode) -> None:
    refused = told.submit(tiny_scan(), audience=["HR", "QQ"], level="full", case_reference="HR-2")
    assert "QQ is none of AL, BA, HR, MD" in problem(refused, 422, "unknown-jurisdiction")["detail"]


def test_pages_name_it_in_their_language(told: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    said = told.submit(tiny_scan(), audience=["HR"], level="full", case_reference="HR-3").json()
    person = signed_in(Role.EXAMINER)
    for code, name in (("en", "Croatia"), ("sr-Latn", "Hrvatska"), ("sr-Cyrl", "Хрватска")):
        person.http.cookies.set("ffp-language", code)
        assert name in person.get(f"/app/records/{said['statement_id']}").text
        for page in ("/app/search", "/app/candidates"):
            assert f'<option value="HR">{name}</option>' in person.get(page).text
    begun = person.post("/app/register", {"csrf": person.csrf()})
    assert "Хрватска" in person.get(begun.headers["location"]).text


def test_what_it_does_not_know_any_more_is_its_code(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    home = node.node.settings.home
    add_own_entries(home, croatia())
    said = node.submit(tiny_scan(), audience=["HR"], level="full", case_reference="HR-4").json()
    (home / OWN_FILE).unlink()
    answer = node.get(f"/v1/records/{said['statement_id']}").json()
    assert answer["sharing"][0]["jurisdiction"] == {"code": "HR", "name": "HR", "footnote": None}
    assert signed_in(Role.EXAMINER).get(f"/app/records/{said['statement_id']}").status_code == 200


def test_each_page_has_the_footnote_of_each_name(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    home = node.node.settings.home
    add_own_entries(home, croatia(names={"en": "Land**"}, footnotes={"en": "** A note."}))
    page = signed_in(Role.EXAMINER).get("/app/search").text
    (home / OWN_FILE).unlink()
    assert "Land**" in page
    assert f"<p>{KOSOVO_FOOTNOTE}</p>" in page
    assert "<p>** A note.</p>" in page
