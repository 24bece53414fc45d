"""What each peer takes of this node, a day at a time, and what it may take."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.base import Base


class PeerDayRow(Base):
    """What came from a peer on one day (UTC) and counts against its quotas."""

    __tablename__ = "peer_day"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    statements: Mapped[int]
    """A record counts once for each of its scans."""
    bytes: Mapped[int]
    """Of statements, and of the scans that its records name, whether they were fetched yet or not."""


class PeerQuotaRow(Base):
    """What the operator set for one peer in place of the settings, and since when its lane is not read for a quota."""

    __tablename__ = "peer_quota"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    statements_a_day: Mapped[int | None]
    bytes_a_day: Mapped[int | None]
    stopped_at: Mapped[str | None]


class QuarantineCountRow(Base):
    """How many items of a peer's were set aside for one reason of which nothing else is kept: they came when enough of
    its digests were here, or they were dropped."""

    __tablename__ = "quarantine_count"
    peer: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    items: Mapped[int]
    unnoted: Mapped[int]
    """Those of which the operator took no note yet."""
    last_at: Mapped[str]
