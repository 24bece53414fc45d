"""Verification of a lane's page: one ordered list of checks, no I/O, the verified page or an error."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
from dataclasses import dataclass

from exchange.errors import (
    CheckpointInvalid,
    HistoryDiffers,
    PeerMisbehaved,
    ProofInvalid,
    StatementInvalid,
    StatementTooNew,
)
from exchange.flows.statement.addressee import NOT_MEANT_FOR_US
from exchange.flows.statement.heads import open_head
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.store.sync.peers import NOT_ENTERED
from exchange.trust.key_history import KeyHistory, extend_history
from exchange.trust.keys import ED25519, key_id
from exchange.trust.verify import verify_statement
from schemas import AnyStatement, Envelope, KeyEvent, Record
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.kinds import kind_of
from schemas.lane import LaneItem, LanePage, next_head
from schemas.versions import is_newer

READ_AGAIN = frozenset({"unknown-type", "unknown-contract", "unknown-field", "unknown-calibre", "invalid-field"})
"""What a later release of this software may understand."""


@dataclass(frozen=True)
class Expected:
    """What the reader knows before it asks: the peer's keys, its own place on the lane, the last head seen."""

    keys: KeyHistory
    lane: str
    start: int
    head: bytes
    known: Checkpoint | None


@dataclass(frozen=True)
class Received:
    """A statement that may be believed, with its place on the lane and its index in its issuer's log. Whether it is
    meant for this reader, and what follows from it, is decided where it is stored (``exchange.flows.sync.receive``)."""

    position: int
    statement_id: str
    statement: AnyStatement
    envelope: Envelope
    log_index: int


@dataclass(frozen=True)
class Poison:
    """An item that must not be believed. The lane goes on after it; the evidence stays."""

    position: int
    statement_id: str
    log_index: int
    envelope: bytes
    reason: str
    detail: str
    size: int
    """Of the bytes that came, also where none are kept."""
    sha256: str
    """Of the bytes that came."""


@dataclass(frozen=True)
class LanePlace:
    """What stood where on the lane, believed or not. ``withheld``: it came without its envelope."""

    position: int
    statement_id: str
    log_index: int
    withheld: bool


@dataclass(frozen=True)
class VerifiedPage:
    """What to store, what to quarantine, how many places came without an envelope, and where the cursor stands
    afterwards. ``waiting`` places of the lane come after that; ``needs`` is the version of the contract that the first
    of them needs, where this release is too old to read it."""

    checkpoint: bytes | None
    log_size: int
    accepted: tuple[Received, ...]
    poisoned: tuple[Poison, ...]
    places: tuple[LanePlace, ...]
    withheld: int
    count: int
    head: bytes
    waiting: int
    needs: str | None
    keys: KeyHistory
    """As the reader knew them, and what this page brought."""

    @property
    def more(self) -> bool:
        """Whether asking again at once brings anything."""
        return bool(self.places) and self.waiting > 0 and self.needs is None


def verify_page(page: LanePage, expected: Expected) -> VerifiedPage:
    """Check a page whose transport signature was verified before.

    1. It is the lane and the place that were asked for, and its items follow each other without a gap.
    2. The running head adds up over all items, from the head that the reader has.
    3. The log's head is signed by the log keys in force at its size, which key-events on this very page may name, and
       goes on from the last head that was seen.
    4. Each item that is not withheld: both signatures by the statement keys in force at its index, the contract, the
       id, the inclusion proof. The proof is asked for also where only this release does not understand the statement:
       it is read again after an upgrade.
    5. Of the places as far as the first that is signed and of a newer contract than this release reads: this node is
       older, and the lane waits there, in its order, until it is upgraded. The peer may end its page there itself.

    Steps 1 to 3 raise PeerMisbehaved: nothing of the page is taken. Of these, HistoryDiffers brings a head that the log
    signed although it does not go on from the one that was seen. An item that fails step 4 is poison: it is set
    aside, and the others are taken.
    """
    expected = dataclasses.replace(expected, keys=_with_key_events(page, expected.keys))
    peer = expected.keys.card.issuer
    if page.lane != expected.lane or page.start != expected.start:
        raise PeerMisbehaved(f"{peer} answered with another lane or place than was asked for.")
    if [item.position for item in page.items] != list(range(page.start, page.start + len(page.items))):
        raise PeerMisbehaved(f"{peer}'s lane has a gap after {page.start} items.")
    count = page.start + len(page.items)
    if page.count < count:
        raise PeerMisbehaved(f"{peer} shows more of its lane than it says there is.")
    if page.needs is not None and (page.count == count or not is_newer(page.needs)):
        raise PeerMisbehaved(f"{peer} keeps its lane, and this node reads what it says that comes next, if anything.")
    head = expected.head
    for item in page.items:
        head = next_head(head, item.statement_id)
    if head.hex() != page.head:
        raise PeerMisbehaved(f"{peer}'s lane does not add up to its head; something was left out or changed.")

    note = base64.b64decode(page.checkpoint) if page.checkpoint is not None else None
    signed = _consistent_head(page, note, expected)
    accepted: list[Received] = []
    poisoned: list[Poison] = []
    kept, needs = len(page.items), page.needs
    for number, item in enumerate(page.items):
        if item.envelope is None:
            continue
        raw = base64.b64decode(item.envelope)
        try:
            accepted.append(_verify_item(item, raw, signed, expected))
        except StatementTooNew as error:
            kept, needs = number, error.needs
            break
        except (StatementInvalid, ProofInvalid) as error:
            poisoned.append(poison(item.position, item.statement_id, item.log_index, raw, error))
    whole = VerifiedPage(
        checkpoint=note,
        log_size=signed.size if signed else 0,
        accepted=tuple(accepted),
        poisoned=tuple(poisoned),
        places=tuple(
            LanePlace(item.position, item.statement_id, item.log_index, item.envelope is None) for item in page.items
        ),
        withheld=sum(item.envelope is None for item in page.items),
        count=count,
        head=head,
        waiting=page.count - count,
        needs=needs,
        keys=expected.keys,
    )
    return dataclasses.replace(first_places(whole, expected.head, kept), needs=needs)


