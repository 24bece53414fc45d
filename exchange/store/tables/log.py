"""The own log, its heads, and what others saw of it; and who saw and asked what, for which the log vouches."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class LogNodeRow(Base):
    """The hash of one complete subtree of the node's own log (RFC 9162, 2.1), addressed by level and index."""

    __tablename__ = "log_node"
    level: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes]


class LogStateRow(Base):
    """One row: the size of the own log, and the index of the key-event whose keys sign now. Locked by whoever appends,
    so that indices have no gap and nothing is signed by a key that was replaced."""

    __tablename__ = "log_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    keys_since: Mapped[int] = mapped_column(default=0)


class CheckpointRow(Base):
    """Each signed head of the own log, kept for ever."""

    __tablename__ = "checkpoint"
    size: Mapped[int] = mapped_column(primary_key=True)
    root: Mapped[bytes]
    note: Mapped[bytes]
    signed_at: Mapped[str]


class LogCheckRow(Base):
    """One row: when content at rest was last compared with what was signed, and what was found, as JSON."""

    __tablename__ = "log_check"
    id: Mapped[int] = mapped_column(primary_key=True)
    checked_at: Mapped[str]
    good: Mapped[bool]
    report: Mapped[str]


class CosignatureRow(Base):
    """A peer's verified cosignature of a signed head of the own log, kept with it: the two lines as they came."""

    __tablename__ = "cosignature"
    size: Mapped[int] = mapped_column(ForeignKey("checkpoint.size"), primary_key=True)
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    note: Mapped[bytes]
    """The head's text with the peer's two lines under it."""
    timestamp: Mapped[int]
    received_at: Mapped[str]
    __table_args__ = (Index("cosignature_by_peer", "peer", "size"),)


class StampRow(Base):
    """A verified time stamp (RFC 3161) of a signed head of the own log: the authority's reply as it came."""

    __tablename__ = "stamp"
    size: Mapped[int] = mapped_column(ForeignKey("checkpoint.size"), primary_key=True)
    token: Mapped[bytes]
    at: Mapped[str]
    """The time that the authority states."""
    authority: Mapped[str]
    """The name in the certificate of whoever signed it."""
    received_at: Mapped[str]


class StampFailureRow(Base):
    """One row, while no stamps come: since when, and what last went wrong."""

    __tablename__ = "stamp_failure"
    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[str]
    last: Mapped[str]
    detail: Mapped[str]


class LogStartRow(Base):
    """One row: whether the own log may be signed since the node's last start, and if not, why."""

    __tablename__ = "log_start"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    restored: Mapped[bool]
    sets_aside: Mapped[bool] = mapped_column(default=False)
    """Since a restore, files that no row names have not been set aside yet; none of them is erased before."""
    began_at: Mapped[str]
    detail: Mapped[str | None]


class ToldHeadRow(Base):
    """The last head of another log that a peer cosigned and told of. ``checked`` once it is known to be consistent with
    the head that was seen here."""

    __tablename__ = "told_head"
    teller: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    log: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    size: Mapped[int]
    root: Mapped[bytes]
    note: Mapped[bytes]
    checked: Mapped[bool]
    told_at: Mapped[str]
    __table_args__ = (Index("told_head_by_log", "log", "size"),)


class WitnessedLogRow(Base):
    """How far a peer's log is witnessed, of which this node is no witness: what its node last showed of that."""

    __tablename__ = "witnessed_log"
    log: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    size: Mapped[int]
    """A majority of its witnesses cosigned heads that go on from this size, and that agree with what was seen here."""
    waiting_size: Mapped[int | None]
    """A head that was seen here and is not known to be covered so, since when, and how many cosigned one that large."""
    waiting_since: Mapped[str | None]
    waiting_cosigned: Mapped[int]
    asked_at: Mapped[str | None]
    """When its node was last reached with the question."""
    round: Mapped[int | None]
    """The round of the trust root by which that node chose its witnesses."""


class DisagreementRow(Base):
    """Two heads, both signed by one log, that do not agree: the evidence. ``proven`` when they are of one size, which
    no honest log ever signs; else the log failed to prove the one from the other."""

    __tablename__ = "disagreement"
    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 over the texts of both heads, so that a pair is kept once."""
    log: Mapped[str] = mapped_column(index=True)
    first: Mapped[bytes]
    second: Mapped[bytes]
    proven: Mapped[bool]
    detail: Mapped[str]
    found_at: Mapped[str]


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
