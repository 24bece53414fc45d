"""What the half-yearly monitoring keeps: reports that were approved, and in which hours nodes were there."""

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


class NodeHoursRow(Base):
    """In which hours of a day, UTC, a node was asked, and in which it answered: bit n is the hour from n on.

    Of this node itself: in which hours it ran.
    """

    __tablename__ = "node_hours"
    node_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[int]
    answered: Mapped[int]


class CandidateDelayRow(Base):
    """How many scans waited so long, from their record's arrival until they were first compared with all that is here.

    Local, unsigned. ``origin``: "own" or "peer"; ``up_to_s``: the class of delays, 0 for longer than any.
    """

    __tablename__ = "candidate_delay"
    origin: Mapped[str] = mapped_column(primary_key=True)
    up_to_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
