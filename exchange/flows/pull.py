"""Pull what a peer shares: verify all of it before believing any of it, store it with the cursor, fetch the scans."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

from sqlalchemy.orm import Session

import matcher
from exchange.clock import stamp
from exchange.errors import (
    DigestDiffers,
    HistoryDiffers,
    PeerError,
    PeerMisbehaved,
    PeerUnreachable,
    StatementInvalid,
    StoreFull,
    TooLarge,
)
from exchange.flows.audit import took
from exchange.flows.enrol import peer_keys
from exchange.flows.key_events import adopt_keys, drop_refused
from exchange.flows.node import Node
from exchange.flows.page import Expected, Poison, Received, VerifiedPage, poison, verify_page
from exchange.flows.receive import receive_page
from exchange.flows.scan_work import inspect_scan
from exchange.flows.views import head_of, keep_shown, refuse_forked, refuse_hidden
from exchange.log.audit_entry import Act
from exchange.log.checkpoint import Checkpoint
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.blobs import Arrival
from exchange.store.jobs import JobKind, JobState, promise
from exchange.store.mirror import keep_places
from exchange.store.peers import PeerState, all_peers, failed_fetches, find_peer, quarantine, standing_alarm
from exchange.store.records import AcquisitionState, acquisition_with_record
from exchange.store.tables import AcquisitionRow, PeerRow, QuarantineRow
from exchange.store.withdrawals import is_named
from exchange.store.witness import told_heads
from schemas import ContractError
from schemas.errors import shown
from schemas.lane import LanePage, parse_lane_page

FETCH_COMPUTE_LIMITS = 2
"""One attempt at a scan may take this many compute limits, so that no peer holds a fetcher for ever. What came is kept,
and the next attempt goes on from there."""


def pull(node: Node, client: PeerClient, node_id: str, *, wait_s: int = 0) -> bool:
    """Pull one page from a peer, which may wait for news. Returns whether more is waiting.

    1. Ask, signed, for what follows the cursor. The answer must be the peer's own, to this request.
    2. Verify the page: head of the log, its consistency with the last one seen, each item, the lane's running head.
    3. In one transaction: the keys that key-events brought and what they refuse, statements, records, promised fetches,
       quarantine, the audit row, and the cursor. A peer that answers again is asked again for the scans that it left
       undelivered.
    4. The head must reach as far as any that other peers told of before it was asked for.

    A log that is known to be forked is read no further, and a signed head that does not go on from the last one is kept
    as evidence. Raises PeerUnreachable, PeerMisbehaved, StoreFull; up to step 3 the cursor stands still then.
    """
    _check_space(node)
    with node.store.read() as session:
        peer, told = find_peer(session, node_id), told_heads(session, node_id)
        refuse_forked(session, node_id)
    if peer is None or peer.state == PeerState.REVOKED:
        return False
    keys = peer_keys(peer)
    expected = Expected(
        keys=keys,
        lane=node.node_id,
        start=peer.cursor_count,
        head=peer.cursor_head,
        known=head_of(peer.checkpoint) if peer.checkpoint else None,
    )
    try:
        verified = verify_page(_ask(client, peer, expected, wait_s), expected)
    except HistoryDiffers as error:
        if expected.known is not None and keys.is_refused("log", max(expected.known.size - 1, 0)):
            _set_head_aside(node, peer, expected.known)
        keep_shown(node, peer, error)
        raise
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.state == PeerState.REVOKED or row.cursor_count != expected.start:
            return False  # revoked, or read by somebody else meanwhile
        if row.checkpoint != peer.checkpoint:
            return False  # this page was not held against the head that is the last one by now
        if row.key_chain != peer.key_chain:
            return False  # nor against the keys
        if verified.keys != keys:
            adopt_keys(session, row, verified.keys)
        refused = receive_page(session, node, row, verified.accepted)
        for found in (*(_poison(*item) for item in refused), *verified.poisoned):
            quarantine(session, quarantine_row(node_id, found))
        keep_places(session, node_id, verified.places)
        took(session, row, Act.TAKE_PAGE, _arrived(verified), len(_arrived(verified)))
        row.cursor_count, row.cursor_head = verified.count, verified.head
        row.withheld += verified.withheld
        row.checkpoint = verified.checkpoint or row.checkpoint
        _ask_again(session, node, node_id)
        row.pulled_at, row.alarm = stamp(), standing_alarm(session, node_id)
    drop_refused(node, keys, verified.keys)
    refuse_hidden(node_id, verified.log_size, told)
    return verified.more


def _set_head_aside(node: Node, peer: PeerRow, known: Checkpoint) -> None:
    """The last head that was seen was signed by a key in wrong hands, and the log does not lead on from it: it is read
    anew, from no head. Raises PeerMisbehaved, for the operator to know."""
    with node.store.write() as session:
        row = find_peer(session, peer.node_id)
        if row is not None and row.checkpoint == peer.checkpoint:
            row.checkpoint = None
    raise PeerMisbehaved(
        f"The last head that {peer.node_id} showed, size {known.size}, root {known.root.hex()[:16]}..., was signed by "
        "a key that was in wrong hands, and its log does not go on from there: that head is set aside. Compare both "
        "logs with its operator."
    )


def note_alarm(node: Node, node_id: str, message: str) -> None:
    """Show the operator why a peer's lane stands still."""
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is not None:
            peer.alarm = f"{stamp()} {shown(message, 900)}"


