"""What a node gives to a meeting pack, as one document: what its head approves, and what a coordinator reads.

It holds no record, no case, no person and no link id. Small counts of work are given as bands: none, some, many.
Attendance is counted exactly, by institution and sex and by role and sex, because officials attend in their office
(decision 14).
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.law_report import ArticleAct
from exchange.coordination.law.pair_of_law import LackOfLaw, LawState
from exchange.coordination.maturity.practice_definitions import State
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from schemas.coordination import ActionNumber
from schemas.exhibit import Contract, Day, Sha256Hex, ShortText, plain_line
from schemas.law import ArticleId, LawDirection
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole

INPUTS_FORMAT: Final = "ffp-pack-inputs/2"
MAX_INPUTS_BYTES: Final = 2 * 1024 * 1024
_MOST_SIDES: Final = 64
_MOST: Final = 1000
HalfYear = Annotated[str, Field(pattern=r"^20[0-9]{2}H[12]$")]
_Count = Annotated[int, Field(ge=0, le=10**7)]


class OverdueBand(StrEnum):
    """How much work is overdue: none, fewer than the bound of small counts, that many or more."""

    NONE = "none"
    SOME = "some"
    MANY = "many"
    NO_DATA = "no_data"


class PackAction(Contract):
    """An action of this issuer, as it stood at the end of the half-year or stands while it lasts."""

    issuer: NodeId
    number: ActionNumber
    statement_id: Sha256Hex
    title: ShortText
    owner: Jurisdiction
    owner_role: OfficeRole
    due: Day
    meeting: MeetingKind
    met_on: Day
    state: ActionState
    closed_on: Day | None
    remark: ShortText | None
    overdue: bool

    @property
    def is_open(self) -> bool:
        return self.state is ActionState.OPEN


class PackMeeting(Contract):
    kind: MeetingKind
    held_on: Day
    title: ShortText
    people: _Count


class AttendedByInstitution(Contract):
    institution: Institution
    sex: AttendeeSex
    count: _Count


class AttendedByRole(Contract):
    role: OfficeRole
    sex: AttendeeSex
    count: _Count


class HeldOfKind(Contract):
    """All meetings of one kind together: who attended twice counts twice."""

    meetings: _Count
    people: _Count
    by_institution: Annotated[tuple[AttendedByInstitution, ...], Field(max_length=40)]
    by_role: Annotated[tuple[AttendedByRole, ...], Field(max_length=40)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for lines in (self.by_institution, self.by_role):
            if sum(line.count for line in lines) != self.people:
                raise ValueError("the lines of attendance are not as many people as their sum says")
        return self


class OverdueTowards(Contract):
    """What this side keeps a partner waiting for beyond the term: steps on hits, and decisions on release."""

    partner: Jurisdiction
    steps: OverdueBand
    decisions: OverdueBand


class LawTowards(Contract):
    """What this side's law says of one other side, and what that one's says of this, as it is known here."""

    partner: Jurisdiction
    own: Annotated[dict[LawDirection, LawState], Field(min_length=3, max_length=3)]
    theirs: Annotated[dict[LawDirection, LawState], Field(min_length=3, max_length=3)]


class LawLack(Contract):
    """Something that is missing in the law of ``side``, towards these partners."""

    side: Jurisdiction
    lack: LackOfLaw
    direction: LawDirection | None
    article_id: ArticleId | None
    partners: Annotated[tuple[Jurisdiction, ...], Field(max_length=_MOST_SIDES)]


class LawChange(Contract):
    article_id: ArticleId
    what: ArticleAct


class LawInputs(Contract):
    """``articles``: how many this side has published; none: nothing is entered."""

    articles: _Count
    towards: Annotated[tuple[LawTowards, ...], Field(max_length=_MOST_SIDES)]
    lacks: Annotated[tuple[LawLack, ...], Field(max_length=_MOST)]
    changes: Annotated[tuple[LawChange, ...], Field(max_length=256)]


class MaturityPractice(Contract):
    """As the snapshot called it then."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, Field(max_length=200), AfterValidator(plain_line)]
    state: State


class MaturityAt(Contract):
    """The signed snapshot of one half-year."""

    half: HalfYear
    reached: Annotated[int, Field(ge=0, le=20)]
    practices: Annotated[tuple[MaturityPractice, ...], Field(max_length=200)]


class PackInputs(Contract):
    """``as_of``: the day on which the half-year was over, or the day itself while it lasts. ``maturity``: of this
    half-year and of the one before, as far as there are snapshots."""

    format: Literal["ffp-pack-inputs/2"]
    half: HalfYear
    node: NodeId
    jurisdiction: Jurisdiction
    as_of: Day
    smallest_count_told: Annotated[int, Field(ge=3, le=50)]
    report: Sha256Hex | None
    """The digest that the approval of the half-year's report concerns; None while it is not approved."""
    actions: Annotated[tuple[PackAction, ...], Field(max_length=_MOST)]
    meetings: Annotated[tuple[PackMeeting, ...], Field(max_length=500)]
    held: Annotated[dict[MeetingKind, HeldOfKind], Field(min_length=3, max_length=3)]
    overdue: Annotated[tuple[OverdueTowards, ...], Field(max_length=_MOST_SIDES)]
    law: LawInputs
    maturity: Annotated[tuple[MaturityAt, ...], Field(max_length=2)]
    footnotes: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=20)]

    @property
    def lasts(self) -> bool:
        """The half-year was not over then."""
        return self.as_of.isoformat() < self.half_year.end[:10]

    @property
    def half_year(self) -> Half:
        return Half.parse(self.half)

    @model_validator(mode="after")
    def _is_of_its_issuer(self) -> Self:
        if any(action.issuer != self.node for action in self.actions):
            raise ValueError("an action is of another issuer")
        if any(lack.side not in self._sides for lack in self.law.lacks):
            raise ValueError("a lack of law is of a side that is no partner")
        partners = [item.partner for item in self.overdue]
        if len(set(partners)) != len(partners) or self.jurisdiction in partners:
            raise ValueError("overdue work is told twice towards one partner, or towards this side itself")
        halves = [item.half for item in self.maturity]
        known = [self.half, str(self.half_year.before())]
        if len(set(halves)) != len(halves) or not set(halves) <= set(known):
            raise ValueError("a snapshot of maturity is of another half-year")
        for kind, held in self.held.items():
            people = [meeting.people for meeting in self.meetings if meeting.kind is kind]
            if (len(people), sum(people)) != (held.meetings, held.people):
                raise ValueError("the meetings, or who attended them, are not as many as their sums say")
        return self

    @property
    def _sides(self) -> set[Jurisdiction]:
        return {self.jurisdiction, *(item.partner for item in self.law.towards)}

    def maturity_of(self, half: Half) -> MaturityAt | None:
        return next((item for item in self.maturity if item.half == str(half)), None)


def write_inputs(inputs: PackInputs) -> bytes:
    """JSON, UTF-8: the same inputs give the same bytes."""
    fields: dict[str, Any] = inputs.model_dump(mode="json")
    return (json.dumps(fields, indent=1, ensure_ascii=False) + "\n").encode()


def read_inputs(data: bytes) -> PackInputs:
    """Read untrusted bytes. Raises ContractError."""
    return read_strict(PackInputs, data, max_bytes=MAX_INPUTS_BYTES)
