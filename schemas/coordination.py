"""What the region's coordination says: what a meeting agreed on, and how far a jurisdiction is on its way in.

Neither speaks of a case or names a person, and both are meant for every Firearms Focal Point.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import Contract, Day, Sha256Hex, ShortText
from schemas.statement_base import Statement
from schemas.vocabulary import (
    ActionState,
    Jurisdiction,
    MeetingKind,
    OfficeRole,
    OnboardingState,
    OnboardingStep,
    Role,
)

ActionNumber = Annotated[str, Field(pattern=r"^A-20[0-9]{2}-[1-9][0-9]{0,3}$")]
"""By which an issuer calls an action in all that it says of it: the year, and a number within the year."""
STANDS: Final = frozenset({OnboardingState.DONE, OnboardingState.PROVEN})
"""The states of a step that was taken."""


class Action(Statement):
    """What a coordination meeting agreed on: one line, who does it (a jurisdiction and a role, never a name), and until
    which day. A later statement of its issuer with the same number replaces it; nobody else's does. ``meeting`` and
    ``met_on`` say at which meeting it was agreed. An action that is done or dropped has the day and a line on it."""

    type: Literal["action"]
    number: ActionNumber
    title: ShortText
    owner: Jurisdiction
    owner_role: OfficeRole
    due: Day
    meeting: MeetingKind
    met_on: Day
    state: ActionState
    closed_on: Day | None
    remark: ShortText | None

    @model_validator(mode="after")
    def _closed_with_day_and_line(self) -> Self:
        closed = self.state is not ActionState.OPEN
        if (self.closed_on is not None) != closed:
            raise ValueError("an action that is done or dropped, and only one, has the day on which it was closed")
        if closed and self.remark is None:
            raise ValueError("whoever closes an action says in one line what came of it")
        if self.closed_on is not None and self.closed_on < self.met_on:
            raise ValueError("an action is closed on no day before the meeting that agreed on it")
        if self.due < self.met_on:
            raise ValueError("an action is due on no day before the meeting that agreed on it")
        return self


class OnboardingLine(Contract):
    """One step. ``on`` and ``by`` say when it was taken or proven, and in which role; ``evidence`` is the SHA-256 of
    what shows it: of a file, or of a statement. A step that is not possible yet has a line that says why."""

    step: OnboardingStep
    state: OnboardingState
    on: Day | None
    by: Role | None
    evidence: Sha256Hex | None
    remark: ShortText | None

    @model_validator(mode="after")
    def _says_what_its_state_needs(self) -> Self:
        stands = self.state in STANDS
        if ((self.on is not None), (self.by is not None)) != (stands, stands):
            raise ValueError("a step that was taken, and only one, has its day and the role that took it")
        if (self.state is OnboardingState.PROVEN) != (self.by is Role.NODE):
            raise ValueError("what a node saw itself is proven, and nothing else is")
        if self.state is OnboardingState.PROVEN and self.evidence is None:
            raise ValueError("what is proven names its evidence")
        if self.evidence is not None and not stands:
            raise ValueError("only a step that was taken names evidence")
        if self.state is OnboardingState.NOT_POSSIBLE and self.remark is None:
            raise ValueError("a step that is not possible yet has a line that says why")
        return self


class Onboarding(Statement):
    """How far a jurisdiction is on its way into the exchange, as the issuer sees it on this day: every step once. A
    later statement of its issuer on the same jurisdiction replaces it."""

    type: Literal["onboarding"]
    jurisdiction: Jurisdiction
    lines: tuple[OnboardingLine, ...] = Field(min_length=len(OnboardingStep), max_length=len(OnboardingStep))

    @model_validator(mode="after")
    def _every_step_once(self) -> Self:
        if [line.step for line in self.lines] != list(OnboardingStep):
            raise ValueError("each step stands once, in their order")
        return self