def first_places(page: VerifiedPage, head: bytes, kept: int) -> VerifiedPage:
    """The first places of a page alone; the rest is read when the lane goes on. ``head`` is the lane's running head
    before the page."""
    left = len(page.places) - kept
    if not left:
        return page
    places, count = page.places[:kept], page.count - left
    return dataclasses.replace(
        page,
        accepted=tuple(item for item in page.accepted if item.position < count),
        poisoned=tuple(item for item in page.poisoned if item.position < count),
        places=places,
        withheld=sum(place.withheld for place in places),
        count=count,
        head=functools.reduce(lambda before, place: next_head(before, place.statement_id), places, head),
        waiting=page.waiting + left,
        needs=None,
    )


def _consistent_head(page: LanePage, note: bytes | None, expected: Expected) -> Checkpoint | None:
    peer, known = expected.keys.card.issuer, expected.known
    if note is None:
        if page.items or known is not None:
            raise PeerMisbehaved(f"{peer} shows no signed head of its log any more.")
        return None
    does_not_go_on = (
        f"{peer}'s log does not go on from the head that was seen before; it was forked, cut or restored from an old "
        "backup"
    )
    try:
        signed = open_head(note, expected.keys)
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
    card = expected.keys.card
    if signed is None:
        raise ProofInvalid("There is no signed head to lead to.")
    if _by_identity(raw, expected.keys):
        received = _key_event(item, raw, expected.keys)
        _verify_inclusion(item, raw, signed)
        return received
    try:
        verified = verify_statement(raw, issuer=card.issuer, key=expected.keys.statement_key(item.log_index))
    except StatementInvalid as error:
        if error.code in READ_AGAIN:
            _verify_inclusion(item, raw, signed)
        raise
    statement = verified.statement
    if isinstance(statement, KeyEvent) or kind_of(statement).meant_for is None:  # the identity signs key-events
        raise StatementInvalid(f"A statement of the type {statement.type} is put on no lane.", code="unexpected-type")
    if isinstance(statement, Record) and statement.jurisdiction != card.jurisdiction:
        raise StatementInvalid("The record names another jurisdiction than its issuer's.", code="wrong-jurisdiction")
    if verified.statement_id != item.statement_id:
        raise StatementInvalid("The lane names another statement than it brings.", code="wrong-id")
    _verify_inclusion(item, raw, signed)
    return Received(item.position, verified.statement_id, statement, verified.envelope, item.log_index)


def _verify_inclusion(item: LaneItem, raw: bytes, signed: Checkpoint) -> None:
    leaf = merkle.leaf_hash(hashlib.sha256(raw).digest())
    proof = [bytes.fromhex(step) for step in item.inclusion]
    merkle.verify_inclusion(item.log_index, signed.size, leaf, proof, signed.root)


def _with_key_events(page: LanePage, keys: KeyHistory) -> KeyHistory:
    """The keys that the key-events of a page bring, as far as they follow on what is known. What does not is judged
    with the other items."""
    for item in page.items:
        raw = base64.b64decode(item.envelope or "")
        if _by_identity(raw, keys) and all(link.envelope.raw != raw for link in keys.links):
            try:
                extended = extend_history(keys, raw)
            except StatementInvalid:
                continue
            if extended.last.index == item.log_index:
                keys = extended
    return keys


def _by_identity(raw: bytes, keys: KeyHistory) -> bool:
    """Whether an envelope names the identity key, which signs key-events alone."""
    return key_id(ED25519, keys.card.identity.ed25519).encode() in raw


def _key_event(item: LaneItem, raw: bytes, keys: KeyHistory) -> Received:
    link = next((link for link in keys.links if link.envelope.raw == raw), None)
    if link is None:
        extend_history(keys, raw)  # says what is wrong with it, unless it came too early
    if link is None or link.index != item.log_index:
        raise StatementInvalid("This key-event does not stand where its order has it.", code="out-of-order")
    if link.statement_id != item.statement_id:
        raise StatementInvalid("The lane names another statement than it brings.", code="wrong-id")
    return Received(item.position, link.statement_id, link.event, link.envelope, item.log_index)


def poison(
    position: int, statement_id: str, log_index: int, raw: bytes, error: StatementInvalid | ProofInvalid
) -> Poison:
    """What is kept of an item that is not believed: its exact bytes. But nothing of what is not meant for this node, or
    may not be, as it proves nothing without its proof; nor of what is too large to be anything."""
    nothing = error.code in (NOT_MEANT_FOR_US, NOT_ENTERED, ProofInvalid.code) or len(raw) > MAX_ENVELOPE_BYTES
    return Poison(
        position,
        statement_id,
        log_index,
        b"" if nothing else raw,
        error.code,
        str(error),
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
    )
