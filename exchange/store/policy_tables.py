"""The policy of this node that is in force, and what it says of each jurisdiction and kind of exhibit."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.types import Base


class LegalBasisRow(Base):
    """What this node's newest policy statement says of one jurisdiction and one kind of exhibit."""

    __tablename__ = "legal_basis"
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str]
    article: Mapped[str]
    review_by: Mapped[str]


class PolicyInForceRow(Base):
    """Which statement of this node's own is its policy in force. There is one row from the first start on: where it is
    gone or altered, nothing is released."""

    __tablename__ = "policy_in_force"
    owner: Mapped[str] = mapped_column(primary_key=True)
    statement_id: Mapped[str | None]
    """None while no policy was stated."""
    seal: Mapped[bytes | None]
    """Over all of this (``store/seals.py``)."""
