"""Approved incident annexes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.store.tables.columns import Base


class IncidentAnnexRow(Base):
    """The annex of one half-year as the head approved it: the exact edition, the public one, and what binds both."""

    __tablename__ = "incident_annex"
    half: Mapped[str] = mapped_column(primary_key=True)
    exact: Mapped[bytes]
    told: Mapped[bytes]
    manifest: Mapped[bytes]
    sha256: Mapped[str]
    """Of the manifest."""
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed statement whose ``concerns`` is the digest."""
    approved_by: Mapped[str]
    approved_at: Mapped[str]


def approved_annex(session: Session, half: str) -> IncidentAnnexRow | None:
    return session.get(IncidentAnnexRow, half)


def approved_annexes(session: Session) -> Sequence[IncidentAnnexRow]:
    """The earliest half-year first."""
    return session.scalars(select(IncidentAnnexRow).order_by(IncidentAnnexRow.half)).all()


def keep_annex(session: Session, row: IncidentAnnexRow) -> None:
    session.add(row)
