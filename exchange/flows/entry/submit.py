"""An examiner submits a record: checked, signed, stored, logged, put on lanes, promised to the matcher."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError
from sqlalchemy.orm import Session

import matcher
from exchange.clock import now
from exchange.errors import Conflict, InvalidInput, NotFound, UnsupportedMedia
from exchange.flows.entry.amendments import check_amendment
from exchange.flows.entry.firearms import check_described, enter_named
from exchange.flows.entry.free_text import Doubt, doubts_in
from exchange.flows.instrument.check_standing import named_check
from exchange.flows.node.last_head import check_last_head
from exchange.flows.node.node import Node, check_keys
from exchange.flows.scan.inspect import X3P, ScanReport, inspect_scan
from exchange.flows.statement.named import check_named
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.flows.statement.sharing import Shared, record_of, share, sharing_of
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.store.entry.exhibits import MAX_VERSIONS, known_first_version, too_many_versions
from exchange.store.entry.record_rows import AcquisitionState, add_record, find_record, find_submission
from exchange.store.log.statement_rows import append_own, find_statement
from exchange.store.node.jobs import JobKind, promise
from exchange.store.query.started_searches import promise_search
from exchange.store.review.kept_search_rows import note_found
from exchange.store.scan.objects import promise_object
from exchange.store.tables.record_tables import RecordRow, SubmissionRow
from matcher.mark.region_grid import fits
from schemas import (
    CONTRACT_VERSION,
    Acquisition,
    Blob,
    ContractError,
    InstrumentCheck,
    Maker,
    Record,
    Submission,
    parse_submission,
    statement_id,
    statement_payload,
)
from schemas.errors import shown
from schemas.strict_json import contract_error
from schemas.vocabulary import Modality

EASTERNMOST = timedelta(hours=3)
"""The most that a clock of the release's jurisdictions is ahead of UTC: summer time in Kyiv and Chisinau."""

_OTHER_MEDIA = {"not-an-x3p", "not-an-image"}


@dataclass(frozen=True)
class StoredScan:
    """A scan of the superseded version, which goes on into the new one: it lies among the blobs already."""

    part: str
    path: Path
    size: int
    sha256: str

    def keep(self, node: Node) -> None:
        """Raises NotFound when it was erased meanwhile."""
        if not node.blobs.holds(self.sha256):
            raise NotFound(f"The scan {self.sha256} is not on this node.")


SubmittedScan: TypeAlias = ReceivedScan | StoredScan


@dataclass(frozen=True)
class SubmissionReceipt:
    """What the examiner gets back. ``created`` is false when the same had been submitted before."""

    statement_id: str
    log_index: int
    received_at: str
    created: bool
    sharing: list[Shared]
    warnings: dict[str, tuple[str, ...]]
    """Of the scans, by their parts."""
    doubts: dict[str, tuple[Doubt, ...]]
    """Free texts that may tell of a person, by their place in the record."""


def submit_record(
    node: Node,
    maker: Maker,
    metadata: bytes,
    scans: Sequence[SubmittedScan],
    idempotency_key: str | None,
    *,
    names_checks: bool = True,
    also: Callable[[Session, str], None] | None = None,
) -> SubmissionReceipt:
    """The whole way of a submission, in this order:

    1. Read the metadata strictly; check it against the calendar and against the files that came.
    2. The same submitted before under this key: give the same receipt. Another: Conflict.
    3. Read each scan in a worker process: only what can be read back is stored.
    4. Make the record and sign it. Its nonce comes from what was sent, so that the id does too.
    5. In one transaction: statement, log leaf, rows, lanes, promised work, and last the scans' names on disk, so
       that a refusal at any step leaves none. Then answer.

    ``names_checks``: False of scans of an earlier time, of which the last instrument check says nothing. ``also``: what
    is written in the transaction of step 5, of the statement id; not called where nothing is stored.
    Raises InvalidInput, UnsupportedMedia, Conflict, ComputeFailed, StoreUnavailable; nothing is stored then.
    """
    begun = time.time()
    ready = _ready(node, maker, metadata, scans, idempotency_key, names_checks=names_checks)
    if isinstance(ready, SubmissionReceipt):
        return ready
    done = SubmissionRow(pseudonym=maker.pseudonym, idempotency_key=ready.key, content_sha256=ready.content)
    stored = _store(node, ready, scans, done, also)
    stored = stored or _find_earlier(node, maker.pseudonym, ready.key, ready.content)
    if stored is not None and stored.created:
        node.tracing.note("record submitted", stored.statement_id, begun)
    if stored is None:
        raise Conflict("The same submission was stored and withdrawn while this one ran. Look at the record list.")
    return stored


