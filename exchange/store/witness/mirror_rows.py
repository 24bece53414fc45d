"""What a witness keeps of its peers, to give it back: leaf hashes by tile, statements, and each lane as it was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from exchange.log.merkle import HASH_BYTES
from exchange.log.tiles import TILE_WIDTH
from exchange.store.tables.mirror_tables import MirrorTileRow, ReceivedPlaceRow
from exchange.store.tables.record_tables import StatementRow


def tile_tops(session: Session, log: str) -> list[bytes]:
    """The hash over each full tile, in their order: verified, whether or not the tile itself came already."""
    query = select(MirrorTileRow.top).where(MirrorTileRow.log == log, MirrorTileRow.top.is_not(None))
    return [top for top in session.scalars(query.order_by(MirrorTileRow.position)) if top is not None]


def last_tile(session: Session, log: str) -> bytes:
    """The hashes of the tile that is not full yet."""
    found = session.scalar(select(MirrorTileRow.hashes).where(MirrorTileRow.log == log, MirrorTileRow.top.is_(None)))
    return found or b""


def extend_mirror(session: Session, log: str, known: int, tops: Sequence[bytes], last: bytes) -> bool:
    """Add the hashes over full tiles after the first ``known`` ones, and the tile that is not full yet.

    False when somebody else extended it meanwhile. Needs a write transaction.
    """
    if len(tile_tops(session, log)) != known:
        return False
    partial = session.scalars(
        select(MirrorTileRow).where(MirrorTileRow.log == log, MirrorTileRow.top.is_(None))
    ).one_or_none()
    if partial is not None:
        session.delete(partial)
        session.flush()
    full = known + len(tops)
    session.add_all(MirrorTileRow(log=log, position=known + place, top=top) for place, top in enumerate(tops))
    if last:
        session.add(MirrorTileRow(log=log, position=full, hashes=last))
    session.flush()
    return True


def drop_mirror(session: Session, log: str) -> None:
    """Forget the hashes of a log whose last head was set aside: they may be those of the head. Needs a write
    transaction."""
    session.execute(delete(MirrorTileRow).where(MirrorTileRow.log == log))


def missing_tiles(session: Session, log: str, *, limit: int) -> Sequence[MirrorTileRow]:
    """Full tiles that are known by their hash alone, the first ones first."""
    query = select(MirrorTileRow).where(MirrorTileRow.log == log, MirrorTileRow.hashes.is_(None))
    return session.scalars(query.order_by(MirrorTileRow.position).limit(limit)).all()


def keep_tile(session: Session, log: str, position: int, hashes: bytes) -> None:
    """Needs a write transaction."""
    session.execute(
        update(MirrorTileRow)
        .where(MirrorTileRow.log == log, MirrorTileRow.position == position, MirrorTileRow.top.is_not(None))
        .values(hashes=hashes)
    )


def mirrored_size(session: Session, log: str) -> int:
    """How many leaf hashes of this log are held, from the first on without a gap."""
    gap = session.scalar(
        select(func.min(MirrorTileRow.position)).where(MirrorTileRow.log == log, MirrorTileRow.hashes.is_(None))
    )
    if gap is not None:
        return int(gap) * TILE_WIDTH
    return len(tile_tops(session, log)) * TILE_WIDTH + len(last_tile(session, log)) // HASH_BYTES


def mirrored_leaves(session: Session, log: str, start: int, count: int) -> bytes:
    """Neighbouring leaf hashes, 32 bytes each; fewer where the mirror ends."""
    count = min(count, max(0, mirrored_size(session, log) - start))
    first = start // TILE_WIDTH
    tiles = session.scalars(
        select(MirrorTileRow.hashes)
        .where(
            MirrorTileRow.log == log,
            MirrorTileRow.position >= first,
            MirrorTileRow.position * TILE_WIDTH < start + count,
        )
        .order_by(MirrorTileRow.position)
    )
    held = b"".join(tile for tile in tiles if tile is not None)
    begin = (start - first * TILE_WIDTH) * HASH_BYTES
    return held[begin : begin + count * HASH_BYTES]


def held_statements(session: Session, issuer: str, start: int, limit: int) -> Sequence[StatementRow]:
    """What this node holds of a peer's own statements, from an index of the peer's log on; nothing that was erased."""
    query = select(StatementRow).where(
        StatementRow.issuer == issuer,
        StatementRow.log_index >= start,
        StatementRow.envelope.is_not(None),
        StatementRow.type != "key-event",  # the owner's keys are in its key backup, with what names them
    )
    return session.scalars(query.order_by(StatementRow.log_index).limit(limit)).all()


class PlacedStatement(Protocol):
    """What stood where on a lane; see `ReceivedPlaceRow`."""

    @property
    def position(self) -> int: ...
    @property
    def statement_id(self) -> str: ...
    @property
    def log_index(self) -> int: ...
    @property
    def withheld(self) -> bool: ...


def keep_places(session: Session, peer: str, places: Iterable[PlacedStatement]) -> None:
    """Remember what stood where on a peer's lane. Needs the write transaction that moves the cursor."""
    session.add_all(
        ReceivedPlaceRow(
            peer=peer,
            position=place.position,
            statement_id=place.statement_id,
            log_index=place.log_index,
            withheld=place.withheld,
        )
        for place in places
    )
    session.flush()


def received_places(session: Session, peer: str, start: int, limit: int) -> Sequence[ReceivedPlaceRow]:
    query = select(ReceivedPlaceRow).where(ReceivedPlaceRow.peer == peer, ReceivedPlaceRow.position >= start)
    return session.scalars(query.order_by(ReceivedPlaceRow.position).limit(limit)).all()
