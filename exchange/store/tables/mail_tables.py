"""Where people are told that something new waits, and up to where they have read."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class MailAddressRow(Base):
    """One address of one person, on this node alone. Until the code that was sent there is typed in, ``code`` is set,
    and nothing else is sent.

    ``told_to`` is up to where the last letter told of what is new, ``told_at`` when it left, ``tried_at``
    when any letter was last handed to the mail server. ``failure`` is what the
    mail server last said, since ``failed_since``.
    """

    __tablename__ = "mail_address"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    address: Mapped[str]
    language: Mapped[str]
    code: Mapped[str | None]
    code_until: Mapped[str | None]
    code_tries: Mapped[int] = mapped_column(default=0)
    code_sent: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[str]
    told_to: Mapped[str]
    told_at: Mapped[str | None]
    tried_at: Mapped[str | None]
    failed_since: Mapped[str | None]
    failure: Mapped[str | None]


class AlertsReadRow(Base):
    """Everything up to ``seen_to`` was read by this person; ``before`` is the mark that stood until then, while it can
    still be put back."""

    __tablename__ = "alerts_read"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    seen_to: Mapped[str]
    before: Mapped[str | None]
