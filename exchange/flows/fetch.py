"""Fetch the scans that peers' records name: each from its owner, resumed where it broke off, read as untrusted."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

import matcher
from exchange.clock import stamp
from exchange.errors import DigestDiffers, ObjectStoreUnavailable, PeerError, PeerMisbehaved, PeerUnreachable, TooLarge
from exchange.flows.audit import took
from exchange.flows.blob_cache import BlobCache
from exchange.flows.node import Node
from exchange.flows.peer import address_of
from exchange.flows.scan_work import inspect_scan
from exchange.log.audit_entry import Act
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.blobs import Arrival
from exchange.store.jobs import JobKind, JobState, promise
from exchange.store.objects import promise_object
from exchange.store.peers import PeerState, all_peers, failed_fetches
from exchange.store.records import AcquisitionState, acquisition_with_record
from exchange.store.tables import AcquisitionRow, PeerRow
from exchange.store.withdrawals import is_named

log = structlog.get_logger(__name__)

FETCH_COMPUTE_LIMITS = 2
"""One attempt at a scan may take this many compute limits, so that no peer holds a fetcher for ever. What came is kept,
and the next attempt goes on from there."""


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
    giver = _receive(node, client, asked, acquisition, own=own)
    refusal = _unusable(node, acquisition)
    with node.store.write() as session:
        if giver is not None:
            took(session, giver, Act.TAKE_SCAN, (acquisition.sha256, acquisition.statement_id), acquisition.size)
        row = session.get(AcquisitionRow, acquisition_id)
        if row is None:  # withdrawn while it came
            if not is_named(session, acquisition.sha256):
                node.blobs.remove(acquisition.sha256)
            return
        if node.objects is not None:
            promise_object(session, acquisition.sha256, acquisition.size)
        if refusal is not None:
            row.state, row.detail = AcquisitionState.NOT_USABLE, refusal
            return
        row.state = AcquisitionState.QUEUED
        promise(session, JobKind.CORRELATE, acquisition_id)


def ask_again(session: Session, node: Node, node_id: str) -> None:
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


def _is_recalled(node: Node, acquisition: AcquisitionRow) -> bool:
    """After a restore: the object store may have what the database has forgotten."""
    if not isinstance(node.blobs, BlobCache):
        return False
    try:
        return node.blobs.recall(acquisition.sha256, acquisition.size)
    except ObjectStoreUnavailable as error:
        log.warning("peers are asked for the scan", sha256=acquisition.sha256, detail=str(error))
        return False


def _receive(
    node: Node, client: PeerClient, peers: Sequence[PeerRow], acquisition: AcquisitionRow, *, own: bool
) -> PeerRow | None:
    """Bring the bytes here, once; returns who gave them, None when they were here. DigestDiffers when they are not
    those that the record names."""
    if node.blobs.holds(acquisition.sha256) or (own and _is_recalled(node, acquisition)):
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
            arrival.discard()  # else each of its scans would leave a whole one here
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
