"""What somebody is to do, one line each, with the exhibits that it is about: the first page of whoever signs in.

**What a line tells of scores.** Whoever was told that a pair of an exhibit stands out knows its score as well as by a
band, and can verify it blind no more; and who was told before that two stand out, and then that one does, knows which
of them a colleague concluded on. Opening the first page asks for no score and leaves no row that one was shown. So a
line of an exhibit says that it was compared, and no more; only of pairs whose scores this person was shown already, in
a list that they asked for, it says how many stand out and from where. That none stands out it never says: of a pair
that came since the list was asked for that would be its band. A verification is told as its own page tells it: the two
specimens, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import hours_after, stamp
from exchange.flows.alerts.deadlines import Duty, duty_of, own_tasks
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.tasks import Task, tasks_for
from exchange.flows.blind.visibility import hidden_pairs, view_of
from exchange.flows.candidates.exhibit_pairs import rankings_in
from exchange.flows.candidates.exhibit_ranking import RankedExhibits
from exchange.flows.hits.history import KnownLink, my_turn
from exchange.flows.hits.vocabulary import Todo
from exchange.flows.node.node import Node
from exchange.flows.review.leads import reviews_to_send
from exchange.flows.review.taken_work import TakenKind, WorkStanding, work_on_exhibits, work_on_hits
from exchange.flows.scan.listed_scans import ListedScan, pictured_scans, pictures_of_pairs
from exchange.store.entry.exhibits import Exhibits
from exchange.store.entry.record_rows import PENDING, find_records, records_compared
from exchange.store.review.candidate_rows import candidate_of, unopened_records
from exchange.store.review.review_rows import exhibits_seen_by, looked_at, scans_of
from exchange.store.review.taken_work_rows import records_taken_by
from exchange.store.scan.listed import scans_listed
from exchange.store.tables.record_tables import RecordRow
from schemas import Pair
from schemas.vocabulary import Role

MOST_LINES: Final = 20
"""So many lines are drawn, what is due first at the top; how many are left out is said below them."""
MOST_RANKED: Final = 5
"""Of so many exhibits it is asked what stands out: each costs as much as its own page."""
NO_TASKS: Final[Mapping[str, Pair | None]] = MappingProxyType({})


@dataclass(frozen=True)
class ShownPairs:
    """Of one record's exhibit pairs that were shown to this person already: how many stand out, and from which
    jurisdictions."""

    standing_out: int
    jurisdictions: tuple[str, ...]


class WorkOf(StrEnum):
    """Which lines are asked for."""

    MINE = "mine"
    NOBODYS = "nobody"


@dataclass(frozen=True)
class WorkItem:
    """One line. ``duty``: None of an exhibit that is still being compared; ``mine``: nobody else will do it; ``page``:
    where to do it; ``records``: the exhibits that it is about, the own one first; ``pictures``: a scan of each.
    ``compared`` of so many ``scans`` are done. ``work``: who works on it; None of what nobody takes.
    ``leaves``: one signature sends what two examiners concluded to the other side."""

    duty: Duty | None
    page: str
    due_at: str | None
    mine: bool
    records: tuple[RecordRow, ...] = ()
    pictures: tuple[ListedScan | None, ...] = ()
    shown: ShownPairs | None = None
    compared: int = 0
    scans: int = 0
    work: WorkStanding | None = None
    leaves: bool = False

    @property
    def is_nobodys(self) -> bool:
        return not self.mine and (self.work is None or self.work.taken is None)

    @property
    def late(self) -> bool:
        return self.due_at is not None and self.due_at < stamp()


@dataclass(frozen=True)
class Worklist:
    """``items``: the first that are due of those that were asked for, of which there are ``asked``; ``mine``,
    ``anybodys`` and what ``colleagues`` took count all."""

    items: tuple[WorkItem, ...]
    mine: int
    anybodys: int
    colleagues: int = 0
    asked: int = 0

    @property
    def left_out(self) -> int:
        return self.asked - len(self.items)


def worklist_of(node: Node, role: Role, pseudonym: str, of: WorkOf | None = None) -> Worklist:
    """What waits for this examiner or investigator, who is thereby told that there are hits.

    1. An examiner: own exhibits whose pairs nobody opened, or that are still being compared, and exhibits that others
       gave to them; pairs to verify; agreed leads to send.
    2. Everybody: hits on which this person may do what is expected of this side.
    3. Of those that are asked for, first what one signature sends to the other side, then what is due first,
       with their exhibits and pictures.
    """
    with node.store.read() as session:
        # 1.
        found = list(_of_examiner(session, node, pseudonym)) if role is Role.EXAMINER else []
        # 2.
        turns = my_turn(session, node, hidden_pairs(session, role, pseudonym))
        links = [link for link in turns if own_tasks(node, role, link)]
        works = work_on_hits(session, role, {link.link_id: link.pair_id for link in links})
        of_hits = ((link, item) for link in links for item in hit_items(node, role, link))
        found += [_of_whom(item, works.get(link.link_id), pseudonym) for link, item in of_hits]
        # 3.
        chosen = [item for item in found if of is None or (item.mine if of is WorkOf.MINE else item.is_nobodys)]
        chosen.sort(key=lambda item: (not item.leaves, item.due_at is None, item.due_at or ""))
        first = with_sides(session, node, chosen[:MOST_LINES], links)
        tasks = {item.page: item.pair for item in first if isinstance(item, _Blind)}
        asked: Collection[str] = ()
        if role is Role.EXAMINER:
            first, asked = _with_progress(session, first), _looked_at(session, first, pseudonym)
    note_hits(node, role, pseudonym, {link.pair_id for link in links})
    first = _with_shown(node, first, asked, pseudonym)
    mine, nobodys = sum(item.mine for item in found), sum(item.is_nobodys for item in found)
    return Worklist(with_pictures(node, first, tasks), mine, nobodys, len(found) - mine - nobodys, len(chosen))


def _of_whom(item: WorkItem, work: WorkStanding | None, pseudonym: str) -> WorkItem:
    """What somebody took is theirs; an exhibit is otherwise its registrar's, and a hit anybody's."""
    if work is None or work.taken is None:
        return replace(item, work=work)
    return replace(item, work=work, mine=work.taken.who == pseudonym)


@dataclass(frozen=True)
class _Blind(WorkItem):
    """A verification, and the pair whose two scans are to be compared."""

    pair: Pair | None = None


def _of_examiner(session: Session, node: Node, pseudonym: str) -> Iterable[WorkItem]:
    settings = node.settings
    unopened = dict(unopened_records(session, node.node_id, submitted_by=pseudonym, blind_for=pseudonym))
    given = records_taken_by(session, node.node_id, pseudonym).keys() - unopened.keys()
    if given:
        unopened |= unopened_records(session, node.node_id, submitted_by=None, blind_for=pseudonym, only=given)
    known = find_records(session, unopened)
    works = work_on_exhibits(session, Role.EXAMINER, pseudonym, known)
    for name, at in unopened.items():
        due_at = hours_after(at, settings.first_review_h)
        page = f"/app/records/{name}/candidates"
        item = WorkItem(Duty.FIRST_REVIEW, page, due_at, True, (known[name],) if name in known else ())
        yield _of_whom(item, works.get(name), pseudonym)
    for record in records_compared(session, pseudonym, limit=MOST_LINES):
        if record.statement_id not in unopened:
            yield WorkItem(None, f"/app/records/{record.statement_id}", None, True, (record,))
    for task in tasks_for(session, pseudonym):
        yield _of_task(node, task)
    for review in reviews_to_send(session, node, pseudonym):
        pair = review.said.pair
        stored = candidate_of(session, scans_of(pair.a.scan, pair.b.scan), view_of(Role.EXAMINER, pseudonym))
        page = f"/app/pairs/{stored.row.candidate_id}" if stored is not None else "/app/candidates"
        sides = () if stored is None else _own_first(node, (stored.record_a, stored.record_b))
        yield WorkItem(Duty.SEND_LEAD, page, hours_after(review.at, settings.dissemination_h), True, sides, leaves=True)


def _of_task(node: Node, task: Task) -> WorkItem:
    page = f"/app/verifications/{task.task_id}"
    return _Blind(Duty.VERIFICATION, page, task.due_at, task.mine, _own_first(node, task.records), pair=task.pair)


def hit_items(node: Node, role: Role | None, link: KnownLink) -> Iterable[WorkItem]:
    """As ``duties`` counts them for a role, or for anybody of this node: of one hit several things may be owed, each
    with its own deadline. Without its exhibits (``with_sides``)."""
    for task in own_tasks(node, role, link):
        yield WorkItem(
            duty_of(task.todo),
            f"/app/hits/{link.link_id}",
            task.due_at,
            False,
            leaves=task.todo in (Todo.CONFIRM, Todo.END),
        )


def with_sides(session: Session, node: Node, items: Sequence[WorkItem], links: Sequence[KnownLink]) -> list[WorkItem]:
    """Lines of hits with the exhibits of these, the own one first."""
    named = {item.work.key.name for item in items if item.work is not None and item.work.key.kind is TakenKind.HIT}
    sides = {link.link_id: link.sides for link in links if link.link_id in named}
    known = find_records(session, {name for both in sides.values() for name in both})
    return [
        replace(item, records=_own_first(node, (known[name] for name in both if name in known)))
        if item.work is not None and (both := sides.get(item.work.key.name))
        else item
        for item in items
    ]


def _own_first(node: Node, records: Iterable[RecordRow]) -> tuple[RecordRow, ...]:
    return tuple(sorted(records, key=lambda record: record.issuer != node.node_id))


def _looked_at(session: Session, items: Sequence[WorkItem], pseudonym: str) -> set[str]:
    """Of own exhibits whose pairs nobody opened, the first of which this person asked for a list of pairs already."""
    waiting = [item.records[0].exhibit for item in items if item.duty is Duty.FIRST_REVIEW and item.records]
    asked = looked_at(session, pseudonym, waiting) if waiting else set()
    return set([exhibit for exhibit in waiting if exhibit in asked][:MOST_RANKED])


def _with_shown(node: Node, items: Sequence[WorkItem], asked: Collection[str], pseudonym: str) -> list[WorkItem]:
    """What stands out of the exhibits that were ``asked`` for, where this person was shown all of it already."""
    own = [item.records[0] for item in items if item.duty is Duty.FIRST_REVIEW and item.records]
    records = [record for record in own if record.exhibit in asked]
    if not records:
        return list(items)
    with node.store.read() as session:
        named = [(record.statement_id, record.exhibit) for record in records]
        rankings = rankings_in(session, Role.EXAMINER, pseudonym, named)
        clear = {name: ranking.standing[: ranking.clear] for name, ranking in rankings.items()}
        pairs = [pair for each in clear.values() for pair in each]
        seen = exhibits_seen_by(session, pseudonym, {pair.exhibits for pair in pairs})
        others = find_records(session, {pair.other for pair in pairs})
    shown = {name: _shown_of(each, seen, others) for name, each in clear.items()}
    return [
        replace(item, shown=shown.get(item.records[0].statement_id))
        if item.duty is Duty.FIRST_REVIEW and item.records
        else item
        for item in items
    ]


def _shown_of(
    clear: Sequence[RankedExhibits], seen: Collection[Exhibits], others: Mapping[str, RecordRow]
) -> ShownPairs | None:
    """None where none stands out, or one does that this person was not shown yet."""
    if not clear or any(pair.exhibits not in seen for pair in clear):
        return None
    places = tuple(dict.fromkeys(others[pair.other].jurisdiction for pair in clear if pair.other in others))
    return ShownPairs(len(clear), places)


def _with_progress(session: Session, items: Sequence[WorkItem]) -> list[WorkItem]:
    """How many scans of an own exhibit are compared, where some are not."""
    own = {item.records[0].statement_id for item in items if _is_of_comparison(item)}
    done, scans = Counter[str](), Counter[str]()
    for row in scans_listed(session, own):
        scans[row.statement_id] += 1
        done[row.statement_id] += row.state not in PENDING
    return [
        replace(item, compared=done[name], scans=scans[name])
        if _is_of_comparison(item) and (name := item.records[0].statement_id)
        else item
        for item in items
    ]


def _is_of_comparison(item: WorkItem) -> bool:
    return item.duty in (None, Duty.FIRST_REVIEW) and bool(item.records)


def with_pictures(
    node: Node, items: Sequence[WorkItem], tasks: Mapping[str, Pair | None] = NO_TASKS
) -> tuple[WorkItem, ...]:
    """``tasks``: of verifications the pair whose two scans are to be compared."""
    blind = pictures_of_pairs(node, {page: pair for page, pair in tasks.items() if pair is not None})
    known = pictured_scans(node, (record for item in items if item.page not in blind for record in item.records))
    return tuple(
        replace(
            item,
            pictures=tuple(blind.get(item.page, known).get(record.statement_id) for record in item.records),
        )
        for item in items
    )
