"""What is new for a program's user: listed, marked as read, and put back."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import Maker
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld
from tests.exchange.flows.network import MK, RS
from tests.exchange.web.conftest import problem
from tests.exchange.web.rest.programs import Programs

pytestmark = pytest.mark.slow


def alerts(programs: Programs, who: Maker = FIRST) -> dict[str, Any]:
    found: dict[str, Any] = programs.read(RS, who, "/alerts")
    return found


def test_a_hit_of_the_other_side_is_new_until_it_is_read(world: BlindWorld, programs: Programs) -> None:
    assert alerts(programs) == {"items": [], "fresh": 0, "seen_to": None, "may_undo": False}
    hit = world.hit(MK, "a", "b").statement_id
    found = alerts(programs)
    (line,) = found["items"]
    assert (line["what"], line["issuer"], line["leads_to"], line["subject"]) == ("hit", MK, "hit", hit)
    assert (line["fresh"], found["fresh"], found["may_undo"]) == (True, 1, False)

    marked = programs.post(RS, FIRST, "/alerts/read", {"seen_to": found["seen_to"]})
    assert marked.status_code == 204
    read = alerts(programs)
    assert (read["fresh"], read["items"][0]["fresh"], read["may_undo"]) == (0, False, True)
    assert alerts(programs, HEAD)["fresh"] == 1, "a mark is one's own"
    assert programs.post(RS, FIRST, "/alerts/unread").status_code == 204
    assert alerts(programs)["fresh"] == 1
    problem(programs.post(RS, FIRST, "/alerts/unread"), 404, "not-found")
    problem(programs.post(RS, FIRST, "/alerts/read", {"seen_to": "now"}), 422, "invalid-field")
    assert programs.get(RS, FIRST, f"/hits/{line['subject']}").status_code == 200
    assert alerts(programs)["fresh"] == 0, "who opened it has seen it"


def test_what_waits_for_a_blind_verification_names_nothing(world: BlindWorld, programs: Programs) -> None:
    world.hit(MK, "a", "b", REGIONS[1])
    world.concludes(FIRST, "a", "b", REGIONS[0])
    (line,) = alerts(programs, SECOND)["items"]
    assert line.pop("at")
    assert line == {
        "what": "verification-waits",
        "issuer": None,
        "leads_to": "verifications",
        "subject": None,
        "statement_id": None,
        "fresh": True,
        "no_effect": None,
        "step": None,
    }


@pytest.mark.parametrize("path", ["/alerts", "/hits"])
def test_whoever_was_told_of_a_hit_verifies_nothing_of_its_exhibits(
    world: BlindWorld, programs: Programs, path: str
) -> None:
    world.hit(MK, "a", "b", REGIONS[1])
    assert programs.read(RS, SECOND, path)["items"]
    world.concludes(FIRST, "a", "b", REGIONS[0])
    assert programs.read(RS, SECOND, path)["items"] == []
    assert programs.read(RS, SECOND, "/verifications")["tasks"] == []
