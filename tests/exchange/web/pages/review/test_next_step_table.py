"""Each standing of a hit, on both sides, for each role: what is to be done, by whom, until when, and what this person
may sign. Whatever a page or a program is offered is answered neither with 403 nor with 404."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exchange import clock
from exchange.flows.alerts.worklist import worklist_of
from exchange.flows.blind.visibility import Hidden, hidden_pairs
from exchange.flows.hits.history import find_link, my_turn
from exchange.flows.hits.vocabulary import Todo, may_do
from exchange.flows.review.next_statements import next_statements
from exchange.flows.review.next_step import next_hit_step
from exchange.flows.review.visible_hits import visible_hit
from schemas import Maker
from schemas.kinds import KINDS
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.review.test_statements import FIRST, HEAD, INVESTIGATOR, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.web.pages.review.test_next_step import PEOPLE, Day
from tests.exchange.web.rest.programs import Programs, programs_at

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK", "XK")]

READERS = (FIRST, INVESTIGATOR, HEAD)
OTHERS = tuple(
    Maker(pseudonym=f"{role}-1", role=role, signed_in=SignedInBy.TOKEN) for role in (Role.OPERATOR, Role.AUDITOR)
)
TABLE: dict[str, dict[str, list[str]]] = {
    # what each side owes, and what of it its examiner, investigator and head sign
    "lead": {RS: ["", "", "", ""], MK: ["ask", "ask", "ask", "ask"]},
    "asked": {RS: ["agree", "name_day", "name_day", "name_day"], MK: ["", "", "", ""]},
    "agreed": {RS: ["send", "send", "send", "send"], MK: ["send", "send", "send", "send"]},
    "sent": {RS: ["", "", "", ""], MK: ["receive", "receive", "receive", "receive"]},
    "received under a broken seal": {RS: ["explain", "", "", "explain"], MK: ["", "", "", ""]},
    "explained": {RS: ["", "", "", ""], MK: ["conclude", "conclude", "", ""]},
    "concluded": {RS: ["", "", "", ""], MK: ["conclude", "", "", ""]},
    "verified": {RS: ["", "", "", ""], MK: ["conclude", "confirm", "", ""]},
    "confirmed": {
        RS: ["outcome", "outcome", "outcome", ""],
        MK: ["return outcome", "return", "return", "return"],
    },
    "one outcome": {RS: ["", "", "", ""], MK: ["return outcome", "return", "return", "return"]},
    "both outcomes": {RS: ["", "", "", ""], MK: ["return", "return", "return", "return"]},
    "returned": {RS: ["receive", "receive", "receive", "receive"], MK: ["", "", "", ""]},
    "home": {RS: ["", "", "", ""], MK: ["", "", "", ""]},
}


ENDS = (("hit", None), ("physical-comparison", "done"))


@pytest.fixture
def programs(network: Network) -> Iterator[Programs]:
    with programs_at(list(network.nodes.values()), (*PEOPLE, *OTHERS)) as made:
        yield made


def stories(day: Day) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each standing, with what brings it about."""
    yield "lead", lambda: None
    yield "asked", lambda: day.says(MK, "asked")
    yield "agreed", lambda: day.says(RS, "agreed")
    yield "sent", lambda: day.says(RS, "sent")
    yield "received under a broken seal", lambda: day.says(MK, "received", seal_whole="no")
    yield "explained", lambda: day.says(RS, "custody-explanation", HEAD, explanation="Customs opened the parcel.")
    yield "concluded", lambda: day.says(MK, "conclusion", FIRST)
    yield "verified", lambda: day.verifies(MK)
    yield "confirmed", lambda: day.says(MK, "hit", FIRST)
    yield "one outcome", lambda: day.says(RS, "feedback")
    yield "both outcomes", lambda: day.says(MK, "feedback")
    yield "returned", lambda: day.says(MK, "returned")
    yield "home", lambda: day.says(RS, "received")


def test_what_is_next_at_each_standing_for_each_role_and_every_offer_is_answered(
    network: Network, programs: Programs, pair: dict[str, Any]
) -> None:
    day = Day(network, programs, pair)
    for standing, brings_about in stories(day):
        brings_about()
        network.settle()
        found = {side: row(network, day, side) for side in (RS, MK)}
        assert found == TABLE[standing], standing
        for side in (RS, MK):
            for who in (*READERS, *OTHERS):
                check_offers(network, programs, day, side, who)


