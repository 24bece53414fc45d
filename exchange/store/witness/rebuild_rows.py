"""What a rebuild changes in the database, inside the caller's transaction: the log's end, what is lost, the lanes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.log.statement_rows import leaf_at, log_size, log_state
from exchange.store.tables.log import AuditBatchRow, LogNodeRow
from exchange.store.tables.mirror_tables import LostRow, RebuildSourceRow, ReturnedHeadRow
from exchange.store.tables.peer_tables import LaneItemRow, LaneRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.terms_tables import ApprovalRow, GrantRow, TombstoneRow

PARKED = 2**61
"""Log indices from here on are none: so is an own statement numbered that has yet to be appended anew."""
_LEVELS = 63


@dataclass(frozen=True)
class RebuiltPlace:
    """A place of a lane as it will be laid."""

    statement_id: str
    head: bytes
    log_index: int | None
    withheld: bool


def keep_returned(session: Session, peer: str, size: int, root: bytes, note: bytes) -> None:
    """The largest that this peer returned."""
    before = returned_head(session, peer)
    if before is None or before.size < size:
        session.merge(ReturnedHeadRow(peer=peer, size=size, root=root, note=note))


def returned_head(session: Session, peer: str) -> ReturnedHeadRow | None:
    return session.get(ReturnedHeadRow, peer)


def returned_heads(session: Session) -> Sequence[ReturnedHeadRow]:
    """The largest first."""
    return session.scalars(select(ReturnedHeadRow).order_by(ReturnedHeadRow.size.desc(), ReturnedHeadRow.peer)).all()


def forget_returned_heads(session: Session) -> None:
    session.execute(delete(ReturnedHeadRow))


def rebuild_sources(session: Session) -> Sequence[RebuildSourceRow]:
    return session.scalars(select(RebuildSourceRow).order_by(RebuildSourceRow.peer)).all()


def rebuild_source(session: Session, peer: str) -> RebuildSourceRow | None:
    return session.get(RebuildSourceRow, peer)


def add_sources(session: Session, peers: Iterable[str]) -> None:
    """Ask these peers, from the beginning."""
    for peer in peers:
        session.merge(RebuildSourceRow(peer=peer, next_index=0, tried=False))
    session.flush()


def ask_witnesses_again(session: Session) -> None:
    """At a start nobody was tried yet; where each was stays known."""
    session.execute(update(RebuildSourceRow).values(tried=False))


def drop_source(session: Session, peer: str) -> None:
    session.execute(delete(RebuildSourceRow).where(RebuildSourceRow.peer == peer))


_LOST = select(LostRow).order_by(LostRow.log_index)


def lost_leaves(session: Session) -> Sequence[LostRow]:
    return session.scalars(_LOST).all()


def is_lost(session: Session, log_index: int) -> bool:
    return session.get(LostRow, log_index) is not None


def no_longer_lost(session: Session, log_index: int) -> None:
    session.execute(delete(LostRow).where(LostRow.log_index == log_index))


def own_leaves(session: Session) -> Sequence[bytes]:
    """The hashes of all leaves of the own log, in their order."""
    query = select(LogNodeRow.position, LogNodeRow.hash).where(LogNodeRow.level == 0)
    stored = {row[0]: row[1] for row in session.execute(query)}
    return [stored[at] if at in stored else leaf_at(session, at) for at in range(log_size(session))]


def replace_end(session: Session, common: int, size: int, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Put other complete subtrees in the place of all that rest on leaves from ``common`` on."""
    for level in range(_LEVELS):  # the subtrees that end before ``common`` stay
        session.execute(delete(LogNodeRow).where(LogNodeRow.level == level, LogNodeRow.position >= common >> level))
    if nodes:
        session.execute(
            insert(LogNodeRow), [{"level": level, "position": at, "hash": value} for level, at, value in nodes]
        )
    log_state(session).size = size
    session.flush()


def park(session: Session, issuer: str, common: int, leaves: dict[bytes, int]) -> set[int]:
    """Take own statements off the log indices from ``common`` on. What stands in the log all the same is numbered as
    there; the rest is parked, in its order. Returns the indices that have their statements."""
    rows = session.scalars(
        select(StatementRow)
        .where(StatementRow.issuer == issuer, StatementRow.log_index >= common)
        .order_by(StatementRow.log_index)
    ).all()
    parked = session.scalar(select(func.max(StatementRow.log_index)).where(StatementRow.issuer == issuer)) or 0
    free = max(PARKED, parked + 1)
    for place, row in enumerate(rows):
        row.log_index = free + place
        session.flush()
    there = set()
    for row in rows:
        index = leaves.get(row.leaf)
        if index is not None:
            renumber(session, row, index)
            there.add(index)
    return there


def renumber(session: Session, row: StatementRow, index: int) -> None:
    """Give an own statement, and what refers to its place, another index of the log."""
    row.log_index = index
    session.execute(update(TombstoneRow).where(TombstoneRow.withdrawal == row.statement_id).values(log_index=index))
    for table in (ApprovalRow, GrantRow, AuditBatchRow):
        session.execute(update(table).where(table.statement_id == row.statement_id).values(log_index=index))
    session.flush()


def parked_statements(session: Session, issuer: str) -> Sequence[StatementRow]:
    query = select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.log_index >= PARKED)
    return session.scalars(query.order_by(StatementRow.log_index)).all()


def own_ids(session: Session, issuer: str) -> set[str]:
    return set(session.scalars(select(StatementRow.statement_id).where(StatementRow.issuer == issuer)))


def mark_lost(session: Session, leaves: Iterable[tuple[int, bytes]]) -> None:
    for index, leaf in leaves:
        session.merge(LostRow(log_index=index, leaf=leaf, found_at=stamp()))
    session.flush()


def lane_ids(session: Session, peer: str) -> list[str]:
    return [item.statement_id for item in lane_from(session, peer, 0)]


def lane_from(session: Session, peer: str, start: int) -> Sequence[LaneItemRow]:
    query = select(LaneItemRow).where(LaneItemRow.peer == peer, LaneItemRow.position >= start)
    return session.scalars(query.order_by(LaneItemRow.position)).all()


def lay_lane(session: Session, peer: str, start: int, places: Sequence[RebuiltPlace], head: bytes) -> None:
    """Lay a lane anew from a place on; ``head`` is the running head at its end."""
    session.execute(delete(LaneItemRow).where(LaneItemRow.peer == peer, LaneItemRow.position >= start))
    session.expire_all()
    session.add_all(
        LaneItemRow(
            peer=peer,
            position=start + offset,
            statement_id=place.statement_id,
            head=place.head,
            log_index=place.log_index,
            withheld=place.withheld,
        )
        for offset, place in enumerate(places)
    )
    lane = session.get_one(LaneRow, peer)
    lane.count, lane.head = start + len(places), head
    session.flush()
