"""Blind verification by REST: what the verifier is told names nothing that anybody or anything holds of the pair, and a
control looks as a colleague's conclusion does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from exchange.flows.blind.send import draw_control
from schemas import Maker
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, scan_of
from tests.exchange.flows.network import MK, RS
from tests.exchange.web.conftest import problem
from tests.exchange.web.rest.programs import Programs

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
NO_TASK = "0" * 32
JUDGED = {"conclusion": "inconclusive", "remark": "Some agreement."}


def tasks(programs: Programs, who: Maker = SECOND) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = programs.read(RS, who, "/verifications")["tasks"]
    return found


def take(programs: Programs, task: dict[str, Any], who: Maker = SECOND) -> int:
    return programs.post(RS, who, f"/verifications/{task['task_id']}/take").status_code


def cases(task: dict[str, Any]) -> set[str]:
    return {one["case_reference"] for one in task["specimens"]}


def both(world: BlindWorld) -> str:
    """A colleague's conclusion on a and b, and a control of c and b; returns the conclusion."""
    world.shown(FIRST, "c", "b", BREECH)  # a control is drawn from pairs that the examiner was shown
    said = world.concludes(FIRST, "a", "b", BREECH, remark="Striae of hour two.")
    draw_control(world.rs, 7)
    return said.statement_id


def shape(answer: Any) -> Any:
    """What is there, without what it says."""
    match answer:
        case dict():
            return {name: shape(value) for name, value in answer.items()}
        case list():
            return [shape(value) for value in answer]
        case _:
            return type(answer).__name__


def test_no_answer_to_the_verifier_tells_what_others_hold(world: BlindWorld, programs: Programs) -> None:
    lead = world.hit(MK, "a", "b", PIN).statement_id
    conclusion = both(world)
    heard = [programs.get(RS, SECOND, "/verifications").text]
    waiting = tasks(programs)
    assert {frozenset(cases(task)) for task in waiting} == {
        frozenset({"case-a", "case-b"}),
        frozenset({"case-c", "case-b"}),
    }
    for task in waiting:
        address = f"/verifications/{task['task_id']}"
        assert take(programs, task) == 204
        heard += [programs.get(RS, SECOND, path).text for path in (address, "/verifications")]
        answer = programs.post(RS, SECOND, address, JUDGED)
        assert answer.status_code == 201
        heard += [answer.text, programs.get(RS, SECOND, "/verifications").text]
    said = "\n".join(heard)
    for secret in (lead, conclusion, f'"{FIRST.pseudonym}"', "possible_association", "Striae", "control", "incident"):
        assert secret not in said, secret
    assert not re.search(r'"(score|made_by|verifies|hit|lead|candidate|matcher|words)', said)


def test_a_control_looks_as_a_conclusion_does(world: BlindWorld, programs: Programs) -> None:
    both(world)
    found: dict[str, list[Any]] = {}
    for task in tasks(programs):
        address = f"/verifications/{task['task_id']}"
        told = [task, take(programs, task), programs.read(RS, SECOND, address)]
        answer = programs.post(RS, SECOND, address, JUDGED)
        told += [answer.status_code, answer.json(), programs.get(RS, SECOND, address).status_code]
        found["control" if "case-c" in cases(task) else "conclusion"] = shape(told)
    assert found["control"] == found["conclusion"]


def test_the_verifier_sees_what_the_page_shows(world: BlindWorld, programs: Programs) -> None:
    world.concludes(FIRST, "a", "b", BREECH)
    (task,) = tasks(programs)
    assert take(programs, task) == 204
    taken = programs.read(RS, SECOND, f"/verifications/{task['task_id']}")
    sides = world.pair("a", "b", BREECH)
    assert [one["record"] for one in taken["specimens"]] == [sides["a"]["record"], sides["b"]["record"]]
    assert {one["sha256"] for one in taken["specimens"]} == {scan_of("a", BREECH), scan_of("b", BREECH)}
    assert (taken["roi"], taken["basis"], taken["due_at"]) == (BREECH, "screen", task["due_at"])
    for one in taken["specimens"]:
        assert one["heights"] == f"/v1/scans/{one['sha256']}/heights?form=filtered"


def test_a_task_is_one_examiners(world: BlindWorld, programs: Programs) -> None:
    world.concludes(FIRST, "a", "b", BREECH)
    (task,) = tasks(programs)
    address = f"/verifications/{task['task_id']}"
    assert tasks(programs, FIRST) == [], "nobody verifies their own"
    assert take(programs, task, FIRST) == 404
    absent = programs.get(RS, SECOND, f"/verifications/{NO_TASK}").json()["detail"]
    assert problem(programs.get(RS, SECOND, address), 404, "not-found")["detail"] == absent, "it is not taken"
    problem(programs.post(RS, SECOND, address, JUDGED), 404, "not-found")
    problem(programs.get(RS, HEAD, address), 403, "forbidden")

    assert [take(programs, task), take(programs, task)] == [204, 204]
    assert [one["mine"] for one in tasks(programs)] == [True]
    assert programs.post(RS, SECOND, f"{address}/give-back").status_code == 204
    assert [one["mine"] for one in tasks(programs)] == [False]
    problem(programs.get(RS, SECOND, address), 404, "not-found")


def test_whoever_was_shown_a_score_by_rest_is_not_asked(world: BlindWorld, programs: Programs) -> None:
    programs.read(RS, SECOND, f"/records/{world.records['a']}/candidates")
    world.concludes(FIRST, "a", "b", BREECH)
    assert tasks(programs) == []


def test_an_answer_is_signed_once_and_says_where(world: BlindWorld, programs: Programs) -> None:
    world.concludes(FIRST, "a", "b", BREECH)
    (task,) = tasks(programs)
    address = f"/verifications/{task['task_id']}"
    take(programs, task)
    problem(programs.post(RS, SECOND, address, {"conclusion": "surely"}), 422, "invalid-parameter")
    first, again = (programs.post(RS, SECOND, address, JUDGED) for _ in range(2))
    assert first.json() == again.json()
    assert problem(programs.post(RS, SECOND, address, {"conclusion": "possible_association"}), 409, "already-answered")
    said = programs.read(RS, SECOND, f"/statements/{first.json()['statement_id']}")["statement"]
    assert (said["result"]["conclusion"], said["remark"]) == (JUDGED["conclusion"], JUDGED["remark"])
    (done,) = programs.read(RS, SECOND, "/verifications")["done"]
    assert done["basis"] == "screen"


def test_ones_own_conclusion_waits_and_is_then_to_be_sent(world: BlindWorld, programs: Programs) -> None:
    said = world.concludes(FIRST, "a", "b", BREECH)
    found = programs.read(RS, FIRST, "/verifications")
    (own,) = found["own"]
    assert (own["conclusion"], own["may_verify"], own["anew"]) == (said.statement_id, 1, False)
    assert found["to_send"] == []
    world.verifies(SECOND, said, "a", "b", BREECH)
    found = programs.read(RS, FIRST, "/verifications")
    (lead,) = found["to_send"]
    assert found["own"] == []
    assert lead["body"]["score"] == world.candidate("a", "b", BREECH).row.score
    assert programs.read(RS, SECOND, "/verifications")["to_send"] == [], "whoever concluded sends"
    sent = programs.post(RS, FIRST, "/statements", lead["body"])
    assert (sent.status_code, sent.json()["to"]) == (201, [MK]), json.dumps(lead)
    assert programs.read(RS, FIRST, "/verifications")["to_send"] == []
