"""Controls: pairs that nobody holds for a lead, sent to be judged like the others, each at a time of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from exchange.clock import now, stamp
from exchange.flows.alerts.alerts import count_fresh
from exchange.flows.blind import send
from exchange.flows.blind.send import ABOUT_S, EVERYBODYS, WEEK_S, draw_control
from exchange.flows.blind.tasks import tasks_for
from exchange.flows.node.node import Node
from exchange.flows.node.worker_lease import Presence
from exchange.flows.operate.status import node_status
from exchange.flows.terms.withdraw import withdraw
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.review import candidate_rows as candidates
from exchange.store.review.candidate_rows import unsent_candidates
from exchange.store.review.review_rows import open_tasks
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.terms.withdrawals import erase_rows
from schemas.vocabulary import WithdrawalReason
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

SCORES = {("a", "b"): 0.5, ("c", "b"): 0.1, ("a", "d"): 0.2, ("c", "d"): 0.4}
LOWER_HALF = [("c", "b"), ("a", "d")]
"""When a and b were sent."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BlindWorld]:
    """Each conclusion brings a control."""
    with blind_world(tmp_path) as made:
        settings = made.rs.settings.model_copy(update={"control_share": 1.0})
        made.network.nodes[RS] = replace(made.rs, settings=settings)
        for name, owner in (("a", RS), ("b", MK), ("c", RS), ("d", MK)):
            made.exhibit(name, owner)
        for pair, score in SCORES.items():
            made.compare(*pair, score)
            made.shown(FIRST, *pair, REGIONS[0])
        yield made


def waiting(world: BlindWorld) -> list[VerificationTaskRow]:
    """The controls last."""
    with world.rs.store.read() as session:
        return sorted(open_tasks(session), key=lambda task: task.conclusion is None)


def of(world: BlindWorld, task: VerificationTaskRow) -> set[str]:
    """The names of the two exhibits."""
    return {name for name, record in world.records.items() if record in (task.statement_a, task.statement_b)}


def withdrawn(world: BlindWorld, name: str) -> None:
    withdraw(world.network.nodes[world.owners[name]], HEAD, world.records[name], WithdrawalReason.ENTERED_IN_ERROR)
    world.network.settle()


def test_a_conclusion_makes_one_task_at_once_and_its_control_later(world: BlindWorld) -> None:
    before = node_status(world.rs).jobs
    world.concludes(FIRST, "a", "b")
    assert [of(world, task) for task in waiting(world)] == [{"a", "b"}]
    [job] = world.promised()
    assert stamp() < job.not_before < stamp(now() + timedelta(seconds=WEEK_S))
    assert node_status(world.rs).jobs == before, "whoever may be asked reads it"

    world.draws()
    lead, control = waiting(world)
    assert of(world, control) in map(set, LOWER_HALF)
    assert lead.created_at < control.created_at
    one, other = (_form(task) for task in (lead, control))
    assert one == other


def _form(task: VerificationTaskRow) -> tuple[object, ...]:
    """What is told of a task, without what it is about."""
    created, due = map(datetime.fromisoformat, (task.created_at, task.due_at))
    return task.basis, len(task.task_id), round((due - created).total_seconds()), task.taken_by, len(task.pair)


def test_one_is_drawn_from_all_of_the_lower_half_and_from_no_more(world: BlindWorld) -> None:
    world.concludes(FIRST, "a", "b")
    drawn = {send._draw_control(world.rs, None) for _ in range(100)}
    regions = [(*LOWER_HALF[0], REGIONS[0]), (*LOWER_HALF[0], REGIONS[1]), (*LOWER_HALF[1], REGIONS[1])]
    assert drawn == {world.candidate(*pair).row.candidate_id for pair in regions}


def test_it_appears_at_the_hour_of_the_week_of_a_conclusion(world: BlindWorld) -> None:
    """On a Monday's conclusion no control follows by night, where all are entered in the morning."""
    world.concludes(FIRST, "a", "b")
    usual = now() - timedelta(days=17, hours=5)
    with world.rs.store.write() as session:
        session.execute(update(VerificationTaskRow).values(created_at=stamp(usual)))
        later = [send._control_in_s(session) for _ in range(100)]
    assert all(0 <= seconds < WEEK_S for seconds in later)
    off = [(now() + timedelta(seconds=seconds) - usual).total_seconds() for seconds in later]
    assert all((one + ABOUT_S + 10) % WEEK_S < 2 * ABOUT_S + 20 for one in off)
    assert len(set(later)) > 1


