"""Statements of which the newest on a subject counts, read newest first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.tables.record_tables import StatementRow


def newest_stated(session: Session, issuer: str, kind: str, *, most: int | None) -> Sequence[StatementRow]:
    """The last statements of one type from one issuer, the newest first by its log; without what is erased, and without
    what a key signed that was in wrong hands. All of them with ``most=None``."""
    found = select(StatementRow).where(
        StatementRow.issuer == issuer,
        StatementRow.type == kind,
        StatementRow.envelope.is_not(None),
        StatementRow.refused_by.is_(None),
    )
    return session.scalars(found.order_by(StatementRow.log_index.desc()).limit(most)).all()
