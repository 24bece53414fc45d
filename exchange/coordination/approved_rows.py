"""What heads approved: one row for each document of a half-year or year."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.store.tables.columns import Base


class ApprovedKind(StrEnum):
    """What a head approves, in the order of approval, because later documents name earlier ones."""

    REPORT = "report"
    ANNEX = "annex"
    SNAPSHOT = "snapshot"
    INPUTS = "inputs"


@dataclass(frozen=True)
class Editions:
    """What is approved together, as exact bytes: two editions with the manifest that names their digests. A document
    without editions stands alone in ``manifest``."""

    manifest: bytes
    public: bytes = b""
    restricted: bytes = b""

    @property
    def sha256(self) -> str:
        """What an approval concerns."""
        return hashlib.sha256(self.manifest).hexdigest()


class ApprovedRow(Base):
    """One document of a half-year or year, byte for byte as it was approved."""

    __tablename__ = "approved_document"
    kind: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    """``2026H2``, or ``2026``."""
    manifest: Mapped[bytes]
    public: Mapped[bytes]
    restricted: Mapped[bytes]
    sha256: Mapped[str]
    """Of the manifest."""
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed approval, whose ``concerns`` is ``sha256``."""
    approved_by: Mapped[str]
    approved_at: Mapped[str]

    @property
    def editions(self) -> Editions:
        return Editions(self.manifest, self.public, self.restricted)


def find_approved_row(session: Session, kind: ApprovedKind, period: str) -> ApprovedRow | None:
    return session.get(ApprovedRow, (kind, period))


def approved_rows(session: Session, kind: ApprovedKind) -> Sequence[ApprovedRow]:
    """The earliest period first, a year before its half-years."""
    return session.scalars(select(ApprovedRow).where(ApprovedRow.kind == kind).order_by(ApprovedRow.period)).all()


def approved_periods(session: Session, kind: ApprovedKind) -> set[str]:
    return set(session.scalars(select(ApprovedRow.period).where(ApprovedRow.kind == kind)))
