"""What the public edition of a half-year tells, so that no small count follows from all that is published.

Published together are the editions of all nodes, of all half-years and years, and the region's: whoever reads them
knows what follows from the definitions, too. Each node tells what it tells by a rule that is safe beside all of that
(docs/adr/0035-two-editions.md has the proof, tests/exchange/flows/region/test_suppression_attacked.py the attack):

- A **free** count is bounded by nothing that is told: 0 and what reaches the bound is told exactly, from 1 to below it
  only that it lies there.
- A **part** of a free count, such as the confirmed hits of the leads, is told exactly where it reaches the bound, where
  what is told of the whole allows it without being narrowed, and where enough of the whole is left over for every other
  hidden part. Otherwise it is told from 0 to what is left. So a small part and one that would tell too much read alike.
- What both sides of a pair tell otherwise, or what is the rest of something that is told, stands in the **restricted**
  edition alone.

Nothing is added to a sum but what is told of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.monitoring.counts import Counted, Counts
from exchange.flows.monitoring.definitions import COUNTS, GAPS, HELD, STAGES
from exchange.flows.monitoring.small_counts import (
    HELD_BACK,
    NO_DATA,
    RESTRICTED,
    Figure,
    Row,
    Told,
    exact,
    middle_and_most,
    told_row,
    told_sum,
)

FREE_COUNTS: Final = (
    "exhibits_entered",
    "queries_asked",
    "queries_received",
    "leads",
    "hits_retracted",
    "releases_approved",
    "releases_refused",
)
PART_OF: Final = {
    "exhibits_searched": "exhibits_entered",
    "exhibits_shared": "exhibits_entered",
    "confirmed_hits": "leads",
}
"""Each part with its whole: since the first half-year, never more than the whole. Where the whole is counted for the
jurisdiction alone, each partner's part is one of its own."""
TIMES: Final = {
    "search": ("exhibits_searched",),
    "first_review": ("exhibits_searched",),
    "confirmation": ("confirmed_hits",),
    "decision": ("releases_approved", "releases_refused"),
    "answer_received": ("queries_asked",),
}
"""The stages whose times the public edition tells, each with what is told of how many there can be."""
BY_NUMBER: Final = ("search", "confirmation", "decision")
"""Of these there are as many spans as those counts say: whether a time is told follows from them alone."""


@dataclass(frozen=True)
class ToldBefore:
    """What the public edition of an earlier half-year told: its rows, and of which stages the times."""

    counts: Mapping[str, Row]
    times: frozenset[str]


@dataclass(frozen=True)
class PublicFigures:
    counts: Mapping[str, Row]
    rate: Row
    stages: Mapping[str, tuple[Figure, Figure]]
    gaps: Mapping[str, Row]
    held: Mapping[str, Row]


def public_figures(
    counted: Counted, gaps: Mapping[str, Counts], smallest: int, earlier: Sequence[ToldBefore]
) -> PublicFigures:
    """``earlier``: the half-years that were approved before, the first first. What is told follows from the counts by
    the rules above, and from nothing else."""
    counts: dict[str, Row] = {name: told_row(counted.counts[name], smallest) for name in FREE_COUNTS}
    for name, whole in PART_OF.items():
        counts[name] = _part_row(name, whole, counted, counts, smallest, earlier)
    ordered = {name: counts.get(name) or _restricted(counted.counts[name]) for name in COUNTS}
    return PublicFigures(
        counts=ordered,
        rate=_rate(counted, ordered, smallest, earlier),
        stages={name: _times(name, counted, ordered, smallest, earlier) for name in STAGES},
        gaps=_gap_rows(gaps, ordered["exhibits_entered"], smallest),
        held=dict.fromkeys(HELD, RESTRICTED_ROW),
    )


RESTRICTED_ROW: Final = Row({}, RESTRICTED)


def _restricted(counts: Counts) -> Row:
    return Row(dict.fromkeys(counts, RESTRICTED), RESTRICTED)


def _part_row(
    name: str,
    whole: str,
    counted: Counted,
    told: Mapping[str, Row],
    smallest: int,
    earlier: Sequence[ToldBefore],
) -> Row:
    cells = {}
    for column, count in counted.counts[name].items():
        wholes = [_whole_cell(before.counts.get(whole), column) for before in earlier]
        wholes.append(_whole_cell(told[whole], column))
        parts = [_cell(before.counts.get(name), column) for before in earlier]
        cells[column] = told_part(count, wholes, parts, smallest)
    return Row(cells, told_sum(list(cells.values())))


def _whole_cell(row: Row | None, column: str) -> Figure:
    """Of a whole that is counted for the jurisdiction alone, that one cell."""
    if row is None:
        return NO_DATA
    if column not in row.cells and len(row.cells) == 1:
        return next(iter(row.cells.values()))
    return row.cells.get(column, exact(0))


def _cell(row: Row | None, column: str) -> Figure:
    return exact(0) if row is None else row.cells.get(column, exact(0))


