"""Rows as the check of content at rest reads them: beside the statement that each was made of, a few at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from exchange.store.tables.columns import Base
from exchange.store.tables.hits import HitPairRow, HitRow
from exchange.store.tables.log import CosignatureRow, LogNodeRow, LogStateRow
from exchange.store.tables.mirror_tables import MirrorTileRow, ReceivedPlaceRow
from exchange.store.tables.peer_tables import LaneItemRow, LaneRow
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    AudienceRow,
    BreechFaceClassRow,
    RecordDetailRow,
    RecordRow,
    StatementRow,
)
from exchange.store.tables.terms_tables import GroupMemberRow, HoldRow, TombstoneRow

_R = TypeVar("_R", bound=Base)

A_TIME = 256
"""So many rows are in the memory at once."""


def rows_backed(session: Session, column: InstrumentedAttribute[Any]) -> Iterator[tuple[Any, StatementRow | None]]:
    """Yield each row of a table with the statement that it was made of, which the column names; None if the statement
    is not here."""
    query = select(column.class_, StatementRow).outerjoin(StatementRow, StatementRow.statement_id == column)
    with session.execute(query.execution_options(yield_per=A_TIME)) as rows:
        for row in rows:
            yield row[0], row[1]


def rows_named(
    session: Session, table: type[_R], column: InstrumentedAttribute[str], names: Collection[str]
) -> dict[str, list[_R]]:
    """The rows whose column holds one of these names, by it."""
    found: dict[str, list[_R]] = defaultdict(list)
    for row in session.scalars(select(table).where(column.in_(names))):
        found[getattr(row, column.key)].append(row)
    return found


def unbacked_records(session: Session) -> Iterator[str]:
    """Records whose statement is gone, was erased, or is no record of the same issuer."""
    backed = and_(
        StatementRow.statement_id == RecordRow.statement_id,
        StatementRow.issuer == RecordRow.issuer,
        StatementRow.type == "record",
        StatementRow.envelope.is_not(None),
    )
    query = select(RecordRow.statement_id).outerjoin(StatementRow, backed).where(StatementRow.statement_id.is_(None))
    yield from session.scalars(query.execution_options(yield_per=A_TIME))


def parts_of_no_record(session: Session) -> Iterator[tuple[str, str]]:
    """Table and record of each row that says something of a record that is not here."""
    for table in (AudienceRow, BreechFaceClassRow, RecordDetailRow, AcquisitionRow):
        named = table.statement_id
        query = select(named).outerjoin(RecordRow, RecordRow.statement_id == named).distinct()
        for record in session.scalars(query.where(RecordRow.statement_id.is_(None)).limit(A_TIME)).all():
            yield table.__tablename__, record


_PROGRAMS = {
    "sqlite": "SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY 1",
    "postgresql": "SELECT 'trigger ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace "
    "UNION SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = current_schema() ORDER BY 1",
}


def programs(session: Session) -> Sequence[str]:
    """What the database does by itself when rows are read or written, by kind and name. No release makes any."""
    return session.scalars(text(_PROGRAMS[session.get_bind().dialect.name])).all()


def unknown_issuers(session: Session, known: Collection[str]) -> Sequence[str]:
    """Issuers of statements that are none of these nodes."""
    return session.scalars(select(StatementRow.issuer).where(StatementRow.issuer.not_in(known)).distinct()).all()


def standing_stones(session: Session, records: Collection[str], holder: str) -> set[str]:
    """Those of these records that their issuer took back from everybody, or from this holder."""
    taken = and_(
        TombstoneRow.record == RecordRow.statement_id,
        TombstoneRow.issuer == RecordRow.issuer,
        TombstoneRow.holder.in_(("", holder)),
        TombstoneRow.lifted.is_(False),
    )
    return set(session.scalars(select(RecordRow.statement_id).join(TombstoneRow, taken).where(_in(records))))


def held_of(session: Session, records: Collection[str]) -> set[str]:
    """Those of these records that a court holds and that their issuer withdrew once."""
    withdrawn = and_(TombstoneRow.record == RecordRow.statement_id, TombstoneRow.issuer == RecordRow.issuer)
    query = select(RecordRow.statement_id).join(TombstoneRow, withdrawn)
    return set(session.scalars(query.join(HoldRow, HoldRow.exhibit == RecordRow.exhibit).where(_in(records))))


def _in(records: Collection[str]) -> ColumnElement[bool]:
    return RecordRow.statement_id.in_(records)


def later_said(session: Session, issuer: str, kind: str, about: str, after: int) -> Sequence[StatementRow]:
    """What an issuer said later of a subject, by its log, in one type of statement."""
    query = select(StatementRow).where(
        StatementRow.about == about,
        StatementRow.issuer == issuer,
        StatementRow.type == kind,
        StatementRow.log_index > after,
    )
    return session.scalars(query.order_by(StatementRow.log_index)).all()


def lacking(
    session: Session, kind: str, table: type[Base], column: InstrumentedAttribute[str]
) -> Iterator[StatementRow]:
    """Whole and believed statements of a type of whose subject there is no row in the table."""
    query = select(StatementRow).outerjoin(table, column == StatementRow.about)
    whole = and_(StatementRow.envelope.is_not(None), StatementRow.refused_by.is_(None))
    query = query.where(StatementRow.type == kind, column.is_(None), whole).order_by(StatementRow.log_index)
    with session.scalars(query.execution_options(yield_per=A_TIME)) as rows:
        yield from rows


def group_owners(session: Session) -> set[str]:
    return set(session.scalars(select(GroupMemberRow.owner).distinct()))


def groups_named(session: Session, owner: str) -> set[tuple[str, str]]:
    rows = session.execute(
        select(GroupMemberRow.name, GroupMemberRow.jurisdiction).where(GroupMemberRow.owner == owner)
    )
    return {(row[0], row[1]) for row in rows}


def all_found(session: Session) -> Iterator[tuple[FoundRow, QueryRow | None, StatementRow | None, StatementRow | None]]:
    """What queries found, each with its query, the answer, and the statement that decided on it."""
    answer, decision = aliased(StatementRow), aliased(StatementRow)
    query = (
        select(FoundRow, QueryRow, answer, decision)
        .outerjoin(QueryRow, QueryRow.statement_id == FoundRow.query)
        .outerjoin(answer, answer.statement_id == QueryRow.answer)
        .outerjoin(decision, decision.statement_id == FoundRow.decision)
    )
    with session.execute(query.execution_options(yield_per=A_TIME)) as rows:
        for row in rows:
            yield row[0], row[1], row[2], row[3]


def scan_of(session: Session, record: str, position: int) -> str | None:
    return session.scalar(
        select(AcquisitionRow.sha256).where(AcquisitionRow.statement_id == record, AcquisitionRow.position == position)
    )


def lane_in_order(session: Session, peer: str) -> Iterator[LaneItemRow]:
    query = select(LaneItemRow).where(LaneItemRow.peer == peer).order_by(LaneItemRow.position)
    with session.scalars(query.execution_options(yield_per=A_TIME)) as rows:
        yield from rows


def places_in_order(session: Session, peer: str) -> Iterator[tuple[ReceivedPlaceRow, int | None]]:
    """What was read of a peer's lane, each place with the log index of its statement, where that is here."""
    query = (
        select(ReceivedPlaceRow, StatementRow.log_index)
        .outerjoin(StatementRow, StatementRow.statement_id == ReceivedPlaceRow.statement_id)
        .where(ReceivedPlaceRow.peer == peer)
        .order_by(ReceivedPlaceRow.position)
    )
    with session.execute(query.execution_options(yield_per=A_TIME)) as rows:
        for row in rows:
            yield row[0], row[1]