def address_of(peer: PeerRow) -> PeerAddress:
    """Where an enrolled peer is reached, and whose answers are believed."""
    return PeerAddress(peer.node_id, peer.url, peer_keys(peer).in_force.transport)


def fetch_scan(node: Node, client: PeerClient, acquisition_id: int) -> None:
    """Fetch the scan of a received record, from where an earlier attempt broke off, and promise its correlation.

    That of an own record that came back after a restore is asked of one peer after another: each gives back what it
    has. Raises PeerUnreachable, PeerMisbehaved, DigestDiffers, StoreFull: the worker tries again later.
    """
    with node.store.read() as session:
        acquisition, record = acquisition_with_record(session, acquisition_id)
        issuer = record.issuer
        own = issuer == node.node_id
        asked = [
            peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED and own | (peer.node_id == issuer)
        ]
    if not asked and not own:
        raise PeerMisbehaved(f"{issuer} is no enrolled peer; its scan is not fetched.")
    giver = _receive(node, client, asked, acquisition)
    refusal = _unusable(node, acquisition)
    with node.store.write() as session:
        if giver is not None:
            took(session, giver, Act.TAKE_SCAN, (acquisition.sha256, acquisition.statement_id), acquisition.size)
        row = session.get(AcquisitionRow, acquisition_id)
        if row is None:  # withdrawn while it came
            if not is_named(session, acquisition.sha256):
                node.blobs.remove(acquisition.sha256)
            return
        if refusal is not None:
            row.state, row.detail = AcquisitionState.NOT_USABLE, refusal
            return
        row.state = AcquisitionState.QUEUED
        promise(session, JobKind.CORRELATE, acquisition_id)


def _ask(client: PeerClient, peer: PeerRow, expected: Expected, wait_s: int) -> LanePage:
    known_size = expected.known.size if expected.known else 0
    body = client.fetch_lane(
        address_of(peer), start=expected.start, head=expected.head, known_size=known_size, wait_s=wait_s
    )
    try:
        return parse_lane_page(body)
    except ContractError as error:
        raise PeerMisbehaved(f"{peer.node_id} sent a page that breaks the contract: {error}") from error


def _check_space(node: Node) -> None:
    """What peers send must not take the space that the database needs to finish what it began."""
    if shutil.disk_usage(node.settings.home).free < node.settings.min_free_bytes:
        raise StoreFull("Too little space is free on this node; peers are not read until there is more.")


