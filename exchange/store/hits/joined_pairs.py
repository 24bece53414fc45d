"""Pairs that hits join, and who signed for what was read: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from exchange.clock import stamp
from exchange.store.entry.exhibits import Exhibits, exhibits_of
from exchange.store.long_lists import in_parts
from exchange.store.review.review_rows import Scans
from exchange.store.review.taken_work_rows import TakenKind, end_taken
from exchange.store.tables.hits import CountersignatureRow, HitPairRow, HitRow
from exchange.store.tables.mirror_tables import ReceivedPlaceRow
from exchange.store.tables.peer_tables import LaneItemRow, PeerRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from schemas import Receipt, Statement


def add_hit(session: Session, statement_id: str, pair: str) -> None:
    """Needs a write transaction."""
    session.merge(HitRow(statement_id=statement_id, pair=pair))
    session.flush()


def begin_pair(session: Session, row: HitPairRow) -> None:
    """A pair that is not known yet; otherwise it is stale from now on. Needs a write transaction."""
    if session.get(HitPairRow, row.pair) is None:
        session.add(row)
        session.flush()
    mark_stale(session, row.pair)


def stored_stage(session: Session, pair: str) -> str | None:
    """As it was last worked out; None of a pair that no hit joins."""
    return session.scalar(select(HitPairRow.stage).where(HitPairRow.pair == pair))


def mark_stale(session: Session, pair: str | None = None, *, provisional: bool = False) -> None:
    """Something came that may change a pair; or, without one, all of them, or those whose times are provisional.
    Needs a write transaction."""
    chosen = update(HitPairRow)
    if pair is not None:
        chosen = chosen.where(HitPairRow.pair == pair)
    if provisional:
        chosen = chosen.where(HitPairRow.provisional)
    session.execute(chosen.values(stale=True, changed=HitPairRow.changed + 1))


def stale_pairs(session: Session, *, after: str, limit: int) -> list[tuple[str, int]]:
    """Those that follow on a pair, each with how often it had changed when this was read."""
    found = select(HitPairRow.pair, HitPairRow.changed).where(HitPairRow.stale, HitPairRow.pair > after)
    found = found.order_by(HitPairRow.pair)
    return [(row[0], row[1]) for row in session.execute(found.limit(limit))]


def settle_pair(session: Session, pair: str, changed: int, worked_out: Mapping[str, Any] | None) -> None:
    """What was worked out of a pair, unless something came meanwhile; None where nothing of it is believed any more.
    Where nothing waits, nobody works on it any more. Needs a write transaction."""
    same = (HitPairRow.pair == pair, HitPairRow.changed == changed)
    if worked_out is None:
        session.execute(delete(HitPairRow).where(*same))
    else:
        session.execute(update(HitPairRow).where(*same).values(stale=False, **worked_out))
    if worked_out is None or not worked_out["due_at"]:
        end_taken(session, TakenKind.HIT, {pair})


def hits_of_pairs(session: Session, pairs: Collection[str], *, most: int) -> dict[str, list[StatementRow]]:
    """Of each pair those that are whole and believed, by their place in their issuer's log: of each issuer the first.
    Without pairs that have none."""
    found: dict[str, list[StatementRow]] = {}
    for part in in_parts(list(dict.fromkeys(pairs))):
        for row, pair in session.execute(_HITS_OF_PAIRS, {"pairs": part, "most": most}):
            found.setdefault(pair, []).append(row)
    return {pair: found[pair] for pair in dict.fromkeys(pairs) if pair in found}


def hits_of_pair(session: Session, pair: str, *, most: int) -> list[StatementRow]:
    """As ``hits_of_pairs``, of one."""
    return hits_of_pairs(session, [pair], most=most).get(pair, [])


def said_of_hits(
    session: Session, pairs: Collection[str], kind: str, *, most: int, newest: bool = False
) -> list[StatementRow]:
    """What was said of the hits of these pairs, of one type: of each pair and issuer the first ones, or the newest."""
    said = _NEWEST_SAID if newest else _FIRST_SAID
    parts = in_parts(sorted(pairs))
    return [row for part in parts for row in session.scalars(said, {"pairs": part, "kind": kind, "most": most})]


def first_said_of(session: Session, subjects: Collection[str], kind: str, *, most: int) -> list[StatementRow]:
    """Statements of one type about these subjects: the first ``most`` of each issuer for each subject."""
    parts = in_parts(sorted(subjects))
    return [
        row for part in parts for row in session.scalars(_FIRST_SAID_OF, {"subjects": part, "kind": kind, "most": most})
    ]


def verified_conclusions(
    session: Session, first_versions: Collection[str], *, most: int
) -> list[tuple[StatementRow, StatementRow]]:
    """The believed conclusions on these exhibits, each with a believed verification of it. For each exhibit these are
    the first ``most`` of each pair of issuers, that of the conclusion and that of the verification."""
    found: list[tuple[StatementRow, StatementRow]] = []
    for part in in_parts(sorted(first_versions)):
        found += [(row[0], row[1]) for row in session.execute(_VERIFIED, {"first_versions": part, "most": most})]
    return found


def _numbered(
    *of_each: InstrumentedAttribute[Any], newest: bool = False, of_hits: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Believed ones, numbered within each of these things and each issuer. ``of_hits`` joins the pairs of hits."""
    place = StatementRow.log_index.desc() if newest else StatementRow.log_index
    turn = func.row_number().over(
        partition_by=(*of_each, StatementRow.issuer), order_by=(place, StatementRow.statement_id)
    )
    believed = StatementRow.envelope.is_not(None), StatementRow.refused_by.is_(None)
    numbered = select(StatementRow.statement_id, of_each[0].label("thing"), turn.label("turn")).where(*believed)
    return numbered if of_hits is None else numbered.join(HitRow, of_hits)