def check_submission(
    node: Node, maker: Maker, metadata: bytes, scans: Sequence[SubmittedScan]
) -> SubmissionReceipt | None:
    """Steps 1 to 4 of ``submit_record`` alone: nothing is stored. The receipt of what was submitted before, else None.

    Raises what ``submit_record`` would.
    """
    ready = _ready(node, maker, metadata, scans, None)
    return ready if isinstance(ready, SubmissionReceipt) else None


@dataclass(frozen=True)
class _Ready:
    """A record that may be signed and stored, under which idempotency key, and the digest of what was sent.
    ``widened``: as ``check_amendment`` returns it."""

    record: Record
    key: str
    content: str
    widened: bool
    warnings: dict[str, tuple[str, ...]]


def _ready(
    node: Node,
    maker: Maker,
    metadata: bytes,
    scans: Sequence[SubmittedScan],
    idempotency_key: str | None,
    *,
    names_checks: bool = True,
) -> _Ready | SubmissionReceipt:
    submission = _read(metadata)
    received = _by_part(submission, scans)
    check_dates(submission, now(), node.jurisdictions)

    content = _content_digest(submission, received)
    key = idempotency_key or content
    if earlier := _find_earlier(node, maker.pseudonym, key, content):
        return earlier
    widened = check_amendment(node, maker, submission)
    with node.store.read() as session:
        _check_supersedes(session, node, submission.supersedes)
        if submission.exhibit.firearm is not None:
            check_described(session, submission.exhibit.firearm)

    reports = {part: _inspect(node, scan) for part, scan in received.items()}
    blobs = {
        part: Blob(sha256=scan.sha256, size=scan.size, media_type=reports[part].media_type)
        for part, scan in received.items()
    }
    _check_regions(submission, reports)
    nonce = _nonce(node, maker.pseudonym, key, content)
    record = record_from(node, maker, submission, blobs, nonce, names_checks=names_checks)
    return _Ready(record, key, content, widened, {part: report.warnings for part, report in reports.items()})


def _read(metadata: bytes) -> Submission:
    try:
        return parse_submission(metadata)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error


def _by_part(submission: Submission, scans: Sequence[SubmittedScan]) -> dict[str, SubmittedScan]:
    named = [acquisition.file for acquisition in submission.acquisitions]
    came = {scan.part: scan for scan in scans}
    missing, extra = sorted(set(named) - set(came)), sorted(set(came) - set(named))
    if missing or extra or len(set(named)) != len(named):
        raise InvalidInput(
            "The files do not fit the metadata: each acquisition names one file part of its own. "
            f"Missing: {', '.join(missing) or 'none'}; not named: {shown(', '.join(extra) or 'none', 200)}.",
            code="files-differ",
        )
    digests = [scan.sha256 for scan in scans]
    if len(set(digests)) != len(digests):
        raise InvalidInput("Two of the files are the same scan; send each once.", code="files-differ")
    return came


def check_dates(submission: Submission, moment: datetime, known: Directory | None = None) -> None:
    """By the calendar of the region: after midnight, a case of today must not be one of tomorrow in UTC."""
    today, latest = moment.date(), (moment + max(EASTERNMOST, (known or shipped_directory()).most_ahead(moment))).date()
    occurred = submission.exhibit.occurred
    for name, day in (("earliest", occurred.earliest), ("latest", occurred.latest)):
        if day is not None and day > latest:
            raise InvalidInput(
                f"The date {day} lies in the future; correct exhibit.occurred.{name}.",
                code="future-date",
                problems=((f"exhibit.occurred.{name}", "lies in the future"),),
            )
    if submission.retention_until < today:
        raise InvalidInput(
            f"The retention date {submission.retention_until} is over; choose a later one.",
            code="retention-over",
            problems=(("retention_until", "lies in the past"),),
        )


def _content_digest(submission: Submission, received: dict[str, SubmittedScan]) -> str:
    """SHA-256 of what was sent: the metadata as understood, and the digest of each file."""
    digest = hashlib.sha256(submission.model_dump_json().encode())
    for part in sorted(received):
        digest.update(f"\n{part} {received[part].sha256}".encode())
    return digest.hexdigest()


