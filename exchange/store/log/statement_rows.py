"""Statements and the node's own log: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import StatementInvalid, StoreUnavailable
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.log.tiles import Tile
from exchange.store.hits.joined_pairs import note_receipt
from exchange.store.long_lists import in_parts
from exchange.store.tables.log import CheckpointRow, LogCheckRow, LogNodeRow, LogStateRow
from exchange.store.tables.mirror_tables import LostRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import StatementRow
from schemas import AnyStatement, Envelope, about

KEY_EVENT = "key-event"


def append_own(session: Session, statement_id: str, statement: AnyStatement, kind: str, envelope: Envelope) -> int:
    """Store an own statement and append its leaf to the log; returns the leaf's index. Needs a write transaction."""
    index = append_leaf(session, _leaf(envelope))
    if kind == KEY_EVENT:
        log_state(session).keys_since = index
    add_statement(session, statement_id, statement, kind, envelope, index)
    return index


def put_back_key_event(
    session: Session, statement_id: str, statement: AnyStatement, envelope: Envelope, index: int
) -> None:
    """An own key-event stands at its place in the log again, whose leaf is there. Needs a write transaction."""
    log_state(session).keys_since = index
    add_statement(session, statement_id, statement, KEY_EVENT, envelope, index)


def append_leaf(session: Session, leaf: bytes) -> int:
    """Append a leaf's hash to the own log; returns its index. Needs a write transaction."""
    state = log_state(session)
    index = state.size
    for level, position, node in merkle.appended(index, leaf, node_reader(session)):
        session.add(LogNodeRow(level=level, position=position, hash=node))
    state.size = index + 1
    return index


def add_statement(
    session: Session, statement_id: str, statement: AnyStatement, kind: str, envelope: Envelope, log_index: int
) -> None:
    """Store a statement with its index in its issuer's log."""
    session.add(
        StatementRow(
            statement_id=statement_id,
            type=kind,
            issuer=statement.issuer,
            about=about(statement),
            envelope=envelope.raw,
            leaf=_leaf(envelope),
            log_index=log_index,
            received_at=stamp(),
        )
    )
    note_receipt(session, statement_id, statement)
    session.flush()


def _leaf(envelope: Envelope) -> bytes:
    return merkle.leaf_hash(envelope.leaf_data)


def add_statements(session: Session, received: Iterable[tuple[str, AnyStatement, str, Envelope, int]]) -> None:
    """Store several statements, each as ``add_statement`` takes it, with one flush."""
    at = stamp()
    session.add_all(
        StatementRow(
            statement_id=statement_id,
            type=kind,
            issuer=statement.issuer,
            about=about(statement),
            envelope=envelope.raw,
            leaf=_leaf(envelope),
            log_index=log_index,
            received_at=at,
        )
        for statement_id, statement, kind, envelope, log_index in received
    )
    session.flush()


def known_statements(session: Session, statement_ids: Collection[str]) -> dict[str, bool]:
    """Those of these statements that are stored here, and whether each is still whole."""
    rows = session.execute(
        select(StatementRow.statement_id, StatementRow.envelope.is_not(None)).where(
            StatementRow.statement_id.in_(statement_ids)
        )
    )
    return {row[0]: bool(row[1]) for row in rows}


def make_whole(session: Session, statement_id: str, envelope: Envelope) -> None:
    """A statement that was erased has come again."""
    session.get_one(StatementRow, statement_id).envelope = envelope.raw
    session.flush()


def find_statement(session: Session, statement_id: str) -> StatementRow | None:
    return session.get(StatementRow, statement_id)


def check_places(session: Session, issuer: str, places: Mapping[int, str]) -> dict[str, StatementInvalid]:
    """Of these statements, by their places in the issuer's log, those at whose place another one stands: each with the
    error to raise, code "place-taken"."""
    at = select(StatementRow.log_index, StatementRow.statement_id).where(
        StatementRow.issuer == issuer, StatementRow.log_index.in_(list(places))
    )
    return {
        places[index]: StatementInvalid(
            f"{issuer} proves two statements at the place {index} of its log: {found} and {places[index]}. Its log has "
            "two histories; telephone its operator.",
            code="place-taken",
        )
        for index, found in session.execute(at)
        if found != places[index]
    }


def keys_since(session: Session) -> int:
    """The log index of the own key-event that is in force."""
    return log_state(session).keys_since