def _first_of(numbered: Select[Any]) -> Select[Any]:
    """Those up to the number ``most``, each with its thing: how much of one thing a peer signs does not make the others
    slow."""
    chosen = numbered.subquery()
    return (
        select(StatementRow, chosen.c.thing)
        .join(chosen, chosen.c.statement_id == StatementRow.statement_id)
        .where(chosen.c.turn <= bindparam("most", type_=Integer))
        .order_by(StatementRow.log_index, StatementRow.statement_id)
    )


# asked with nearly each page, so built once
_OF_PAIRS = HitRow.pair.in_(bindparam("pairs", type_=String, expanding=True))
_SAID = StatementRow.type == bindparam("kind", type_=String), _OF_PAIRS
_HITS_OF_PAIRS = _first_of(
    _numbered(HitRow.pair, of_hits=HitRow.statement_id == StatementRow.statement_id).where(_OF_PAIRS)
)
_FIRST_SAID, _NEWEST_SAID = (
    _first_of(_numbered(HitRow.pair, newest=newest, of_hits=HitRow.statement_id == StatementRow.about).where(*_SAID))
    for newest in (False, True)
)
_FIRST_SAID_OF = _first_of(
    _numbered(StatementRow.about).where(
        StatementRow.type == bindparam("kind", type_=String),
        StatementRow.about.in_(bindparam("subjects", type_=String, expanding=True)),
    )
)


_SECOND = aliased(StatementRow)
_TURN = func.row_number().over(
    partition_by=(StatementRow.about, StatementRow.issuer, _SECOND.issuer),
    order_by=(StatementRow.log_index, _SECOND.log_index, _SECOND.statement_id),
)
_REVIEWED = (
    select(StatementRow.statement_id.label("first"), _SECOND.statement_id.label("second"), _TURN.label("turn"))
    .join(_SECOND, and_(_SECOND.about == StatementRow.statement_id, _SECOND.type == "verification"))
    .where(
        StatementRow.type == "conclusion",
        StatementRow.about.in_(bindparam("first_versions", type_=String, expanding=True)),
        *(row.envelope.is_not(None) & row.refused_by.is_(None) for row in (StatementRow, _SECOND)),
    )
    .subquery()
)
_VERIFIED = (
    select(StatementRow, _SECOND)
    .join(_REVIEWED, _REVIEWED.c.first == StatementRow.statement_id)
    .join(_SECOND, _SECOND.statement_id == _REVIEWED.c.second)
    .where(_REVIEWED.c.turn <= bindparam("most", type_=Integer))
    .order_by(StatementRow.log_index, _SECOND.log_index, _SECOND.statement_id)
)


def pairs_of_hits(session: Session, statement_ids: Collection[str]) -> set[str]:
    """The pairs that these hits join."""
    found: set[str] = set()
    for part in in_parts(sorted(statement_ids)):
        found |= set(session.scalars(select(HitRow.pair).where(HitRow.statement_id.in_(part))))
    return found


def hit_ids_of(session: Session, pairs: Collection[str]) -> set[str]:
    """The hits that join these pairs."""
    found: set[str] = set()
    for part in in_parts(sorted(pairs)):
        found |= set(session.scalars(select(HitRow.statement_id).where(HitRow.pair.in_(part))))
    return found


