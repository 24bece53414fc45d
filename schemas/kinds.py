"""Every kind of statement, once: what it speaks of, for whom it is meant, in which roles a person says it.

A new kind is a class beside its like, a line in ``AnyStatement`` and a line in ``KINDS``. Whatever else goes by kinds
is worked out of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Final, get_args

from schemas.audit import AuditBatch
from schemas.coordination import Action, Onboarding
from schemas.keys import KeyEvent
from schemas.law import Law
from schemas.query import Answer, Disclosure, Query, ReleaseRequest
from schemas.record import Record
from schemas.review import (
    Conclusion,
    CustodyExplanation,
    Feedback,
    Hit,
    Message,
    PhysicalComparison,
    Retraction,
    Verification,
    VerificationDeclined,
    VerificationRequest,
)
from schemas.sharing import Acknowledgement, Approval, Grant, Hold, Policy, Receipt, Withdrawal
from schemas.statement_base import Statement
from schemas.vocabulary import Role

AnyStatement = (
    Record
    | Grant
    | Disclosure
    | Withdrawal
    | Acknowledgement
    | Receipt
    | Hit
    | Conclusion
    | Verification
    | VerificationRequest
    | VerificationDeclined
    | PhysicalComparison
    | CustodyExplanation
    | Retraction
    | Feedback
    | Message
    | Query
    | Answer
    | ReleaseRequest
    | Approval
    | Policy
    | Law
    | Hold
    | AuditBatch
    | KeyEvent
    | Action
    | Onboarding
)


class MeantFor(StrEnum):
    """For whom a statement on a lane is meant, and which of its fields says so."""

    ALL = "all"
    POLICY = "policy"
    """Whoever the policy in force lets have the record."""
    CONCERNED = "concerned"
    """Whoever had the hit of which it speaks; no field of its own says who that is."""
    JURISDICTION = "jurisdiction"
    HOLDER = "holder"
    """One node, or all where the field is empty."""
    OWNER = "owner"
    SIDES = "pair"
    """The issuers of both sides of the pair."""
    ADDRESSEE = "to"


@dataclass(frozen=True)
class Kind:
    """What holds for every statement of one class."""

    model: type[Statement]
    about: str | None = None
    """The field that names the statement, or the record, of which it speaks."""
    meant_for: MeantFor | None = None
    """None: nothing that is said so is put on a lane."""
    said_by: frozenset[Role] = frozenset()
    """The roles in which a person says it at ``/v1/statements``; none where a flow of its own makes it."""

    @property
    def name(self) -> str:
        """The ``type`` that it bears on the wire."""
        name: str = get_args(self.model.model_fields["type"].annotation)[0]
        return name


_EXAMINER, _INVESTIGATOR, _HEAD = (frozenset({role}) for role in (Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD))
_ALL_KINDS: Final = (
    Kind(Record, "first_version", MeantFor.POLICY),
    Kind(Grant, "record", MeantFor.JURISDICTION),
    Kind(Disclosure, "record", MeantFor.ADDRESSEE, _HEAD),
    Kind(Withdrawal, "record", MeantFor.HOLDER),
    Kind(Acknowledgement, "withdrawal", MeantFor.OWNER),
    Kind(Receipt, None, MeantFor.OWNER),
    Kind(Hit, "conclusion", MeantFor.SIDES, _EXAMINER),
    Kind(Conclusion, "pair.a.first_version", MeantFor.SIDES, _EXAMINER),
    Kind(Verification, "verifies", MeantFor.SIDES, _EXAMINER),
    Kind(VerificationRequest, "conclusion", MeantFor.ADDRESSEE),
    Kind(VerificationDeclined, "request", MeantFor.ADDRESSEE),
    Kind(PhysicalComparison, "hit", MeantFor.CONCERNED, _EXAMINER | _INVESTIGATOR | _HEAD),
    Kind(CustodyExplanation, "hit", MeantFor.CONCERNED, _HEAD),
    Kind(Retraction, "retracts", MeantFor.CONCERNED, _EXAMINER | _HEAD),
    Kind(Feedback, "hit", MeantFor.CONCERNED, _EXAMINER | _INVESTIGATOR),
    Kind(Message, "about", MeantFor.ADDRESSEE, _EXAMINER | _INVESTIGATOR | _HEAD),
    Kind(Query),
    Kind(Answer, "query", MeantFor.ADDRESSEE),
    Kind(ReleaseRequest, "answer", MeantFor.ADDRESSEE),
    Kind(Approval, "concerns", MeantFor.JURISDICTION),
    Kind(Policy, None, MeantFor.ALL),
    Kind(Law, None, MeantFor.ALL),
    Kind(Hold, "record"),
    Kind(AuditBatch),
    Kind(KeyEvent, None, MeantFor.ALL),
    Kind(Action, None, MeantFor.ALL),
    Kind(Onboarding, None, MeantFor.ALL),
)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in sorted(_ALL_KINDS, key=lambda kind: kind.name)}
"""The kinds of statements that this release reads, by their names on the wire."""

OF_A_HIT: Final = frozenset(name for name, kind in KINDS.items() if kind.about == "hit")
"""The kinds whose statements speak of a hit."""


def kind_of(statement: AnyStatement) -> Kind:
    return KINDS[statement.type]


def about(statement: AnyStatement) -> str | None:
    """The record or statement that this statement is about; None if it is about none. A version of a record, or a
    conclusion on one, is about the first version."""
    field = kind_of(statement).about
    if field is None:
        return None
    named: str | None = attrgetter(field)(statement)
    return named
