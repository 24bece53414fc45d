"""What an owner and a holder tell each other of a shared record: late access, withdrawal, erasure, receipts; and the
policy under which all of it happens."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import Contract, Day, Sha256Hex, ShortText
from schemas.jurisdiction import MAX_JURISDICTIONS
from schemas.record import MAX_ACQUISITIONS, GroupName
from schemas.statement_base import Count, NodeId, Statement
from schemas.vocabulary import (
    Decision,
    ErasureOutcome,
    ExhibitKind,
    Jurisdiction,
    SharingRule,
    WithdrawalReason,
)

MAX_GROUPS = 16
MAX_BASES = 256
MAX_REFUSALS = 64
MAX_KEEPERS = 64

Code = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]


class OfRecord(Statement):
    """A statement of an owner about one of its records. ``first_version`` is the statement id of the first version of
    the record's exhibit, to which the statement applies whatever version ``record`` is."""

    type: str
    record: Sha256Hex
    first_version: Sha256Hex

    @property
    def exhibit(self) -> str:
        """The exhibit's name."""
        return f"{self.issuer}/{self.first_version}"


class Grant(OfRecord):
    """The owner lets a jurisdiction have a record that its audience does not name, or that is searched alone.

    The record follows on the lane. ``handle`` is what an answer called it, where a request for that is granted.
    """

    type: Literal["grant"]
    jurisdiction: Jurisdiction
    legal_basis: ShortText
    handle: Sha256Hex | None = None


class Withdrawal(OfRecord):
    """The owner takes a record back: it is erased by every holder, or, where ``holder`` names one, by that one alone
    (a revocation). Leaf hash, tombstone and acknowledgements stay."""

    type: Literal["withdrawal"]
    reason: WithdrawalReason
    holder: NodeId | None = None


class KeptScan(Contract):
    """A scan of an erased record that is still at the holder, and the nodes whose own records delivered it there."""

    sha256: Sha256Hex
    by: tuple[NodeId, ...] = Field(min_length=1, max_length=MAX_KEEPERS)


class Acknowledgement(Statement):
    """A holder tells the owner what became of a record that was withdrawn. What a court holds is restricted first, and
    acknowledged again when it is erased. ``kept``: which scans of an erased record stay, because other nodes delivered
    the same bytes."""

    type: Literal["acknowledgement"]
    owner: NodeId
    withdrawal: Sha256Hex
    record: Sha256Hex
    outcome: ErasureOutcome
    kept: tuple[KeptScan, ...] | None = Field(default=None, min_length=1, max_length=MAX_ACQUISITIONS)

    @model_validator(mode="after")
    def _kept_of_what_was_erased(self) -> Self:
        if self.kept is not None and self.outcome is not ErasureOutcome.ERASED:
            raise ValueError("only of an erased record scans are kept by other records")
        return self


class Refusal(Contract):
    """An item of a lane that its reader does not believe, or does not know yet."""

    position: Count
    statement_id: Sha256Hex
    reason: Code


class Receipt(Statement):
    """What a reader has of a lane, signed: up to ``count`` all items are accepted, withheld by the owner, or refused.

    ``head`` is the lane's running head there. ``refused`` names the last of those that are set aside.
    """

    type: Literal["receipt"]
    owner: NodeId
    count: Count
    head: Sha256Hex
    accepted: Count
    withheld: Count
    set_aside: Count
    refused: Annotated[tuple[Refusal, ...], Field(max_length=MAX_REFUSALS)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.accepted + self.withheld + self.set_aside != self.count:
            raise ValueError("accepted, withheld and set aside must add up to the count")
        if len(self.refused) > self.set_aside:
            raise ValueError("more are named as refused than were set aside")
        return self


class Group(Contract):
    """Jurisdictions under one name."""

    name: GroupName
    members: tuple[Jurisdiction, ...] = Field(max_length=MAX_JURISDICTIONS)


class LegalBasis(Contract):
    """Under which article the owner shares with one jurisdiction what records of exhibits of these kinds, and when that
    is to be looked at again. After ``review_by`` it needs an approval."""

    jurisdiction: Jurisdiction
    kinds: tuple[ExhibitKind, ...] = Field(min_length=1, max_length=len(ExhibitKind))
    rule: SharingRule
    article: ShortText
    review_by: Day


class Policy(Statement):
    """With whom the issuer shares what. The newest replaces the ones before; what no line allows is blocked."""

    type: Literal["policy"]
    groups: tuple[Group, ...] = Field(max_length=MAX_GROUPS)
    bases: tuple[LegalBasis, ...] = Field(max_length=MAX_BASES)

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            raise ValueError("a group is named twice")
        if any(len(set(group.members)) != len(group.members) for group in self.groups):
            raise ValueError("a jurisdiction stands twice in a group")
        pairs = [(basis.jurisdiction, kind) for basis in self.bases for kind in basis.kinds]
        if len(set(pairs)) != len(pairs):
            raise ValueError("two legal bases speak of the same jurisdiction and kind of exhibit")
        return self


class Approval(Statement):
    """A person decides what no rule may: whether a record, a query with its scan, or what a query found, goes to a
    jurisdiction. ``concerns`` is the record, the query, or the handle.

    Or that a monitoring report is released: ``concerns`` is the SHA-256 of its exact bytes, ``jurisdiction`` the
    issuer's own. Or that a snapshot of maturity is what the node saw, in the same form; where nobody kept one, the node
    says that itself."""

    type: Literal["approval"]
    concerns: Sha256Hex
    jurisdiction: Jurisdiction
    decision: Decision
    because: ShortText


class Hold(Statement):
    """A court holds a record: it is restricted instead of erased until the hold is lifted. Kept in the log alone."""

    type: Literal["hold"]
    record: Sha256Hex
    placed: bool
    authority: ShortText
