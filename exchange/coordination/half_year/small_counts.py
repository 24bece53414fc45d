"""How one figure is published: exactly, as a range, or not at all. `public_edition` says which figures are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic_core import CoreSchema, core_schema

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
    def of_json(cls, fields: Any) -> Figure:
        """Read untrusted JSON. Raises ValueError for content that ``as_json`` does not write."""
        if not isinstance(fields, Mapping) or not fields.keys() <= {"told", *_ENDS}:
            raise ValueError("no figure is written so")
        told = Told(str(fields.get("told")))
        ends = {name: fields[name] for name in _ENDS if fields.get(name) is not None}
        can_be = {Told.EXACT: [{"value"}], Told.BETWEEN: [{"low"}, {"low", "high"}]}.get(told, [set()])
        if ends.keys() not in can_be or not all(map(_is_told, ends.values())):
            raise ValueError("the figure has other bounds than its kind requires")
        if told is Told.EXACT:
            return exact(ends["value"])
        if ends.get("low", 0) > ends.get("high", math.inf):
            raise ValueError("the low end is above the high one")
        return cls(told, ends.get("low"), ends.get("high"))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        """A field of a document, read and written so."""
        written = core_schema.plain_serializer_function_ser_schema(cls.as_json)
        return core_schema.no_info_plain_validator_function(cls.of_json, serialization=written)


_ENDS: Final = ("value", "low", "high")


def _is_told(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10**9


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
