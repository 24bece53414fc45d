"""The one next step on the page of a hit, at each stage and on both sides: it signs what REST offers the same person,
or there is no button; and what it says of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from exchange.flows.review.next_statements import completed
from schemas import Maker
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.exchange.flows.review.test_statements import FIRST, HEAD, INVESTIGATOR, SECOND, lead, says, today
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.web.rest.programs import Programs, programs_at

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK", "XK")]

PEOPLE = (FIRST, SECOND, INVESTIGATOR, HEAD)
STATED = {
    "on": today(),
    "seal": "RS-1",
    "place": "Skopje",
    "seal_whole": "yes",
    "outcome": "cases_joined",
    "result.conclusion": "identification",
}
DETAILS = re.compile(r"<details\b[^>]*>.*?</details>", re.DOTALL)


@pytest.fixture
def programs(network: Network) -> Iterator[Programs]:
    with programs_at(list(network.nodes.values()), PEOPLE) as made:
        yield made


@dataclass
class Shown:
    """The page of a hit: all of it, and its box."""

    page: str

    @property
    def box(self) -> str:
        return str(re.findall(r'<section class="next-step.*?</section>', self.page, re.DOTALL)[0])

    @property
    def title(self) -> str:
        return str(re.findall(r'<h2 id="next-step">(.*?)</h2>', self.box)[0])

    @property
    def accents(self) -> int:
        """Of what is not folded: what opens the form of the step, and buttons that are not quiet."""
        main = self.page.partition("<main")[2].partition("</main>")[0]
        return main.count('<details class="act"><summary>') + DETAILS.sub("", main).count("<button>")

    @property
    def signs(self) -> str | None:
        """What the one button signs, as REST names it: its step, or its type."""
        found = re.findall(r'<(?:form|div|details) class="act".*?(?:</details>|</form>)', self.box, re.DOTALL)
        if not found:
            return None
        action = re.findall(r'action="/app/hits/[0-9a-f]{64}/(\w+)"', found[0])[0]
        step = re.findall(r'name="step" value="(\w+)"|<option value="(asked|agreed)"', found[0])
        if action == "done":
            return "hit" if "Sign the confirmed hit" in found[0] else "done"
        return str(next(iter([one or other for one, other in step]), action))


class Day:
    """A lead of Serbia's, as its page shows it to each person, held against what REST offers that person."""

    def __init__(self, network: Network, programs: Programs, pair: dict[str, Any]) -> None:
        self.network, self.programs = network, programs
        *_, found = lead(network, pair)
        network.settle()
        self.hit = found.statement_id

    def shown(self, node: str, who: Maker = INVESTIGATOR) -> Shown:
        answer = self.programs.page(self.network.nodes[node], who, f"/app/hits/{self.hit}")
        assert answer.status_code == 200, answer.text
        shown = Shown(answer.text)
        hit = self.programs.read(node, who, f"/hits/{self.hit}")
        offered = [one["body"].get("step") or one["body"]["type"] for one in hit["next"]]
        own = [task for task in hit["tasks"] if task["node"] == node]
        assert shown.accents == (shown.signs is not None), "one accent, or none"
        assert shown.signs is None or shown.signs in offered, "what REST offers too"
        assert own or shown.signs is None, "no button where this side has nothing to do"
        return shown

    def signs(self, node: str, who: Maker = INVESTIGATOR) -> str | None:
        return self.shown(node, who).signs

    def says(self, node: str, what: str, who: Maker = INVESTIGATOR, **stated: str) -> None:
        """Sign what REST offers."""
        every = self.programs.read(node, who, f"/hits/{self.hit}")["next"]
        found = next(one for one in every if what in (one["body"].get("step"), one["body"]["type"]))
        body = completed(found["body"], {name: {**STATED, **stated}[name] for name in found["missing"]})
        assert self.programs.post(node, who, "/statements", body).status_code == 201
        self.network.settle()

    def verifies(self, node: str) -> None:
        (task,) = self.programs.read(node, SECOND, "/verifications")["tasks"]
        address = f"/verifications/{task['task_id']}"
        assert self.programs.post(node, SECOND, f"{address}/take").status_code == 204
        assert self.programs.post(node, SECOND, address, {"conclusion": "identification"}).status_code == 201


@pytest.fixture
def day(network: Network, programs: Programs, pair: dict[str, Any]) -> Day:
    return Day(network, programs, pair)


