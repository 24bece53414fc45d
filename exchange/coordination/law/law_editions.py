"""The editions of a compendium that are here, the newest first, a few at most: a peer may have sent thousands."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.tables.records import StatementRow

MOST_LAW_EDITIONS = 4
"""So many are tried where the newest cannot be read."""


def newest_law_editions(session: Session, issuer: str, before: str | None = None) -> Sequence[StatementRow]:
    """By their places in the issuer's log; those that came to be known here before a moment, if one is named."""
    found = select(StatementRow).where(
        StatementRow.issuer == issuer,
        StatementRow.type == "law",
        StatementRow.refused_by.is_(None),
        StatementRow.envelope.is_not(None),
    )
    if before is not None:
        found = found.where(StatementRow.received_at < before)
    return session.scalars(found.order_by(StatementRow.log_index.desc()).limit(MOST_LAW_EDITIONS)).all()
