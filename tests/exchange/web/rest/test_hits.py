"""Hits by REST on three nodes: how far one is, whom it waits for, and that what is offered next can be signed as it
stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from exchange.flows.review.next_statements import completed
from exchange.store.tables.hits import HitPairRow
from schemas import Maker
from tests.exchange.flows.hits.test_hits_on_nodes import _many as many_hits
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.exchange.flows.review.test_statements import FIRST, HEAD, INVESTIGATOR, SECOND, lead, says, today
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.web.conftest import problem
from tests.exchange.web.rest.programs import Programs, programs_at
from tests.schemas.results import INCONCLUSIVE, NOT_ASSOCIATED

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK", "XK")]

PEOPLE = (FIRST, SECOND, INVESTIGATOR, HEAD)
STATED = {
    "on": today(),
    "seal": "RS-1",
    "place": "Skopje",
    "seal_whole": "yes",
    "outcome": "cases_joined",
    "text": "May we compare the exhibits?",
    "reason": "The wrong exhibit.",
    "result.conclusion": "identification",
}


@pytest.fixture
def programs(network: Network) -> Iterator[Programs]:
    with programs_at(list(network.nodes.values()), PEOPLE) as made:
        yield made


class Day:
    """A hit of Serbia's, and its steps as each side is offered them."""

    def __init__(self, network: Network, programs: Programs, pair: dict[str, Any]) -> None:
        self.network, self.programs, self.pair = network, programs, pair
        _, _, found = lead(network, pair)
        network.settle()
        self.hit = found.statement_id

    def read(self, node: str, who: Maker = INVESTIGATOR) -> dict[str, Any]:
        found: dict[str, Any] = self.programs.read(node, who, f"/hits/{self.hit}")
        return found

    def offered(self, node: str, who: Maker = INVESTIGATOR) -> list[str]:
        """The steps and types that this person may sign."""
        return [one["body"].get("step") or one["body"]["type"] for one in self.read(node, who)["next"]]

    def signs(self, node: str, what: str, who: Maker = INVESTIGATOR, **stated: str) -> dict[str, Any]:
        """Sign what is offered, with what it says is missing and nothing else; returns what was offered."""
        every: list[dict[str, Any]] = self.read(node, who)["next"]
        (found,) = [one for one in every if what in (one["body"].get("step"), one["body"]["type"])]
        body = completed(found["body"], {name: {**STATED, **stated}[name] for name in found["missing"]})
        answer = self.programs.post(node, who, "/statements", body)
        assert answer.status_code == 201, (body, answer.text)
        self.network.settle()
        return found


@pytest.fixture
def day(network: Network, programs: Programs, pair: dict[str, Any]) -> Day:
    return Day(network, programs, pair)


def test_a_hit_is_told_alike_on_both_sides_and_not_at_all_on_a_third(
    network: Network, programs: Programs, day: Day, pair: dict[str, Any]
) -> None:
    for node in (RS, MK):
        (listed,) = programs.read(node, INVESTIGATOR, "/hits")["items"]
        assert (listed["hit_id"], listed["stage"], listed["waits_for"]) == (day.hit, "lead", [MK])
        assert (listed["told_by"], listed["basis"], listed["late"], listed["pair"]) == (RS, "screen", False, pair)
        assert [one["statement_id"] for one in listed["records"]] == [side["record"] for side in pair.values()]
        found = day.read(node)
        assert listed.items() <= found.items()
        assert [(task["todo"], task["node"]) for task in found["tasks"]] == [("ask", MK)]
        assert [one["type"] for one in found["history"]] == ["conclusion", "verification", "hit"]
        assert {one["no_effect"] for one in found["history"]} == {None}
    assert programs.read(XK, INVESTIGATOR, "/hits")["items"] == []
    problem(programs.get(XK, INVESTIGATOR, f"/hits/{day.hit}"), 404, "not-found")


