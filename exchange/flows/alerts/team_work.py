"""Who works on how much, and what is late and taken by nobody: for whoever heads the Firearms Focal Point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.alerts.deadlines import Duty, Waiting
from exchange.flows.alerts.worklist import WorkItem, hit_items, with_pictures, with_sides
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.hits.history import KnownLink
from exchange.flows.node.node import Node
from exchange.flows.review.taken_work import work_on_exhibits, work_on_hits
from exchange.store.entry.record_rows import find_records
from exchange.store.review.taken_work_rows import TakenKind, all_taken, records_taken_by
from schemas.vocabulary import Role

MOST_LATE: Final = 10
"""So many lines are drawn, what is late longest first; how many are left out is said below them."""


@dataclass(frozen=True)
class WorkShare:
    """What one person works on: ``exhibits`` and ``hits`` that wait, ``late`` of them overdue."""

    who: str
    exhibits: int
    hits: int
    late: int


@dataclass(frozen=True)
class TeamWork:
    """``late``: the first that are late of what nobody took; ``left_out`` more there are."""

    shares: tuple[WorkShare, ...]
    late: tuple[WorkItem, ...]
    left_out: int


def team_work(node: Node, pseudonym: str, waiting: Waiting) -> TeamWork:
    """For the head, who is thereby told that there are hits, and verifies nothing blind.

    1. What is ``waiting``: first reviews, and hits on which something is expected of this side.
    2. Who took how much of it.
    3. What is late and nobody's.
    """
    now = stamp()
    with node.store.read() as session:
        # 1.
        reviews, links = waiting.reviews, waiting.links
        # 2.
        of_exhibits = _holders_of_records(session, node, reviews)
        of_hits = _holders_of_links(session, links)
        due = [(of_exhibits[name], TakenKind.EXHIBIT, reviews[name]) for name in of_exhibits]
        due += [(of_hits[link.pair_id], TakenKind.HIT, _due(node, link)) for link in links if link.pair_id in of_hits]
        # 3.
        late_ones = [(at, name) for name, at in reviews.items() if at < now and name not in of_exhibits]
        late_links = [link for link in links if _due(node, link) < now and link.pair_id not in of_hits]
        late, count = _late_items(session, node, pseudonym, sorted(late_ones), late_links)
    note_hits(node, Role.HEAD, pseudonym, {link.pair_id for link in links})
    return TeamWork(_shares(due, now), with_pictures(node, late), count - len(late))


def _holders_of_records(session: Session, node: Node, waiting: Mapping[str, str]) -> dict[str, str]:
    """Of the records that wait for a first review those that somebody took, each with whom."""
    who = {row.subject: row.taken_by for row in all_taken(session, TakenKind.EXHIBIT)}
    taken = records_taken_by(session, node.node_id)
    return {name: who[exhibit] for name, exhibit in taken.items() if name in waiting and exhibit in who}


def _holders_of_links(session: Session, links: Sequence[KnownLink]) -> dict[str, str]:
    waiting = {link.pair_id for link in links}
    return {row.subject: row.taken_by for row in all_taken(session, TakenKind.HIT) if row.subject in waiting}


def _due(node: Node, link: KnownLink) -> str:
    """Of what this side is to do first."""
    return min((item.due_at or "" for item in hit_items(node, None, link)), default="")


def _shares(due: list[tuple[str, TakenKind, str]], now: str) -> tuple[WorkShare, ...]:
    """Whoever has most stands first."""
    counts = Counter((who, kind) for who, kind, _ in due)
    late = Counter(who for who, _, at in due if at and at < now)
    shares = [
        WorkShare(who, counts[who, TakenKind.EXHIBIT], counts[who, TakenKind.HIT], late[who])
        for who in sorted({who for who, _ in counts})
    ]
    return tuple(sorted(shares, key=lambda share: -(share.exhibits + share.hits)))


def _late_items(
    session: Session, node: Node, pseudonym: str, reviews: list[tuple[str, str]], links: list[KnownLink]
) -> tuple[list[WorkItem], int]:
    """The first of them, and how many there are."""
    known = find_records(session, {name for _, name in reviews[:MOST_LATE]})
    works = work_on_exhibits(session, Role.HEAD, pseudonym, known)
    items = [
        WorkItem(Duty.FIRST_REVIEW, f"/app/records/{name}/candidates", at, False, (known[name],), work=works[name])
        for at, name in reviews[:MOST_LATE]
        if name in known
    ]
    standings = work_on_hits(session, Role.HEAD, {link.link_id: link.pair_id for link in links})
    for link in links:
        first = min(hit_items(node, None, link), key=lambda item: item.due_at or "")
        items.append(replace(first, work=standings[link.link_id]))
    items.sort(key=lambda item: item.due_at or "")
    return with_sides(session, node, items[:MOST_LATE], links), len(reviews) + len(links)
