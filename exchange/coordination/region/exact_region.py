"""The region's exact figures of one half-year: each pair of cases once, by its link id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from exchange.coordination.half_year.restricted_edition import ReportedLink, RestrictedHalf
from exchange.coordination.half_year.small_counts import (
    NO_DATA,
    Figure,
    Told,
    exact,
)
from exchange.coordination.region.earlier_claims import ENDS, by_partner, held_against
from exchange.coordination.region.regional import RegionalRow, SideDifference, summed_row
from exchange.coordination.region_files.file_kinds import (
    FIRST_SIGNED,
    LINKED,
    MIRRORED,
    OF_ONE,
    REGIONAL_FIGURES,
    SHARED,
    columns_of,
    sides_key,
    towards,
)


@dataclass(frozen=True)
class ExactHalf:
    """One half-year of the region. ``halves``: what it is made of."""

    halves: tuple[RestrictedHalf, ...]
    rows: tuple[RegionalRow, ...]
    differences: tuple[SideDifference, ...]


def exact_half(
    told: Sequence[RestrictedHalf], earlier: Mapping[str, Sequence[RestrictedHalf]] | None = None
) -> ExactHalf:
    """``told``: the same half-year of each node that told it exactly, one a jurisdiction. ``earlier``: by node, its
    reports of before, as far as they are at hand."""
    rows: list[RegionalRow] = []
    differences: list[SideDifference] = []
    halves = []
    ids = {link.link for one in told for link in one.links}
    for one in told:
        half, claims = held_against(one, (earlier or {}).get(one.node, ()), ids)
        halves.append(half)
        differences += [
            SideDifference(
                item.figure,
                one.period,
                {item.jurisdiction: exact(item.count)},
                claim=item.claim,
                dropped=item.dropped,
            )
            for item in claims
        ]
    for name in REGIONAL_FIGURES:
        row, found = _row(name, halves)
        rows.append(row)
        differences += found
    return ExactHalf(tuple(halves), tuple(rows), tuple(differences))


def figure_of(count: int | None) -> Figure:
    return NO_DATA if count is None else exact(count)


def _row(name: str, halves: Sequence[RestrictedHalf]) -> tuple[RegionalRow, list[SideDifference]]:
    if name == FIRST_SIGNED:
        return _first_signed(halves), []
    if name in LINKED:
        return _linked(name, halves)
    if name in SHARED:
        return _shared(name, halves)
    if name in OF_ONE:
        cells = {str(half.jurisdiction): figure_of(half.count(name, half.jurisdiction)) for half in halves}
        return summed_row(name, cells, _without(name, halves)), []
    cells = {
        towards(half.jurisdiction, column) if column != half.jurisdiction else str(column): figure_of(count)
        for half in halves
        for column, count in half.counts_of(name).items()
    }
    return summed_row(name, cells, _without(name, halves)), _mirrored(name, halves)


def _without(name: str, halves: Sequence[RestrictedHalf]) -> tuple[str, ...]:
    return tuple(str(half.jurisdiction) for half in halves if _lacks(name, half))


def _lacks(name: str, half: RestrictedHalf) -> bool:
    """Whether it has no data of the figure; a row or a cell that it leaves out is none."""
    cells = half.counts_of(name)
    columns = columns_of(name, half.jurisdiction, half.partners)
    return not cells or None in cells.values() or not set(columns) <= set(cells)


def _mirrored(name: str, halves: Sequence[RestrictedHalf]) -> list[SideDifference]:
    """What one side gave and the other took, where they tell it otherwise."""
    if name not in MIRRORED:
        return []
    found = []
    for one, other in ((a, b) for a in halves for b in halves if a is not b):
        given, taken = one.count(name, other.jurisdiction), other.count(MIRRORED[name], one.jurisdiction)
        if given != taken:
            told = {str(one.jurisdiction): figure_of(given), str(other.jurisdiction): figure_of(taken)}
            found.append(SideDifference(name, one.period, told))
    return found


def _shared(name: str, halves: Sequence[RestrictedHalf]) -> tuple[RegionalRow, list[SideDifference]]:
    """Where the sides differ, from the one number to the other."""
    cells: dict[str, Figure] = {}
    differences = []
    for half in halves:
        cells[half.jurisdiction] = figure_of(half.count(name, half.jurisdiction))
    for key, sides in _pairs(halves).items():
        told = {str(side.half.jurisdiction): figure_of(side.half.count(name, side.partner)) for side in sides}
        numbers = [int(figure.low or 0) for figure in told.values() if figure.told is Told.EXACT]
        if not numbers:
            cells[key] = NO_DATA
            continue
        low, high = min(numbers), max(numbers)
        cells[key] = exact(low) if low == high else Figure(Told.BETWEEN, low, high)
        if len(set(told.values())) > 1:
            differences.append(SideDifference(name, halves[0].period, told))
    return summed_row(name, cells, _without(name, halves)), differences


def _linked(name: str, halves: Sequence[RestrictedHalf]) -> tuple[RegionalRow, list[SideDifference]]:
    cells: dict[str, Figure] = {}
    differences = []
    for half in halves:
        cells[half.jurisdiction] = figure_of(half.count(name, half.jurisdiction))
    for key, sides in _pairs(halves).items():
        cells[key] = exact(_at_least(name, sides))
        difference = _difference(name, sides)
        if difference is not None:
            differences.append(difference)
    return summed_row(name, cells, _without(name, halves)), differences


@dataclass(frozen=True)
class ReportedSide:
    """A report on a pair of jurisdictions: the code of its partner, and its links with that one."""

    half: RestrictedHalf
    partner: str
    links: Sequence[ReportedLink]


Sides = Sequence[ReportedSide]
"""One or two reports on a pair of jurisdictions."""


def _pairs(halves: Sequence[RestrictedHalf]) -> dict[str, Sides]:
    """Each pair of jurisdictions that a report speaks of, also where only one of both reported."""
    by_code = {str(half.jurisdiction): half for half in halves}
    links = {code: by_partner(half.links) for code, half in by_code.items()}
    partners = {code: frozenset(half.partners) for code, half in by_code.items()}
    codes = sorted({*by_code, *(str(partner) for half in halves for partner in half.partners)})
    found: dict[str, Sides] = {}
    for one, other in combinations(codes, 2):
        sides = [
            ReportedSide(by_code[own], partner, links[own][partner])
            for own, partner in ((one, other), (other, one))
            if partner in partners.get(own, ())
        ]
        if sides:
            found[sides_key(one, other)] = sides
    return found


def credited(name: str, sides: Sides) -> Mapping[str, ReportedLink]:
    """By link id, the pairs of cases that count in this half-year: of each the first half-year that either side tells
    is this one. The link is that of the side that tells it first; of both, of the side whose code comes first."""
    period = sides[0].half.period
    first: dict[str, ReportedLink] = {}
    for link in (link for side in sides for link in side.links):
        at = getattr(link, ENDS[name])
        known = first.get(link.link or "")
        if link.link is not None and at is not None and (known is None or at < getattr(known, ENDS[name])):
            first[link.link] = link
    return {name_: link for name_, link in first.items() if getattr(link, ENDS[name]) == period}


def _at_least(name: str, sides: Sides) -> int:
    """How many pairs of cases there are at least. Of hits that carry no id nobody knows which of the other side's they
    are, with an id or without: so a side that leaves ids out doubles nothing that the other side tells."""
    counted = credited(name, sides)
    by_side = (
        sum(link.link in counted for link in side.links) + len(_of_half(name, side, with_id=False)) for side in sides
    )
    return max(len(counted), *by_side)


def _of_half(name: str, side: ReportedSide, *, with_id: bool) -> list[ReportedLink]:
    return [
        link
        for link in side.links
        if getattr(link, ENDS[name]) == side.half.period and (link.link is not None) == with_id
    ]


def _difference(name: str, sides: Sides) -> SideDifference | None:
    """Where both reported, and do not tell the same pairs of cases for the half-year."""
    if len(sides) < 2:
        return None
    told = {str(side.half.jurisdiction): figure_of(side.half.count(name, side.partner)) for side in sides}
    ids = {str(side.half.jurisdiction): {link.link for link in _of_half(name, side, with_id=True)} for side in sides}
    (one, first), (other, second) = ids.items()
    alone = {code: len(only) for code, only in ((one, first - second), (other, second - first)) if only}
    if not alone and len(set(told.values())) == 1:
        return None
    return SideDifference(name, sides[0].half.period, told, alone)


def _first_signed(halves: Sequence[RestrictedHalf]) -> RegionalRow:
    counted: Counter[str] = Counter()
    for sides in _pairs(halves).values():
        counted.update(str(link.by) for link in credited("leads", sides).values())
    cells = {code: exact(counted[code]) for code in sorted({*counted, *(str(half.jurisdiction) for half in halves)})}
    return summed_row(FIRST_SIGNED, cells, _without("leads", halves))
