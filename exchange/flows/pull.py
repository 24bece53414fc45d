"""Pull what a peer shares: verify all of it before believing any of it, store it with the cursor, fetch the scans."""

from __future__ import annotations

import shutil

from sqlalchemy.orm import Session

import matcher
from exchange.clock import stamp
from exchange.errors import HistoryDiffers, NotFound, PeerMisbehaved, PeerUnreachable, StoreFull, TooLarge
from exchange.flows.enrol import peer_card
from exchange.flows.node import Node
from exchange.flows.page import Expected, Received, open_head, verify_page
from exchange.flows.scan_work import inspect_scan
from exchange.flows.views import keep_shown, refuse_forked, refuse_hidden
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.blobs import Arrival
from exchange.store.jobs import JobKind, JobState, promise
from exchange.store.peers import PeerState, failed_fetches, find_peer, quarantine, standing_alarm
from exchange.store.records import AcquisitionState, add_record
from exchange.store.statements import add_statement, find_statement
from exchange.store.tables import AcquisitionRow, PeerRow, RecordRow
from exchange.store.witness import told_heads
from schemas import ContractError
from schemas.errors import shown
from schemas.lane import LanePage, parse_lane_page

FETCH_COMPUTE_LIMITS = 2
"""One attempt at a scan may take this many compute limits, one more is for reading it: so it ends within its job's
lease, and nobody else writes to the same part meanwhile. What came is kept, and the next attempt goes on from there."""


def pull(node: Node, client: PeerClient, node_id: str) -> bool:
    """Pull one page from a peer. Returns whether more is waiting.

    1. Ask, signed, for what follows the cursor. The answer must be the peer's own, to this request.
    2. Verify the page: head of the log, its consistency with the last one seen, each item, the lane's running head.
    3. In one transaction: statements, records, promised fetches, quarantine, and the cursor. A peer that answers
       again is asked again for the scans that it left undelivered.
    4. The head must reach as far as any that other peers told of before it was asked for.

    A log that is known to be forked is read no further, and a signed head that does not go on from the last one is kept
    as evidence. Raises PeerUnreachable, PeerMisbehaved, StoreFull; up to step 3 the cursor stands still then.
    """
    _check_space(node)
    with node.store.read() as session:
        peer, told = find_peer(session, node_id), told_heads(session, node_id)
        refuse_forked(session, node_id)
    if peer is None or peer.state != PeerState.ENROLLED:
        return False
    card = peer_card(peer)
    expected = Expected(
        card=card,
        lane=node.node_id,
        start=peer.cursor_count,
        head=peer.cursor_head,
        known=open_head(peer.checkpoint, card) if peer.checkpoint else None,
        reader=node.settings.jurisdiction,
    )
    try:
        verified = verify_page(_ask(client, peer, expected), expected)
    except HistoryDiffers as error:
        keep_shown(node, peer, error)
        raise
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.state != PeerState.ENROLLED or row.cursor_count != expected.start:
            return False  # revoked, or read by somebody else meanwhile
        if row.checkpoint != peer.checkpoint:
            return False  # this page was not held against the head that is the last one by now
        for received in verified.accepted:
            _store(session, received)
        for poison in verified.poisoned:
            quarantine(session, node_id, poison.position, poison.envelope, poison.reason, poison.detail)
        row.cursor_count, row.cursor_head = verified.count, verified.head
        row.checkpoint = verified.checkpoint or row.checkpoint
        _ask_again(session, node_id)
        row.pulled_at, row.alarm = stamp(), standing_alarm(session, node_id)
    refuse_hidden(node_id, verified.log_size, told)
    return verified.more


def note_alarm(node: Node, node_id: str, message: str) -> None:
    """Show the operator why a peer's lane stands still."""
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is not None:
            peer.alarm = f"{stamp()} {shown(message, 900)}"