def told_part(count: int | None, wholes: Sequence[Figure], before: Sequence[Figure], smallest: int) -> Figure:
    """``wholes``: what is told of the whole, of each half-year up to this one; ``before``: of the part, up to the one
    before.

    Exactly where the count reaches the bound; where, with the exact ones before it, it needs no more of the whole than
    its least value; and where of its greatest at least so many are left that a hidden part can be any small count, or
    none is left and no part is hidden. Else from 0 to what is left.
    """
    if count is None or any(figure.told is Told.NO_DATA for figure in wholes[-1:]):
        return NO_DATA
    low, high = (sum(int(getattr(figure, end) or 0) for figure in wholes) for end in ("low", "high"))
    known = [figure for figure in before if figure.told is Told.EXACT]
    taken = sum(int(figure.low or 0) for figure in known)
    left = high - taken
    if left == 0 and count == 0:
        return exact(0)
    rest, hidden = left - count, len(known) < len(before)
    if count >= smallest and taken + count <= low and (rest >= smallest - 1 or (rest == 0 and not hidden)):
        return exact(count)
    return Figure(Told.BETWEEN, 0, left) if count <= left else HELD_BACK


def _times(
    name: str, counted: Counted, told: Mapping[str, Row], smallest: int, earlier: Sequence[ToldBefore]
) -> tuple[Figure, Figure]:
    """Held back as well where nothing ended in the half-year: that is a small number, too."""
    if name not in TIMES:
        return RESTRICTED, RESTRICTED
    totals = [told[count].total for count in TIMES[name]]
    if any(total.told is Told.NO_DATA for total in totals):
        return NO_DATA, NO_DATA
    hours = counted.hours[name]
    if name in BY_NUMBER:
        return _as_counted(hours, totals, smallest)
    rows = [*(before.counts for before in earlier), told]
    wholes = {PART_OF.get(count, count) for count in TIMES[name]}
    least, most, most_of_all = (
        sum(_end(row, counts, end) for row in rows)
        for counts, end in ((TIMES[name], "low"), (TIMES[name], "high"), (wholes, "high"))
    )
    taken = smallest * sum(name in before.times for before in earlier)
    left = min(most, most_of_all) - taken
    if left <= 0:
        return NO_DATA, NO_DATA
    rest, hidden = left - smallest, any(name not in before.times for before in earlier)
    fits = taken + smallest <= least and (rest >= smallest - 1 or (rest == 0 and not hidden))
    return middle_and_most(hours) if fits and len(hours) >= smallest else (HELD_BACK, HELD_BACK)


def _as_counted(hours: Sequence[float], totals: Sequence[Figure], smallest: int) -> tuple[Figure, Figure]:
    """Of as many spans as these counts say: their sum tells whether there are none, or enough."""
    known = all(total.told in (Told.EXACT, Told.BETWEEN) for total in totals)
    if known and not sum(total.high or 0 for total in totals):
        return NO_DATA, NO_DATA
    sure = sum(total.low or 0 for total in totals)
    return middle_and_most(hours) if min(len(hours), sure) >= smallest else (HELD_BACK, HELD_BACK)


def _end(told: Mapping[str, Row], counts: Iterable[str], end: str) -> int:
    """The least or the greatest sum that is told of these counts."""
    return sum(int(getattr(told[count].total, end) or 0) for count in counts if count in told)


def _rate(counted: Counted, told: Mapping[str, Row], smallest: int, earlier: Sequence[ToldBefore]) -> Row:
    """Of all partners together, where enough was given, enough is missing, and no pair of jurisdictions had more
    feedback due than what is told of its leads has at least."""
    given, missing = counted.counts["feedback_given"], counted.counts["feedback_missing"]
    cells = dict.fromkeys(given, RESTRICTED)
    if None in given.values() or None in missing.values() or not given:
        return Row(cells, NO_DATA)
    enough = all(_least_leads(column, told, earlier) >= counted.feedback_due.get(column, 0) for column in given)
    were, were_not = (sum(count or 0 for count in counts.values()) for counts in (given, missing))
    if min(were, were_not) < smallest or not enough:
        return Row(cells, HELD_BACK)
    return Row(cells, exact(round(were / (were + were_not), 3)))


def _least_leads(column: str, told: Mapping[str, Row], earlier: Sequence[ToldBefore]) -> int:
    rows = [*(before.counts.get("leads") for before in earlier), told["leads"]]
    return sum(int(row.cells[column].low or 0) for row in rows if row is not None and column in row.cells)


def _gap_rows(gaps: Mapping[str, Counts], entered: Row, smallest: int) -> dict[str, Row]:
    """Of one partner the reasons share the exhibits of the half-year: told exactly, in the order of the reasons, as
    long as enough of them are left that each other reason can have any small count. Nothing where the exhibits are
    few."""
    of_all = entered.total
    columns = list(dict.fromkeys(column for counts in gaps.values() for column in counts))
    cells: dict[str, dict[str, Figure]] = {name: {} for name in GAPS}
    for column in columns:
        counts = {name: gaps[name].get(column) for name in GAPS}
        told: dict[str, Figure] = {}
        left = int(of_all.high or 0)
        for name, count in counts.items():
            sure = of_all.told is Told.EXACT and count is not None
            if sure and count is not None and count >= smallest and left - count >= smallest - 1:
                told[name] = exact(count)
                left -= count
        for name, count in counts.items():
            if count is None or of_all.told is Told.NO_DATA:
                cells[name][column] = NO_DATA
            elif name in told:
                cells[name][column] = told[name]
            elif left == 0:
                cells[name][column] = exact(0)
            else:
                cells[name][column] = Figure(Told.BETWEEN, 0, left) if count <= left else HELD_BACK
    return {name: Row(found, told_sum(list(found.values()))) for name, found in cells.items()}
