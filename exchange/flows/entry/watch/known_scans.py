"""What this node knows of a scan that was dropped: that it is here already, or that another came as it.

A scan is its bytes with what is stated of them. Its name is nothing by itself: the same bytes under another name are
here already, other bytes under the same name are another scan where they say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.entry.watch.file_outcome import NEW_VERSION
from exchange.flows.entry.watch.stated_in_file import ScanStatement
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.store.entry.watched_scans import own_record_with, record_of_exhibit, taken_scan, taken_under
from exchange.store.tables.watched import WatchedScanRow
from schemas import ContractError, Record, parse_submission
from schemas.record import Acquisition
from schemas.submission import Submission

_NOT_STATED = {"blob", "instrument_check", "region_mask"}
_OF_FILE = {"file", "region_mask"}


@dataclass(frozen=True)
class Known:
    """``why`` empty: the same is here already. Else why it is refused, and what to do."""

    statement_id: str
    why: str = ""
    step: str = ""


def known_scan(
    node: Node, folder: str, name: str, sha256: str, statement: ScanStatement, metadata: bytes | None
) -> Known | None:
    """None of a scan that is new. ``metadata`` is the submission of this scan alone; None where none can be made."""
    with node.store.read() as session:
        row = taken_scan(session, sha256)
        if row is not None and row.stated == statement.stated:
            return Known(row.statement_id)
        record = row.statement_id if row is not None else own_record_with(session, sha256, node.node_id)
        if record is not None:
            return _in_record(session, record, sha256, metadata)
        for same_name in taken_under(session, folder, name):
            if same_name.stated == statement.stated:
                return Known(
                    same_name.statement_id,
                    f"A file of this name with other bytes was taken on {same_name.taken_at[:10]}, of which the same "
                    "is stated: nothing says that this is another scan.",
                    "Where it is another scan, say of which exhibit in its sidecar, or rename it. Where it is a better "
                    "scan of the same, open the record in the pages, and make a new version.",
                )
        if statement.exhibit is not None and (earlier := record_of_exhibit(session, statement.exhibit)):
            return Known(earlier, "The exhibit that it names is in a record already, without this scan.", NEW_VERSION)
    return None


def note_taken(
    session: Session, statement_id: str, folder: str, name: str, sha256: str, statement: ScanStatement
) -> None:
    """Within the transaction that stores the record, or after it where the record was here already."""
    session.merge(
        WatchedScanRow(
            sha256=sha256,
            stated=statement.stated,
            statement_id=statement_id,
            folder=folder,
            name=name,
            exhibit=statement.exhibit,
            sidecar=statement.sidecar_sha256,
            taken_at=stamp(),
        )
    )


def _in_record(session: Session, record: str, sha256: str, metadata: bytes | None) -> Known:
    """The scan is in a record of this node: does that say the same of it?"""
    try:
        stated = parse_submission(metadata) if metadata is not None else None
        differing = _differing(record_of(session, record), stated, sha256) if stated is not None else ["what is stated"]
    except (ContractError, LookupError):
        differing = ["what is stated"]
    if not differing:
        return Known(record)
    return Known(record, f"This scan is in a record already, which differs in: {', '.join(differing)}.", NEW_VERSION)


def _differing(record: Record, stated: Submission, sha256: str) -> list[str]:
    shared = [name for name in Submission.model_fields if name not in {"acquisitions", "supersedes"}]
    found = [name for name in shared if getattr(record, name) != getattr(stated, name)]
    here = [one for one in record.acquisitions if one.blob.sha256 == sha256]
    if not here or not stated.acquisitions:
        return [*found, "acquisitions"]
    said = stated.acquisitions[0].model_dump(exclude=_OF_FILE)
    kept = here[0].model_dump(exclude=_NOT_STATED)
    return found + sorted(name for name in Acquisition.model_fields if said.get(name) != kept.get(name))
