"""Whether the two editions of a report say the same: a half-year's, or a year's, which is the sum of its half-years."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.restricted_edition import Restricted, exact_counts, exact_hours
from exchange.flows.monitoring.small_counts import Figure, Row, Told, middle_and_most
from exchange.flows.monitoring.years import feedback_of

_A_TENTH = 0.11
"""Hours: the restricted edition has hundredths, the public one tenths of what was counted."""
_A_THOUSANDTH = 0.0011


def contradictions(document: Document, exact: Restricted) -> Iterator[str]:
    """What the public edition tells that the exact counts, hours and feedback do not bear out; what it holds back says
    nothing. Of a year, the exact counts are the sums of its half-years, and what stands at an end is the last one's."""
    counts = exact_counts(exact)
    for rows in (document.counts, document.gaps, document.held):
        for name, row in rows.items():
            yield from _of_row(name, row, counts.get(name, {}))
    given, missing = feedback_of(exact.halves) or (0, 0)
    rate = document.rate.total
    if rate.told is Told.EXACT and not (given + missing and _near(rate, given / (given + missing), _A_THOUSANDTH)):
        yield "feedback_rate"
    hours = exact_hours(exact)
    for name, told in document.stages.items():
        for figure, true in zip(told, middle_and_most(hours.get(name, ())), strict=True):
            if figure.told is Told.EXACT and not (true.told is Told.EXACT and _near(figure, true.low or 0, _A_TENTH)):
                yield name


def _of_row(name: str, row: Row, exact: Mapping[str, int | None]) -> Iterator[str]:
    for column, figure in row.cells.items():
        if not _holds(figure, exact.get(column)):
            yield f"{name}, {column}"
    if row.cells and row.total.told is not Told.NO_DATA and not _holds(row.total, _sum(exact)):
        yield f"{name}, in all"


def _sum(exact: Mapping[str, int | None]) -> int | None:
    counts = list(exact.values())
    return None if not counts or None in counts else sum(count or 0 for count in counts)


def _holds(told: Figure, count: int | None) -> bool:
    if told.told in (Told.RESTRICTED, Told.HELD_BACK):
        return True
    if told.told is Told.NO_DATA or count is None:
        return told.told is Told.NO_DATA and count is None
    return (told.low or 0) <= count <= (told.high or 0)


def _near(figure: Figure, true: float, within: float) -> bool:
    return abs((figure.low or 0) - true) <= within
