"""Hold approved reports, incident annexes, snapshots of maturity and inputs of the meeting pack against the signed
approvals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import InstrumentedAttribute, Session

from exchange.coordination.approved_document import digest_of
from exchange.coordination.half_year.counted import editions_of
from exchange.coordination.half_year.editions import read_report_manifest
from exchange.coordination.half_year.report_tables import MonitoringReportRow
from exchange.coordination.incidents.incident_document import read_annex_manifest
from exchange.coordination.incidents.incident_tables import IncidentAnnexRow
from exchange.coordination.maturity.snapshot_tables import MaturitySnapshotRow
from exchange.coordination.meetings.meeting_tables import PackInputsRow
from exchange.flows.integrity.signed_rows import UNBACKED, Difference, IntegrityPart, differing, said_in
from exchange.flows.node.node import Node
from exchange.store.operate.at_rest import rows_backed
from schemas import Approval, ContractError


@dataclass(frozen=True)
class _Kept:
    """How a table keeps what was approved: the column of the document, that of who approved it, and, where the document
    is a manifest, the parts that it names: where each lies, its content, the digest that is named, and its name."""

    document: str
    by: str = "approved_by"
    parts: Callable[[Session, Any], Iterable[tuple[str, bytes, str, str]]] = lambda _session, _row: ()


def _check_approved(
    session: Session, node: Node, approval: InstrumentedAttribute[str], kept: _Kept
) -> Iterator[Difference]:
    """The approval concerns the document, and a manifest each part."""
    for row, statement in rows_backed(session, approval):
        said, where = said_in(statement), f"{row.__tablename__} {row.half}"
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield where, UNBACKED
            continue
        yield from differing(row, row.half, {"sha256": said.concerns, kept.by: said.made_by.pseudonym})
        if digest_of(getattr(row, kept.document)) != said.concerns:
            yield where, f"What stands in {kept.document} is not what was signed."
            continue
        try:
            parts = list(kept.parts(session, row))
        except ContractError:
            yield where, "What was signed is no manifest of editions."
            continue
        for place, content, sha256, name in parts:
            if digest_of(content) != sha256:
                yield place, f"The {name} edition is not the one whose digest was signed."


def _editions_of_report(session: Session, row: MonitoringReportRow) -> Iterator[tuple[str, bytes, str, str]]:
    manifest, where = read_report_manifest(row.document), f"monitoring_edition {row.half}"
    both = editions_of(session, row.half)
    yield where, b"" if both is None else both.public, manifest.public, "public"
    yield where, b"" if both is None else both.restricted, manifest.restricted, "restricted"


def _editions_of_annex(_session: Session, row: IncidentAnnexRow) -> Iterator[tuple[str, bytes, str, str]]:
    named, where = read_annex_manifest(row.manifest).editions, f"incident_annex {row.half}"
    yield where, row.exact, named.exact, "exact"
    yield where, row.told, named.public, "public"


_APPROVED: Final[Mapping[InstrumentedAttribute[str], _Kept]] = {
    MonitoringReportRow.approval: _Kept("document", parts=_editions_of_report),
    IncidentAnnexRow.approval: _Kept("manifest", parts=_editions_of_annex),
    MaturitySnapshotRow.approval: _Kept("document", "kept_by"),
    PackInputsRow.approval: _Kept("document"),
}


def _check_all(session: Session, node: Node) -> Iterator[Difference]:
    for approval, kept in _APPROVED.items():
        yield from _check_approved(session, node, approval, kept)


INTEGRITY: Final = IntegrityPart(_check_all)
