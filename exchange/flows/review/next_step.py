"""The one next step of a hit: what is to be done, by which side, until when; and the statement that does it.

What a hit asks for stands in its tasks, what one person may sign in ``next_statements``. Here the two meet: the step of
a page signs a statement that REST offers the same person, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.flows.hits.history import Link
from exchange.flows.hits.sides import other_side
from exchange.flows.hits.vocabulary import CLOSED, HitTask, Owed, Stage, Whereabouts
from exchange.flows.review.next_statements import NextStatement, named_day
from exchange.flows.review.reviews import Review
from schemas.vocabulary import ComparisonStep


class Todo(StrEnum):
    """What a side does next."""

    ASK = "ask"
    """Ask for a comparison of the exhibits: the answer to a lead."""
    AGREE = "agree"
    """To the day that the other side named."""
    NAME_DAY = "name_day"
    """Agree, and name a day: the other side named none, or it is over."""
    SEND = "send"
    """One exhibit leaves, under seal."""
    RECEIVE = "receive"
    RETURN = "return"
    CONCLUDE = "conclude"
    """Two examiners compare the exhibits, each for themselves."""
    VERIFY = "verify"
    """Another examiner verifies what one concluded on the exhibits."""
    CONFIRM = "confirm"
    """Sign the confirmed hit."""
    END = "end"
    """Sign that the exhibits were compared, and that the hit is not confirmed."""
    OUTCOME = "outcome"
    """Say how it went on."""


_SIGNS: Final = {
    ComparisonStep.ASKED: Todo.ASK,
    ComparisonStep.SENT: Todo.SEND,
    ComparisonStep.RECEIVED: Todo.RECEIVE,
    ComparisonStep.RETURNED: Todo.RETURN,
    ComparisonStep.DONE: Todo.END,
}
_ON_EXHIBITS: Final = frozenset({Todo.CONCLUDE, Todo.CONFIRM, Todo.END})
_DOES: Final = {
    Owed.FEEDBACK: (Todo.OUTCOME,),
    Owed.RECEIVE: (Todo.RECEIVE,),
    Owed.RETURN: (Todo.RETURN,),
    Owed.SIGN: (Todo.CONFIRM, Todo.CONCLUDE),
}
"""What does a task, the first that may be signed first; a step of the comparison depends on the stage."""


@dataclass(frozen=True)
class NextStep:
    """``side`` does ``todo`` until ``due_at``, by which it does what it owes. ``own``: it is this node's. ``offered``:
    what this person signs to do it; None where others do it. ``left``: how many are left who may verify, of a
    conclusion that waits for another examiner."""

    todo: Todo
    owed: Owed
    side: str
    due_at: str
    own: bool
    offered: NextStatement | None = None
    left: int | None = None


def next_hit_step(
    node_id: str, link: Link, offered: Sequence[NextStatement] = (), reviews: Sequence[Review] = ()
) -> NextStep | None:
    """Of this side first what this person may sign, else what a colleague does; else what is awaited of the other side.
    None when all is said. Without ``offered`` it is what a list says of a hit: nobody is asked what may be signed."""
    tasks = sorted(link.progress.tasks, key=lambda task: task.due_at)
    own = [task for task in tasks if task.node == node_id]
    for task in own:
        for todo in _todos(node_id, link, task):
            found = next((one for one in offered if todo_of(one) is todo and _is_for(link, one)), None)
            if found is not None:
                return NextStep(todo, task.owed, node_id, task.due_at, own=True, offered=found)
    for task in own or tasks:
        waits = next((one for one in reviews if one.verified is None), None) if task.node == node_id else None
        if waits is not None and _ON_EXHIBITS & {*_todos(node_id, link, task)}:
            until = waits.due_at or task.due_at
            return NextStep(Todo.VERIFY, task.owed, node_id, until, own=True, left=waits.may_verify)
        return _expected(node_id, link, task)
    return None


def steps_beside(node_id: str, link: Link, step: NextStep | None) -> list[NextStep]:
    """What else is to be done, by either side, beside the one next step. Of an exhibit that either side may send it is
    said once."""
    every = [_expected(node_id, link, task) for task in sorted(link.progress.tasks, key=lambda task: task.due_at)]
    return [
        one
        for one in every
        if step is not None
        and (one.owed, one.side) != (step.owed, step.side)
        and not (one.todo is step.todo is Todo.SEND)
    ]


def todo_of(offered: NextStatement) -> Todo | None:
    """What is done by signing this; None of what may be said at any time, or ends the way early."""
    match offered.draft["type"]:
        case "physical-comparison" if offered.draft["step"] == ComparisonStep.AGREED:
            return Todo.NAME_DAY if "on" in offered.missing else Todo.AGREE
        case "physical-comparison":
            return _SIGNS.get(offered.draft["step"])
        case "hit":
            return Todo.CONFIRM
        case "conclusion":
            return Todo.CONCLUDE
        case "feedback":
            return Todo.OUTCOME
        case _:
            return None


def _todos(node_id: str, link: Link, task: HitTask) -> tuple[Todo, ...]:
    """What would do a task, the first first."""
    if task.owed is not Owed.STEP:
        return _DOES[task.owed]
    match link.progress.stage:
        case Stage.LEAD:
            return (Todo.ASK,)
        case Stage.COMPARISON_ASKED:
            return (Todo.AGREE, Todo.NAME_DAY)
        case Stage.COMPARED:
            return (Todo.CONFIRM,)
        case stage if stage in CLOSED:
            return ()
        case _:
            proposed = (Todo.AGREE,) if named_day(node_id, link)[0] is not None else ()
            return (*proposed, Todo.RECEIVE, Todo.CONFIRM, Todo.END, Todo.CONCLUDE, Todo.SEND)


def _expected(node_id: str, link: Link, task: HitTask) -> NextStep:
    return NextStep(_awaited(link, task), task.owed, task.node, task.due_at, own=task.node == node_id)


def _is_for(link: Link, offered: NextStatement) -> bool:
    """An exhibit may leave at other times too: then nothing waits for it."""
    if todo_of(offered) is not Todo.SEND:
        return True
    return all(one.where is Whereabouts.HOME for one in link.progress.custody)


def _awaited(link: Link, task: HitTask) -> Todo:
    """What is expected of a side, by the stage and by where the exhibits are."""
    if task.owed is Owed.SIGN:
        return Todo.CONCLUDE
    if task.owed is not Owed.STEP:
        return _DOES[task.owed][0]
    match link.progress.stage:
        case Stage.LEAD:
            return Todo.ASK
        case Stage.COMPARISON_ASKED:
            return Todo.AGREE
        case Stage.COMPARED:
            return Todo.CONFIRM
        case _:
            return _awaited_of_agreed(link, task.node)


def _awaited_of_agreed(link: Link, node_id: str) -> Todo:
    away = [one for one in link.progress.custody if one.where is not Whereabouts.HOME]
    if any(one.where is Whereabouts.ON_ITS_WAY and one.other == node_id for one in away):
        return Todo.RECEIVE
    return Todo.CONCLUDE if away or other_side(node_id, link) is None else Todo.SEND
