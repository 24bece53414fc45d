"""The tables of who saw and asked what."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class AuditRow(Base):
    """Who saw or asked what, when, why. Written before the answer leaves, and never changed."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1 on, without a gap."""
    at: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    actor: Mapped[str]
    role: Mapped[str]
    token: Mapped[int | None]
    act: Mapped[str]
    asked: Mapped[str | None]
    count: Mapped[int]
    purpose: Mapped[str | None]
    legal_basis: Mapped[str | None]
    nonce: Mapped[str]
    leaf: Mapped[bytes]
    """The hash of all of this with its subjects, as it was written: tells an altered row from its neighbours."""
    __table_args__ = (
        Index("audit_by_actor", "actor", "number"),
        Index("audit_by_act", "act", "number"),
    )


class AuditSubjectRow(Base):
    """A statement or scan that an audited act was about."""

    __tablename__ = "audit_subject"
    number: Mapped[int] = mapped_column(ForeignKey("audit.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    __table_args__ = (Index("audit_by_subject", "subject", "number"),)


class AuditBatchRow(Base):
    """Which audit rows which statement of the own log vouches for."""

    __tablename__ = "audit_batch"
    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    statement_id: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"), unique=True)
    log_index: Mapped[int]
    sealed_at: Mapped[str] = mapped_column(index=True)


class AuditStateRow(Base):
    """One row: the last number that was given, and the first row that is still kept. Locked by whoever adds rows."""

    __tablename__ = "audit_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
    kept_from: Mapped[int]
