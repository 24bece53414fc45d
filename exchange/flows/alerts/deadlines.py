"""What is due: for the head, and for whoever watches that deadlines are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from sqlalchemy.orm import Session

from exchange.clock import hours_after, stamp
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits.history import KnownLink, my_turn
from exchange.flows.hits.vocabulary import HitTask, Todo, may_do
from exchange.flows.node.node import Node
from exchange.store.review.candidate_rows import unopened_records
from exchange.store.review.review_rows import open_tasks
from schemas.vocabulary import Role


class Duty(StrEnum):
    FIRST_REVIEW = "first_review"
    """A scan was correlated, and nobody has opened one of its pairs."""
    VERIFICATION = "verification"
    SEND_LEAD = "send_lead"
    """Two examiners agree, and the other side does not know yet."""
    ANSWER = "answer"
    """The other side waits for this one's next step on a hit."""
    EXPLAIN = "explain"
    """A custody discrepancy of an own exhibit stops the confirmation of a hit."""
    FEEDBACK = "feedback"
    RECEIVE = "receive"
    """An exhibit is on its way to this side."""
    RETURN = "return"
    """The other side's exhibit is here, and nobody compares it any more."""


OF_HITS: Final = (Duty.ANSWER, Duty.EXPLAIN, Duty.FEEDBACK, Duty.RECEIVE, Duty.RETURN)
PAGE_OF_DUTY: Final = {
    Duty.FIRST_REVIEW: "/app/candidates",
    Duty.VERIFICATION: "/app/verifications",
    Duty.SEND_LEAD: "/app/candidates",
    **dict.fromkeys(OF_HITS, "/app/hits"),
}


@dataclass(frozen=True)
class Due:
    """``count`` things of one kind wait, ``late`` of them overdue; the first is due at ``first``; ``page`` is where to
    do them."""

    duty: Duty
    count: int
    late: int
    first: str
    page: str


@dataclass(frozen=True)
class Waiting:
    """``reviews``: when the first review of each record is due, by record; ``links``: hits on which something is
    expected of this side, the first due first."""

    reviews: Mapping[str, str]
    links: Sequence[KnownLink]


def duty_of(todo: Todo) -> Duty:
    match todo:
        case Todo.RECEIVE:
            return Duty.RECEIVE
        case Todo.RETURN:
            return Duty.RETURN
        case Todo.EXPLAIN:
            return Duty.EXPLAIN
        case Todo.OUTCOME:
            return Duty.FEEDBACK
        case Todo.ASK | Todo.AGREE | Todo.NAME_DAY | Todo.SEND | Todo.CONCLUDE | Todo.VERIFY | Todo.CONFIRM | Todo.END:
            return Duty.ANSWER
        case _:
            assert_never(todo)


def own_tasks(node: Node, role: Role | None, link: KnownLink) -> list[HitTask]:
    """What is expected of this side that somebody in this role may do; None: anybody of this node."""
    tasks = [task for task in link.progress.tasks if task.node == node.node_id]
    return tasks if role is None else [task for task in tasks if may_do(task.todo, role)]


def waiting_here(session: Session, node: Node) -> Waiting:
    """What waits for the people of this node, whoever they are."""
    unopened = unopened_records(session, node.node_id, submitted_by=None)
    reviews = {name: hours_after(at, node.settings.first_review_h) for name, at in unopened}
    return Waiting(reviews, my_turn(session, node, Hidden()))


def head_duties(node: Node, pseudonym: str) -> tuple[Waiting, list[Due]]:
    """What waits here, and what of it the head may do, the most urgent first. The head is thereby told that there are
    hits."""
    with node.store.read() as session:
        waiting = waiting_here(session, node)
    note_hits(node, Role.HEAD, pseudonym, {link.pair_id for link in waiting.links})
    return waiting, _due(node, Role.HEAD, waiting)


def all_duties(session: Session, node: Node) -> list[Due]:
    """What waits for anybody of this node, for whoever watches that deadlines are kept: numbers, no names."""
    return _due(node, None, waiting_here(session, node), [task.due_at for task in open_tasks(session)])


def _due(node: Node, role: Role | None, waiting: Waiting, verifications: Sequence[str] = ()) -> list[Due]:
    moments = {Duty.FIRST_REVIEW: [*waiting.reviews.values()], Duty.VERIFICATION: [*verifications]}
    for link in waiting.links:
        for task in own_tasks(node, role, link):
            moments.setdefault(duty_of(task.todo), []).append(task.due_at)
    now = stamp()
    found = [
        Due(duty, len(due), sum(at < now for at in due), min(due), PAGE_OF_DUTY[duty])
        for duty, due in moments.items()
        if due
    ]
    return sorted(found, key=lambda item: item.first)
