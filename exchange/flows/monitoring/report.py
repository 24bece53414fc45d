"""The half-yearly monitoring report: made from work already done, approved by the head, and only then released."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, NotFound
from exchange.flows.monitoring.counts import Counted, count
from exchange.flows.monitoring.document import Document, Earlier, document_of, read_document, write_document
from exchange.flows.monitoring.gap import Gap, legal_gap
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.hits import joined_cases
from exchange.flows.monitoring.months import Months, by_month
from exchange.flows.monitoring.rows import rows_of
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.log.statements import find_statement
from exchange.store.monitoring.counted import approved_report, approved_reports, begun_at, keep_report
from exchange.store.tables.monitoring import MonitoringReportRow
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.vocabulary import Decision

_MOST_HALVES = 40
"""Of which the page offers a report: twenty years."""


@dataclass(frozen=True)
class ReportDraft:
    """What would be approved, and what it was made from: the exact figures, which stay in the node."""

    document: Document
    data: bytes
    counted: Counted
    gap: Gap
    months: Months

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Approved:
    """A report as it was approved. ``approval`` is the signed statement, ``envelope`` its exact bytes."""

    document: Document
    data: bytes
    sha256: str
    approval: str
    log_index: int
    envelope: bytes
    approved_by: str
    approved_at: str
    because: str
    """To whom it goes and on what ground, as the head signed it."""


def draft(node: Node, half: Half) -> ReportDraft:
    """Count a half-year, up to its end or, while it lasts, up to now. The same rows give the same bytes.

    Raises NotFound for a half-year that has not begun.
    """
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")
    with node.store.read() as session:
        rows = rows_of(session, node, half)
        gap = legal_gap(session, rows)
        earlier = _earlier(session, half)
    counted = count(rows, node.settings)
    document = document_of(rows, counted, gap, node.settings, earlier)
    months = by_month(rows, joined_cases(rows, node.settings))
    return ReportDraft(document, write_document(document, node.jurisdictions), counted, gap, months)


def approve_report(node: Node, maker: Maker, half: Half, sha256: str, because: str) -> str:
    """Approve the report of a half-year that is over, for release. Returns the statement's id.

    1. Count it anew: what is approved is what was shown, whose digest is ``sha256``.
    2. Sign an approval of that digest.
    3. In one transaction: the statement into the log, and the bytes with it. It goes on nobody's lane.

    It is approved once: a second version beside the first would tell by their difference what either holds back.
    Raises Conflict, code "half-not-over", "other-figures", "decided"; NotFound for one of which there is no data;
    InvalidInput.
    """
    # 1.
    if all(half != known for known, _ in halves(node)):
        raise NotFound(f"There is no data of the half-year {half}.")
    if half.end > stamp():
        raise Conflict(f"The half-year {half} is not over before {half.end}.", code="half-not-over")
    found = draft(node, half)
    if not hmac.compare_digest(found.sha256, sha256):
        raise Conflict("The figures are others by now. Read them again, then approve.", code="other-figures")

    # 2.
    said = say(
        node,
        Approval,
        maker,
        concerns=found.sha256,
        jurisdiction=node.settings.jurisdiction,
        decision=Decision.APPROVED,
        because=because,
    )

    # 3.
    with node.store.write() as session:
        if approved_report(session, str(half)) is not None:
            raise Conflict(f"The report of {half} was approved already.", code="decided")
        enter(session, said, to=[])
        keep_report(
            session,
            MonitoringReportRow(
                half=str(half),
                document=found.data,
                sha256=found.sha256,
                approval=said.statement_id,
                approved_by=maker.pseudonym,
                approved_at=stamp(),
            ),
        )
    return said.statement_id


def find_approved(node: Node, half: Half) -> Approved | None:
    """The report of a half-year as it was approved; None while it is not."""
    with node.store.read() as session:
        row = approved_report(session, str(half))
        statement = find_statement(session, row.approval) if row is not None else None
    if row is None or statement is None or statement.envelope is None:
        return None
    said = parse_statement(open_envelope(statement.envelope).payload)
    return Approved(
        document=read_document(row.document),
        data=row.document,
        sha256=row.sha256,
        approval=row.approval,
        log_index=statement.log_index,
        envelope=statement.envelope,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        because=said.because if isinstance(said, Approval) else "",
    )


def released(node: Node, half: Half) -> Approved:
    """What may be handed out of a half-year. Raises NotFound, code "not-approved"."""
    found = find_approved(node, half)
    if found is None:
        raise NotFound(f"The report of {half} is not approved for release.", code="not-approved")
    return found


def halves(node: Node) -> list[tuple[Half, bool]]:
    """Each half-year since the node began, the newest first, and whether its report is approved."""
    with node.store.read() as session:
        began = begun_at(session, node.node_id)
        approved = {row.half for row in approved_reports(session)}
    half, found = Half.of(datetime.fromisoformat(stamp())), list[tuple[Half, bool]]()
    while began is not None and half.end > began and len(found) < _MOST_HALVES:
        found.append((half, str(half) in approved))
        half = half.before()
    return found


def _earlier(session: Session, half: Half) -> list[Earlier]:
    """The approved reports of half-years before this one, the first first."""
    return [
        Earlier(row.half, row.sha256, read_document(row.document).trend)
        for row in approved_reports(session)
        if row.half < str(half)
    ]
