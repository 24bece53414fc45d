"""Fetch the scans that peers' records name: each from its owner, resumed where it broke off, read as untrusted."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

import matcher
from exchange.errors import (
    DigestDiffers,
    ObjectStoreUnavailable,
    PeerError,
    PeerMisbehaved,
    PeerUnreachable,
    StoreUnavailable,
    TooLarge,
)
from exchange.flows.log.audit_rows import took
from exchange.flows.node.blob_cache import BlobCache
from exchange.flows.node.node import Node
from exchange.flows.scan.inspect import inspect_scan
from exchange.flows.statement.as_signed import signed_record
from exchange.flows.statement.peer import address_of, peer_keys
from exchange.log.audit_entry import Act
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.database.seals import holds
from exchange.store.entry.record_rows import AcquisitionState, acquisition_with_record, may_be_compared, take_up
from exchange.store.node.jobs import JobState
from exchange.store.scan.blobs import Arrival
from exchange.store.scan.deliveries import note_delivered
from exchange.store.scan.objects import promise_object
from exchange.store.sync.peers import all_peers, failed_fetches
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import AcquisitionRow

log = structlog.get_logger(__name__)

FETCH_COMPUTE_LIMITS = 2
"""One attempt at a scan from one peer may take this many compute limits, so that none holds a fetcher for ever. What
came is kept, and the next attempt goes on from there."""


def fetch_scan(node: Node, client: PeerClient, acquisition_id: int) -> None:
    """Fetch the scan of a received record, from where an earlier attempt broke off, and promise its correlation.

    1. Of an own record, which came back after a restore, what is on the disk or in the object store is this node's.
    2. Else all of it comes: of a received record from its issuer, also where another record brought the same bytes here
       before; of an own one from one peer after another, since each gives back what it has.

    Raises PeerUnreachable, PeerMisbehaved, DigestDiffers, StoreFull: the worker tries again later.
    """
    with node.store.read() as session:
        acquisition, record = acquisition_with_record(session, acquisition_id)
        issuer = record.issuer
        own = signed_record(session, record.statement_id, node.history) is not None
        asked = [
            peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED and own | (peer.node_id == issuer)
        ]
    if acquisition.delivered_at is not None:
        return  # done, and broken off before the work was marked so
    # 1.
    if own and (node.blobs.holds(acquisition.sha256) or _is_recalled(node, acquisition)):
        _take(node, acquisition, _unusable(node, acquisition, node.blobs.path(acquisition.sha256)))
        return
    if not asked and not own:
        raise PeerMisbehaved(f"{issuer} is no enrolled peer; its scan is not fetched.")
    # 2.
    refused: list[PeerError | DigestDiffers] = []
    for peer in asked:
        try:
            _receive(node, client, peer, acquisition)
        except (PeerError, DigestDiffers) as error:
            refused.append(error)
        else:
            return
    if not refused:
        raise PeerUnreachable("No enrolled peer is there to give the scan back.")
    raise min(refused, key=_asked_s)  # none of them makes another wait for as long as it likes


def _asked_s(error: PeerError | DigestDiffers) -> int:
    return error.retry_after_s if isinstance(error, PeerUnreachable) else 0


def ask_again(session: Session, node_id: str) -> None:
    """What was given up because the peer did not answer has a new chance now that it does."""
    for job, acquisition in failed_fetches(session, node_id):
        if job.state == JobState.DEAD and (job.error or "").startswith(PeerUnreachable.code):
            take_up(session, acquisition)


def _is_recalled(node: Node, acquisition: AcquisitionRow) -> bool:
    """After a restore: the object store may have what the database has forgotten."""
    if not isinstance(node.blobs, BlobCache):
        return False
    try:
        return node.blobs.recall(acquisition.sha256, acquisition.size)
    except ObjectStoreUnavailable as error:
        log.warning("peers are asked for the scan", sha256=acquisition.sha256, detail=str(error))
        return False


def _receive(node: Node, client: PeerClient, peer: PeerRow, acquisition: AcquisitionRow) -> None:
    """Bring the bytes here from this peer. DigestDiffers when they are not those that the record names; where some were
    here before, they may be another peer's: then this one is asked once more, for all."""
    until = time.monotonic() + FETCH_COMPUTE_LIMITS * node.settings.compute_timeout_s
    part = f"{acquisition.sha256}.{acquisition.acquisition_id}.part"
    for again in (False, True):
        with node.blobs.arrival(part, acquisition.size, resume=True) as arrival:
            were_here = arrival.size
            if arrival.size < acquisition.size:  # else the last attempt was cut off after the last byte
                within_s = max(0.0, until - time.monotonic())
                _go_on(client, address_of(peer), acquisition, arrival, within_s=within_s)
            try:
                arrival.verify(acquisition.sha256)
            except DigestDiffers:
                if again or not were_here:
                    raise
                continue
            _take(node, acquisition, _unusable(node, acquisition, arrival.path), came=(peer, arrival))
            return


def _take(
    node: Node, acquisition: AcquisitionRow, refusal: str | None, came: tuple[PeerRow, Arrival] | None = None
) -> None:
    """In one transaction the bytes get their name and the acquisition is delivered: nothing erases them in between.

    What was withdrawn meanwhile, or is held by a court since, is not taken. Raises StoreUnavailable where the rows do
    not say of whom the scan is as its issuer signed it: that scan waits until they are mended.
    """
    with node.store.write() as session:
        row = session.get(AcquisitionRow, acquisition.acquisition_id)
        wanted = row is not None and may_be_compared(session, row.acquisition_id)
        if row is not None and wanted and not _is_signed(session, node, row, acquisition, came and came[0]):
            raise StoreUnavailable(
                f"What the database says of the scan {acquisition.sha256} is not what was signed; it is not taken. "
                "See: ffp log check"
            )
        if came is not None:
            giver, arrival = came
            took(session, giver, Act.TAKE_SCAN, (acquisition.sha256, acquisition.statement_id), acquisition.size)
            if wanted:
                node.blobs.keep(arrival, acquisition.sha256)
            else:
                arrival.discard()
        if row is None or not wanted:
            return
        note_delivered(row)
        if node.objects is not None:
            promise_object(session, acquisition.sha256, acquisition.size)
        if refusal is None:
            take_up(session, row)
        else:
            row.state, row.detail = AcquisitionState.NOT_USABLE, refusal


def _is_signed(
    session: Session, node: Node, row: AcquisitionRow, fetched: AcquisitionRow, giver: PeerRow | None
) -> bool:
    """Whether the row is still the one that was fetched for, and a record names these bytes that this node signed, or
    whoever gave them."""
    same = row.sha256 == fetched.sha256 and holds(session, row)
    signers = [node.history] if giver is None else [node.history, peer_keys(giver)]
    records = [signed_record(session, row.statement_id, keys) for keys in signers]
    named = {one.blob.sha256 for record in records if record is not None for one in record.acquisitions}
    return same and row.sha256 in named


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


def _unusable(node: Node, acquisition: AcquisitionRow, scan: Path) -> str | None:
    """A peer's scan is read as untrusted as anybody's; why it cannot be used, if it cannot."""
    try:
        found = node.background.run(inspect_scan, scan)
    except matcher.ScanRefused as error:
        return f"{error.reason}: {error}"
    if found.media_type != acquisition.media_type:
        return f"modality-differs: The record names it as {acquisition.media_type}, but it is {found.media_type}."
    return None
