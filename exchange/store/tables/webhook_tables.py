"""Programs of the laboratory that are told that something is new: which, of what, and what they are
still to be told."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class WebhookRow(Base):
    """One address that is told. It is never told again once it has answered that it is gone (``stopped_at``)."""

    __tablename__ = "webhook"
    webhook_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    url: Mapped[str]
    events: Mapped[str]
    """With a space between them."""
    secret: Mapped[bytes]
    """What its messages are signed with, sealed with the key in the home (``sealed_secrets``)."""
    made_at: Mapped[str]
    told_at: Mapped[str | None]
    """When it last answered that it has a message."""
    failure: Mapped[str | None]
    """What was wrong with the last attempt since."""
    stopped_at: Mapped[str | None]
    __table_args__ = ({"sqlite_autoincrement": True},)  # a number is never another's: what it was told stays its own


class WebhookMessageRow(Base):
    """What one address is still to be told, promised with its cause. Gone when it was told."""

    __tablename__ = "webhook_message"
    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.webhook_id"), index=True)
    event: Mapped[str]
    record: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    """By which whoever is told knows a message that comes twice."""
    made_at: Mapped[str]
    __table_args__ = ({"sqlite_autoincrement": True},)  # work may still be promised on the number
