"""Verification of a lane's page: one ordered list of checks, no I/O, the verified page or an error."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from exchange.errors import CheckpointInvalid, HistoryDiffers, PeerMisbehaved, ProofInvalid, StatementInvalid
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.store.peers import next_head
from exchange.trust.verify import verify_statement
from schemas import Envelope, KeyEvent, Record
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.lane import LaneItem, LanePage
from schemas.vocabulary import Jurisdiction, ReleaseLevel

NOT_IN_AUDIENCE = "not-in-audience"


@dataclass(frozen=True)
class Expected:
    """What the reader knows before it asks: the peer's pinned card, its own place on the lane, the last head seen."""

    card: KeyEvent
    lane: str
    start: int
    head: bytes
    known: Checkpoint | None
    reader: Jurisdiction


@dataclass(frozen=True)
class Received:
    """A record that may be believed, with its index in its issuer's log."""

    statement_id: str
    record: Record
    envelope: Envelope
    log_index: int


@dataclass(frozen=True)
class Poison:
    """An item that must not be believed. The lane goes on after it; the evidence stays."""

    position: int
    envelope: bytes
    reason: str
    detail: str


@dataclass(frozen=True)
class VerifiedPage:
    """What to store, what to quarantine, and where the cursor stands afterwards."""

    checkpoint: bytes | None
    log_size: int
    accepted: tuple[Received, ...]
    poisoned: tuple[Poison, ...]
    count: int
    head: bytes
    more: bool


def verify_page(page: LanePage, expected: Expected) -> VerifiedPage:
    """Check a page whose transport signature was verified before.

    1. It is the lane and the place that were asked for, and its items follow each other without a gap.
    2. The running head adds up over all items, from the head that the reader has.
    3. The log's head is signed by both of the peer's log keys and goes on from the last head that was seen.
    4. Each item that is not withheld: both signatures, the contract, that it is meant for this reader, the id, the
       inclusion proof.

    Steps 1 to 3 raise PeerMisbehaved: nothing of the page is taken. Of these, HistoryDiffers brings a head that the log
    signed although it does not go on from the one that was seen. An item that fails step 4 is poison: it is set
    aside, and the others are taken.
    """
    peer = expected.card.issuer
    if page.lane != expected.lane or page.start != expected.start:
        raise PeerMisbehaved(f"{peer} answered with another lane or place than was asked for.")
    if [item.position for item in page.items] != list(range(page.start, page.start + len(page.items))):
        raise PeerMisbehaved(f"{peer}'s lane has a gap after {page.start} items.")
    count = page.start + len(page.items)
    if page.count < count:
        raise PeerMisbehaved(f"{peer} shows more of its lane than it says there is.")
    head = expected.head
    for item in page.items:
        head = next_head(head, item.statement_id)
    if head.hex() != page.head:
        raise PeerMisbehaved(f"{peer}'s lane does not add up to its head; something was left out or changed.")

    note = base64.b64decode(page.checkpoint) if page.checkpoint is not None else None
    signed = _consistent_head(page, note, expected)
    accepted: list[Received] = []
    poisoned: list[Poison] = []
    for item in page.items:
        if item.envelope is None:
            continue
        raw = base64.b64decode(item.envelope)
        try:
            accepted.append(_verify_item(item, raw, signed, expected))
        except (StatementInvalid, ProofInvalid) as error:
            poisoned.append(Poison(item.position, _evidence(raw, error.code), error.code, str(error)))
    return VerifiedPage(
        checkpoint=note,
        log_size=signed.size if signed else 0,
        accepted=tuple(accepted),
        poisoned=tuple(poisoned),
        count=count,
        head=head,
        more=bool(page.items) and count < page.count,
    )


def open_head(note: bytes, card: KeyEvent) -> Checkpoint:
    """The signed head of a peer's log. Raises CheckpointInvalid."""
    keys = card.delegation.log
    return open_checkpoint(
        note,
        card.log_origin,
        Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.ed25519)),
        MLDSA44PublicKey.from_public_bytes(base64.b64decode(keys.ml_dsa)),
    )


def _consistent_head(page: LanePage, note: bytes | None, expected: Expected) -> Checkpoint | None:
    peer, known = expected.card.issuer, expected.known
    if note is None:
        if page.items or known is not None:
            raise PeerMisbehaved(f"{peer} shows no signed head of its log any more.")
        return None
    does_not_go_on = (
        f"{peer}'s log does not go on from the head that was seen before; it was forked, cut or restored from an old "
        "backup"
    )
    try:
        signed = open_head(note, expected.card)
    except CheckpointInvalid as error:
        raise PeerMisbehaved(f"{does_not_go_on}: {error}") from error
    if known is None or not known.size:  # from the empty log on, everything is consistent
        return signed
    proof = [bytes.fromhex(step) for step in page.consistency]
    try:
        merkle.verify_consistency(known.size, signed.size, known.root, signed.root, proof)
    except ProofInvalid as error:
        if signed.size < known.size:  # an earlier head contradicts nothing; that it is shown as the last one does
            raise PeerMisbehaved(f"{does_not_go_on}: {error}") from error
        raise HistoryDiffers(f"{does_not_go_on}: {error}", note=note) from error
    return signed


def _verify_item(item: LaneItem, raw: bytes, signed: Checkpoint | None, expected: Expected) -> Received:
    card = expected.card
    if signed is None:
        raise ProofInvalid("There is no signed head to lead to.")
    verified = verify_statement(raw, issuer=card.issuer, key=card.delegation.statement)
    record = verified.statement
    if not isinstance(record, Record):
        raise StatementInvalid("A key-event does not belong on a lane.", code="unexpected-type")
    if expected.reader not in record.audience or record.level is not ReleaseLevel.FULL:
        raise StatementInvalid("The record is not meant for this node; it was not kept.", code=NOT_IN_AUDIENCE)
    if record.jurisdiction != card.jurisdiction:
        raise StatementInvalid("The record names another jurisdiction than its issuer's.", code="wrong-jurisdiction")
    if verified.statement_id != item.statement_id:
        raise StatementInvalid("The lane names another statement than it brings.", code="wrong-id")
    leaf = merkle.leaf_hash(verified.envelope.leaf_data)
    proof = [bytes.fromhex(step) for step in item.inclusion]
    merkle.verify_inclusion(item.log_index, signed.size, leaf, proof, signed.root)
    return Received(verified.statement_id, record, verified.envelope, item.log_index)


def _evidence(raw: bytes, reason: str) -> bytes:
    """What is kept of poison: its exact bytes, but nothing of what is not meant for this node, nor of what is too
    large to be anything."""
    return b"" if reason == NOT_IN_AUDIENCE or len(raw) > MAX_ENVELOPE_BYTES else raw
