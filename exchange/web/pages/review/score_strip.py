"""The strip of scores: each exhibit of a list as a line at its score, and what stands clear of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.candidates.exhibit_ranking import Ranking

STRIP_WIDTH: Final = 1000
"""Of the picture's own coordinates; a score of 1 is at its end."""


@dataclass(frozen=True)
class StripLine:
    """``clear``: stands clear of chance."""

    x: int
    clear: bool


@dataclass(frozen=True)
class ScoreStrip:
    """``lines``: the weakest first, so that what stands out is drawn over the others; of those that fall together one.
    ``clear``: how many stand out of ``count``; ``gap``: the highest score of the others and the lowest of these.
    ``here``: where the pair stands that is looked at."""

    lines: Sequence[StripLine]
    count: int
    clear: int
    best: float | None
    gap: tuple[float, float] | None
    highest_other: float | None
    here: int | None


def strip_of(ranking: Ranking, here: float | None = None) -> ScoreStrip:
    scores, clear = ranking.scores, ranking.clear
    others = scores[clear:]
    drawn = {_x(score): StripLine(_x(score), False) for score in reversed(others)}
    drawn |= {_x(score): StripLine(_x(score), True) for score in reversed(scores[:clear])}
    return ScoreStrip(
        list(drawn.values()),
        len(scores),
        clear,
        scores[0] if scores else None,
        (others[0], scores[clear - 1]) if clear and others else None,
        others[0] if others else None,
        None if here is None else _x(here),
    )


def _x(score: float) -> int:
    return round(STRIP_WIDTH * min(max(score, 0.0), 1.0))
