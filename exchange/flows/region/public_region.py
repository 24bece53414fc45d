"""The region's public figures: what follows from the public editions of the nodes, and nothing else, so that they tell
nothing that those do not. Only times and the feedback rate are worked out of the exact editions, where what is told of
the counts behind them says that there are enough (docs/adr/0035-two-editions.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from exchange.flows.monitoring.definitions import STAGES
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.half_years import Year
from exchange.flows.monitoring.public_edition import TIMES
from exchange.flows.monitoring.small_counts import (
    HELD_BACK,
    NO_DATA,
    RESTRICTED,
    Figure,
    Row,
    Told,
    exact,
    middle_and_most,
    sum_of_those_who_tell,
    told_no_finer,
    told_no_finer_of_two,
    told_sum,
)
from exchange.flows.monitoring.years import pooled_times
from exchange.flows.region.kinds import (
    FIRST_SIGNED,
    LINKED,
    OF_ONE,
    REGIONAL_FIGURES,
    SHARED,
    columns_of,
    sides_key,
    towards,
)
from exchange.flows.region.regional import RegionalRow, RegionalStage, SideDifference

BY_HITS: Final = {"dissemination": "across", "confirmation": "total"}
"""Of each lead across a border at least one hit was signed, and each confirmed hit was a lead before: so many spans
there are at least."""
BEHIND: Final = {"dissemination": "leads", "confirmation": "confirmed_hits"}


def public_rows(documents: Sequence[Document]) -> tuple[tuple[RegionalRow, ...], tuple[SideDifference, ...]]:
    rows, differences = [], []
    for name in REGIONAL_FIGURES:
        row, found = _row(name, documents)
        rows.append(row)
        differences += found
    return tuple(rows), tuple(differences)


def public_stages(
    documents: Sequence[Document], rows: Sequence[RegionalRow], hours: Mapping[str, Sequence[float]] | None, least: int
) -> tuple[RegionalStage, ...]:
    """``hours``: of all nodes together; None where not each of them told them."""
    return tuple(_stage(name, documents, rows, hours, least) for name in STAGES)


def public_rate(documents: Sequence[Document], feedback: Mapping[str, tuple[int, int]] | None) -> RegionalRow:
    """Of all together that have data, where each of these tells its own. ``feedback``: by jurisdiction, how often it
    was given, and how often it is missing; None where not each node told it."""
    cells = {document.jurisdiction: document.rate.total for document in documents}
    without = tuple(code for code, figure in cells.items() if figure.told is Told.NO_DATA)
    told = [code for code in cells if code not in without]
    total = HELD_BACK if told else NO_DATA
    if told and feedback is not None and all(cells[code].told is Told.EXACT for code in told):
        total = rate_of([feedback[code] for code in told])
    return RegionalRow("feedback_rate", cells, total, without=without)


def rate_of(feedback: Iterable[tuple[int, int]]) -> Figure:
    """Of several sides together: each with how often it gave it, and how often it is missing."""
    given, missing = (sum(counts) for counts in zip((0, 0), *feedback, strict=True))
    return exact(round(given / (given + missing), 3)) if given + missing else NO_DATA


def of_one_bound(documents: Sequence[Document]) -> list[Document]:
    """As if each node held back what the one that holds back most does. Where two sides tell the same figure, the one
    with the lower bound would tell what the other one hides (docs/adr/0047-one-bound-of-small-counts.md). A year is
    told no finer than the sum of its half-years of one bound: less the one, it does not tell the other."""
    widest = max((document.smallest for document in documents), default=0)
    return [document if document.smallest == widest else _held_to(document, widest) for document in documents]


def _held_to(document: Document, smallest: int) -> Document:
    no_finer = told_no_finer_of_two if isinstance(document.period, Year) else told_no_finer

    def held(rows: Mapping[str, Row]) -> dict[str, Row]:
        found = {}
        for name, row in rows.items():
            cells = {column: no_finer(figure, smallest) for column, figure in row.cells.items()}
            found[name] = Row(cells, told_sum(list(cells.values())) if cells else row.total)
        return found

    return replace(
        document,
        smallest=smallest,
        counts=held(document.counts),
        gaps=held(document.gaps),
        held=held(document.held),
    )


def both_sides(one: Figure | None, other: Figure | None) -> tuple[Figure, bool]:
    """What two sides tell of the same figure, together; and whether they contradict each other. Where they do, from the
    lesser number to the sum of both: nobody knows how much of it is the same."""
    told = [figure for figure in (one, other) if figure is not None and figure.told is not Told.NO_DATA]
    if not told:
        return NO_DATA, False
    if len(told) == 1 or told[0] == told[1]:
        return told[0], False
    for silent in (RESTRICTED, HELD_BACK):
        if silent in told:
            return next(figure for figure in told if figure != silent), False
    low, high = max(figure.low or 0 for figure in told), min(figure.high or 0 for figure in told)
    if low > high:
        return Figure(Told.BETWEEN, min(f.low or 0 for f in told), sum(f.high or 0 for f in told)), True
    return exact(low) if low == high else Figure(Told.BETWEEN, low, high), False


def _row(name: str, documents: Sequence[Document]) -> tuple[RegionalRow, list[SideDifference]]:
    if name == FIRST_SIGNED:
        return RegionalRow(name, {document.jurisdiction: RESTRICTED for document in documents}, RESTRICTED), []
    if name in (*LINKED, *SHARED):
        return _of_both(name, documents)
    if name in OF_ONE:
        cells = {document.jurisdiction: _own(_told(document, name), document.jurisdiction) for document in documents}
        return summed_row(name, cells, _without(name, documents)), []
    cells = {
        towards(document.jurisdiction, column) if column != document.jurisdiction else column: figure
        for document in documents
        for column, figure in _told(document, name).cells.items()
    }
    if not cells:
        return RegionalRow(name, {}, told_sum([_told(document, name).total for document in documents])), []
    return summed_row(name, cells, _without(name, documents)), []


def summed_row(name: str, cells: Mapping[str, Figure], without: tuple[str, ...]) -> RegionalRow:
    """With the sums of what those tell that have data: of hits also across borders alone."""
    across = [figure for key, figure in cells.items() if "-" in key]
    return RegionalRow(
        name,
        cells,
        sum_of_those_who_tell(list(cells.values())),
        (sum_of_those_who_tell(across) if across else exact(0)) if name in (*LINKED, *SHARED) else None,
        without,
    )


def _without(name: str, documents: Sequence[Document]) -> tuple[str, ...]:
    return tuple(document.jurisdiction for document in documents if _lacks(name, document))


def _lacks(name: str, document: Document) -> bool:
    """Whether it has no data of the figure. A cell that it leaves out is none, so that nobody leaves a sum unnamed."""
    row = _told(document, name)
    if row.total == RESTRICTED and not row.cells:
        return False
    columns = columns_of(name, document.jurisdiction, document.partners)
    return NO_DATA in (row.total, *row.cells.values()) or not set(columns) <= set(row.cells)


def _of_both(name: str, documents: Sequence[Document]) -> tuple[RegionalRow, list[SideDifference]]:
    by_code = {document.jurisdiction: document for document in documents}
    cells = {code: _told(document, name).cells.get(code, NO_DATA) for code, document in by_code.items()}
    codes = sorted({*by_code, *(partner for document in documents for partner in document.partners)})
    differences = []
    for one, other in combinations(codes, 2):
        sides = {
            own: _told(by_code[own], name).cells[partner]
            for own, partner in ((one, other), (other, one))
            if own in by_code and partner in _told(by_code[own], name).cells
        }
        if not sides:
            continue
        figure, differs = both_sides(*(sides.get(code) for code in (one, other)))
        cells[sides_key(one, other)] = figure
        if differs:
            differences.append(SideDifference(name, str(documents[0].period), sides))
    return summed_row(name, cells, _without(name, documents)), differences


def _own(row: Row, code: str) -> Figure:
    return row.cells.get(code, NO_DATA) if row.cells else row.total


def _told(document: Document, name: str) -> Row:
    return {**document.counts, **document.gaps, **document.held}[name]


def _stage(
    name: str,
    documents: Sequence[Document],
    rows: Sequence[RegionalRow],
    hours: Mapping[str, Sequence[float]] | None,
    least: int,
) -> RegionalStage:
    if name in BY_HITS:
        row = next(row for row in rows if row.id == BEHIND[name])
        sure = row.across if BY_HITS[name] == "across" else row.total
        spans = [] if hours is None else hours[name]
        enough = sure is not None and (sure.low or 0) >= least and len(spans) >= least
        return RegionalStage(name, *(middle_and_most(spans) if enough else (HELD_BACK, HELD_BACK)))
    if name not in TIMES:
        return RegionalStage(name, RESTRICTED, RESTRICTED)
    told = [document.stages[name][0] for document in documents]
    told = [figure for figure in told if figure.told is not Told.NO_DATA] or [NO_DATA]
    if hours is None:
        return RegionalStage(name, HELD_BACK, HELD_BACK)
    return RegionalStage(name, *pooled_times(told, hours[name]))
