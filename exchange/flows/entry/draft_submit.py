"""From a draft to a signed record: what would be signed and who would have it, then the signature, once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from exchange.clock import now
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.entry.amendments import check_amendment
from exchange.flows.entry.draft_form import FileOf, is_stale, marked_in, of_file, placed, submission_of
from exchange.flows.entry.drafts import Draft, close, read_draft
from exchange.flows.entry.firearms import check_described, described_fully
from exchange.flows.entry.submit import (
    StoredScan,
    SubmissionReceipt,
    SubmittedScan,
    check_dates,
    record_from,
    submit_record,
)
from exchange.flows.instrument.check_standing import InstrumentStanding, instrument_doubts
from exchange.flows.node.node import Node
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.flows.statement.sharing import decide_sharing
from exchange.policy import names
from exchange.store.entry.exhibits import number_of
from exchange.store.entry.record_rows import PENDING, acquisitions_of, find_record
from exchange.store.entry.search import records_of_case
from exchange.store.sync.peers import all_peers, lane_of
from exchange.store.tables.draft_tables import DraftFileRow
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.terms_rows import groups_of
from schemas import Blob, ContractError, Maker, Record, parse_submission
from schemas.versions import is_newer, needed_version
from schemas.vocabulary import Jurisdiction, Modality, ReleaseLevel

MOST_ITEMS_OF_A_CASE: Final = 500
"""Records of one case that are looked through for an item number; the newest."""
UNSIGNED = "0" * 64
"""In the place of a nonce and of a statement's id, of a record that is only shown."""


@dataclass(frozen=True)
class AudienceMember:
    """What a jurisdiction of the audience would get: ``state`` is "sent", "older" (once its node is upgraded, which
    does not read such a record yet), "withheld" or "no-peer"."""

    jurisdiction: Jurisdiction
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Summary:
    """``record`` is what would be signed; None while ``problems``, by field, keep it from that. ``instruments``: those
    of its scans whose instrument was not checked in time, by the scan's digest. ``same_item``: own records of this case
    that bear its item number already, and are not the one that it supersedes."""

    draft: Draft
    record: Record | None
    problems: dict[str, str]
    reached: tuple[AudienceMember, ...] = ()
    instruments: dict[str, InstrumentStanding] = field(default_factory=dict)
    same_item: tuple[RecordRow, ...] = ()


def summarise_draft(node: Node, maker: Maker, draft_id: str) -> Summary:
    """What would be signed, checked as the submission will be; nothing is stored.

    1. Look at the files: whole, read, not refused.
    2. Read the form by the contract and the calendar.
    3. Make the record as it would be, and ask policy for each peer.
    Raises NotFound.
    """
    # 1.
    draft = read_draft(node, maker.pseudonym, draft_id)
    files, problems = _files(draft)

    # 2. and 3.
    try:
        record, widened = _record(node, maker, draft, files)
    except InvalidInput as error:
        said = error.problems or (("", str(error)),)
        beside = {
            where: what for where, what in placed(said, files).items() if where.rpartition(".")[0] not in problems
        }
        return Summary(draft, None, beside | problems)
    if problems:
        return Summary(draft, None, problems)
    instruments = instrument_doubts(node, record.acquisitions)
    reached = reached_by(node, record, widened=widened)
    return Summary(draft, record, {}, reached, instruments, _same_item(node, draft, record))


def _same_item(node: Node, draft: Draft, record: Record) -> tuple[RecordRow, ...]:
    number = number_of(record)
    if number is None:
        return ()
    with node.store.read() as session:
        rows = records_of_case(session, record.jurisdiction, record.case_reference, limit=MOST_ITEMS_OF_A_CASE)
    return tuple(
        row
        for row in rows
        if row.issuer == node.node_id and row.number == number and row.statement_id != draft.row.supersedes
    )


def overtaken(node: Node, draft: Draft) -> str | None:
    """The code of why a new version cannot be signed: the record has another one by now, or was withdrawn."""
    if draft.row.supersedes is None:
        return None
    with node.store.read() as session:
        found = find_record(session, draft.row.supersedes)
    if found is None:
        return "withdrawn"
    return None if found[0].superseded_by is None else "superseded"


def submit_draft(node: Node, maker: Maker, draft_id: str, seen: str) -> str:
    """Sign and submit a draft, and erase it; returns the record's statement id. ``seen`` is the digest of the draft as
    it was shown to who signs.

    Whoever submits it twice gets the same record: requests for one draft take turns, and its id is the idempotency key.
    Raises NotFound; Conflict, code "draft-changed", when another page changed it since; InvalidInput with its
    ``problems`` by field, and what ``submit_record`` raises.
    """
    with node.draft_files.alone(draft_id):
        draft = read_draft(node, maker.pseudonym, draft_id)
        if draft.row.statement_id is not None:
            return draft.row.statement_id
        check_seen(draft, seen)
        summary = summarise_draft(node, maker, draft_id)
        if summary.record is None:
            raise InvalidInput(
                "The draft is not complete.", code="draft-incomplete", problems=tuple(summary.problems.items())
            )
        files, _ = _files(draft)
        receipt = _submit(node, maker, draft, _metadata(node, draft, files))
        close(node, maker.pseudonym, draft_id, receipt.statement_id)
    return receipt.statement_id