def test_at_each_stage_the_step_is_the_one_that_rest_offers(day: Day) -> None:
    roles = (FIRST, INVESTIGATOR, HEAD)
    assert [day.signs(MK, who) for who in roles] == ["asked"] * 3
    assert [day.signs(RS, who) for who in roles] == [None] * 3
    assert day.shown(RS).title.startswith("North Macedonia answers the lead")

    day.says(MK, "asked")
    assert [day.signs(RS, who) for who in roles] == ["agreed"] * 3
    assert [day.signs(MK, who) for who in roles] == [None] * 3

    day.says(RS, "agreed")
    assert [day.signs(node, who) for node in (RS, MK) for who in roles] == ["sent"] * 6

    day.says(RS, "sent")
    assert [day.signs(MK, who) for who in roles] == ["received"] * 3
    assert day.signs(RS) is None

    day.says(MK, "received")
    assert [day.signs(MK, who) for who in roles] == ["conclusion", None, None]
    assert day.shown(MK).title == "Two examiners of North Macedonia compare the exhibits and conclude"
    assert 'name="step" value="returned"' in day.shown(MK).page, "it may go home all the same"

    day.says(MK, "conclusion", FIRST)
    assert day.signs(MK, FIRST) is None
    assert day.shown(MK, FIRST).title.startswith("Another examiner of North Macedonia verifies")
    hidden = day.programs.page(day.network.nodes[MK], SECOND, f"/app/hits/{day.hit}")
    assert hidden.status_code == 404, "whoever may be asked to verify sees nothing of it"
    day.verifies(MK)
    assert day.signs(MK, FIRST) == "hit"

    day.says(MK, "hit", FIRST)
    assert [day.signs(MK, who) for who in roles] == ["returned"] * 3, "it is due before the outcome"
    assert [day.signs(RS, who) for who in roles] == ["feedback", "feedback", None], "each what they may sign"
    assert "Also due: " in day.shown(MK).box
    for node in (RS, MK):
        day.says(node, "feedback")
    assert day.signs(RS) is None
    assert day.shown(RS).title == "North Macedonia sends the exhibit home"
    assert day.shown(RS, FIRST).page.count('name="conclusion"') > 1, "a comparison of Serbia's own may still be signed"


def test_who_agrees_to_a_day_that_was_named_has_nothing_to_type(day: Day) -> None:
    says(day.network, MK, INVESTIGATOR, "physical-comparison", hit=day.hit, step="asked", on=today(), place="Skopje")
    day.network.settle()
    shown = day.shown(RS)
    assert "North Macedonia proposed" in shown.box
    form = re.findall(r'<form class="act".*?</form>', shown.box, re.DOTALL)[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert (fields["step"], fields["on"], fields["place"]) == ("agreed", today(), "Skopje")
    assert "Agree to " in form
    assert "Another day, or decline" in shown.box


def test_a_hit_that_was_taken_back_asks_for_nothing(day: Day) -> None:
    says(day.network, RS, FIRST, "retraction", retracts=day.hit, reason="The wrong pair.")
    day.network.settle()
    for node in (RS, MK):
        shown = day.shown(node)
        assert (shown.signs, shown.title) == (None, "The hit was taken back. Nothing is left to do.")
        assert "<h1>Taken back: " in shown.page


def test_an_alert_says_which_cases_and_until_when_and_goes_when_its_page_was_shown(day: Day) -> None:
    mk = day.network.nodes[MK]
    alerts = day.programs.page(mk, INVESTIGATOR, "/app/alerts").text
    about = re.findall(r'<span class="about">(.*?)</span>', alerts, re.DOTALL)
    assert len(about) == 1
    assert re.search(r" and .*: <time [^>]*>answer the lead, \d+ \w+, in \d+ days</time>", about[0])
    home = day.programs.page(mk, INVESTIGATOR, "/app/").text
    for page in (alerts, home):
        (both,) = re.findall(r'<span class="both">(.*?)</span>\s*<div', page, re.DOTALL)
        assert both.count('class="scan small') == 2, "both specimens, as the list of hits has them"
    for _ in range(2):
        assert day.programs.read(MK, INVESTIGATOR, "/alerts")["fresh"] == 1, "a list alone clears nothing"
    day.shown(MK)
    assert day.programs.read(MK, INVESTIGATOR, "/alerts")["fresh"] == 0
    assert day.programs.read(MK, HEAD, "/alerts")["fresh"] == 1, "of another person"
    assert 'class="fresh"' not in day.programs.page(mk, INVESTIGATOR, "/app/alerts").text
    says(day.network, RS, FIRST, "message", to=MK, about=day.hit, text="Thursday?", reference=None)
    day.network.settle()
    assert day.programs.read(MK, INVESTIGATOR, "/alerts")["fresh"] == 1, "what is new is new"


def test_the_list_says_the_step_and_whose_it_is(day: Day) -> None:
    ours = day.programs.page(day.network.nodes[MK], INVESTIGATOR, "/app/hits?turn=ours").text
    theirs = day.programs.page(day.network.nodes[RS], INVESTIGATOR, "/app/hits?turn=theirs").text
    for listed in (ours, theirs):
        assert f'<a href="/app/hits/{day.hit}">lead</a>' in listed
        assert "North Macedonia answers the lead" in listed
    assert day.hit not in day.programs.page(day.network.nodes[RS], INVESTIGATOR, "/app/hits?turn=ours").text
    assert day.hit not in day.programs.page(day.network.nodes[RS], INVESTIGATOR, "/app/hits?stage=confirmed").text
    assert day.programs.page(day.network.nodes[XK], INVESTIGATOR, "/app/hits").text.count('class="hit-list"') == 0