def key_events(session: Session, issuer: str) -> Sequence[StatementRow]:
    """The node's own key-events, its card first."""
    query = select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.type == KEY_EVENT)
    return session.scalars(query.order_by(StatementRow.log_index)).all()


def first_key_events(session: Session) -> Sequence[StatementRow]:
    """Key-events that state the index 0, the own card among them."""
    return session.scalars(
        select(StatementRow).where(StatementRow.type == KEY_EVENT, StatementRow.log_index == 0)
    ).all()


_NEWEST_OF = (
    select(StatementRow)
    .where(StatementRow.issuer == bindparam("issuer"), StatementRow.type == bindparam("kind"))
    .order_by(StatementRow.log_index.desc())
    .limit(1)
)


def latest_of(session: Session, issuer: str, kind: str) -> StatementRow | None:
    """The newest statement of one type from one issuer, by its place in the issuer's log."""
    return session.scalars(_NEWEST_OF, {"issuer": issuer, "kind": kind}).first()


def statements_of_type(session: Session, issuer: str, kind: str) -> Generator[StatementRow, None, None]:
    """In the order of their issuer's log; a few at a time."""
    query = select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.type == kind)
    ordered = query.order_by(StatementRow.log_index).execution_options(yield_per=256)
    with session.scalars(ordered) as rows:  # closed also when not all are asked for
        yield from rows


def said_of(
    session: Session, issuer: str, subjects: Collection[str], kinds: Collection[str]
) -> Generator[StatementRow, None, None]:
    """What an issuer said of these subjects, in the order of its log."""
    for part in in_parts(sorted(subjects)):
        said = select(StatementRow).where(
            StatementRow.about.in_(part), StatementRow.type.in_(kinds), StatementRow.issuer == issuer
        )
        yield from session.scalars(said.order_by(StatementRow.log_index)).all()


def statements_about(
    session: Session, subject: str, kinds: Collection[str], *, issuer: str | None = None
) -> Sequence[StatementRow]:
    """What was said of a statement or record, by one issuer or by all, in the order in which it came to be known
    here."""
    said = select(StatementRow).where(StatementRow.about == subject, StatementRow.type.in_(kinds))
    if issuer is not None:
        said = said.where(StatementRow.issuer == issuer)
    return session.scalars(said.order_by(StatementRow.received_at, StatementRow.log_index)).all()


def statements_about_each(
    session: Session, subjects: Collection[str], kinds: Collection[str]
) -> dict[str, list[StatementRow]]:
    """As ``statements_about``, of many subjects at once; those of which nothing was said are left out."""
    said = select(StatementRow).where(StatementRow.type.in_(kinds))
    said = said.order_by(StatementRow.received_at, StatementRow.log_index)
    found: dict[str, list[StatementRow]] = {}
    for part in in_parts(sorted(subjects)):
        for row in session.scalars(said.where(StatementRow.about.in_(part))):
            found.setdefault(row.about or "", []).append(row)
    return found


def statement_at(session: Session, issuer: str, log_index: int) -> StatementRow | None:
    """What stands at a place of a log, as far as it is known here."""
    at = select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.log_index == log_index)
    return session.scalars(at).one_or_none()


def find_statements(session: Session, statement_ids: Collection[str]) -> dict[str, StatementRow]:
    """Those of these statements that are known here, whole or erased."""
    found = select(StatementRow)
    named = (found.where(StatementRow.statement_id.in_(part)) for part in in_parts(sorted(statement_ids)))
    return {row.statement_id: row for some in named for row in session.scalars(some)}


def statements_of(session: Session, issuer: str) -> Generator[StatementRow, None, None]:
    """Own ones, or those of a peer, in the order of their issuer's log; a few at a time."""
    query = (
        select(StatementRow)
        .where(StatementRow.issuer == issuer)
        .order_by(StatementRow.log_index)
        .execution_options(yield_per=256)
    )
    with session.scalars(query) as rows:  # closed also when not all are asked for
        yield from rows


def count_statements(session: Session, issuer: str) -> int:
    return session.scalar(select(func.count()).select_from(StatementRow).where(StatementRow.issuer == issuer)) or 0


