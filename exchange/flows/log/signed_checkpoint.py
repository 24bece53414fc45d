"""Sign the head of the node's own log when it grew, and show it with what its witnesses added."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import ConfigurationError, Conflict, NotFound, StoreUnavailable
from exchange.flows.log.mend import check_leads_to_signed
from exchange.flows.log.start import (
    begin_log_start,
    may_sign,
    note_signed,
    settle_log_start,
    was_set_back,
)
from exchange.flows.node.last_head import remember_head, remembered_head
from exchange.flows.node.node import Node, check_keys
from exchange.flows.statement.heads import head_of
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import MAX_WITNESSES, with_lines
from exchange.log.tiles import Tile
from exchange.store.log.statement_rows import (
    add_checkpoint,
    keys_since,
    latest_checkpoint,
    log_size,
    node_reader,
    tile_hashes,
)
from exchange.store.tables.log import CheckpointRow
from exchange.store.witness.cosignatures import cosignature_of, cosignatures, cosigned_size, own_checkpoint
from exchange.trust.keys import drop_former_log


def sign_head(node: Node) -> bool:
    """Returns whether a new head was signed. Signing happens outside the transaction; heads only ever grow.

    Where the log's keys were replaced, the head that ends with that key-event comes first, signed by both pairs: who
    knows only the old ones sees in it that the log goes on. Nothing is signed while the node waits for its peers after
    a start, or contradicts what they hold (`log_start`). Raises StoreUnavailable where the tree at rest does not go on
    from the last head that was signed.
    Called by the one sequencer of a node: two would still sign the same heads, since a size has one root.
    """
    with node.store.read() as session:
        set_back = was_set_back(node, session)
    if set_back:
        begin_log_start(node)
    with node.store.read() as session:
        size, latest = log_size(session), latest_checkpoint(session)
        may = may_sign(node, session)
        if not may or (latest is not None and latest.size >= size):
            if may and latest is not None and _is_remembered_late(node, latest.size):
                _remember(node, head_of(latest.note))
            return False
        if keys_since(session) < node.history.last.index:  # the key-event is still to come back
            return False
        due = node.history.last_doubly_signed
        if due is not None and (latest is None or latest.size < due):
            size = due
        check_leads_to_signed(session, size)
        root = merkle.root(size, node_reader(session))
    head = Checkpoint(node.card.log_origin, size, root)
    signed = _signed(node, head)
    with node.store.write() as session:
        check_keys(session, node.history.last.index)
        latest = latest_checkpoint(session)
        if not may_sign(node, session) or (latest is not None and latest.size >= size):
            return False
        settle_log_start(node, session)
        note_signed(session)
        add_checkpoint(session, size, root, signed)
    node.news.grown(size)
    if node.keys.former_log is not None:  # what was just signed is the one head that they had still to sign
        drop_former_log(node.settings.keys)
    _remember(node, head)
    return True


def _is_remembered_late(node: Node, size: int) -> bool:
    """Whether the file last-head names an earlier head: the disk was full when the last one was signed."""
    remembered = remembered_head(node.settings)
    return isinstance(remembered, Checkpoint) and remembered.size < size


def _remember(node: Node, head: Checkpoint) -> None:
    """Write the file last-head. Raises StoreUnavailable."""
    try:
        remember_head(node.settings, head)
    except OSError as error:
        raise StoreUnavailable(
            f"The head was signed and stored, but {node.settings.last_head} could not be written: {error.strerror}. "
            "Free space; the node writes the file anew by itself."
        ) from error


def _signed(node: Node, head: Checkpoint) -> bytes:
    """The head with a pair of lines of each pair of keys that must sign at its size, the former ones first."""
    former, keys, now = node.keys.former_log, node.keys.log, int(time.time())
    signed = sign_checkpoint(head, keys.ed25519, keys.ml_dsa, now)
    if len(node.history.log_keys(head.size)) == 1:
        return signed
    if former is None:
        raise ConfigurationError(
            f"The head of size {head.size} must be signed by the former keys of the log too, and {node.settings.keys} "
            "has them no more: restore the key backup that was made after the change."
        )
    both = sign_checkpoint(head, former.ed25519, former.ml_dsa, now)
    return with_lines(both, note.parse_note(signed).signatures)


def witnessed_head(node: Node) -> bytes:
    """The last signed head, with the cosignatures that came for it. Raises NotFound while there is none."""
    with node.store.read() as session:
        latest = latest_checkpoint(session)
        if latest is None:
            raise NotFound("No head of the log has been signed yet; ask again in a second.")
        return with_cosignatures(session, latest)


def earlier_head(node: Node, size: int) -> bytes:
    """The head that was signed at this size, with its cosignatures. Raises NotFound when none was: heads are signed
    when the log grew, at most once a second."""
    with node.store.read() as session:
        found = own_checkpoint(session, size)
        if found is None:
            raise NotFound(f"No head of size {size} was signed; a larger one covers as much.")
        return with_cosignatures(session, found)


def signed_size(node: Node) -> int:
    """How many statements the last signed head covers; 0 while none was signed."""
    with node.store.read() as session:
        latest = latest_checkpoint(session)
    return latest.size if latest else 0


@dataclass(frozen=True)
class ServedTile:
    """The hashes of a tile. ``lasting``: a signed head covers it, so that it never changes."""

    hashes: bytes
    lasting: bool


def read_tile(node: Node, tile: Tile) -> ServedTile:
    """Raises NotFound where the log does not reach so far."""
    with node.store.read() as session:
        hashes, latest = tile_hashes(session, tile), latest_checkpoint(session)
    if len(hashes) != tile.width:
        raise NotFound("The log does not reach that far.")
    return ServedTile(b"".join(hashes), latest is not None and tile.exists_in(latest.size))


def with_cosignatures(session: Session, head: CheckpointRow) -> bytes:
    """The note of an own head, with the cosignatures that came for it below the log's own signatures."""
    held = cosignatures(session, head.size, limit=MAX_WITNESSES)
    lines = tuple(line for row in held for line in note.parse_note(row.note).signatures)
    return with_lines(head.note, lines)


def head_cosigned_by(session: Session, witness: str) -> tuple[int, bytes] | None:
    """The size and the note of the largest own head that a peer cosigned, with its lines alone; None without any."""
    size = cosigned_size(session, witness)
    signed = own_checkpoint(session, size) if size is not None else None
    cosignature = cosignature_of(session, size, witness) if size is not None else None
    if signed is None or cosignature is None:
        return None
    return signed.size, with_lines(signed.note, note.parse_note(cosignature.note).signatures)


def proofs_up_to(session: Session, size: int | None, asks: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """That the own log of ``size`` goes on from each of the sizes that are asked about. Raises Conflict, code
    "size-not-signed"."""
    if not asks:
        return ()
    signed = latest_checkpoint(session)
    if signed is None or size is None or size > signed.size or max(asks) > size:
        raise Conflict(
            "You ask for a proof up to a size at which this node signed no head: this node may have been restored from "
            "an older backup. Tell its operator.",
            code="size-not-signed",
        )
    read = node_reader(session)
    return tuple(tuple(step.hex() for step in merkle.consistency_proof(asked, size, read)) for asked in asks)
