"""What is due, and from whom: the first page of whoever signs in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from sqlalchemy.orm import Session

from exchange.clock import hours_after, stamp
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.tasks import tasks_for
from exchange.flows.blind.visibility import Hidden, hidden_pairs
from exchange.flows.hits.history import KnownLink, my_turn
from exchange.flows.hits.vocabulary import HitTask, Todo, may_do
from exchange.flows.node.node import Node
from exchange.flows.review.leads import reviews_to_send
from exchange.store.review.candidates import correlated_first, unopened_records
from exchange.store.review.reviews import open_tasks
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


def waiting_for(session: Session, node: Node, role: Role, pseudonym: str) -> Waiting:
    """An examiner's first reviews are those of the exhibits that the examiner registered; whoever heads the FFP sees
    all."""
    reviews, links = dict[str, str](), list[KnownLink]()
    if role in (Role.EXAMINER, Role.HEAD):
        mine = pseudonym if role is Role.EXAMINER else None
        found = unopened_records(session, node.node_id, submitted_by=mine, blind_for=mine)
        reviews = {name: hours_after(at, node.settings.first_review_h) for name, at in found}
    if role in (Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD):
        links = my_turn(session, node, hidden_pairs(session, role, pseudonym))
    return Waiting(reviews, links)


def duties(session: Session, node: Node, role: Role, pseudonym: str, waiting: Waiting | None = None) -> list[Due]:
    """What waits for this person in this role, the most urgent first; ``waiting``: what was read of it already."""
    waiting = waiting or waiting_for(session, node, role, pseudonym)
    moments: dict[Duty, list[str]] = {Duty.FIRST_REVIEW: list(waiting.reviews.values())}
    if role is Role.EXAMINER:
        moments[Duty.VERIFICATION] = [task.due_at for task in tasks_for(session, pseudonym)]
        moments[Duty.SEND_LEAD] = [
            hours_after(review.at, node.settings.dissemination_h)
            for review in reviews_to_send(session, node, pseudonym)
        ]
    _add_hits(moments, node, role, waiting.links)
    return _due(moments)


def tell_duties(node: Node, role: Role, pseudonym: str, waiting: Waiting | None = None) -> list[Due]:
    """As ``duties``, for somebody who is thereby told that there are hits."""
    with node.store.read() as session:
        waiting = waiting or waiting_for(session, node, role, pseudonym)
        due = duties(session, node, role, pseudonym, waiting)
    note_hits(node, role, pseudonym, {link.pair_id for link in waiting.links})
    return due


def all_duties(session: Session, node: Node) -> list[Due]:
    """What waits for anybody of this node, for whoever watches that deadlines are kept: numbers, no names."""
    moments: dict[Duty, list[str]] = {
        Duty.FIRST_REVIEW: [
            hours_after(at, node.settings.first_review_h)
            for at in correlated_first(session, node.node_id, submitted_by=None)
        ],
        Duty.VERIFICATION: [task.due_at for task in open_tasks(session)],
    }
    _add_hits(moments, node, None, my_turn(session, node, Hidden()))
    return _due(moments)


def _add_hits(moments: dict[Duty, list[str]], node: Node, role: Role | None, links: Iterable[KnownLink]) -> None:
    for link in links:
        for task in own_tasks(node, role, link):
            moments.setdefault(duty_of(task.todo), []).append(task.due_at)


def _due(moments: dict[Duty, list[str]]) -> list[Due]:
    now = stamp()
    found = [
        Due(duty, len(due), sum(at < now for at in due), min(due), PAGE_OF_DUTY[duty])
        for duty, due in moments.items()
        if due
    ]
    return sorted(found, key=lambda item: item.first)
