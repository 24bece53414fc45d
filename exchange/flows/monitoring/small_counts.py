"""How one figure is told of which not everything may be: exactly, as a range, not at all. What the public edition
tells of which figure is `public_edition`'s; that nothing told beside it narrows a small count, too."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.flows.monitoring.counts import Counts

PERCENTILE = 0.9


class Told(StrEnum):
    """How much of a figure is told. No data is not 0, and neither is what is held back."""

    EXACT = "exact"
    BETWEEN = "between"
    """``low`` to ``high``, both possible."""
    HELD_BACK = "held_back"
    NO_DATA = "no_data"
    RESTRICTED = "restricted"
    """It stands in the restricted edition alone, whatever it is."""


@dataclass(frozen=True)
class Figure:
    told: Told
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        match self.told:
            case Told.EXACT:
                return {"told": str(self.told), "value": self.low}
            case Told.BETWEEN:
                return {"told": str(self.told), "low": self.low, "high": self.high}
            case _:
                return {"told": str(self.told)}

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> Figure:
        told = Told(fields["told"])
        if told is Told.EXACT:
            return exact(fields["value"])
        return cls(told, fields.get("low"), fields.get("high"))


NO_DATA = Figure(Told.NO_DATA)
HELD_BACK = Figure(Told.HELD_BACK)
RESTRICTED = Figure(Told.RESTRICTED)


def exact(value: float) -> Figure:
    return Figure(Told.EXACT, value, value)


@dataclass(frozen=True)
class Row:
    """One indicator: by column, and the sum of its columns."""

    cells: Mapping[str, Figure]
    total: Figure


def told_count(count: int | None, smallest: int) -> Figure:
    if count is None:
        return NO_DATA
    return exact(count) if count == 0 or count >= smallest else Figure(Told.BETWEEN, 1, smallest - 1)


def told_row(counts: Counts, smallest: int) -> Row:
    cells = {column: told_count(count, smallest) for column, count in counts.items()}
    return Row(cells, told_sum(list(cells.values())))


def told_sum(cells: Sequence[Figure]) -> Figure:
    """Of what is told of the parts alone."""
    for missing in (NO_DATA, RESTRICTED, HELD_BACK):
        if missing in cells:
            return missing
    if not cells:
        return NO_DATA
    low, high = (sum(end or 0 for end in ends) for ends in zip(*((cell.low, cell.high) for cell in cells), strict=True))
    return exact(low) if low == high else Figure(Told.BETWEEN, low, high)


def sum_of_those_who_tell(cells: Sequence[Figure]) -> Figure:
    """``told_sum`` without those that have no data: whoever shows it says whose are missing."""
    return told_sum([cell for cell in cells if cell.told is not Told.NO_DATA])


def told_no_finer(figure: Figure, smallest: int) -> Figure:
    """As it would be told at most where counts from 1 to below ``smallest`` are held back."""
    if figure.low is None or figure.high is None or figure.high == 0 or figure.low >= smallest:
        return figure
    return Figure(Told.BETWEEN, min(figure.low, 1), max(figure.high, smallest - 1))


def told_no_finer_of_two(figure: Figure, smallest: int) -> Figure:
    """``told_no_finer`` of a sum of two of which only the sum is known: no finer than the sum of both, told no finer
    each. An end of a part moves by at most ``smallest`` - 2, and where the low end is above what two small parts can
    give, one part alone is small."""
    if figure.low is None or figure.high is None or figure.high == 0:
        return figure
    parts = 1 if figure.low > 2 * (smallest - 1) else 2
    most = parts * (smallest - 2)
    return Figure(Told.BETWEEN, max(figure.low - most, min(figure.low, 1)), figure.high + most)


def told_hours(hours: Sequence[float], smallest: int) -> tuple[Figure, Figure]:
    """The median and the 90th percentile (nearest rank), to a tenth of an hour; of too few spans nothing."""
    if not hours:
        return NO_DATA, NO_DATA
    if len(hours) < smallest:
        return HELD_BACK, HELD_BACK
    return middle_and_most(hours)


def middle_and_most(hours: Sequence[float]) -> tuple[Figure, Figure]:
    """As ``told_hours``, of however few; of none there is no data."""
    if not hours:
        return NO_DATA, NO_DATA
    ranked = sorted(hours)
    high = ranked[math.ceil(PERCENTILE * len(ranked)) - 1]
    return exact(round(statistics.median(ranked), 1)), exact(round(high, 1))


def told_rate(given: Figure, missing: Figure) -> Figure:
    """The share of what was given, to a thousandth, where both counts are told."""
    if Told.NO_DATA in (given.told, missing.told):
        return NO_DATA
    if not (given.told is missing.told is Told.EXACT):
        return HELD_BACK
    due = (given.low or 0) + (missing.low or 0)
    return exact(round((given.low or 0) / due, 3)) if due else NO_DATA
