"""What people conclude of a pair of records, and tell each other of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import Contract, Day, ItemNumber, Sha256Hex, ShortText
from schemas.statement_base import LongText, NodeId, Statement
from schemas.vocabulary import (
    AfteConclusion,
    Answer,
    Basis,
    ComparisonStep,
    FeedbackOutcome,
    HitStage,
    ReferenceChannel,
    ScreenConclusion,
)

CUSTODY: Final = frozenset({ComparisonStep.SENT, ComparisonStep.RECEIVED, ComparisonStep.RETURNED})
"""The steps of an exhibit that travels."""


class Side(Contract):
    """One scan of one record. ``first_version`` is the statement id of the first version of the record's exhibit, which
    equals ``record`` if the record is the first version."""

    issuer: NodeId
    record: Sha256Hex
    first_version: Sha256Hex
    scan: Sha256Hex

    @property
    def exhibit(self) -> str:
        """The name of the exhibit: its issuer and its first version."""
        return f"{self.issuer}/{self.first_version}"


class Pair(Contract):
    """Two scans that were compared: equals, in the order of their records' ids."""

    a: Side
    b: Side

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.a.record >= self.b.record:
            raise ValueError("a pair has two records, the one with the smaller id first")
        if self.a.exhibit == self.b.exhibit:
            raise ValueError("a pair has two exhibits, and these are versions of one")
        return self


class Hit(Statement):
    """Two cases that were not known to be connected, joined by a person: a lead, seen on screen and verified blind, or
    a confirmed hit, compared on the exhibits. ``score`` ranked the pair; it is no measure of certainty. ``answers`` is
    the step of the physical comparison that a confirmed hit follows on: the one that received the exhibit, or ended the
    comparison; the one that agreed to it, where no exhibit travelled under seal."""

    type: Literal["hit"]
    pair: Pair
    stage: HitStage
    basis: Basis
    conclusion: Sha256Hex
    verification: Sha256Hex
    score: Annotated[float, Field(ge=-10, le=100)] | None = None
    matcher: ShortText | None = None
    answers: Sha256Hex | None = None

    @model_validator(mode="after")
    def _screen_confirms_nothing(self) -> Self:
        if self.stage is HitStage.CONFIRMED and self.basis is not Basis.EXHIBITS:
            raise ValueError("a hit is confirmed on the exhibits, never on the screen alone")
        return self


class ScreenResult(Contract):
    """The result of an examination of scans and pictures."""

    basis: Literal[Basis.SCREEN]
    conclusion: ScreenConclusion


class ExhibitsResult(Contract):
    """The result of a comparison of the exhibits under one microscope."""

    basis: Literal[Basis.EXHIBITS]
    conclusion: AfteConclusion


ConclusionResult = Annotated[ScreenResult | ExhibitsResult, Field(discriminator="basis")]


class Conclusion(Statement):
    """An examiner's conclusion on a pair. Each basis has its own words: none of the screen's can be stated on the
    exhibits, and none of the exhibits' on the screen."""

    type: Literal["conclusion"]
    pair: Pair
    result: ConclusionResult
    remark: LongText | None = None


class Verification(Statement):
    """The conclusion of another examiner on the same pair. ``blind``: the issuer states that its node had shown this
    examiner neither a score of the two exhibits nor the first conclusion; on the screen nothing else is a verification.
    ``request``: of a node that verifies another node's conclusion, what it was asked by."""

    type: Literal["verification"]
    verifies: Sha256Hex
    pair: Pair
    result: ConclusionResult
    blind: bool
    request: Sha256Hex | None = None
    remark: LongText | None = None

    @model_validator(mode="after")
    def _blind_on_the_screen(self) -> Self:
        on_screen = self.result.basis is Basis.SCREEN
        if on_screen and not self.blind:
            raise ValueError("a conclusion on the screen is verified blind")
        if self.request is not None and not on_screen:
            raise ValueError("another node's conclusion is verified on the screen alone")
        return self


