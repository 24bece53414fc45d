"""The lines of a monitoring report, each figure beside its definition and what it was before: for page and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.flows.monitoring.counts import Counts
from exchange.flows.monitoring.definitions import COUNTS, FEEDBACK_RATE, GAPS, GOALS, HELD, STAGES, Definition
from exchange.flows.monitoring.document import Document, Earlier
from exchange.flows.monitoring.small_counts import NO_DATA, RESTRICTED, Figure, Row, Told, exact, middle_and_most
from exchange.web.wording.figures import change, unit_of, words


@dataclass(frozen=True)
class ReportCell:
    """``inside`` is the exact figure in words where it is not told: for the node's own people, before the approval."""

    words: str
    told: str
    inside: str | None = None


@dataclass(frozen=True)
class ReportLine:
    """``cells`` by column, None where it is not counted so. ``trend`` has the baseline, the half-year before, and the
    change since the baseline, as far as there are such half-years."""

    name: str
    definition: Definition
    cells: tuple[ReportCell | None, ...]
    trend: tuple[str, ...]


@dataclass(frozen=True)
class ReportLines:
    """``columns`` are the jurisdictions, this one first; a last one, of sums, goes without saying. Gaps, and what is
    held of them, have no column for this one. ``past`` are the half-years of the trend."""

    columns: tuple[str, ...]
    past: tuple[str, ...]
    goals: tuple[tuple[str, tuple[ReportLine, ...]], ...]
    stages: tuple[ReportLine, ...]
    gaps: tuple[ReportLine, ...]
    held: tuple[ReportLine, ...]


def lines_of(
    document: Document,
    inside: Mapping[str, Counts] | None = None,
    hours_inside: Mapping[str, Sequence[float]] | None = None,
) -> ReportLines:
    """``inside`` and ``hours_inside``: the exact counts behind a draft, those of the gap among them, and how long each
    span took."""
    columns = (document.jurisdiction, *document.partners)
    counts = {
        name: ReportLine(name, COUNTS[name], _cells(row, columns, (inside or {}).get(name, {})), _trend(document, name))
        for name, row in document.counts.items()
    }
    rate = tuple(_told(document.rate.cells.get(column), "share") for column in columns)
    counts["feedback_rate"] = ReportLine(
        "feedback_rate",
        FEEDBACK_RATE,
        (*rate, _told(document.rate.total, "share")),
        _trend(document, "feedback_rate"),
    )
    stages = tuple(
        ReportLine(
            name,
            STAGES[name],
            tuple(
                _told(figure, "hours", inner)
                for figure, inner in zip(
                    document.stages[name], middle_and_most((hours_inside or {}).get(name, ())), strict=True
                )
            ),
            _trend(document, f"{name}_median_h"),
        )
        for name in document.stages
    )
    gaps = tuple(
        ReportLine(name, GAPS[name], _cells(row, document.partners, (inside or {}).get(name, {})), ())
        for name, row in document.gaps.items()
    )
    held = tuple(
        ReportLine(name, HELD[name], _cells(row, document.partners, (inside or {}).get(name, {})), ())
        for name, row in document.held.items()
    )
    goals = tuple(
        (title, tuple(line for line in counts.values() if line.definition.goal == goal))
        for goal, title in GOALS.items()
    )
    return ReportLines(columns, tuple(item.period for item in _past(document)), goals, stages, gaps, held)


def _past(document: Document) -> list[Earlier]:
    """The baseline and the half-year before, which may be the same."""
    return list(document.earlier[:1] + document.earlier[1:][-1:])


def _trend(document: Document, name: str) -> tuple[str, ...]:
    unit = unit_of(name)
    before = [item.figures.get(name) for item in _past(document)]
    if not before:
        return ()
    moved = "–" if before[0] is None else change(document.trend.get(name, NO_DATA), before[0], unit)
    return (*("–" if figure is None else words(figure, unit) for figure in before), moved)


def _cells(row: Row, columns: tuple[str, ...], inside: Counts) -> tuple[ReportCell | None, ...]:
    known = [count for count in inside.values() if count is not None]
    counts = [inside.get(column) for column in columns]
    figures = [row.cells.get(column, RESTRICTED if column in inside else None) for column in columns]
    told = [_told(figure, "count", _exactly(count)) for figure, count in zip(figures, counts, strict=True)]
    return (*told, _told(row.total, "count", _exactly(sum(known) if known else None)))


def _exactly(count: int | None) -> Figure:
    return NO_DATA if count is None else exact(count)


def _told(figure: Figure | None, unit: str, inside: Figure = NO_DATA) -> ReportCell | None:
    if figure is None:
        return None
    is_inside = figure.told is not Told.EXACT and inside.told is Told.EXACT
    return ReportCell(words(figure, unit), figure.told, words(inside, unit) if is_inside else None)