def _nonce(node: Node, pseudonym: str, key: str, content: str) -> str:
    """Unguessable without the node's secret, and the same whenever the same is sent again."""
    message = "\n".join((pseudonym, key, content)).encode()
    return hmac.new(node.keys.nonce_secret, message, hashlib.sha256).hexdigest()


def _find_earlier(node: Node, pseudonym: str, key: str, content: str) -> SubmissionReceipt | None:
    with node.store.read() as session:
        earlier = find_submission(session, pseudonym, key)
        if earlier is None:
            return None
        if earlier.content_sha256 != content:
            raise Conflict(
                "This Idempotency-Key was used for another submission; take a new key for new content.",
                code="idempotency-key-reused",
            )
        found = find_record(session, earlier.statement_id)
        if found is None:
            return None
        row, statement = found
        if statement.refused_by is not None:
            raise Conflict(
                "This was submitted before, and is not believed any more: the node's key was in wrong hands by then. "
                "To enter it again, send it under a new Idempotency-Key.",
                code="key-compromised",
            )
        record = record_of(session, row.statement_id)
        sharing = sharing_of(session, row.statement_id, record, history=node.history)
        return SubmissionReceipt(
            row.statement_id,
            statement.log_index,
            row.received_at,
            False,
            sharing,
            {},
            doubts_in(record, node.jurisdictions),
        )


def _check_supersedes(session: Session, node: Node, supersedes: str | None) -> None:
    if supersedes is None:
        return
    found = find_record(session, supersedes)
    if found is None or found[0].issuer != node.node_id:
        raise InvalidInput("supersedes names no record of this node; only the owner may amend.", code="not-owner")
    if found[0].superseded_by is not None:
        raise Conflict(
            f"That version was superseded already, by {found[0].superseded_by}; amend the newest.", code="superseded"
        )
    if too_many_versions(session, {"": found[0].exhibit}):
        raise Conflict(
            f"The record has {MAX_VERSIONS} versions, and no more can be made. Withdraw it, and enter the exhibit anew "
            "without superseding it.",
            code="too-many-versions",
        )


def _inspect(node: Node, scan: SubmittedScan) -> ScanReport:
    try:
        return node.compute.run(inspect_scan, scan.path)
    except matcher.ScanRefused as error:
        if error.reason in _OTHER_MEDIA:
            message = (
                f"{scan.part}: this is neither a topography (x3p) nor a PNG, TIFF or JPEG image: export it as one."
            )
            raise UnsupportedMedia(message, problems=((scan.part, "is none of these"),)) from error
        raise InvalidInput(f"{scan.part}: {error}", code=error.reason, problems=((scan.part, str(error)),)) from error


def _check_regions(submission: Submission, reports: dict[str, ScanReport]) -> None:
    for position, sent in enumerate(submission.acquisitions):
        mask, shape = sent.region_mask, reports[sent.file].shape
        if mask is not None and not fits((mask.rows, mask.columns), shape):
            raise InvalidInput(
                f"acquisitions.{position}: the region was marked in {mask.columns} x {mask.rows} cells, which do not "
                f"fit a scan of {shape[1]} x {shape[0]} points: mark it on this scan.",
                code="mask-differs",
                problems=((f"acquisitions.{position}.region_mask", "does not fit the scan"),),
            )


def record_from(
    node: Node,
    maker: Maker,
    submission: Submission,
    blobs: dict[str, Blob],
    nonce: str,
    *,
    names_checks: bool = True,
) -> Record:
    """What is signed of a submission; ``blobs`` are its scans by their parts. Raises InvalidInput, UnsupportedMedia."""
    checks = _instrument_checks(node, submission, blobs) if names_checks else [None] * len(submission.acquisitions)
    acquisitions = [
        Acquisition(blob=blobs[sent.file], instrument_check=check, **sent.model_dump(exclude={"file"}))
        for sent, check in zip(submission.acquisitions, checks, strict=True)
    ]
    first_version = None
    if submission.supersedes is not None:
        with node.store.read() as session:
            first_version = known_first_version(session, node.node_id, submission.supersedes)
    try:
        record = Record(
            contract=CONTRACT_VERSION,
            type="record",
            nonce=nonce,
            issuer=node.node_id,
            made_by=maker,
            jurisdiction=node.settings.jurisdiction,
            acquisitions=tuple(acquisitions),
            first_version=first_version,
            **{name: getattr(submission, name) for name in Submission.model_fields if name != "acquisitions"},
        )
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code=refused.reason, problems=refused.problems) from error
    _check_modalities(record)
    check_named(node, record.audience, "audience")
    return record