def address_of(peer: PeerRow) -> PeerAddress:
    """Where an enrolled peer is reached, and whose answers are believed."""
    return PeerAddress(peer.node_id, peer.url, peer_card(peer).delegation.transport)


def fetch_scan(node: Node, client: PeerClient, acquisition_id: int) -> None:
    """Fetch the scan of a received record, from where an earlier attempt broke off, and promise its correlation.

    Raises PeerUnreachable, PeerMisbehaved, DigestDiffers, StoreFull: the worker tries again later.
    """
    with node.store.read() as session:
        acquisition = session.get_one(AcquisitionRow, acquisition_id)
        issuer = session.get_one(RecordRow, acquisition.statement_id).issuer
        peer = find_peer(session, issuer)
    if peer is None or peer.state != PeerState.ENROLLED:
        raise PeerMisbehaved(f"{issuer} is no enrolled peer; its scan is not fetched.")
    _receive(node, client, address_of(peer), acquisition)
    refusal = _unusable(node, acquisition)
    with node.store.write() as session:
        row = session.get_one(AcquisitionRow, acquisition_id)
        if refusal is not None:
            row.state, row.detail = AcquisitionState.NOT_USABLE, refusal
            return
        row.state = AcquisitionState.QUEUED
        promise(session, JobKind.CORRELATE, acquisition_id)


def _ask(client: PeerClient, peer: PeerRow, expected: Expected) -> LanePage:
    known_size = expected.known.size if expected.known else 0
    body = client.fetch_lane(address_of(peer), start=expected.start, head=expected.head, known_size=known_size)
    try:
        return parse_lane_page(body)
    except ContractError as error:
        raise PeerMisbehaved(f"{peer.node_id} sent a page that breaks the contract: {error}") from error


def _check_space(node: Node) -> None:
    """What peers send must not take the space that the database needs to finish what it began."""
    if shutil.disk_usage(node.settings.home).free < node.settings.min_free_bytes:
        raise StoreFull("Too little space is free on this node; peers are not read until there is more.")


def _ask_again(session: Session, node_id: str) -> None:
    """What was given up because the peer did not answer has a new chance now that it does."""
    for job, acquisition in failed_fetches(session, node_id):
        if job.state == JobState.DEAD and (job.error or "").startswith(PeerUnreachable.code):
            acquisition.state, acquisition.detail = AcquisitionState.AWAITING_SCAN, None
            promise(session, JobKind.FETCH_SCAN, acquisition.acquisition_id)


def _store(session: Session, received: Received) -> None:
    if find_statement(session, received.statement_id) is not None:
        return
    record = received.record
    add_statement(session, received.statement_id, record, record.type, received.envelope, received.log_index)
    for acquisition in add_record(
        session, received.statement_id, record, submitted_by=None, state=AcquisitionState.AWAITING_SCAN
    ):
        promise(session, JobKind.FETCH_SCAN, acquisition)


def _receive(node: Node, client: PeerClient, peer: PeerAddress, acquisition: AcquisitionRow) -> None:
    """Bring the bytes here, once; DigestDiffers when they are not those that the record names."""
    try:
        node.blobs.path(acquisition.sha256)
    except NotFound:
        part = f"{acquisition.sha256}.{acquisition.acquisition_id}.part"
        with node.blobs.arrival(part, acquisition.size, resume=True) as arrival:
            if arrival.size < acquisition.size:  # else the last attempt was cut off after the last byte
                _go_on(
                    client, peer, acquisition, arrival, within_s=FETCH_COMPUTE_LIMITS * node.settings.compute_timeout_s
                )
            node.blobs.keep(arrival, acquisition.sha256)


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
        found = node.compute.run(inspect_scan, node.blobs.path(acquisition.sha256))
    except matcher.ScanRefused as error:
        return f"{error.reason}: {error}"
    if found.media_type != acquisition.media_type:
        return f"modality-differs: The record names it as {acquisition.media_type}, but it is {found.media_type}."
    return None