@dataclass(frozen=True)
class CorrelationProgress:
    """How many scans of a record are correlated, or never will be, and how many it has."""

    done: int
    all: int


def progress_of(node: Node, pseudonym: str, statement_id: str) -> CorrelationProgress:
    """Raises NotFound, also for a record that somebody else submitted."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None or found[0].submitted_by != pseudonym:
            raise NotFound("You have submitted no such record on this node.")
        states = [item.state for item in acquisitions_of(session, statement_id)]
    return CorrelationProgress(sum(state not in PENDING for state in states), len(states))


def check_seen(draft: Draft, seen: str) -> None:
    """What is signed is what was shown. Raises Conflict."""
    if draft.digest != seen:
        raise Conflict("This draft was changed after it was shown: look at it again.", code="draft-changed")


def _submit(node: Node, maker: Maker, draft: Draft, metadata: bytes) -> SubmissionReceipt:
    with contextlib.ExitStack() as stack:
        scans = [_scan(node, file, stack) for file in draft.files]
        return submit_record(node, maker, metadata, scans, f"draft-{draft.row.draft_id}")


def _scan(node: Node, file: DraftFileRow, stack: contextlib.ExitStack) -> SubmittedScan:
    name, moved = file.sha256 or "", not node.draft_files.path(file.file_id).is_file()
    if file.stored or (moved and node.blobs.holds(name)):  # the second: submitted, and broken off before the draft went
        return StoredScan(file.file_id, node.blobs.path(name), file.size, name)
    arrival = stack.enter_context(node.draft_files.arrival(file.file_id, node.settings.max_scan_bytes))
    return ReceivedScan(file.file_id, arrival, arrival.finish())


def _files(draft: Draft) -> tuple[list[FileOf], dict[str, str]]:
    """The files as the submission names them, and the code of what keeps some from being sent, by field."""
    files, problems = [], {}
    if not draft.files:
        problems["files"] = "no-scan"
    for file in draft.files:
        reading, said = json.loads(file.reading) if file.reading else {}, of_file(draft.fields, file.file_id)
        if file.sha256 is None:
            problems[f"file.{file.file_id}"] = "not-whole"
        elif not reading:
            problems[f"file.{file.file_id}"] = "not-read"
        elif "refused" in reading:
            problems[f"file.{file.file_id}"] = "refused"
        elif is_stale(file, said):
            problems[f"file.{file.file_id}"] = "not-read"
        modality = Modality(reading.get("modality", Modality.TOPOGRAPHY))
        if modality is Modality.REFLECTANCE and not said.get("lateral_resolution_um"):
            problems[f"file.{file.file_id}"] = "no-scale"
        files.append(FileOf(file.file_id, modality, marked_in(file, said)))
    return files, problems


def _record(node: Node, maker: Maker, draft: Draft, files: Sequence[FileOf]) -> tuple[Record, bool]:
    """With whether the head decides on its sharing (``check_amendment``)."""
    try:
        submission = parse_submission(_metadata(node, draft, files))
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error
    check_dates(submission, now(), node.jurisdictions)
    widened = check_amendment(node, maker, submission)
    if submission.exhibit.firearm is not None:
        with node.store.read() as session:
            check_described(session, submission.exhibit.firearm)
    blobs = {file.file_id: _blob(file) for file in draft.files}
    return record_from(node, maker, submission, blobs, UNSIGNED), widened


def _metadata(node: Node, draft: Draft, files: Sequence[FileOf]) -> bytes:
    with node.store.read() as session:
        return submission_of(described_fully(session, draft.fields), files, draft.row.supersedes)


def _blob(file: DraftFileRow) -> Blob:
    reading = json.loads(file.reading) if file.reading else {}
    media_type = reading.get("report", {}).get("media_type", "application/x-x3p")
    return Blob(sha256=file.sha256 or UNSIGNED, size=file.size, media_type=media_type)


def _named_at_all(record: Record, groups: Mapping[str, Set[Jurisdiction]]) -> set[Jurisdiction]:
    members = [groups.get(name, ()) for name in record.audience]
    return {name for name in record.audience if isinstance(name, Jurisdiction)}.union(*members)


def reached_by(node: Node, record: Record, *, widened: bool) -> tuple[AudienceMember, ...]:
    """What each jurisdiction of the audience would get of a record, if it were signed now."""
    found, owner = [], node.node_id
    with node.store.read() as session:
        groups = groups_of(session, owner)
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        for peer in peers:
            jurisdiction = Jurisdiction(peer.jurisdiction)
            if names(record, jurisdiction, groups):
                refusal = decide_sharing(session, UNSIGNED, record, peer, history=node.history, widened=widened)
                if refusal:
                    found.append(AudienceMember(jurisdiction, "withheld", refusal.reason))
                else:
                    reads = lane_of(session, peer.node_id).reads
                    waits = reads is not None and is_newer(needed_version(record), reads)
                    found.append(AudienceMember(jurisdiction, "older" if waits else "sent"))
    reached = {item.jurisdiction for item in found}
    if record.level is not ReleaseLevel.NONE:
        named = {name for name in _named_at_all(record, groups) if names(record, name, groups)}
        found += [AudienceMember(name, "no-peer") for name in sorted(named - reached)]
    return tuple(found)