def _ask_again(session: Session, node: Node, node_id: str) -> None:
    """What was given up because the peer did not answer has a new chance now that it does; so has a scan that came
    another way, since a second record names it."""
    for job, acquisition in failed_fetches(session, node_id):
        error = job.error or ""
        unanswered = job.state == JobState.DEAD and error.startswith(PeerUnreachable.code)
        not_given = job.state != JobState.RUNNING and error.startswith((PeerUnreachable.code, PeerMisbehaved.code))
        if unanswered or (not_given and node.blobs.holds(acquisition.sha256)):
            acquisition.state, acquisition.detail = AcquisitionState.AWAITING_SCAN, None
            job.not_before = stamp()
            promise(session, JobKind.FETCH_SCAN, acquisition.acquisition_id)


def _poison(item: Received, error: StatementInvalid) -> Poison:
    return poison(item.position, item.statement_id, item.log_index, item.envelope.raw, error)


def _arrived(page: VerifiedPage) -> tuple[str, ...]:
    """The statements whose envelopes came, in the lane's order, whether they may be believed or not."""
    places = {item.position: item.statement_id for item in page.accepted}
    places |= {item.position: item.statement_id for item in page.poisoned}
    return tuple(places[position] for position in sorted(places))


def quarantine_row(peer: str, found: Poison) -> QuarantineRow:
    """The evidence, as it is kept."""
    return QuarantineRow(
        peer=peer,
        position=found.position,
        statement_id=found.statement_id,
        log_index=found.log_index,
        envelope=found.envelope,
        reason=found.reason,
        detail=found.detail[:1000],
        at=stamp(),
    )


def _receive(node: Node, client: PeerClient, peers: Sequence[PeerRow], acquisition: AcquisitionRow) -> PeerRow | None:
    """Bring the bytes here, once; returns who gave them, None when they were here. DigestDiffers when they are not
    those that the record names."""
    if node.blobs.holds(acquisition.sha256):
        return None
    part = f"{acquisition.sha256}.{acquisition.acquisition_id}.part"
    until = time.monotonic() + FETCH_COMPUTE_LIMITS * node.settings.compute_timeout_s
    refused: PeerError | DigestDiffers = PeerUnreachable("No enrolled peer is there to give the scan back.")
    for peer in peers:
        try:
            with node.blobs.arrival(part, acquisition.size, resume=True) as arrival:
                if arrival.size < acquisition.size:  # else the last attempt was cut off after the last byte
                    within_s = max(0.0, until - time.monotonic())
                    _go_on(client, address_of(peer), acquisition, arrival, within_s=within_s)
                node.blobs.keep(arrival, acquisition.sha256)
        except (PeerError, DigestDiffers) as error:
            refused = error
        else:
            return peer
    raise refused


def _go_on(
    client: PeerClient, peer: PeerAddress, acquisition: AcquisitionRow, arrival: Arrival, *, within_s: float
) -> None:
    with client.fetch_blob(peer, acquisition.sha256, offset=arrival.size, within_s=within_s) as (begins, pieces):
        arrival.rewind(begins)
        try:
            for piece in pieces:
                arrival.write(piece)
        except TooLarge as error:
            raise PeerMisbehaved(f"{peer.node_id} sends more of the scan than the record names.") from error
    if arrival.size < acquisition.size:
        raise PeerUnreachable(
            f"{peer.node_id} ended after {arrival.size} of {acquisition.size} bytes; the rest is fetched later."
        )


def _unusable(node: Node, acquisition: AcquisitionRow) -> str | None:
    """A peer's scan is read as untrusted as anybody's; why it cannot be used, if it cannot."""
    try:
        found = node.background.run(inspect_scan, node.blobs.path(acquisition.sha256))
    except matcher.ScanRefused as error:
        return f"{error.reason}: {error}"
    if found.media_type != acquisition.media_type:
        return f"modality-differs: The record names it as {acquisition.media_type}, but it is {found.media_type}."
    return None
