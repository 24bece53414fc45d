"""The region's public figures, made of the parts that each node gives (`half_year.public_edition`), and
the region's total of hits across borders, from which no side learns of two others
(docs/adr/0012-two-editions-and-small-counts.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from exchange.coordination.half_year.figure_definitions import STAGES
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.public_edition import (
    ENTERED,
    RATE_CLASSES,
    class_of,
    contributed_hours,
    contributed_rate,
    entered_count,
    feedback_of,
    stage_classes,
)
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import (
    HELD_BACK,
    NO_DATA,
    RESTRICTED,
    Figure,
    Told,
    exact,
    nearest_rank,
    told_sum,
)
from exchange.coordination.region.exact_region import ExactHalf
from exchange.coordination.region.regional import RegionalRow, RegionalStage, summed_row
from exchange.coordination.region_files.file_kinds import LINKED, SHARED

CROSSING: Final = (*LINKED, *SHARED)
"""What is published as one total of the region: of hits that both sides know."""
FEWEST_SIDES: Final = 2
"""Of a time or a rate: each gives as many spans or feedbacks as its bound, so as many remain without the largest."""


@dataclass(frozen=True)
class PublicSide:
    """What is published of a side that its total of hits depends on. ``has_exhibits``: the side entered as many as its
    bound, so that hits with it are possible."""

    jurisdiction: str
    partners: Collection[str]
    has_exhibits: bool

    @classmethod
    def of_half(cls, half: RestrictedHalf) -> PublicSide:
        entered = entered_count(half)
        return cls(half.jurisdiction, half.partners, entered.told is Told.EXACT and bool(entered.low))

    @classmethod
    def of_document(cls, document: Document) -> PublicSide:
        return cls(document.jurisdiction, document.partners, (document.entered.low or 0) >= document.smallest)


def may_total_hits(sides: Sequence[PublicSide], reported: Iterable[str] = ()) -> bool:
    """Whether the region's total of hits is published. ``sides``: those whose exact edition is counted; ``reported``:
    all whose report is there.

    1. At most one side is missing. A hit has two sides, so each hit is counted, and the total stays the same when the
       missing report arrives: two totals have no difference.
    2. For each two sides there are two others, partners of each other and with exhibits, that all hits could be
       between. So one side that subtracts its own hits does not learn that a certain other side had any.
    """
    # 1.
    counted = {side.jurisdiction: side for side in sides}
    known = {*counted, *reported, *(code for side in sides for code in side.partners)}
    if len(known - set(counted)) > 1:
        return False

    # 2.
    active = [side for side in sides if side.has_exhibits]
    pairs = [
        {one.jurisdiction, other.jurisdiction}
        for one, other in combinations(active, 2)
        if other.jurisdiction in one.partners and one.jurisdiction in other.partners
    ]
    return all(any(pair.isdisjoint(two) for pair in pairs) for two in combinations(sorted(known), 2)) and bool(pairs)


def public_rows(documents: Sequence[Document], parts: Sequence[ExactHalf]) -> tuple[RegionalRow, ...]:
    """``parts``: the half-years of the period, of all nodes whose exact edition is counted."""
    entered = {document.jurisdiction: document.entered for document in documents}
    without = tuple(code for code, figure in entered.items() if figure == NO_DATA)
    reported = {document.jurisdiction for document in documents}
    return summed_row(ENTERED, entered, without), *(_crossing_row(name, parts, reported) for name in CROSSING)


def _crossing_row(name: str, parts: Sequence[ExactHalf], reported: Iterable[str]) -> RegionalRow:
    totals, without = list[Figure](), dict[str, None]()
    for part in parts:
        row = next(row for row in part.rows if row.id == name)
        allowed = may_total_hits([PublicSide.of_half(half) for half in part.halves], reported)
        totals.append(row.across if allowed and row.across is not None else HELD_BACK)
        without |= dict.fromkeys(row.without)
    return RegionalRow(name, {}, RESTRICTED, told_sum(totals) if totals else HELD_BACK, tuple(without))


def public_stages(parts: Sequence[ExactHalf]) -> tuple[RegionalStage, ...]:
    return tuple(RegionalStage(name, *_stage(name, parts)) for name in STAGES)


def _stage(name: str, parts: Sequence[ExactHalf]) -> tuple[Figure, Figure]:
    given: dict[str, tuple[float, ...]] = {}
    for half in (half for part in parts for half in part.halves):
        if hours := contributed_hours(half, name):
            given[half.jurisdiction] = given.get(half.jurisdiction, ()) + hours
    enough = len(given) >= FEWEST_SIDES
    return stage_classes([span for hours in given.values() for span in hours] if enough else ())


def public_rate(parts: Sequence[ExactHalf]) -> RegionalRow:
    """The class in which the side in the middle lies; of a year from the lowest class of its half-years to the
    highest: a rate counted anew for the year would narrow those of its half-years."""
    halves = [_middle_rate(part.halves) for part in parts]
    without = dict.fromkeys(half.jurisdiction for part in parts for half in part.halves if feedback_of(half) is None)
    told = [figure for figure in halves if figure.told is Told.BETWEEN]
    total = HELD_BACK
    if told and len(told) == len(halves):
        low, high = min(figure.low or 0 for figure in told), max(figure.high or 0 for figure in told)
        total = Figure(Told.BETWEEN, low, high)
    return RegionalRow("feedback_rate", {}, total, without=tuple(without))


def _middle_rate(halves: Sequence[RestrictedHalf]) -> Figure:
    rates = [rate.low or 0 for half in halves if (rate := contributed_rate(half)) is not None]
    return class_of(nearest_rank(rates, 0.5), RATE_CLASSES) if len(rates) >= FEWEST_SIDES else HELD_BACK


def rate_of(feedback: Iterable[tuple[int, int]]) -> Figure:
    """The exact rate of several sides together: each with how often it gave feedback, and how often it is missing."""
    given, missing = (sum(counts) for counts in zip((0, 0), *feedback, strict=True))
    return exact(round(given / (given + missing), 3)) if given + missing else NO_DATA
