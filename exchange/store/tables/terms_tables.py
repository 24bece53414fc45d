"""Who may have what, and what was withdrawn."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class GroupMemberRow(Base):
    """A jurisdiction in a group, by the newest policy statement of the group's owner."""

    __tablename__ = "group_member"
    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)


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
    """Over all of this (``store/database/seals.py``)."""


class GrantRow(Base):
    """A jurisdiction that may have a record, and every version of its exhibit, beside the audience; own or received."""

    __tablename__ = "grant"
    record: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    exhibit: Mapped[str] = mapped_column(index=True)
    statement_id: Mapped[str]
    log_index: Mapped[int]
    """That of the grant in the owner's log: it ends earlier refusals."""


class ApprovalRow(Base):
    """What waits for a person, or was decided by one: may this jurisdiction have this record?"""

    __tablename__ = "approval"
    concerns: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str | None]
    asked_at: Mapped[str]
    due_at: Mapped[str]
    decided_at: Mapped[str | None]
    statement_id: Mapped[str | None]
    log_index: Mapped[int | None]
    """That of the decision in this node's log: of the decisions on one exhibit the newest stands."""
    exhibit: Mapped[str | None] = mapped_column(index=True)
    """The exhibit of the record that was decided on; it stays here after the record was erased. None before a decision,
    and where the question is about a query or about what a query found."""
    number: Mapped[str | None] = mapped_column(index=True)
    """As ``RecordRow.number``."""
    __table_args__ = (Index("approval_by_decision", "decision", "asked_at"),)


class HeldDecisionRow(Base):
    """What a head last decided of an own record that a peer holds and that the policy in force would not give it any
    more. A withdrawal is signed and on the lane by itself; the reason in words stands here alone."""

    __tablename__ = "held_decision"
    record: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str]
    """Whether it stays there or was taken back."""
    reason: Mapped[str]
    """Why policy would not give it. Where that is another by now, it is to be decided anew."""
    because: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[str]


class HoldRow(Base):
    """A record on hold for a court: if it is withdrawn during the hold, none of its versions is erased; they are
    restricted (``RecordRow.restricted``)."""

    __tablename__ = "hold"
    record: Mapped[str] = mapped_column(primary_key=True)
    exhibit: Mapped[str] = mapped_column(index=True)
    authority: Mapped[str]
    placed_at: Mapped[str]
    statement_id: Mapped[str]


class TombstoneRow(Base):
    """A record that was withdrawn, and what became of it here. It blocks the record, even one that comes later."""

    __tablename__ = "tombstone"
    tombstone_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    record: Mapped[str]
    holder: Mapped[str]
    """The node that may have it no more; empty for every holder."""
    issuer: Mapped[str]
    """Who withdrew it: blocks records of this issuer alone."""
    exhibit: Mapped[str] = mapped_column(index=True)
    """What was taken back from a single holder goes there in no other version either."""
    number: Mapped[str | None] = mapped_column(index=True)
    """As ``RecordRow.number``."""
    reason: Mapped[str]
    withdrawal: Mapped[str | None]
    """The statement that withdrew it; None where its retention ended here and the owner has said nothing yet."""
    log_index: Mapped[int]
    """That of the withdrawal in the owner's log: a grant with a greater one lets a single holder have it again."""
    outcome: Mapped[str | None]
    """None until the content is gone from this node, or restricted."""
    lifted: Mapped[bool] = mapped_column(default=False)
    """The single holder was granted it again; what is still to be erased of the first time is erased."""
    kept: Mapped[str | None]
    """The digests of those of its scans that other records kept here when it was erased, as JSON."""
    at: Mapped[str]
    __table_args__ = (UniqueConstraint("record", "holder", "issuer"), {"sqlite_autoincrement": True})


class RemainsRow(Base):
    """What is still to be erased of a withdrawn record beside the database: its scan, and what was made of it."""

    __tablename__ = "remains"
    acquisition_id: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(index=True)
    sha256: Mapped[str]
    delivered: Mapped[bool]
    """Whether the bytes came here by this record. Of what it only named its owner is told nothing."""


WITHDRAWN, DECLINED, UNDONE = "withdrawn", "declined", "undone"
"""What becomes of a proposed withdrawal."""


class WithdrawalProposalRow(Base):
    """That a record be withdrawn, proposed by somebody who may not decide it."""

    __tablename__ = "withdrawal_proposal"
    proposal_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    record: Mapped[str] = mapped_column(index=True)
    holder: Mapped[str]
    """The node that is to have it no more; empty for every holder."""
    reason: Mapped[str]
    because: Mapped[str]
    """The reason in words; empty once the record was erased."""
    author: Mapped[str | None]
    """The record's author, who decides besides the head; None where the head decides alone."""
    proposed_by: Mapped[str]
    proposed_at: Mapped[str]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[str | None]
    __table_args__ = (
        Index("withdrawal_proposal_by_decision", "decision", "proposed_at"),
        {"sqlite_autoincrement": True},
    )
