"""Whether anything changed of which an alert may tell somebody: a few newest moments, whoever it concerns.

It costs one short statement, however many people have a page open; what changed for whom is asked of each after that.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from exchange.store.review.alert_rows import SAID_OF_HITS
from exchange.store.tables.mail_tables import AlertsReadRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.review_tables import KeptSearchRow, VerificationTaskRow
from exchange.store.tables.terms_tables import ApprovalRow, WithdrawalProposalRow

_TELLING = (*SAID_OF_HITS, "answer", "approval", "conclusion", "grant", "verification")


def _newest(kind: str) -> ColumnElement[str]:
    return select(func.max(StatementRow.received_at)).where(StatementRow.type == kind).scalar_subquery()


_OPEN = VerificationTaskRow.done_at.is_(None)
_CHANGES = select(
    *(_newest(kind) for kind in _TELLING),
    select(func.count()).select_from(VerificationTaskRow).where(_OPEN).scalar_subquery(),
    select(func.count(VerificationTaskRow.taken_by)).where(_OPEN).scalar_subquery(),
    select(func.max(VerificationTaskRow.created_at)).where(_OPEN).scalar_subquery(),
    select(func.count()).select_from(ApprovalRow).where(ApprovalRow.decision.is_(None)).scalar_subquery(),
    select(func.max(ApprovalRow.asked_at)).where(ApprovalRow.decision.is_(None)).scalar_subquery(),
    select(func.count()).select_from(WithdrawalProposalRow).scalar_subquery(),
    select(func.max(WithdrawalProposalRow.decided_at)).scalar_subquery(),
    select(func.max(KeptSearchRow.newest_at)).scalar_subquery(),
    select(func.max(AlertsReadRow.seen_to)).scalar_subquery(),
    select(func.count(AlertsReadRow.before)).scalar_subquery(),
)


def newest_changes(session: Session) -> tuple[object, ...]:
    """Another tuple than before where something was said, asked, taken, found or read meanwhile."""
    return tuple(session.execute(_CHANGES).one())