def row(network: Network, day: Day, side: str) -> list[str]:
    node = network.nodes[side]
    with node.store.read() as session:
        link = find_link(session, node, day.hit, Hidden())
    own = [task for task in link.progress.tasks if task.node == side]
    signs = []
    for who in READERS:
        found = visible_hit(node, who.role, who.pseudonym, day.hit)
        step = next_hit_step(side, link, next_statements(node, who, found), found.reviews)
        signs.append(str(step.todo) if step is not None and step.own and step.offered is not None else "")
    return [" ".join(str(task.todo) for task in sorted(own, key=lambda task: task.due_at)), *signs]


def check_offers(network: Network, programs: Programs, day: Day, side: str, who: Maker) -> None:
    """What a program may say next, each form of the page, each line of the lists of what is to be done."""
    node, address = network.nodes[side], f"/app/hits/{day.hit}"
    page = programs.page(node, who, address)
    reads = who.role in (Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD)
    assert page.status_code == (200 if reads else 403)
    if not reads:
        assert programs.get(side, who, f"/hits/{day.hit}").status_code == 403
        return
    offered = programs.read(side, who, f"/hits/{day.hit}")["next"]
    for one in offered:
        assert who.role in KINDS[one["body"]["type"]].said_by
        if one["missing"]:
            answer = programs.post(side, who, "/statements", one["body"])
            assert answer.status_code == 422, (one, answer.text)
    signed_at_once = {(one["body"]["type"], one["body"].get("step")) for one in offered if not one["missing"]}
    for action, hidden, typed in forms_of(page.text, address):
        if typed:
            answer = programs.send(node, who, f"{address}/{action}", hidden | typed)
            assert answer.status_code in (409, 422), (action, typed, answer.status_code)
        else:
            asked = [("physical-comparison", hidden["step"])] if action == "comparison" else ENDS
            assert signed_at_once & {*asked}, (action, hidden)
    with node.store.read() as session:
        links = my_turn(session, node, hidden_pairs(session, who.role, who.pseudonym))
    if who.role is not Role.HEAD:
        items = worklist_of(node, who.role, who.pseudonym).items
        todos = [todo for link in links for todo in own_todos(link, side, who.role)]
        assert [item.page for item in items if item.page.startswith("/app/hits/")] == [address] * len(todos)
        assert {programs.page(node, who, item.page).status_code for item in items} <= {200}


def own_todos(link: Any, side: str, role: Role) -> list[Todo]:
    return [task.todo for task in link.progress.tasks if task.node == side and may_do(task.todo, role)]


def forms_of(page: str, address: str) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """Each form of a hit: where it is sent, what stands in it, and in what is typed something that nobody signs."""
    for form in re.findall(rf'<form [^>]*action="{address}/\w+".*?</form>', page, re.DOTALL):
        (action,) = re.findall(rf'action="{address}/(\w+)"', form)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        typed = re.findall(r'<(?:select|textarea|input)(?! type="hidden")[^>]* name="(\w+)"', form)
        yield action, hidden, dict.fromkeys(typed, "\u200b")


def test_a_stated_outcome_ends_the_clock_of_a_lead(network: Network, programs: Programs, pair: dict[str, Any]) -> None:
    """A year later nothing of it is late."""
    day = Day(network, programs, pair)
    says(network, MK, INVESTIGATOR, "feedback", hit=day.hit, outcome="under_investigation")
    network.settle()
    assert row(network, day, MK)[0] == "ask", "that is no outcome"
    for side in (MK, RS):
        says(network, side, INVESTIGATOR, "feedback", hit=day.hit, outcome="no_use")
    network.settle()
    for side in (RS, MK):
        node = network.nodes[side]
        with node.store.read() as session:
            link = find_link(session, node, day.hit, Hidden())
        assert (link.progress.tasks, link.progress.due_at) == ((), None)
        assert not link.progress.late(clock.hours_after(clock.stamp(), 24 * 365))
        assert day.hit in programs.page(node, INVESTIGATOR, "/app/hits?closed=1").text
