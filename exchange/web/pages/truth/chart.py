"""The drawing of a separation: how often each score came of one firearm, upwards, and of two, downwards.

Lengths are in the drawing's own units. Each kind has a scale of its own, since pairs of two firearms are many more; the
table under it has the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.truth.separation import Separation

DRAWING_WIDTH: Final = 540
MIDDLE: Final = 96
DRAWING_HEIGHT: Final = 196
_TALLEST: Final = 70
_LEAST: Final = 2
"""One pair among thousands is seen."""
_BIN: Final = 0.05


@dataclass(frozen=True)
class ScoreBar:
    """``x``, ``y``: of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    x: float
    score: float


@dataclass(frozen=True)
class Drawing:
    true: tuple[ScoreBar, ...]
    different: tuple[ScoreBar, ...]
    ticks: tuple[Tick, ...]


def drawing_of(found: Separation) -> Drawing | None:
    """None where nothing is scored. Scores run from 0 to 1, of striae from -1 on."""
    scores = (*found.true, *found.different)
    if not scores:
        return None
    low, high = min(0.0, math.floor(min(scores))), max(1.0, math.ceil(max(scores)))
    bins = round((high - low) / _BIN)
    step = DRAWING_WIDTH / bins
    up = [
        ScoreBar(place * step, MIDDLE - height, step - 1.0, height) for place, height in _heights(found.true, low, bins)
    ]
    down = [
        ScoreBar(place * step, MIDDLE, step - 1.0, height) for place, height in _heights(found.different, low, bins)
    ]
    quarters = round((high - low) * 4)
    ticks = tuple(Tick(DRAWING_WIDTH * number / quarters, low + number / 4) for number in range(quarters + 1))
    return Drawing(tuple(up), tuple(down), ticks)


def _heights(scores: Sequence[float], low: float, bins: int) -> list[tuple[int, float]]:
    """(bin, height) of each bin that is not empty."""
    counts = [0] * bins
    for score in scores:
        counts[min(bins - 1, max(0, math.floor((score - low) / _BIN)))] += 1
    most = max(counts, default=0)
    return [(place, max(_LEAST, round(_TALLEST * count / most, 1))) for place, count in enumerate(counts) if count]