class VerificationRequest(Statement):
    """Asks a node that may have both records to verify a conclusion on the screen blind, where no examiner of the
    issuer's own is left who may. ``conclusion`` names what is to be verified; what it says stays with the issuer until
    a hit rests on it. Some requests name nothing that anybody concluded, so that being asked tells nothing."""

    type: Literal["verification-request"]
    to: NodeId
    conclusion: Sha256Hex
    pair: Pair


class VerificationDeclined(Statement):
    """The node that was asked cannot verify blind: a record or a scan is not there, or no examiner is left."""

    type: Literal["verification-declined"]
    to: NodeId
    request: Sha256Hex
    because: ShortText


class PhysicalComparison(Statement):
    """A step of two exhibits, joined by a lead, to one microscope and home again. ``on`` and ``place`` say when and
    where. ``answers`` is the statement that the step follows on:

    - who asks answers the lead; who agrees or declines, what was asked or agreed, and who agrees names the day;
    - ``sent`` answers the step that agreed, and names the ``record`` of the exhibit that left its owner and the
      ``seal`` that it left under;
    - ``received`` answers what was sent or returned, and says in ``seal`` and ``seal_whole`` how it arrived, and where;
    - ``done`` rests on a conclusion and its verification, both on the exhibits. It answers what was received, or,
      where no exhibit travelled under seal, the step that agreed;
    - ``returned`` answers what was received, and says under which ``seal`` the exhibit left for its owner.
    """

    type: Literal["physical-comparison"]
    hit: Sha256Hex
    step: ComparisonStep
    on: Day | None = None
    place: ShortText | None = None
    conclusion: Sha256Hex | None = None
    verification: Sha256Hex | None = None
    remark: LongText | None = None
    answers: Sha256Hex | None = None
    record: Sha256Hex | None = None
    seal: ItemNumber | None = None
    seal_whole: Answer | None = None

    @model_validator(mode="after")
    def _done_rests_on_both(self) -> Self:
        done = self.step is ComparisonStep.DONE
        if (self.conclusion is not None, self.verification is not None) != (done, done):
            raise ValueError("a comparison that is done, and only one, names its conclusion and its verification")
        if self.step is ComparisonStep.AGREED and self.on is None:
            raise ValueError("who agrees names the day")
        return self

    @model_validator(mode="after")
    def _custody_is_complete(self) -> Self:
        received = self.step is ComparisonStep.RECEIVED
        if self.step in CUSTODY:
            if None in (self.on, self.answers, self.record, self.seal):
                raise ValueError("a step of custody names its day, what it answers, the exhibit's record and the seal")
            if received and self.place is None:
                raise ValueError("who receives an exhibit says where")
        elif self.record is not None or self.seal is not None:
            raise ValueError("only a step of custody names an exhibit's record and a seal")
        if (self.seal_whole is not None) != received:
            raise ValueError("who received an exhibit, and nobody else, says whether its seal was whole")
        return self


class CustodyExplanation(Statement):
    """The head of the side that owns an exhibit explains a custody discrepancy. ``explains`` is the step at which it
    shows: the one that received the exhibit under another seal, or under a broken one; or the one that sent it, where a
    step that should have followed was not signed."""

    type: Literal["custody-explanation"]
    hit: Sha256Hex
    explains: Sha256Hex
    explanation: LongText


class Retraction(Statement):
    """The issuer takes back what it concluded: a hit, a conclusion, a verification. Goes to everyone who had it."""

    type: Literal["retraction"]
    retracts: Sha256Hex
    reason: ShortText


class Feedback(Statement):
    """What became of a hit on one side, or that this side disputes it."""

    type: Literal["feedback"]
    hit: Sha256Hex
    outcome: FeedbackOutcome
    remark: LongText | None = None


class ExternalReference(Contract):
    """Under which number a channel outside of this exchange knows the matter."""

    channel: ReferenceChannel
    number: ShortText


class Message(Statement):
    """A line from one Firearms Focal Point to another. ``about`` is the statement that it speaks of."""

    type: Literal["message"]
    to: NodeId
    about: Sha256Hex | None = None
    text: LongText
    reference: ExternalReference | None = None
