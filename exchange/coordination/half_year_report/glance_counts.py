"""A few counts of the half-year that lasts, each by an index: for a page that everybody opens first."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.records import StatementRow
from exchange.store.tables.terms import ApprovalRow


def count_entered(session: Session, issuer: str, since: str) -> int:
    """Own records that replace none, of the time since a moment. They are found by who issued them: by their time, or
    by what they are about, SQLite would read those of all partners, too."""
    first = select(func.count()).where(
        StatementRow.issuer == issuer,
        StatementRow.type == "record",
        func.coalesce(StatementRow.about, "") == "",
        func.coalesce(StatementRow.received_at, "") >= since,
        StatementRow.refused_by.is_(None),
    )
    return session.scalar(first) or 0


def stages_of_hits(session: Session) -> dict[str, int]:
    """How many pairs stand at each stage."""
    return {
        row[0]: row[1] for row in session.execute(select(HitPairRow.stage, func.count()).group_by(HitPairRow.stage))
    }


def count_decided(session: Session, since: str) -> int:
    decided = select(func.count()).where(ApprovalRow.decision.is_not(None), ApprovalRow.decided_at >= since)
    return session.scalar(decided) or 0