def test_what_a_killed_worker_left_is_drawn_by_the_next(world: BlindWorld) -> None:
    world.concludes(FIRST, "a", "b")
    with world.rs.store.write() as session:
        session.execute(update(jobs.JobRow).where(jobs.JobRow.kind == JobKind.DRAW_CONTROL).values(not_before=stamp()))
        assert jobs.take(session, JobKind.DRAW_CONTROL, owner="killed", lease_s=-1)
    presence = Presence(world.rs)
    presence.begin()
    presence.beat({})
    [job] = world.promised()
    assert job.state == JobState.PENDING
    draw_control(world.rs, int(job.subject))  # killed anew, before it wrote down that this is done
    world.draws()
    assert [task.conclusion is None for task in waiting(world)] == [False, True]


def test_what_was_withdrawn_before_is_not_drawn(world: BlindWorld) -> None:
    world.concludes(FIRST, "a", "b")
    withdrawn(world, "c")
    withdrawn(world, "d")
    world.draws()
    assert [of(world, task) for task in waiting(world)] == [{"a", "b"}]


def test_what_is_withdrawn_while_it_is_drawn_is_not_sent(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, drawn = send._draw_control, [world.candidate("c", "b").row.candidate_id]

    def withdrawn_meanwhile(node: Node, not_for: str | None) -> int | None:
        if not drawn:
            return draw(node, not_for)
        withdrawn(world, "c")
        return drawn.pop()

    world.concludes(FIRST, "a", "b")
    monkeypatch.setattr(send, "_draw_control", withdrawn_meanwhile)
    world.draws()
    assert [of(world, task) for task in waiting(world)] == [{"a", "b"}, {"a", "d"}]


def test_of_many_pairs_a_few_are_looked_up_by_their_numbers(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight pairs stand for 300,000."""
    monkeypatch.setattr(candidates, "PROBED", 2)
    monkeypatch.setattr(candidates, "ENOUGH", 3)
    with world.rs.store.read() as session:
        asked = _statements(session)
        found = unsent_candidates(session, EVERYBODYS, RS)
    scores = [item.row.score for item in found]
    assert (len(found), scores) == (4, sorted(scores))
    looked = [text for text in asked if "JOIN record" in text]
    assert len(looked) == 2
    assert all("candidate.candidate_id IN" in text and "ORDER BY" not in text for text in looked)

    monkeypatch.setattr(candidates, "MOST_PROBED", 2)
    with world.rs.store.read() as session:
        asked = _statements(session)
        assert unsent_candidates(session, EVERYBODYS, "ffp-xx") == []
    assert len([text for text in asked if "JOIN record" in text]) == 1


def _statements(session: Session) -> list[str]:
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
    return asked


def test_a_control_is_not_offered_to_whom_it_is_made_alike(world: BlindWorld) -> None:
    """Else whoever concludes alone would be asked of nothing but controls."""
    world.concludes(FIRST, "a", "b")
    world.draws()
    (control,) = [task for task in waiting(world) if task.conclusion is None]
    with world.rs.store.read() as session:
        assert control.task_id not in {task.task_id for task in tasks_for(session, FIRST.pseudonym)}
        assert control.task_id in {task.task_id for task in tasks_for(session, SECOND.pseudonym)}
        assert count_fresh(session, world.rs, FIRST.role, FIRST.pseudonym, after="2026-01-01") == 0


def test_a_control_of_an_erased_version_ends_with_the_next(world: BlindWorld) -> None:
    """Until then it hides its exhibits, as a conclusion does."""
    world.concludes(FIRST, "a", "b")
    world.draws()
    (control,) = [task for task in waiting(world) if task.conclusion is None]
    (name,) = of(world, control) & {"c", "d"}
    older = world.records[name]
    world.exhibit(name, world.owners[name], scans=f"{name} anew")
    with world.rs.store.write() as session:
        erase_rows(session, older)
    assert control.task_id in {task.task_id for task in waiting(world)}
    with world.rs.store.read() as session:
        assert control.task_id not in {task.task_id for task in tasks_for(session, SECOND.pseudonym)}
    draw_control(world.rs, 1)
    assert control.task_id not in {task.task_id for task in waiting(world)}