def count_places(session: Session, peer: str) -> int:
    return session.scalar(select(func.count()).select_from(ReceivedPlaceRow).where(ReceivedPlaceRow.peer == peer)) or 0


def parts_of_no_peer(session: Session, peers: Collection[str]) -> Iterator[tuple[str, str]]:
    """Table and peer of each row that belongs to a node which is no peer."""
    for table in (LaneRow, LaneItemRow, ReceivedPlaceRow, CosignatureRow):
        for peer in session.scalars(select(table.peer).where(table.peer.not_in(peers)).distinct()).all():
            yield table.__tablename__, peer
    for log in session.scalars(select(MirrorTileRow.log).where(MirrorTileRow.log.not_in(peers)).distinct()).all():
        yield MirrorTileRow.__tablename__, log


def all_cosignatures(session: Session) -> Iterator[CosignatureRow]:
    query = select(CosignatureRow).order_by(CosignatureRow.size)
    with session.scalars(query.execution_options(yield_per=A_TIME)) as rows:
        yield from rows


def mirror_tiles(session: Session, log: str) -> Iterator[MirrorTileRow]:
    query = select(MirrorTileRow).where(MirrorTileRow.log == log).order_by(MirrorTileRow.position)
    with session.scalars(query.execution_options(yield_per=16)) as rows:
        yield from rows


def hit_pair_of(session: Session, pair: str) -> HitPairRow | None:
    return session.get(HitPairRow, pair)


def pairs_of_no_hit(session: Session) -> Sequence[str]:
    query = select(HitPairRow.pair).outerjoin(HitRow, HitRow.pair == HitPairRow.pair)
    return session.scalars(query.where(HitRow.pair.is_(None))).all()


_COUNT_NODES = select(func.count()).select_from(LogNodeRow)


def count_nodes(session: Session) -> int:
    """How many hashes of complete subtrees of the own log are stored."""
    return session.scalar(_COUNT_NODES) or 0


def nodes_of(size: int) -> int:
    """How many complete subtrees a log of this size has."""
    return sum(size >> level for level in range(size.bit_length()))


def lost_nodes(session: Session, size: int) -> Iterator[tuple[int, int]]:
    """Level and place of each complete subtree whose hash is not stored, the lowest level first."""
    for level in range(size.bit_length()):
        query = select(LogNodeRow.position).where(LogNodeRow.level == level).order_by(LogNodeRow.position)
        expected = 0
        with session.scalars(query.execution_options(yield_per=A_TIME)) as positions:
            for position in positions:
                yield from ((level, at) for at in range(expected, min(position, size >> level)))
                expected = position + 1
        yield from ((level, at) for at in range(expected, size >> level))


def put_nodes(session: Session, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Needs a write transaction."""
    for level, position, value in nodes:
        session.merge(LogNodeRow(level=level, position=position, hash=value))


def last_leaf(session: Session, owner: str, below: int) -> int:
    """The largest index of the own log of which a hash or a statement is stored; -1 where there is none."""
    hashed = session.scalar(select(func.max(LogNodeRow.position)).where(LogNodeRow.level == 0))
    said = session.scalar(
        select(func.max(StatementRow.log_index)).where(StatementRow.issuer == owner, StatementRow.log_index < below)
    )
    return max(-1 if hashed is None else hashed, -1 if said is None else said)


def put_log_state(session: Session, size: int, keys_since: int) -> None:
    """Needs a write transaction."""
    if session.get(LogStateRow, 1) is None:
        session.add(LogStateRow(id=1, size=size, keys_since=keys_since))
