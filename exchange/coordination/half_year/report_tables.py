"""Approved reports of half-years and years."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class MonitoringReportRow(Base):
    """The report of one half-year or year, as the head of the Firearms Focal Point approved it: these bytes and no
    others."""

    __tablename__ = "monitoring_report"
    half: Mapped[str] = mapped_column(primary_key=True)
    """``2026H2``, or ``2026``."""
    document: Mapped[bytes]
    """The manifest of its two editions."""
    sha256: Mapped[str]
    approval: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    """The signed statement whose ``concerns`` is the digest."""
    approved_by: Mapped[str]
    approved_at: Mapped[str]


class MonitoringEditionRow(Base):
    """Both editions of a report, byte for byte. The manifest that was approved names their digests."""

    __tablename__ = "monitoring_edition"
    period: Mapped[str] = mapped_column(ForeignKey("monitoring_report.half"), primary_key=True)
    public: Mapped[bytes]
    restricted: Mapped[bytes]
