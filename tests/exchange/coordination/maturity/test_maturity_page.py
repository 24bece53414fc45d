"""The maturity page: for head, operator and auditor; what it leads to is open to whom it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete

from exchange.coordination.approved_document import approve_document
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow, Editions
from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact
from exchange.coordination.maturity.keep_snapshot import last_half
from exchange.coordination.maturity.maturity_page import evidence_words
from exchange.coordination.maturity.maturity_snapshot import KEPT_BY, write_snapshot
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, Evidence, State
from exchange.coordination.maturity.practices_here import Maturity, maturity_of
from exchange.web.languages.days import local_time
from schemas.vocabulary import Role
from tests.exchange.open_policy import HEAD
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

READERS = (Role.HEAD, Role.OPERATOR, Role.AUDITOR)


@pytest.mark.slow
@pytest.mark.parametrize("role", READERS)
def test_what_it_leads_to_is_open(signed_in: Callable[[Role], Person], role: Role) -> None:
    person = signed_in(role)
    page = person.get("/app/maturity")
    assert page.status_code == 200
    content = page.text.partition('<main id="content">')[2].partition("</main>")[0]
    links = set(re.findall(r'href="(/app/[^"]*)"', content))
    assert all(person.get(path).status_code == 200 for path in links)
    assert ("/app/peers" in links) == (role is Role.OPERATOR)
    assert set(re.findall(r'href="#(level-\d)"', content)) == set(re.findall(r'id="(level-\d)"', content))
    assert 'href="/app/maturity"' in person.get("/app/").text
    if role is not Role.OPERATOR:
        assert 'href="/app/maturity"' in person.get("/app/monitoring").text


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.EXAMINER, Role.INVESTIGATOR])
def test_others_neither_see_it_nor_are_led_there(signed_in: Callable[[Role], Person], role: Role) -> None:
    person = signed_in(role)
    assert person.get("/app/maturity").status_code == 403
    assert "/app/maturity" not in person.get("/app/").text


@pytest.mark.slow
def test_each_practice_is_told_with_its_state(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    page = signed_in(Role.AUDITOR).get("/app/maturity").text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="(\w+)">.*?</span> (.*?)</td>.*?</tr>', page)
    assert [title for title, _, _ in rows] == [
        practice.title for level in MATURITY_LEVELS.values() for practice in level.practices.values()
    ]
    words = {"holds": "met", "does_not_hold": "not met", "no_data": "no data"}
    assert all(words[state] == said for _, state, said in rows)
    assert {state for _, state, _ in rows} == set(words)
    found = {item.practice.title: item.proof.state for rung in maturity_of(node.node).rungs for item in rung.seen}
    assert {title: state for title, state, _ in rows} == found


@pytest.fixture
def kept(node: RunningNode) -> Iterator[Maturity]:
    """The half-year that ended last has a snapshot, as if the node had been there then."""
    found = maturity_of(node.node)
    document = write_snapshot(last_half(), found)
    approve_document(
        node.node, HEAD, ApprovedKind.SNAPSHOT, str(last_half()), Editions(document), "As seen.", by=KEPT_BY
    )
    yield found
    with node.node.store.write() as session:
        session.execute(delete(ApprovedRow))


@pytest.mark.slow
def test_the_page_says_that_no_snapshot_is_kept(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    page = signed_in(Role.HEAD).get("/app/maturity").text
    assert "No snapshot is kept yet." in page
    assert "ffp maturity --keep" in page


@pytest.mark.slow
def test_the_path_stands_on_the_page(kept: Maturity, signed_in: Callable[[Role], Person]) -> None:
    path = signed_in(Role.AUDITOR).get("/app/maturity").text.partition('id="path"')[2]
    assert f"<th>{last_half()}</th>" in path
    assert "head-1" in path
    assert "ffp maturity --keep" not in path
    held = [item for rung in kept.rungs for item in rung.seen if item.proof.state is State.HOLDS]
    assert path.count('class="holds"') == len(held) > 0


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (Evidence(State.HOLDS), []),
        (Evidence(State.HOLDS, exact(12)), ["12"]),
        (Evidence(State.HOLDS, Figure(Told.BETWEEN, 1, 4)), ["1–4"]),
        (Evidence(State.HOLDS, exact(0.8), "share"), ["80.0 %"]),
        (Evidence(State.HOLDS, HELD_BACK, "share", names=("2026H1",)), ["held back", "2026H1"]),
        (Evidence(State.HOLDS, at="2026-03-01T09:05:10.000Z"), [local_time("2026-03-01T09:05:10.000Z")]),
        (Evidence(State.HOLDS, at="2026-03-01", partners=("XK", "MK")), ["2026-03-01", "Kosovo*", "North Macedonia"]),
    ],
)
def test_what_stands_behind_a_practice(proof: Evidence, said: list[str]) -> None:
    assert evidence_words(proof) == said
