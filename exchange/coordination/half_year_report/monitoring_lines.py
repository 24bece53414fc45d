"""The lines of a monitoring report, each figure beside its definition and what it was before: for page and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.coordination.half_year.figure_counts import Counts
from exchange.coordination.half_year.figure_definitions import COUNTS, GAPS, GOALS, HELD, STAGES, Definition
from exchange.coordination.half_year.figure_words import change, unit_of, words
from exchange.coordination.half_year.half_year_document import Document, Earlier
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told, exact, middle_and_most


@dataclass(frozen=True)
class ReportLine:
    """``cells`` by column, empty where it is not counted so. ``trend`` has the baseline, the half-year before, and the
    change since the baseline, as far as there are such half-years."""

    name: str
    definition: Definition
    cells: tuple[str, ...]
    trend: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportLines:
    """What the public edition has. ``past`` are the half-years of the trend."""

    past: tuple[str, ...]
    entered: ReportLine
    stages: tuple[ReportLine, ...]


@dataclass(frozen=True)
class ExactLines:
    """What the restricted edition alone has, for the node's own people before the approval. ``columns`` are the
    jurisdictions, this one first; a last one, of sums, goes without saying. Gaps, and what is held of them, have no
    column for this one."""

    columns: tuple[str, ...]
    goals: tuple[tuple[str, tuple[ReportLine, ...]], ...]
    stages: tuple[ReportLine, ...]
    gaps: tuple[ReportLine, ...]
    held: tuple[ReportLine, ...]


def lines_of(
    document: Document,
    counts: Mapping[str, Counts] | None = None,
    hours: Mapping[str, Sequence[float]] | None = None,
) -> ReportLines:
    """``counts`` and ``hours``: the exact figures behind a draft."""
    inside = (counts or {}).get(ENTERED, {}).get(document.jurisdiction)
    entered = _cell(document.entered, "count", NO_DATA if inside is None else exact(inside))
    stages = tuple(
        ReportLine(
            name,
            STAGES[name],
            tuple(
                _cell(figure, "hours", inner)
                for figure, inner in zip(figures, middle_and_most((hours or {}).get(name, ())), strict=True)
            ),
            _trend(document, f"{name}_median_h"),
        )
        for name, figures in document.stages.items()
    )
    line = ReportLine(ENTERED, COUNTS[ENTERED], (entered,), _trend(document, ENTERED))
    return ReportLines(tuple(item.period for item in _past(document)), line, stages)


def exact_lines(document: Document, counts: Mapping[str, Counts], hours: Mapping[str, Sequence[float]]) -> ExactLines:
    columns = (document.jurisdiction, *document.partners)

    def of(names: Mapping[str, Definition], columns: Sequence[str]) -> tuple[ReportLine, ...]:
        return tuple(
            ReportLine(name, definition, _cells(counts.get(name, {}), columns))
            for name, definition in names.items()
            if name != ENTERED
        )

    every = of(COUNTS, columns)
    goals = tuple(
        (title, tuple(line for line in every if line.definition.goal == goal)) for goal, title in GOALS.items()
    )
    stages = tuple(
        ReportLine(name, definition, tuple(_cell(figure, "hours") for figure in middle_and_most(hours.get(name, ()))))
        for name, definition in STAGES.items()
        if name not in document.stages
    )
    return ExactLines(columns, goals, stages, of(GAPS, document.partners), of(HELD, document.partners))


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


def _cells(counts: Counts, columns: Sequence[str]) -> tuple[str, ...]:
    known = [count for count in counts.values() if count is not None]
    cells = [_count(counts[column]) if column in counts else "" for column in columns]
    return (*cells, _count(sum(known) if known else None))


def _count(count: int | None) -> str:
    return _cell(NO_DATA if count is None else exact(count), "count")


def _cell(figure: Figure, unit: str, inside: Figure = NO_DATA) -> str:
    """The published figure. If it is not exact and ``inside`` is, the exact one follows in brackets."""
    said = words(figure, unit)
    is_inside = figure.told is not Told.EXACT and inside.told is Told.EXACT
    return f"{said} ({words(inside, unit)})" if is_inside else said