def search_statements(
    session: Session,
    *,
    kinds: Collection[str],
    about: str | None,
    issuer: str | None,
    limit: int,
    after: StatementRow | None = None,
) -> Sequence[StatementRow]:
    """Statements that are still whole, the newest first; those that come after one of them in this order."""
    found = select(StatementRow).where(StatementRow.type.in_(kinds), StatementRow.envelope.is_not(None))
    if about is not None:
        found = found.where(StatementRow.about == about)
    if issuer is not None:
        found = found.where(StatementRow.issuer == issuer)
    if after is not None:
        together = and_(StatementRow.received_at == after.received_at, StatementRow.statement_id > after.statement_id)
        found = found.where(or_(StatementRow.received_at < after.received_at, together))
    newest = found.order_by(StatementRow.received_at.desc(), StatementRow.statement_id)
    return session.scalars(newest.limit(limit)).all()


def count_since(session: Session, issuer: str, kind: str, since: str) -> int:
    """How many statements of a type came from an issuer after a moment."""
    found = select(func.count()).select_from(StatementRow)
    return (
        session.scalar(
            found.where(StatementRow.issuer == issuer, StatementRow.type == kind, StatementRow.received_at > since)
        )
        or 0
    )


def find_node(session: Session, level: int, position: int) -> bytes | None:
    return session.scalar(select(LogNodeRow.hash).where(LogNodeRow.level == level, LogNodeRow.position == position))


def log_size(session: Session) -> int:
    return log_state(session).size


def log_state(session: Session) -> LogStateRow:
    """Raises StoreUnavailable where the row is lost."""
    row = session.get(LogStateRow, 1)
    if row is None:
        raise StoreUnavailable(
            "The database has lost the row that says how long this node's log is. It is made again at the next start, "
            "or at once by: ffp log mend"
        )
    return row


def node_reader(session: Session) -> Callable[[int, int], bytes]:
    """How the Merkle functions read a stored complete-subtree hash; each is read once, since none ever changes. A lost
    one is computed from those below it."""

    @functools.cache
    def read(level: int, position: int) -> bytes:
        row = session.get(LogNodeRow, (level, position))
        if row is not None:
            return row.hash
        if level > 0:
            return merkle.node_hash(read(level - 1, 2 * position), read(level - 1, 2 * position + 1))
        return leaf_at(session, position)

    return read


def leaf_at(session: Session, index: int) -> bytes:
    """A leaf of the own log, by its statement, or by what peers gave back of a lost one. Raises StoreUnavailable."""
    own = StatementRow.issuer.not_in(select(PeerRow.node_id))
    row = session.scalars(select(StatementRow).where(StatementRow.log_index == index, own)).one_or_none()
    if row is not None and row.envelope is not None:
        return merkle.leaf_hash(hashlib.sha256(row.envelope).digest())
    known = row or session.get(LostRow, index)
    if known is None:
        raise StoreUnavailable(
            f"The database has lost leaf {index} of this node's log, and its statement. Restore it from a backup; see "
            "what else is lost with: ffp log check"
        )
    return known.leaf


def tile_hashes(session: Session, tile: Tile) -> list[bytes]:
    """The hashes that the tile holds, or fewer where the log ends."""
    level, start = tile.nodes[0]
    count = min(tile.width, max(0, (log_size(session) >> level) - start))
    rows = session.execute(
        select(LogNodeRow.position, LogNodeRow.hash).where(
            LogNodeRow.level == level, LogNodeRow.position >= start, LogNodeRow.position < start + count
        )
    )
    stored = {row[0]: row[1] for row in rows}
    read = node_reader(session)
    return [stored[at] if at in stored else read(level, at) for at in range(start, start + count)]


_LATEST_CHECKPOINT = select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)


def latest_checkpoint(session: Session) -> CheckpointRow | None:
    return session.scalars(_LATEST_CHECKPOINT).first()


def latest_head(session: Session, origin: str) -> Checkpoint | None:
    """The last head of the own log, named ``origin``, that was signed."""
    row = latest_checkpoint(session)
    return None if row is None else Checkpoint(origin, row.size, row.root)


def all_checkpoints(session: Session) -> Sequence[CheckpointRow]:
    return session.scalars(select(CheckpointRow).order_by(CheckpointRow.size)).all()


_LAST_LOG_CHECK = select(LogCheckRow).where(LogCheckRow.id == 1)  # session.get builds its statement anew


def last_log_check(session: Session) -> LogCheckRow | None:
    return session.scalars(_LAST_LOG_CHECK).first()


def keep_log_check(session: Session, *, good: bool, report: str) -> None:
    session.merge(LogCheckRow(id=1, checked_at=stamp(), good=good, report=report))


def add_checkpoint(session: Session, size: int, root: bytes, note: bytes) -> None:
    session.add(CheckpointRow(size=size, root=root, note=note, signed_at=stamp()))
