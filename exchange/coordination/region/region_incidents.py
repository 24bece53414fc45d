"""The region's incidents: the sum of the annexes that came with the nodes' reports.

The public edition is made of what the public annexes tell, and of nothing else, so that it tells nothing that they do
not (docs/adr/0012-two-editions-and-small-counts.md). The rule by which an annex holds back is not applied anew to the
sums: with one annex beside it a sum that is large enough to be told would tell the small count of the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact, told_sum
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.incident_vocabulary import IncidentCell, IncidentCounts, PersonCell
from exchange.coordination.incidents.told_incidents import (
    TABLES,
    TOTALS,
    CellPlace,
    ToldTable,
    cell_places,
    exact_table,
    exact_totals,
)
from exchange.coordination.region_files.bound_annex import VerifiedAnnex


@dataclass(frozen=True)
class CountedAnnex:
    """An annex that is in it: whose, of which half-year, the SHA-256 of its manifest, the id of its approval."""

    jurisdiction: str
    half: str
    sha256: str
    approval: str


@dataclass(frozen=True)
class RegionalIncidents:
    """``totals``: of all together; ``by_jurisdiction``: of each. ``tables``: of all together. ``lacking``: of which
    jurisdiction and half-year there is no annex, so that nothing of these is counted."""

    annexes: tuple[CountedAnnex, ...]
    lacking: tuple[tuple[str, str], ...]
    totals: Mapping[str, Figure]
    by_jurisdiction: Mapping[str, Mapping[str, Figure]]
    tables: Mapping[str, ToldTable]
    smallest: int


def public_incidents(annexes: Mapping[str, Sequence[VerifiedAnnex]], period: Period) -> RegionalIncidents | None:
    """``annexes``: by the jurisdictions whose reports are combined. None where there is no annex at all."""
    told = {code: [annex.told for annex in found] for code, found in annexes.items()}
    every = [annex for found in told.values() for annex in found]
    if not every:
        return None
    by_jurisdiction = {
        name: {code: told_sum([annex.totals[name] for annex in found]) for code, found in told.items() if found}
        for name in TOTALS
    }
    return RegionalIncidents(
        annexes=_counted(annexes),
        lacking=_lacking(annexes, period),
        totals={name: told_sum(list(cells.values())) for name, cells in by_jurisdiction.items()},
        by_jurisdiction=by_jurisdiction,
        tables={name: _joined(name, every) for name in TABLES},
        smallest=max(annex.head.smallest for annex in every),
    )


def exact_incidents(annexes: Mapping[str, Sequence[VerifiedAnnex]], period: Period) -> RegionalIncidents | None:
    """Of the annexes that brought their exact edition; the others are lacking."""
    known = {code: [annex for annex in found if annex.exact is not None] for code, found in annexes.items()}
    counts = {code: _sum(found) for code, found in known.items() if found}
    if not counts:
        return None
    every = [annex for found in known.values() for annex in found]
    totals = {code: exact_totals(own) for code, own in counts.items()}
    of_all = _sum(every)
    return RegionalIncidents(
        annexes=_counted(known),
        lacking=_lacking(known, period),
        totals={name: exact(count) for name, count in exact_totals(of_all).items()},
        by_jurisdiction={name: {code: exact(own[name]) for code, own in totals.items()} for name in TOTALS},
        tables={
            name: ToldTable(kind, {place: exact(count) for place, count in exact_table(of_all, kind).items()})
            for name, kind in TABLES.items()
        },
        smallest=max(annex.told.head.smallest for annex in every),
    )


def _counted(annexes: Mapping[str, Sequence[VerifiedAnnex]]) -> tuple[CountedAnnex, ...]:
    return tuple(
        CountedAnnex(code, str(annex.half), annex.sha256, annex.approval)
        for code, found in annexes.items()
        for annex in found
    )


def _lacking(annexes: Mapping[str, Sequence[VerifiedAnnex]], period: Period) -> tuple[tuple[str, str], ...]:
    there = {(code, annex.half) for code, found in annexes.items() for annex in found}
    return tuple((code, str(half)) for half in period.halves for code in annexes if (code, half) not in there)


def _joined(name: str, every: Sequence[ToldAnnex]) -> ToldTable:
    """Each cell as the sum of what the annexes tell of it. Where one does not tell the table, each of its cells is
    anything up to its total, which is told. Where none tells it, nothing is."""
    kind = TABLES[name]
    if not any(annex.tables[name].is_told for annex in every):
        return ToldTable(kind, dict.fromkeys(cell_places(kind), HELD_BACK))
    cells = {place: told_sum([_bounded(annex, name, place) for annex in every]) for place in cell_places(kind)}
    return ToldTable(kind, cells)


def _bounded(annex: ToldAnnex, name: str, place: CellPlace) -> Figure:
    table = annex.tables[name]
    figure = table.cells[place]
    if figure.told is not Told.HELD_BACK:
        return figure
    most = annex.totals[table.kind.of].high or 0
    return Figure(Told.BETWEEN, 0, most) if most else exact(0)


def _sum(annexes: Sequence[VerifiedAnnex]) -> IncidentCounts:
    persons, incidents = Counter[PersonCell](), Counter[IncidentCell]()
    for annex in annexes:
        if annex.exact is not None:
            persons.update(annex.exact.counts.persons)
            incidents.update(annex.exact.counts.incidents)
    return IncidentCounts(dict(persons), dict(incidents))