def _instrument_checks(node: Node, submission: Submission, blobs: dict[str, Blob]) -> list[InstrumentCheck | None]:
    """Of each acquisition the last check that its instrument passed. A scan of the version that is superseded was
    measured before that one: what it said of the same instrument stays."""
    with node.store.read() as session:
        found = submission.supersedes and find_record(session, submission.supersedes)
        before = record_of(session, submission.supersedes).acquisitions if found and submission.supersedes else ()
        earlier = {one.blob.sha256: one for one in before}
        checks: list[InstrumentCheck | None] = []
        for sent in submission.acquisitions:
            same = earlier.get(blobs[sent.file].sha256)
            if same is not None:
                checks.append(same.instrument_check if same.instrument == sent.instrument else None)
            else:
                is_topography = sent.modality is Modality.TOPOGRAPHY
                checks.append(named_check(session, node, sent.instrument) if is_topography else None)
    return checks


def _check_modalities(record: Record) -> None:
    for position, acquisition in enumerate(record.acquisitions):
        is_topography = acquisition.blob.media_type == X3P
        if is_topography != (acquisition.modality is Modality.TOPOGRAPHY):
            raise UnsupportedMedia(
                f"acquisitions.{position} is stated as {acquisition.modality}, but its file is "
                f"{acquisition.blob.media_type}. Topographies are x3p, reflectance images PNG, TIFF or JPEG.",
                code="modality-differs",
                problems=((f"acquisitions.{position}.modality", "does not fit the file"),),
            )


def _store(
    node: Node,
    ready: _Ready,
    scans: Sequence[SubmittedScan],
    done: SubmissionRow,
    also: Callable[[Session, str], None] | None,
) -> SubmissionReceipt | None:
    """The one transaction; None when the same submission was stored by a parallel request."""
    with node.store.read() as session:
        check_last_head(node.settings, session)
    record = ready.record
    payload = statement_payload(record)
    envelope = node.keys.statement.sign(payload)
    done.statement_id = statement_id(payload)
    with node.store.write() as session:
        check_keys(session, node.history.last.index)
        if find_submission(session, done.pseudonym, done.idempotency_key) is not None:
            return None
        known = find_statement(session, done.statement_id)
        if (
            known is not None and known.envelope is not None
        ):  # it came back from a peer after a restore, without its key
            session.add(done)
            session.flush()
            _keep(session, node, scans)
            return None
        if known is not None:
            raise Conflict(
                "This was submitted before, and withdrawn. To enter it again, send it under a new Idempotency-Key.",
                code="withdrawn",
            )
        _check_supersedes(session, node, record.supersedes)  # again: of two amendments at once only one may stand
        index = append_own(session, done.statement_id, record, record.type, envelope)
        acquisitions = add_record(
            session, done.statement_id, record, submitted_by=done.pseudonym, state=AcquisitionState.QUEUED
        )
        session.add(done)
        session.get_one(RecordRow, done.statement_id).widened = ready.widened
        if record.exhibit.firearm is not None:
            enter_named(session, record.exhibit.firearm, record.made_by)
        sharing = share(session, done.statement_id, record, history=node.history)
        note_found(session, [done.statement_id])
        promise_search(session, node.settings.search_triggers, done.statement_id)
        for acquisition in acquisitions:
            promise(session, JobKind.CORRELATE, acquisition)
        received_at = session.get_one(RecordRow, done.statement_id).received_at
        if also is not None:
            also(session, done.statement_id)
        session.flush()
        _keep(session, node, scans)
    return SubmissionReceipt(
        done.statement_id, index, received_at, True, sharing, ready.warnings, doubts_in(record, node.jurisdictions)
    )


def _keep(session: Session, node: Node, scans: Sequence[SubmittedScan]) -> None:
    """Their names on disk, last; and where there is an object store the promise that it gets them."""
    if node.objects is not None:
        for scan in scans:
            promise_object(session, scan.sha256, scan.size)
    for scan in scans:
        scan.keep(node)
