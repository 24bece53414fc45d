"""Scores of pairs whose firearms are known: the test fires of this node."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class KnownPairRow(Base):
    """The score of two own test fires, each pair once: a is the one with the smaller number. Whether one firearm fired
    both stands in their records. Local, unsigned, no casework, made again at will."""

    __tablename__ = "known_pair"
    acquisition_a: Mapped[int] = mapped_column(ForeignKey("acquisition.acquisition_id"), primary_key=True)
    acquisition_b: Mapped[int] = mapped_column(ForeignKey("acquisition.acquisition_id"), primary_key=True)
    score: Mapped[float]
    parameters: Mapped[str]
    """Digest of the matcher's parameters and version that the score was made with; of others it is made anew."""
    matcher_version: Mapped[str]
    made_at: Mapped[str]
    __table_args__ = (Index("known_pair_by_other", "acquisition_b"),)