def showed_later_ones(session: Session, issuer: str, pair: str, *, position: int, log_index: int) -> bool:
    """Whether an issuer's lane had brought, before this place, a hit of the pair or a step of one which stands further
    on in its log."""
    of_pair = select(HitRow.statement_id).where(HitRow.pair == pair)
    is_step = and_(StatementRow.type == "physical-comparison", StatementRow.about.in_(of_pair))
    is_placed = and_(
        ReceivedPlaceRow.peer == StatementRow.issuer, ReceivedPlaceRow.statement_id == StatementRow.statement_id
    )
    found = select(StatementRow.statement_id).join(ReceivedPlaceRow, is_placed)
    found = found.where(StatementRow.issuer == issuer, StatementRow.log_index > log_index)
    found = found.where(ReceivedPlaceRow.position < position, or_(StatementRow.statement_id.in_(of_pair), is_step))
    return session.scalar(found.limit(1)) is not None


def exhibits_joined(session: Session, pairs: Collection[str]) -> dict[str, tuple[Scans, Exhibits]]:
    """The two scans and the two exhibits of each of these pairs."""
    found: dict[str, tuple[Scans, Exhibits]] = {}
    for part in in_parts(sorted(pairs)):
        for row in session.scalars(select(HitPairRow).where(HitPairRow.pair.in_(part))):
            found[row.pair] = (row.scan_low, row.scan_high), exhibits_of(row.exhibit_a, row.exhibit_b)
    return found


def hits_without_pair(session: Session, *, limit: int) -> Sequence[StatementRow]:
    """Hits that stand in no pair yet: from before there were pairs, or given back by a peer."""
    known = select(HitRow.statement_id).where(HitRow.statement_id == StatementRow.statement_id)
    found = select(StatementRow).where(
        StatementRow.type == "hit", StatementRow.envelope.is_not(None), StatementRow.refused_by.is_(None)
    )
    return session.scalars(found.where(~known.exists()).order_by(StatementRow.statement_id).limit(limit)).all()


def pairs_of(session: Session, exhibits: Collection[str], scans: Collection[Scans]) -> list[HitPairRow]:
    """The pairs of hits with one of these exhibits on a side, or with the lower scan of one of these pairs of scans."""
    found: dict[str, HitPairRow] = {}
    sides = [(HitPairRow.exhibit_a, exhibits), (HitPairRow.exhibit_b, exhibits)]
    for column, wanted in (*sides, (HitPairRow.scan_low, {low for low, _ in scans})):
        for part in in_parts(sorted(wanted)):
            found |= {row.pair: row for row in session.scalars(select(HitPairRow).where(column.in_(part)))}
    return list(found.values())


def all_pairs(session: Session, *, without: Collection[str]) -> list[HitPairRow]:
    """The first due first, those with no deadline last."""
    found = (
        select(HitPairRow)
        .where(HitPairRow.pair.not_in(without))
        .order_by(HitPairRow.due_at == "", HitPairRow.due_at, HitPairRow.link_id)
    )
    return list(session.scalars(found))


def pairs_that_wait_for(session: Session, node_id: str, *, without: Collection[str]) -> list[HitPairRow]:
    """The first due first."""
    found = select(HitPairRow).where(HitPairRow.due_at != "", _waits_for(node_id), HitPairRow.pair.not_in(without))
    return list(session.scalars(found.order_by(HitPairRow.due_at, HitPairRow.link_id)))


def open_pairs(session: Session, *, without: Collection[str], limit: int) -> list[HitPairRow]:
    """Where somebody has a turn: of each node that told of them, in turn, the first due first. So no node's hits leave
    another's out, however many they are."""
    by_due = (HitPairRow.due_at, HitPairRow.link_id)
    turn = func.row_number().over(partition_by=StatementRow.issuer, order_by=by_due)
    found = select(HitPairRow).join(StatementRow, StatementRow.statement_id == HitPairRow.link_id)
    found = found.where(HitPairRow.due_at != "", HitPairRow.pair.not_in(without))
    return list(session.scalars(found.order_by(turn, *by_due).limit(limit)))


