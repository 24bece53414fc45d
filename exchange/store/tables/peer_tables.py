"""Peers, their lanes, what each takes of this node, and what was set aside of them."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class PeerRow(Base):
    """An enrolled peer: its pinned card, how far its lane was read, and what last went wrong."""

    __tablename__ = "peer"
    node_id: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str]
    url: Mapped[str]
    card: Mapped[bytes]
    key_chain: Mapped[bytes | None]
    """All its key-events as `GET /v1/node/keys` gave them, verified; None while it is known by its card alone."""
    legal_basis: Mapped[str]
    state: Mapped[str]
    enrolled_at: Mapped[str]
    cursor_count: Mapped[int] = mapped_column(default=0)
    cursor_head: Mapped[bytes]
    withheld: Mapped[int] = mapped_column(default=0)
    """How many places of its lane came without an envelope."""
    receipt_count: Mapped[int] = mapped_column(default=0)
    """How far the last receipt for its lane goes, and since when it is due again."""
    receipt_at: Mapped[str | None]
    checkpoint: Mapped[bytes | None]
    """The last verified head of the peer's log: what every later one must be consistent with."""
    cosigned: Mapped[bytes | None]
    """The last head of the peer's log that this node cosigned, with its cosignature. Its size only ever grows."""
    cosigned_size: Mapped[int] = mapped_column(default=0)
    returned_at: Mapped[str | None]
    """When, since this node's last start, the peer returned the last head that it cosigned of this node's log."""
    pulled_at: Mapped[str | None]
    needs: Mapped[str | None]
    """The version of the contract that the next statement of its lane needs, where this node was too old to read it."""
    waiting: Mapped[int] = mapped_column(default=0)
    """How many of its statements were on the lane and not read when it last answered."""
    alarm: Mapped[str | None]
    clock_ahead_s: Mapped[float | None]
    """How far its clock was ahead of this node's when it last answered."""
    seal: Mapped[bytes | None]
    """Over who it is and what the operator decided of it (``store/database/seals.py``)."""


class LaneRow(Base):
    """One lane of what a peer may have: a count and a running head, head' = SHA-256(head || statement id)."""

    __tablename__ = "lane"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    count: Mapped[int]
    head: Mapped[bytes]
    acknowledged_count: Mapped[int]
    acknowledged_head: Mapped[bytes]
    acknowledged_at: Mapped[str | None]
    acknowledged_by: Mapped[str | None]
    """JSON of the bytes that the peer signed as it acknowledged it, and of its signature: the delivery receipt."""
    read_again_at: Mapped[str | None]
    """When the peer last asked for what it had acknowledged: its database is older than its receipts."""
    reads: Mapped[str | None]
    """Up to which contract version the peer reads, as it last stated; None where it has not asked yet."""


class LaneItemRow(Base):
    """A place on a lane. What was withheld when it was read stands on the lane again once the peer may have it."""

    __tablename__ = "lane_item"
    peer: Mapped[str] = mapped_column(ForeignKey("lane.peer"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str]
    """No foreign key: a place whose statement was lost stays, so that the lane still adds up."""
    head: Mapped[bytes]
    log_index: Mapped[int | None]
    """What the peer says of it, for a place that was rebuilt without its statement."""
    withheld: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index("lane_item_by_statement", "peer", "statement_id"),)


class QuarantineRow(Base):
    """An item of a peer's lane that must not be believed: the evidence, and the reason. The lane goes on."""

    __tablename__ = "quarantine"
    peer: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str]
    log_index: Mapped[int]
    sha256: Mapped[str]
    """Of the envelope that came. The bytes lie in the home, if anywhere."""
    size: Mapped[int]
    reason: Mapped[str]
    detail: Mapped[str]
    at: Mapped[str]
    seen_at: Mapped[str | None]
    """When the operator took note of it: it raises no alarm any more."""


class NonceRow(Base):
    """A nonce of a peer's request, remembered until the request expires."""

    __tablename__ = "nonce"
    key_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    expires: Mapped[int] = mapped_column(index=True)
    """As the sender signed it, in POSIX seconds."""


class RequesterRow(Base):
    """A key with which peers sign requests, and which of its nonces are remembered no more."""

    __tablename__ = "requester"
    key_id: Mapped[str] = mapped_column(primary_key=True)
    forgotten_until: Mapped[int]
    """The latest `expires` of a nonce that was deleted; it only grows, whatever the clock does."""
    answered_at: Mapped[str | None]
    """The latest time of this node's clock at which a request was answered."""


class PeerState(StrEnum):
    ENROLLED = "enrolled"
    EXPELLED = "expelled"
    """Is given withdrawals, and believed when it acknowledges them, and nothing else."""
    REVOKED = "revoked"
    """Is asked nothing and answered nothing."""
    ALTERED = "altered"
    """Its row is not as this node wrote it, or its card or key-events are not believed (``store/database/seals.py``):
    as if revoked. Never stored."""


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


class NodeHoursRow(Base):
    """In which hours of a day, UTC, a node was asked, and in which it answered: bit n is the hour from n on.

    Of this node itself: in which hours it ran.
    """

    __tablename__ = "node_hours"
    node_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[int]
    answered: Mapped[int]