def test_an_open_disagreement_is_named_until_it_is_taken_back(day: Day, programs: Programs) -> None:
    pair = {"pair": day.pair}
    first = says(day.network, RS, SECOND, "conclusion", **pair, **INCONCLUSIVE).statement_id
    second = says(day.network, RS, FIRST, "verification", verifies=first, **pair, **NOT_ASSOCIATED).statement_id
    (found,) = day.read(RS)["disagreements"]
    assert found["open"] == [{"node": RS, "statement_id": second}]
    assert (found["side"], found["conclusion"], found["verification"]) == (RS, first, second)
    assert day.read(RS)["stage"] == "lead"
    page = programs.page(day.network.nodes[RS], INVESTIGATOR, f"/app/hits/{day.hit}")
    assert f'<p class="problem"><a href="#s-{second[:12]}"' in page.text
    says(day.network, RS, HEAD, "retraction", retracts=second, reason="They conferred.")
    assert day.read(RS)["disagreements"] == []


def test_a_seal_that_differs_is_signed_when_the_request_states_so(day: Day) -> None:
    day.signs(MK, "asked")
    day.signs(RS, "agreed")
    day.signs(RS, "sent")
    (arrives,) = [one for one in day.read(MK)["next"] if one["body"].get("step") == "received"]
    other = completed(arrives["body"], {"place": "Skopje", "seal_whole": "yes"}) | {"seal": "RS-2"}
    said = day.programs.post(MK, INVESTIGATOR, "/statements?other_seal=true", other)
    assert said.status_code == 201
    assert day.read(MK)["unexplained"] == [said.json()["statement_id"]]


def test_every_step_of_a_hit_is_signed_as_it_is_offered(day: Day) -> None:
    assert day.offered(RS) == ["asked", "feedback", "message"]
    assert day.offered(RS, HEAD) == ["asked", "message", "retraction"]
    assert "conclusion" not in day.offered(MK, FIRST), "the exhibits have not met"
    day.signs(MK, "asked")
    assert day.offered(MK)[0] == "declined", "who asked does not agree"
    agreed = day.signs(RS, "agreed")
    assert agreed["missing"] == ["on"], "who asked named no day"

    assert day.offered(RS)[:3] == ["sent", "agreed", "declined"]
    sent = day.signs(RS, "sent")
    assert (sent["missing"], sent["expected"]) == (["seal"], ["on"])
    assert "received" not in day.offered(RS)
    (arrives,) = [one for one in day.read(MK)["next"] if one["body"].get("step") == "received"]
    other = completed(arrives["body"], {"place": "Skopje", "seal_whole": "yes"}) | {"seal": "RS-2"}
    problem(day.programs.post(MK, INVESTIGATOR, "/statements", other), 422, "other-seal")
    received = day.signs(MK, "received")
    assert (received["missing"], received["expected"]) == (["place", "seal_whole"], ["on", "seal"])
    assert received["body"]["seal"] == STATED["seal"]
    found = day.read(RS)
    assert [(one["where"], one["at"]) for one in found["exhibits"]] == [("there", MK)]
    assert [one["step"] for one in found["custody"][0]["steps"]] == ["sent", "received"]

    for node in (MK, RS):
        day.signs(node, "conclusion", FIRST)
        problem(day.programs.get(node, SECOND, f"/hits/{day.hit}"), 404, "not-found")
        assert "hit" not in day.offered(node, FIRST)
        (task,) = day.programs.read(node, SECOND, "/verifications")["tasks"]
        address = f"/verifications/{task['task_id']}"
        assert day.programs.post(node, SECOND, f"{address}/take").status_code == 204
        assert day.programs.post(node, SECOND, address, {"conclusion": "identification"}).status_code == 201
        day.signs(node, "hit", FIRST)
    found = day.read(MK)
    assert (found["stage"], found["unsigned"], found["met"]) == ("confirmed", [], True)
    assert {one["node"] for one in found["signatures"]} == {RS, MK}
    confirmed = found["signatures"][0]["statement_id"]
    assert day.programs.read(RS, HEAD, f"/hits/{confirmed}")["hit_id"] == day.hit, "any hit of the pair leads to it"

    for node in (RS, MK):
        day.signs(node, "feedback")
    assert day.offered(MK)[0] == "returned"
    day.signs(MK, "returned", seal="MK-1")
    day.signs(RS, "received", place="Beograd")
    found = day.read(RS)
    assert (found["waits_for"], found["due_at"], found["tasks"]) == ([], None, [])
    assert found["feedback"] == {RS: "cases_joined", MK: "cases_joined"}
    assert day.programs.read(RS, HEAD, "/hits")["items"] == []
    (closed,) = day.programs.read(RS, HEAD, "/hits", closed="true", stage="confirmed")["items"]
    assert closed["hit_id"] == day.hit


