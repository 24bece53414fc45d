"""The drawings of a monitoring report: small panels of bars, by partner and by half-year; the tables say the same.

Lengths are in the panels' own units, of which each is 262 wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.monitoring.definitions import COUNTS
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.small_counts import NO_DATA, Figure
from exchange.web.languages import gettext, term
from exchange.web.wording.figures import words

WITH_PARTNERS: Final = ("exhibits_shared", "exhibits_received", "leads", "confirmed_hits")
OVER_TIME: Final = ("exhibits_entered", "exhibits_shared", "leads", "confirmed_hits")
_LONGEST: Final = 190
LINE: Final = 36
_COLUMN: Final = 43
TALLEST: Final = 84
_HEAD: Final = 30
_MOST_HALVES: Final = 6


@dataclass(frozen=True)
class Bar:
    """``sure`` is the length up to the low end of what is told, ``length`` up to the high end."""

    label: str
    words: str
    at: int
    sure: int
    length: int


@dataclass(frozen=True)
class Panel:
    title: str
    height: int
    bars: tuple[Bar, ...]


def by_partner(document: Document) -> list[Panel]:
    """Lying bars, one for each partner; each panel has a scale of its own, and the figures stand beside the bars."""
    panels = []
    for name in WITH_PARTNERS if document.partners else ():
        cells = {column: document.counts[name].cells.get(column, NO_DATA) for column in document.partners}
        scale = _scale(list(cells.values()), _LONGEST)
        bars = tuple(
            _bar(term(column, "jurisdiction"), figure, _HEAD + line * LINE, scale)
            for line, (column, figure) in enumerate(cells.items())
        )
        panels.append(Panel(gettext(COUNTS[name].title), _HEAD + len(bars) * LINE, bars))
    return panels


def over_time(document: Document) -> list[Panel]:
    """Standing bars, one for each half-year that was approved and for this one; none where there is no earlier one."""
    earlier = document.earlier[-(_MOST_HALVES - 1) :]
    panels = []
    for name in OVER_TIME if earlier else ():
        figures: Mapping[str, Figure] = {item.half: item.figures.get(name, NO_DATA) for item in earlier}
        figures = {**figures, str(document.half): document.counts[name].total}
        scale = _scale(list(figures.values()), TALLEST)
        bars = tuple(
            _bar(half[2:], figure, number * _COLUMN, scale) for number, (half, figure) in enumerate(figures.items())
        )
        panels.append(Panel(gettext(COUNTS[name].title), _HEAD + TALLEST + 40, bars))
    return panels


def _bar(label: str, figure: Figure, at: int, scale: float) -> Bar:
    return Bar(label, words(figure, "count"), at, round((figure.low or 0) * scale), round((figure.high or 0) * scale))


def _scale(figures: Sequence[Figure], longest: int) -> float:
    return longest / max(1.0, *(figure.high or 0 for figure in figures))
