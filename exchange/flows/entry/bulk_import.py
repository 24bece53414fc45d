"""Many exhibits at once, from a table and a folder or zip of scans: checked as one submission each is, and resumable.

A second run submits nothing twice: what is sent follows from the table and the scans alone, and its digest is the
idempotency key.
"""

from __future__ import annotations

import contextlib
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Final

from exchange.errors import ComputeFailed, Conflict, InfrastructureAway, InvalidInput, NotFound, TooLarge
from exchange.flows.entry.draft_form import FileOf, placed, submission_of
from exchange.flows.entry.drafts import doubtful
from exchange.flows.entry.firearms import described_fully
from exchange.flows.entry.import_source import Source
from exchange.flows.entry.import_table import ExhibitLines, TableLine
from exchange.flows.entry.submit import check_submission, submit_record
from exchange.flows.node.node import Node
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.jurisdictions.directory import Directory
from exchange.store.scan.blobs import Arrival
from schemas import Maker
from schemas.record import MAX_ACQUISITIONS
from schemas.vocabulary import Modality

_PIECE_BYTES = 1 << 20
_DAMAGED: Final = (EOFError, ValueError, zlib.error, zipfile.BadZipFile)
"""Of a zip: cut off, or not what its checksum says."""

EXHIBIT_REFUSALS: Final = (InvalidInput, TooLarge, Conflict, NotFound, ComputeFailed)
"""What is wrong with an exhibit, and not with the node: the next one is tried."""


class LineOutcome(StrEnum):
    SUBMITTED = "submitted"
    ALREADY_HERE = "already here"
    WOULD_BE_SUBMITTED = "would be submitted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """What became of one line. ``why``: each fault by its column; ``doubts``: texts that may tell of a person."""

    line: TableLine
    exhibit: str
    outcome: LineOutcome
    statement_id: str = ""
    why: str = ""
    doubts: str = ""


def import_groups(
    node: Node, maker: Maker, source: Source, groups: Sequence[ExhibitLines], *, dry_run: bool
) -> Iterator[list[Result]]:
    """Import one exhibit after the other, and say of each line what became of it. A dry run stores nothing.

    What a sender can mend is a result; raises InfrastructureAway, after which a second run goes on.
    """
    for group in groups:
        try:
            outcome, statement_id = _import(node, maker, source, group, dry_run=dry_run)
        except InfrastructureAway:
            raise
        except EXHIBIT_REFUSALS as error:
            yield _refused(group, error)
        else:
            doubts = doubts_in_lines(group, node.jurisdictions)
            yield [Result(line, group.name, outcome, statement_id, doubts=doubts) for line in group.lines]


def metadata_of(node: Node, fields: Mapping[str, str], files: Sequence[FileOf]) -> bytes:
    """What is submitted of a form: a firearm that it names by its pseudonym alone is described as it stands here."""
    with node.store.read() as session:
        return submission_of(described_fully(session, fields), files, None)


def doubts_in_lines(group: ExhibitLines, jurisdictions: Directory) -> str:
    """Which free texts may tell of a person, by their columns."""
    told = doubtful(group.fields(), jurisdictions)
    return ", ".join(f"{name}: {' and '.join(found)}" for name, found in told.items())


def _import(node: Node, maker: Maker, source: Source, group: ExhibitLines, *, dry_run: bool) -> tuple[LineOutcome, str]:
    """1. Read the lines as a form. 2. Take its scans in, bounded. 3. Check all, or submit all."""
    # 1.
    fields = group.fields()
    if len(group.lines) > MAX_ACQUISITIONS:
        raise InvalidInput(f"An exhibit has at most {MAX_ACQUISITIONS} scans.", code="too-many-files")

    # 2.
    with contextlib.ExitStack() as stack:
        scans, files = [], []
        for line in group.lines:
            arrival = stack.enter_context(node.blobs.arrival(secrets.token_hex(16), node.settings.max_scan_bytes))
            with source.open(line.file) as file:
                try:
                    modality = take_scan(file, arrival)
                except OSError as error:
                    raise InvalidInput("The file cannot be read.", code="file-unreadable") from error
            scans.append(ReceivedScan(group.file_id(line), arrival, arrival.finish()))
            files.append(FileOf(group.file_id(line), modality))
        metadata = metadata_of(node, fields, files)

        # 3.
        if not dry_run:
            receipt = submit_record(node, maker, metadata, scans, None, names_checks=False)
            return LineOutcome.SUBMITTED if receipt.created else LineOutcome.ALREADY_HERE, receipt.statement_id
        earlier = check_submission(node, maker, metadata, scans)
        return (LineOutcome.ALREADY_HERE, earlier.statement_id) if earlier else (LineOutcome.WOULD_BE_SUBMITTED, "")


def take_scan(file: IO[bytes], arrival: Arrival) -> Modality:
    """Copy a scan piece by piece; its kind by its first bytes, which the submission checks. Raises InvalidInput, and
    OSError where the disk or the share does not give it: what that tells of the scan, the caller knows."""
    first = b""
    try:
        while piece := file.read(_PIECE_BYTES):
            first = first or piece[:2]
            arrival.write(piece)
    except _DAMAGED as error:
        raise InvalidInput("The file cannot be read.", code="file-unreadable") from error
    if not first:
        raise InvalidInput("The file is empty.", code="empty-file", problems=(("file", "is empty"),))
    return Modality.TOPOGRAPHY if first == b"PK" else Modality.REFLECTANCE


def _refused(group: ExhibitLines, error: Exception) -> list[Result]:
    """Each line with what is wrong with it, or with the exhibit as a whole."""
    return [
        Result(line, group.name, LineOutcome.REFUSED, why="; ".join(faults))
        for line, faults in zip(group.lines, faults_of(group, error), strict=True)
    ]


def faults_of(group: ExhibitLines, error: Exception) -> list[list[str]]:
    """Of each line a sentence for each column that is wrong, or one for the exhibit as a whole."""
    files = [FileOf(group.file_id(line), Modality.TOPOGRAPHY) for line in group.lines]
    problems = placed(getattr(error, "problems", ()), files)
    found = []
    for line in group.lines:
        own = f"file.{group.file_id(line)}."
        of_line = [f"{name.removeprefix(own)}: {what}" for name, what in problems.items() if _concerns(name, own)]
        found.append(of_line or [str(error)])
    return found


def _concerns(name: str, own: str) -> bool:
    return name.startswith(own) or (bool(name) and not name.startswith("file."))
