"""Statements and the node's own log: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.log import merkle
from exchange.store.tables import CheckpointRow, LogCheckRow, LogNodeRow, LogStateRow, StatementRow
from schemas import Envelope, Statement


def append_own(session: Session, statement_id: str, statement: Statement, kind: str, envelope: Envelope) -> int:
    """Store an own statement and append its leaf to the log; returns the leaf's index. Needs a write transaction."""
    state = session.get_one(LogStateRow, 1)
    index = state.size
    leaf = merkle.leaf_hash(envelope.leaf_data)
    for level, position, node in merkle.appended(index, leaf, node_reader(session)):
        session.add(LogNodeRow(level=level, position=position, hash=node))
    state.size = index + 1
    add_statement(session, statement_id, statement, kind, envelope, index)
    return index


def add_statement(
    session: Session, statement_id: str, statement: Statement, kind: str, envelope: Envelope, log_index: int
) -> None:
    """Store a statement with its index in its issuer's log."""
    session.add(
        StatementRow(
            statement_id=statement_id,
            type=kind,
            issuer=statement.issuer,
            envelope=envelope.raw,
            log_index=log_index,
            received_at=stamp(),
        )
    )
    session.flush()


def find_statement(session: Session, statement_id: str) -> StatementRow | None:
    return session.get(StatementRow, statement_id)


def first_key_event(session: Session, issuer: str) -> StatementRow:
    """The node's own card: always the first leaf of its log."""
    return session.scalars(select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.log_index == 0)).one()


def own_records(session: Session, issuer: str, *, from_index: int = 0) -> Iterator[StatementRow]:
    """Own records from a log index on, in the order of the log; a few at a time, since all may not fit into memory."""
    query = (
        select(StatementRow)
        .where(StatementRow.issuer == issuer, StatementRow.type == "record", StatementRow.log_index >= from_index)
        .order_by(StatementRow.log_index)
        .execution_options(yield_per=256)
    )
    yield from session.scalars(query)


def statements_of(session: Session, issuer: str) -> Iterator[StatementRow]:
    """Own ones, or those of a peer, in the order of their issuer's log; a few at a time."""
    query = (
        select(StatementRow)
        .where(StatementRow.issuer == issuer)
        .order_by(StatementRow.log_index)
        .execution_options(yield_per=256)
    )
    yield from session.scalars(query)


def count_statements(session: Session, issuer: str) -> int:
    return session.scalar(select(func.count()).select_from(StatementRow).where(StatementRow.issuer == issuer)) or 0


def find_node(session: Session, level: int, position: int) -> bytes | None:
    return session.scalar(select(LogNodeRow.hash).where(LogNodeRow.level == level, LogNodeRow.position == position))


def log_size(session: Session) -> int:
    return session.get_one(LogStateRow, 1).size


def node_reader(session: Session) -> Callable[[int, int], bytes]:
    """How the Merkle functions read a stored complete-subtree hash; each is read once, since none ever changes."""

    @functools.cache
    def read(level: int, position: int) -> bytes:
        return session.get_one(LogNodeRow, (level, position)).hash

    return read


def tile_hashes(session: Session, level: int, start: int, width: int) -> list[bytes]:
    """``width`` neighbouring hashes of one level, or fewer where the log ends."""
    rows = session.scalars(
        select(LogNodeRow.hash)
        .where(LogNodeRow.level == level, LogNodeRow.position >= start, LogNodeRow.position < start + width)
        .order_by(LogNodeRow.position)
    )
    return list(rows)


def latest_checkpoint(session: Session) -> CheckpointRow | None:
    return session.scalars(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).first()


def all_checkpoints(session: Session) -> Sequence[CheckpointRow]:
    return session.scalars(select(CheckpointRow).order_by(CheckpointRow.size)).all()


def last_log_check(session: Session) -> LogCheckRow | None:
    return session.get(LogCheckRow, 1)


def keep_log_check(session: Session, *, good: bool, report: str) -> None:
    session.merge(LogCheckRow(id=1, checked_at=stamp(), good=good, report=report))


def add_checkpoint(session: Session, size: int, root: bytes, note: bytes) -> None:
    session.add(CheckpointRow(size=size, root=root, note=note, signed_at=stamp()))