@dataclass(frozen=True)
class PairFilter:
    """Conditions that must all hold. ``closed``: nobody has a turn, else somebody has; ``side`` and ``jurisdiction``:
    of one of the two records; ``record``: in whatever version of it. A record that was withdrawn is of no side and of
    no case any more."""

    closed: bool = False
    stage: str | None = None
    side: str | None = None
    jurisdiction: str | None = None
    case_reference: str | None = None
    record: str | None = None
    waits_for: str | None = None
    overdue: bool | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        yield HitPairRow.due_at == "" if self.closed else HitPairRow.due_at != ""
        if self.stage is not None:
            yield HitPairRow.stage == self.stage
        columns = ("issuer", self.side), ("jurisdiction", self.jurisdiction), ("case_reference", self.case_reference)
        for column, value in columns:
            if value is not None:
                yield _has_record(getattr(RecordRow, column) == value)
        if self.record is not None:
            exhibit = select(RecordRow.exhibit).where(RecordRow.statement_id == self.record)
            yield _has_record(RecordRow.exhibit.in_(exhibit))
        if self.waits_for is not None:
            yield _waits_for(self.waits_for)
        if self.overdue is not None:
            is_late = (HitPairRow.due_at != "") & (HitPairRow.due_at < stamp())
            yield is_late if self.overdue else ~is_late


def search_pairs(
    session: Session, wanted: PairFilter, *, without: Collection[str], after: tuple[str, str] | None, limit: int
) -> list[HitPairRow]:
    """Open ones by their deadline, closed ones the newest first; those that follow on a place (``place_of``)."""
    found = select(HitPairRow).where(HitPairRow.pair.not_in(without), *wanted.conditions())
    at = HitPairRow.since if wanted.closed else HitPairRow.due_at
    if after is not None:
        moment, pair = after
        found = found.where(
            (at < moment if wanted.closed else at > moment) | ((at == moment) & (HitPairRow.pair > pair))
        )
    order = at.desc() if wanted.closed else at
    return list(session.scalars(found.order_by(order, HitPairRow.pair).limit(limit)))


def place_of(row: HitPairRow, wanted: PairFilter) -> tuple[str, str]:
    """Where a page ends that ends with this row: in itself, so that naming it tells of no row."""
    return row.since if wanted.closed else row.due_at, row.pair


def _has_record(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    names = select(RecordRow.statement_id).where(RecordRow.restricted.is_(False), condition)
    return HitPairRow.record_a.in_(names) | HitPairRow.record_b.in_(names)


def _waits_for(node_id: str) -> ColumnElement[bool]:
    return (" " + HitPairRow.waits_for + " ").contains(f" {node_id} ")


def open_pair_ids(session: Session, *, without: Collection[str]) -> set[str]:
    """All where somebody has a turn, however many."""
    found = select(HitPairRow.pair).where(HitPairRow.due_at != "", HitPairRow.pair.not_in(without))
    return set(session.scalars(found))


def note_receipt(session: Session, statement_id: str, statement: Statement) -> None:
    """A receipt that states its time countersigns what it covers. Needs a write transaction."""
    if isinstance(statement, Receipt) and statement.stated_at is not None:
        session.merge(
            CountersignatureRow(
                statement_id=statement_id,
                reader=statement.issuer,
                owner=statement.owner,
                count=statement.count,
                at=statement.stated_at,
            )
        )


def countersigned(session: Session, node_id: str, statement_ids: Collection[str]) -> dict[str, str]:
    """When the other side signed that it had read each of these statements, as far as it has: own ones by the receipts
    of those on whose lanes they stand, received ones by this node's own. Of several times the first."""
    found: dict[str, str] = {}
    peers = list(session.scalars(select(PeerRow.node_id)))
    at = func.min(CountersignatureRow.at)
    for part in in_parts(sorted(statement_ids)):
        own = (
            select(LaneItemRow.statement_id, at)
            .join(CountersignatureRow, CountersignatureRow.reader == LaneItemRow.peer)
            .where(LaneItemRow.peer.in_(peers), LaneItemRow.statement_id.in_(part))
            .where(CountersignatureRow.owner == node_id, CountersignatureRow.count > LaneItemRow.position)
        )
        theirs = (
            select(ReceivedPlaceRow.statement_id, at)
            .join(CountersignatureRow, CountersignatureRow.owner == ReceivedPlaceRow.peer)
            .where(ReceivedPlaceRow.peer.in_(peers), ReceivedPlaceRow.statement_id.in_(part))
            .where(CountersignatureRow.reader == node_id, CountersignatureRow.count > ReceivedPlaceRow.position)
        )
        for question in (own.group_by(LaneItemRow.statement_id), theirs.group_by(ReceivedPlaceRow.statement_id)):
            found |= {row[0]: row[1] for row in session.execute(question)}
    return found
