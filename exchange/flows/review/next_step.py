"""The one next step of a hit: what is to be done, by which side, until when; and the statement that does it.

What a hit asks for stands in its tasks, what one person may sign in ``next_statements``. Here the two meet: the step of
a page signs a statement that REST offers the same person, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.hits.history import Link
from exchange.flows.hits.vocabulary import HitTask, Stage, Todo
from exchange.flows.review.next_statements import NextStatement, named_day
from exchange.flows.review.reviews import Review
from schemas.vocabulary import ComparisonStep

_SIGNS: Final = {
    ComparisonStep.ASKED: Todo.ASK,
    ComparisonStep.SENT: Todo.SEND,
    ComparisonStep.RECEIVED: Todo.RECEIVE,
    ComparisonStep.RETURNED: Todo.RETURN,
    ComparisonStep.DONE: Todo.END,
}
_ON_EXHIBITS: Final = (Todo.CONFIRM, Todo.END, Todo.CONCLUDE)
"""What two examiners' comparison leads to: the first of these that may be signed."""


@dataclass(frozen=True)
class NextStep:
    """``task``: what a side owes, which it does by ``todo`` until ``due_at``. ``own``: it is this node's. ``offered``:
    what this person signs to do it; None where others do it. ``left``: how many are left who may verify, of a
    conclusion that waits for another examiner."""

    todo: Todo
    task: HitTask
    due_at: str
    own: bool
    offered: NextStatement | None = None
    left: int | None = None

    @property
    def side(self) -> str:
        return self.task.node


def next_hit_step(
    node_id: str, link: Link, offered: Sequence[NextStatement] = (), reviews: Sequence[Review] = ()
) -> NextStep | None:
    """Of this side first what this person may sign, else what a colleague does; else what is awaited of the other side.
    None when all is said. Without ``offered`` it is what a list says of a hit: nobody is asked what may be signed."""
    tasks = sorted(link.progress.tasks, key=lambda task: task.due_at)
    own = [task for task in tasks if task.node == node_id]
    for task in own:
        for todo in _ways(node_id, link, task):
            found = next((one for one in offered if todo_of(one) is todo), None)
            if found is not None:
                return NextStep(todo, task, task.due_at, own=True, offered=found)
    for task in own or tasks:
        waits = next((one for one in reviews if one.verified is None), None) if task.node == node_id else None
        if waits is not None and task.todo in _ON_EXHIBITS:
            return NextStep(Todo.VERIFY, task, waits.due_at or task.due_at, own=True, left=waits.may_verify)
        return _expected(node_id, task)
    return None


def steps_beside(node_id: str, link: Link, step: NextStep | None) -> list[NextStep]:
    """What else is to be done, by either side, beside the one next step. Of an exhibit that either side may send it is
    said once."""
    every = [_expected(node_id, task) for task in sorted(link.progress.tasks, key=lambda task: task.due_at)]
    return [
        one for one in every if step is not None and one.task != step.task and not (one.todo is step.todo is Todo.SEND)
    ]


def todo_of(offered: NextStatement) -> Todo | None:
    """What is done by signing this; None of what may be said at any time, or ends the way early."""
    match offered.draft["type"]:
        case "physical-comparison" if offered.draft["step"] == ComparisonStep.AGREED:
            return Todo.NAME_DAY if "on" in offered.missing else Todo.AGREE
        case "physical-comparison":
            return _SIGNS.get(offered.draft["step"])
        case "custody-explanation":
            return Todo.EXPLAIN
        case "hit":
            return Todo.CONFIRM
        case "conclusion":
            return Todo.CONCLUDE
        case "feedback":
            return Todo.OUTCOME
        case _:
            return None


def _ways(node_id: str, link: Link, task: HitTask) -> tuple[Todo, ...]:
    """What would do a task, the first first. Another day that the other side proposes is answered before anything."""
    agreed = link.progress.stage is Stage.COMPARISON_AGREED
    proposed = (Todo.AGREE,) if agreed and named_day(node_id, link)[0] is not None else ()
    match task.todo:
        case Todo.AGREE:
            return Todo.AGREE, Todo.NAME_DAY
        case Todo.CONCLUDE:
            return *proposed, *_ON_EXHIBITS
        case Todo.SEND | Todo.RECEIVE:
            return *proposed, task.todo
        case _:
            return (task.todo,)


def _expected(node_id: str, task: HitTask) -> NextStep:
    return NextStep(task.todo, task, task.due_at, own=task.node == node_id)
