"""Which pairs are joined by hits, how far each is, who signed for what, and which stages a release changed."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class HitPairRow(Base):
    """A pair of scans of which somebody signed a hit. What stands here of its stage follows from its statements, and is
    made again whenever one comes (``exchange.flows.hits.pairs``): so open ones are found without reading all."""

    __tablename__ = "hit_pair"
    pair: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 over both sides."""
    link_id: Mapped[str]
    record_a: Mapped[str] = mapped_column(index=True)
    record_b: Mapped[str] = mapped_column(index=True)
    exhibit_a: Mapped[str] = mapped_column(index=True)
    exhibit_b: Mapped[str] = mapped_column(index=True)
    scan_low: Mapped[str]
    scan_high: Mapped[str]
    stage: Mapped[str]
    since: Mapped[str]
    due_at: Mapped[str]
    """Empty when it is nobody's turn: so closed ones sort apart."""
    waits_for: Mapped[str]
    """The nodes whose turn it is, with a space between them."""
    tasks: Mapped[str]
    """As JSON, what each is to do and until when."""
    provisional: Mapped[bool]
    """The other side has not countersigned what the deadline runs from."""
    changed: Mapped[int]
    """How often something came that may have changed it."""
    stale: Mapped[bool] = mapped_column(index=True)
    """Something came since all this was worked out."""
    __table_args__ = (
        Index("hit_pair_by_scans", "scan_low", "scan_high"),
        Index("hit_pair_by_deadline", "due_at", "since"),
    )


class HitRow(Base):
    """A hit, and the pair that it joins."""

    __tablename__ = "hit"
    statement_id: Mapped[str] = mapped_column(primary_key=True)
    pair: Mapped[str] = mapped_column(index=True)


class CountersignatureRow(Base):
    """A receipt that states its time: ``reader`` has read what stands on ``owner``'s lane below ``count``."""

    __tablename__ = "countersignature"
    statement_id: Mapped[str] = mapped_column(primary_key=True)
    reader: Mapped[str]
    owner: Mapped[str]
    count: Mapped[int]
    at: Mapped[str]
    __table_args__ = (Index("countersignature_by_lane", "owner", "reader", "count"),)
