"""Up to where somebody has read what is new."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.types import Base


class AlertsReadRow(Base):
    """Everything up to ``seen_to`` was read by this person; ``before`` is the mark that stood until then, while it can
    still be put back."""

    __tablename__ = "alerts_read"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    seen_to: Mapped[str]
    before: Mapped[str | None]