def test_the_day_that_the_other_side_named_is_filled_in(day: Day) -> None:
    step = {"hit": day.hit, "on": today(), "place": "Beograd"}
    says(day.network, RS, INVESTIGATOR, "physical-comparison", step="asked", **step)
    day.network.settle()
    agreed = day.signs(MK, "agreed")
    assert (agreed["body"]["on"], agreed["body"]["place"], agreed["missing"]) == (today(), "Beograd", [])
    (again,) = [one for one in day.read(MK)["next"] if one["body"].get("step") == "agreed"]
    assert again["missing"] == ["on"], "another day is proposed, and not the same once more"


def test_what_breaks_a_rule_is_told_with_its_reason(day: Day) -> None:
    says(day.network, RS, FIRST, "retraction", retracts=day.hit, reason="The wrong pair.")
    day.network.settle()
    (closed,) = day.programs.read(MK, HEAD, "/hits", closed="true")["items"]
    assert (closed["stage"], closed["waits_for"]) == ("retracted", [])
    found = day.read(MK)
    (taken_back,) = [one for one in found["history"] if one["type"] == "hit"]
    assert taken_back["no_effect"] == "taken-back"
    assert taken_back["why"].startswith("It, or what it rests on, was taken back.")
    assert day.offered(MK) == ["feedback", "message"], "nobody asks for a comparison of it any more"


def test_a_hit_that_may_be_the_callers_to_verify_is_not_here(day: Day, pair: dict[str, Any]) -> None:
    assert [one["hit_id"] for one in day.programs.read(MK, FIRST, "/hits")["items"]] == [day.hit]
    says(day.network, MK, FIRST, "conclusion", pair=pair, **INCONCLUSIVE)
    for record in (None, pair["a"]["record"]):
        asked = {"record": record} if record else {}
        assert day.programs.read(MK, SECOND, "/hits", **asked) == {"items": [], "next": None}
    hidden, absent = (day.programs.get(MK, SECOND, f"/hits/{name}") for name in (day.hit, "0" * 64))
    assert (hidden.status_code, hidden.json()["detail"]) == (absent.status_code, absent.json()["detail"])
    assert day.programs.get(MK, FIRST, f"/hits/{day.hit}").status_code == 200


def test_all_conditions_must_hold(day: Day, pair: dict[str, Any]) -> None:
    def found(**asked: str) -> bool:
        return bool(day.programs.read(MK, HEAD, "/hits", **asked)["items"])

    case = day.read(MK)["records"][0]["case_reference"]
    record = pair["a"]["record"]
    fitting = {"stage": "lead", "side": RS, "jurisdiction": "RS", "case_reference": case, "record": record}
    assert found(**fitting, waits_for=MK, overdue="false")
    for name, other in (
        ("stage", "confirmed"),
        ("side", XK),
        ("jurisdiction", "XK"),
        ("case_reference", "no-such-case"),
        ("record", "0" * 64),
        ("waits_for", RS),
        ("overdue", "true"),
        ("closed", "true"),
    ):
        assert not found(**{**fitting, name: other}), name
    problem(day.programs.get(MK, HEAD, "/hits", stage="almost"), 422, "invalid-parameter")


@pytest.mark.parametrize("closed", ["false", "true"])
def test_each_hit_is_on_one_page(network: Network, programs: Programs, closed: str) -> None:
    many_hits(network.nodes[MK], 12)
    if closed == "true":
        with network.nodes[MK].store.write() as session:
            session.execute(update(HitPairRow).values(due_at=""))
    listed, cursor = [], None
    for _ in range(3):
        asked = {"cursor": cursor} if cursor else {}
        page = programs.read(MK, HEAD, "/hits", closed=closed, limit=5, **asked)
        listed += [one["hit_id"] for one in page["items"]]
        cursor = page["next"]
    assert (len(set(listed)), len(listed), cursor) == (12, 12, None)
    for wrong in ("x", "WyIiLCIiXQ", "WzEsMl0"):
        problem(programs.get(MK, HEAD, "/hits", cursor=wrong), 422, "invalid-cursor")
