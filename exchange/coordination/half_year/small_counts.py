"""How one figure is published: exactly, as a range, or not at all. `public_edition` says which figures are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

PERCENTILE: Final = 0.9
LEAST_BOUND: Final = 5
"""No node publishes an exact count from 1 to below this bound."""


class Told(StrEnum):
    """How much of a figure is published. No data is not 0, and neither is a figure that is held back."""

    EXACT = "exact"
    BETWEEN = "between"
    """From ``low`` to ``high``; without ``high``: ``low`` or more."""
    HELD_BACK = "held_back"
    NO_DATA = "no_data"
    RESTRICTED = "restricted"
    """The figure stands in the restricted edition alone, whatever it is."""


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


NO_DATA: Final = Figure(Told.NO_DATA)
HELD_BACK: Final = Figure(Told.HELD_BACK)
RESTRICTED: Final = Figure(Told.RESTRICTED)


def exact(value: float) -> Figure:
    return Figure(Told.EXACT, value, value)


def told_count(count: int | None, smallest: int) -> Figure:
    """Return 0 and counts from ``smallest`` on exactly, and any other count as the range from 1 to below it."""
    if count is None:
        return NO_DATA
    return exact(count) if count == 0 or count >= smallest else Figure(Told.BETWEEN, 1, smallest - 1)


def told_sum(cells: Sequence[Figure]) -> Figure:
    """Add up counts as they are published, and use nothing else."""
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


def middle_and_most(hours: Sequence[float]) -> tuple[Figure, Figure]:
    """Return the exact median and 90th percentile (nearest rank), to a tenth of an hour; no data of no spans."""
    if not hours:
        return NO_DATA, NO_DATA
    return exact(round(statistics.median(hours), 1)), exact(round(nearest_rank(hours, PERCENTILE), 1))


def nearest_rank(values: Sequence[float], share: float) -> float:
    """Return the least value that at least this ``share`` of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
