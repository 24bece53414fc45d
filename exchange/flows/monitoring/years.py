"""A year's report: the sum of what its half-years tell, and of what they say exactly. Nothing is counted anew, so a
year beside its half-years tells nothing that they do not."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.flows.monitoring.definitions import AT_THE_END, STAGES
from exchange.flows.monitoring.document import Document, Earlier, NodeShare
from exchange.flows.monitoring.half_years import Year
from exchange.flows.monitoring.restricted_edition import RestrictedHalf
from exchange.flows.monitoring.small_counts import (
    HELD_BACK,
    NO_DATA,
    RESTRICTED,
    Figure,
    Row,
    Told,
    exact,
    middle_and_most,
    told_sum,
)


def year_document(
    year: Year, halves: Sequence[Document], exact_halves: Sequence[RestrictedHalf], trend: Sequence[Earlier]
) -> Document:
    """The public edition. ``halves``: those of the year that are approved, the first first, with their exact counts."""
    last = halves[-1]
    return Document(
        period=year,
        counted_to=last.counted_to,
        begun=halves[0].begun,
        node_id=last.node_id,
        jurisdiction=last.jurisdiction,
        partners=last.partners,
        smallest=min(half.smallest for half in halves),
        terms_h=last.terms_h,
        counts={
            name: last.counts[name] if name in AT_THE_END else row_sum([half.counts[name] for half in halves])
            for name in last.counts
        },
        rate=Row(last.rate.cells, _rate(halves, exact_halves)),
        stages={name: _times(name, halves, exact_halves) for name in STAGES},
        gaps={name: row_sum([half.gaps[name] for half in halves]) for name in last.gaps},
        held={name: row_sum([half.held[name] for half in halves]) for name in last.held},
        bases=last.bases,
        nodes=_nodes(exact_halves),
        earlier=tuple(trend),
    )


def row_sum(rows: Sequence[Row]) -> Row:
    """Each cell of what the half-years tell of it; a partner that came later had nothing before."""
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    cells = {column: told_sum([row.cells[column] for row in rows if column in row.cells]) for column in columns}
    return Row(cells, told_sum([row.total for row in rows]))


def pooled_times(told: Sequence[Figure], hours: Sequence[float]) -> tuple[Figure, Figure]:
    """The median and the 90th percentile of several reports' hours together, where each of them tells its own."""
    if RESTRICTED in told:
        return RESTRICTED, RESTRICTED
    if not all(figure.told is Told.EXACT for figure in told):
        return (NO_DATA, NO_DATA) if all(figure == NO_DATA for figure in told) else (HELD_BACK, HELD_BACK)
    return middle_and_most(hours)


def feedback_of(halves: Sequence[RestrictedHalf]) -> tuple[int, int] | None:
    """How often one node gave it, and how often it is missing; None where it has no data of either: of a partner that
    either leaves out, it has none."""
    cells = [[half.counts_of(name) for half in halves] for name in ("feedback_given", "feedback_missing")]
    for found in cells:
        for half, counts in zip(halves, found, strict=True):
            if None in counts.values() or not set(half.partners) <= set(counts):
                return None
    given, missing = (sum(count or 0 for counts in found for count in counts.values()) for found in cells)
    return given, missing


def _times(name: str, halves: Sequence[Document], exact_halves: Sequence[RestrictedHalf]) -> tuple[Figure, Figure]:
    hours = [span for half in exact_halves for span in half.hours_of(name)]
    return pooled_times([half.stages[name][0] for half in halves], hours)


def _rate(halves: Sequence[Document], exact_halves: Sequence[RestrictedHalf]) -> Figure:
    """Who has no data of one half-year has none of the year."""
    told = [half.rate.total for half in halves]
    if NO_DATA in told:
        return NO_DATA
    if not all(figure.told is Told.EXACT for figure in told):
        return HELD_BACK
    found = feedback_of(exact_halves)
    return NO_DATA if found is None else exact(round(found[0] / sum(found), 3))


def _nodes(halves: Sequence[RestrictedHalf]) -> tuple[NodeShare, ...]:
    found: dict[str, tuple[str, int, int]] = {}
    for half in halves:
        for item in half.availability:
            _, asked, answered = found.get(item.node, ("", 0, 0))
            found[item.node] = item.jurisdiction, asked + item.asked, answered + item.answered
    own = halves[-1].node
    ordered = sorted(found.items(), key=lambda item: (item[0] != own, item[1][0], item[0]))
    return tuple(
        NodeShare(jurisdiction, name, exact(round(min(answered / asked, 1), 4)) if asked else NO_DATA)
        for name, (jurisdiction, asked, answered) in ordered
    )
