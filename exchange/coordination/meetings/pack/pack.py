"""What a meeting pack tells, before it is put in words: the same for the local meeting and the regional one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from exchange.coordination.exercises.exercise_counts import CountedSet
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.meetings.pack.pack_inputs_document import HeldOfKind, OverdueBand, PackAction, PackInputs
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport, SummedSides
from exchange.coordination.region_files.report_file import RefusedFile
from schemas.vocabulary import MeetingKind


class MissingPart(StrEnum):
    """What a pack has not, and says that it has not."""

    SIDE = "side"
    """A side of which no file is there."""
    REPORT = "report"
    INPUTS = "inputs"
    EXACT = "exact"
    """The restricted edition, of a side whose others gave it."""
    HALF_BEFORE = "half_before"
    BASELINE = "baseline"
    SNAPSHOT = "snapshot"
    SNAPSHOT_BEFORE = "snapshot_before"
    LAW = "law"
    ANNEX = "annex"
    MEETINGS = "meetings"


@dataclass(frozen=True)
class Missing:
    """``jurisdiction``: of whom; None: of the pack as a whole."""

    part: MissingPart
    jurisdiction: str | None = None


@dataclass(frozen=True)
class PackSide:
    """What one side gave. ``approval``: the statement that approved its inputs, None while none did. ``report``: the
    digest that the approval of its report concerns, as far as the report is in the pack."""

    jurisdiction: str
    node: str
    inputs: PackInputs | None
    approval: str | None
    inputs_sha256: str | None
    report: str | None
    report_approval: str | None


@dataclass(frozen=True)
class PackFigures:
    """``approved``: the heads approved the report that they are of; else they are a draft of the node's own. Either
    ``regional`` or ``document`` is what they are of. ``earlier``: the first is the baseline."""

    now: Mapping[str, Figure]
    earlier: tuple[RegionalEarlier, ...]
    approved: bool
    regional: RegionalReport | None = None
    document: Document | None = None

    @property
    def sides(self) -> SummedSides:
        return SummedSides() if self.regional is None else self.regional.sides

    def points(self, half: Half) -> tuple[RegionalEarlier, ...]:
        """The half-years before, and this one."""
        return (*self.earlier, RegionalEarlier(str(half), self.now, self.sides))

    def of(self, half: Half) -> RegionalEarlier | None:
        return next((item for item in self.earlier if item.period == str(half)), None)

    @property
    def baseline(self) -> RegionalEarlier | None:
        return self.earlier[0] if self.earlier else None


@dataclass(frozen=True)
class OverdueWork:
    """What ``one`` keeps ``other`` waiting for. ``count``: exactly, where the restricted edition told it; else
    ``band``, by the bound of small counts of whoever tells it (``smallest``)."""

    one: str
    other: str
    kind: str
    band: OverdueBand
    smallest: int
    count: int | None = None

    @property
    def is_some(self) -> bool:
        return bool(self.count) or (self.count is None and self.band in (OverdueBand.SOME, OverdueBand.MANY))


@dataclass(frozen=True)
class PackAvailability:
    """``own``: the share of its hours in which a node ran, as it tells itself; ``seen``: in which it answered
    others."""

    jurisdiction: str
    node: str
    own: Figure
    seen: Figure


@dataclass(frozen=True)
class Pack:
    """``as_of``: the day of which it is. ``restricted``: it has exact counts, for whom and why as ``purposes`` say."""

    meeting: MeetingKind
    here: str | None
    half: Half
    as_of: date
    sides: tuple[PackSide, ...]
    figures: PackFigures | None
    overdue: tuple[OverdueWork, ...]
    availability: tuple[PackAvailability, ...]
    actions: tuple[PackAction, ...]
    annexes: tuple[tuple[str, ToldAnnex], ...]
    held_before: Mapping[str, Mapping[MeetingKind, HeldOfKind]]
    """Of each side that told it, the meetings of the half-year before."""
    missing: tuple[Missing, ...]
    smallest: int
    restricted: bool = False
    recipient: str | None = None
    purposes: tuple[tuple[str, str], ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    changed_since: bool = False
    """The node's rows are others by now than the head approved."""
    exercises: tuple[CountedSet, ...] | None = None
    """From files of nodes to practise with; None: none were given."""

    @property
    def is_regional(self) -> bool:
        return self.meeting is MeetingKind.REGIONAL

    @property
    def lasts(self) -> bool:
        """On the day of which it is, the half-year was not over."""
        return self.as_of.isoformat() < self.half.end[:10]

    @property
    def inputs(self) -> tuple[PackInputs, ...]:
        return tuple(side.inputs for side in self.sides if side.inputs is not None)

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(side.jurisdiction for side in self.sides)

    @property
    def open_actions(self) -> tuple[PackAction, ...]:
        """The first due first."""
        found = (action for action in self.actions if action.is_open)
        return tuple(sorted(found, key=lambda item: (item.due, item.issuer, item.number)))

    @property
    def closed_actions(self) -> tuple[PackAction, ...]:
        found = (action for action in self.actions if not action.is_open)
        return tuple(sorted(found, key=lambda item: (item.closed_on or item.due, item.issuer, item.number)))
