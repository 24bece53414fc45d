"""The first page of each role: what it is to do, in words and in local time, and nothing that it did not ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.store.tables.review_tables import ExhibitsSeenRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, node_starter
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

TITLES = {
    Role.EXAMINER: "To do",
    Role.INVESTIGATOR: "To do",
    Role.HEAD: "To do",
    Role.OPERATOR: "State of the node",
    Role.AUDITOR: "Who saw what",
}
MOST_GROUPS = 5


@pytest.mark.parametrize("role", TITLES)
def test_each_role_has_a_home_below_at_most_five_groups(signed_in: Callable[[Role], Person], role: Role) -> None:
    page = signed_in(role).get("/app/").text
    assert f"<h1>{TITLES[role]}" in page
    groups = re.findall(r'<li(?: class="here")?><a href="/app/', page.partition("<nav")[2].partition("</nav>")[0])
    tops = page.partition("<nav")[2].partition("</nav>")[0]
    for inner in re.findall(r"<details.*?</details>", tops, re.DOTALL):
        tops = tops.replace(inner, "")
    assert len(groups) >= tops.count("<li") > 1
    assert tops.count("<li") <= MOST_GROUPS
    assert tops.count('aria-current="page"') == 1


def test_the_header_names_the_jurisdiction_and_leads_to_all_that_is_the_persons(
    signed_in: Callable[[Role], Person],
) -> None:
    page = signed_in(Role.EXAMINER).get("/app/verifications").text
    assert re.search(r'<a class="brand" href="/app/">[^<]+</a>', page)
    assert 'href="/app/verifications" aria-current="page"' in page
    assert '<a href="/app/" aria-current="true">Work</a>' in page, "the group that it is in"
    for address in ("/app/tokens", "/app/separation", "/app/guide#verify", "/app/sign-out"):
        assert address in page


def test_an_own_exhibit_stands_with_its_state_and_no_score_was_shown(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.EXAMINER)
    made = node.submit(tiny_scan(), case_reference="HOME-1")
    assert made.status_code == 201, made.text
    assert "HOME-1" not in person.get("/app/").text, "it is another examiner's"
    with node.node.store.read() as session:
        assert session.scalars(select(ExhibitsSeenRow).where(ExhibitsSeenRow.pseudonym == person.pseudonym)).all() == []


def test_the_choice_of_light_or_dark_is_in_the_page_from_its_first_byte(
    signed_in: Callable[[Role], Person],
) -> None:
    person = signed_in(Role.HEAD)
    assert "data-theme" not in person.get("/app/").text
    for theme in ("dark", "light"):
        answer = person.post("/app/theme", {"theme": theme, "back": "/app/hits"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/hits")
        page = person.get("/app/tokens").text
        assert f'<html lang="en" data-theme="{theme}">' in page
        assert f'<meta name="color-scheme" content="{theme}">' in page
    assert person.post("/app/theme", {"theme": ""}).status_code == 303
    assert "data-theme" not in person.get("/app/").text
    assert person.post("/app/theme", {"theme": "pink"}).status_code == 422
    person.http.cookies.set("ffp-theme", "pink")
    assert "data-theme" not in person.get("/app/").text


def test_an_auditor_reads_sentences_and_that_is_written_down(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    reader, auditor = signed_in(Role.INVESTIGATOR), signed_in(Role.AUDITOR)
    stated = {"csrf": reader.csrf(), "purpose": "prosecution", "legal_basis": "K-17/26"}
    assert reader.post("/app/purpose", stated).status_code == 303
    for _ in range(3):
        assert reader.get("/app/search").status_code == 200
    page = auditor.get("/app/").text
    (told,) = re.findall(rf"<li>\n<div><a[^>]*><b>{reader.pseudonym}</b>.*?</li>", page, re.DOTALL)
    assert "for prosecution of criminal offences, K-17/26" in told
    assert "searched records, 3 times" in told
    rows = node.get("/v1/audit", Role.AUDITOR, params={"actor": auditor.pseudonym}).json()["items"]
    assert [row["act"] for row in rows] == ["read-audit"]
    page = auditor.get(f"/app/audit?actor={reader.pseudonym}").text
    assert "searched records, 3 times" in page
    assert '<details class="rows" open>' in page


def test_a_node_that_demands_a_purpose_shows_no_exhibit_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somebody: Callable[[RunningNode, Role], Person]
) -> None:
    with node_starter(tmp_path, monkeypatch) as start:
        person = somebody(start(Jurisdiction.UA, purpose_required=True), Role.EXAMINER)
        page = person.get("/app/").text
        refused = person.get("/app/search?calibre=9x19")
        stated = {"csrf": person.csrf(), "purpose": "investigation", "legal_basis": "Article 286"}
        (back,) = re.findall('name="back" value="([^"]+)">\n  <label>Purpose', refused.text)
        went_on = person.post("/app/purpose", stated | {"back": back})
        found = person.get("/app/search?calibre=9x19")
    assert "State below what this session is for" in page
    assert '<details class="purpose" open>' in page

    # whoever came by an address of another page states it there, and goes on with that page
    assert refused.status_code == 422
    assert '<details class="purpose" open>' in refused.text
    assert went_on.headers["location"] == "/app/search?calibre=9x19"
    assert found.status_code == 200


def test_whoever_took_up_an_invitation_is_told_what_happened(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    assert "Your account is ready" in person.accept().text
    assert "Your account is ready" not in person.get("/app/sign-in").text
