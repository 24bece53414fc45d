"""What is true of the simulated half-years, counted from what was done and by rules of its own: nothing of this reads a
node, or calls what counts there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

TRUTH_FORMAT: Final = "ffp-training-truth/1"
FIRST_REVIEW = timedelta(hours=24)
STEP_TERM = timedelta(hours=240)
FEEDBACK_TERM = timedelta(hours=720)


def half_of(at: datetime) -> str:
    return f"{at.year}H{1 if at.month <= 6 else 2}"


def end_of_half(half: str) -> datetime:
    """The first moment after a half-year, in UTC as the clock of the past is."""
    year, number = int(half[:4]), int(half[5])
    begin = datetime.fromisoformat(f"{year}-07-01T00:00:00+00:00")
    return begin if number == 1 else begin.replace(year=year + 1, month=1)


@dataclass
class ExhibitTruth:
    """An exhibit: whose it is, and what became of it. ``keeps``: by partner, the name of the line that keeps it there.
    ``kin``: exhibits of one calibre, which are compared with each other where they meet."""

    owner: str
    kin: str
    entered: datetime
    keeps: dict[str, str] = field(default_factory=dict)
    searched: datetime | None = None
    opened: datetime | None = None
    withdrawn: datetime | None = None
    given: dict[str, datetime] = field(default_factory=dict)


@dataclass
class JoinedTruth:
    """Two cases that a hit joined: since when both sides know it, who signed it, and what came after."""

    by: str
    other: str
    known: datetime | None = None
    retracted: datetime | None = None
    confirmed: datetime | None = None
    asked: datetime | None = None
    feedback: dict[str, datetime] = field(default_factory=dict)
    investigating: set[str] = field(default_factory=set)
    """Sides whose feedback is that they still investigate."""

    @property
    def sides(self) -> str:
        return "-".join(sorted({self.by, self.other}))

    @property
    def across(self) -> bool:
        return self.by != self.other

    def waits_for(self, moment: datetime) -> set[str]:
        """The sides that are late with something at that moment. After a confirmed hit each side owes the outcome;
        before it the side that was told last goes on, unless it stated an outcome."""
        before = [self.known, self.confirmed, self.asked]
        known, confirmed, asked = (at if at is not None and at < moment else None for at in before)
        if known is None or (self.retracted is not None and self.retracted < moment):
            return set()
        if confirmed is not None:
            turn, due = {self.by, self.other}, confirmed + FEEDBACK_TERM
        elif asked is not None:
            turn, due = {self.by}, asked + STEP_TERM
        else:
            turn, due = {self.other}, known + STEP_TERM
        said = {code for code, at in self.feedback.items() if at < moment}
        return turn - (said if confirmed is not None else said - self.investigating) if due < moment else set()


TrueCounts = dict[str, Counter[str]]
TrueHours = dict[str, list[float]]


@dataclass
class Truth:
    """Pairs of jurisdictions in the order of their codes; ``one>other`` where they are not alike."""

    counts: dict[str, TrueCounts] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))
    hours: dict[str, TrueHours] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    exhibits: list[ExhibitTruth] = field(default_factory=list)
    joined: list[JoinedTruth] = field(default_factory=list)
    unverified: list[tuple[str, datetime]] = field(default_factory=list)
    undecided: list[tuple[str, datetime]] = field(default_factory=list)
    """``one>other``, and until when the head should have decided."""

    def count(self, at: datetime, name: str, key: str, by: int = 1) -> None:
        self.counts[half_of(at)][name][key] += by

    def lasted(self, stage: str, since: datetime, until: datetime) -> None:
        self.hours[half_of(until)][stage].append(round((until - since).total_seconds() / 3600, 2))

    def of_half(self, half: str) -> tuple[TrueCounts, TrueHours]:
        """All counts of a half-year, as they stood at its end."""
        end = end_of_half(half)
        counts = defaultdict(Counter, {name: Counter(found) for name, found in self.counts[half].items()})
        hours = defaultdict(list, {name: list(found) for name, found in self.hours[half].items()})
        for exhibit in self.exhibits:
            self._exhibit(exhibit, half, end, counts, hours)
        for joined in self.joined:
            _joined(joined, half, end, counts, hours)
        for code, due in self.unverified:
            counts["overdue_verifications"][code] += due < end
        for key, due in self.undecided:
            counts["overdue_approvals"][key] += due < end
        return {name: +found for name, found in counts.items()}, dict(hours)

    def _exhibit(
        self,
        exhibit: ExhibitTruth,
        half: str,
        end: datetime,
        counts: TrueCounts,
        hours: TrueHours,
    ) -> None:
        owner = exhibit.owner
        counts["exhibits_entered"][owner] += half_of(exhibit.entered) == half
        if exhibit.withdrawn is not None:
            counts["records_withdrawn"][owner] += half_of(exhibit.withdrawn) == half
            return
        if half_of(exhibit.entered) == half:
            for partner, line in exhibit.keeps.items():
                counts[line][f"{owner}>{partner}"] += 1
        if exhibit.searched is None:
            return
        _span(hours, half, "search", exhibit.entered, exhibit.searched)
        counts["exhibits_searched"][owner] += half_of(exhibit.searched) == half
        if exhibit.opened is not None:
            _span(hours, half, "first_review", exhibit.searched, exhibit.opened)
        waits = exhibit.opened is None or exhibit.opened >= end
        if waits and exhibit.searched + FIRST_REVIEW < end and self._has_kin_abroad(exhibit):
            counts["overdue_first_reviews"][owner] += 1

    def _has_kin_abroad(self, exhibit: ExhibitTruth) -> bool:
        return any(
            other.owner != exhibit.owner and other.kin == exhibit.kin and exhibit.owner in other.given
            for other in self.exhibits
        )

    def as_json(self, halves: Iterable[str]) -> dict[str, Any]:
        found = {}
        for half in halves:
            counts, hours = self.of_half(half)
            found[half] = {
                "counts": {name: dict(sorted(cells.items())) for name, cells in sorted(counts.items())},
                "hours": {name: sorted(spans) for name, spans in sorted(hours.items())},
            }
        return {"format": TRUTH_FORMAT, "halves": found}


def _span(hours: TrueHours, half: str, stage: str, since: datetime, until: datetime) -> None:
    if half_of(until) == half:
        hours[stage].append(round((until - since).total_seconds() / 3600, 2))


def _joined(joined: JoinedTruth, half: str, end: datetime, counts: TrueCounts, hours: TrueHours) -> None:
    known = joined.known
    if known is None:
        return
    if joined.retracted is not None and joined.retracted < end:
        counts["hits_retracted"][joined.sides] += half_of(joined.retracted) == half
        return
    codes: Sequence[str] = [joined.by, joined.other] if joined.across else [joined.by]
    if half_of(known) == half:
        counts["leads"][joined.sides] += 1
        counts["leads_first_signed"][joined.by] += joined.across
    if joined.confirmed is not None:
        counts["confirmed_hits"][joined.sides] += half_of(joined.confirmed) == half
        for _ in codes:
            _span(hours, half, "confirmation", known, joined.confirmed)
    if not joined.across:
        return
    for code, other in (codes, codes[::-1]):
        due, given = known + FEEDBACK_TERM, joined.feedback.get(code)
        if half_of(due) == half:
            name = "feedback_given" if given is not None and given < end else "feedback_missing"
            counts[name][f"{code}>{other}"] += 1
        if given is not None:
            _span(hours, half, "feedback", known, given)
        counts["overdue_answers"][f"{code}>{other}"] += code in joined.waits_for(end)
