"""The maturity page: for head, operator and auditor; what it leads to is open to whom it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from exchange.flows.maturity.assess import maturity_of
from exchange.flows.maturity.definitions import MATURITY_LEVELS, Evidence, State
from exchange.flows.monitoring.small_counts import HELD_BACK, Figure, Told, exact
from exchange.web.languages.days import local_time
from exchange.web.pages.maturity import evidence_words
from schemas.vocabulary import Role
from tests.exchange.conftest import RunningNode
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
