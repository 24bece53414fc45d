"""What may be told of a half-year's incidents: totals, and tables of one or two properties, each with its largest cells
as a range where it holds small counts.

A table of several properties has sums that tell what is held back, so the rule for one count at a time is not
enough here. Two things make it enough (decision 12):

- **Tables of the same people or incidents have no property in common.** Then all that one says of another is its
  total, and the total is told anyway.
- **A table that holds a count from 1 to below** ``smallest`` **also holds back its largest cells**: as many as it takes
  that they can make up for any other value of a small count. They are told as the range that follows from the total and
  from what is told of the other cells.

Where too few cells are large, the table is not told at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact, told_count
from exchange.coordination.incidents.incident_vocabulary import (
    DIMENSIONS,
    POSSESSION,
    HarmOutcome,
    IncidentCounts,
    Offence,
    PersonRole,
)

CellPlace = tuple[str, ...]
"""A cell of a table: a value for each of its properties."""


@dataclass(frozen=True)
class TableKind:
    """``of`` is the total that the table divides."""

    of: str
    properties: tuple[str, ...]


ROLE_TOTALS: Final = {
    "victims": PersonRole.VICTIM,
    "perpetrators": PersonRole.PERPETRATOR,
    "persons_of_unknown_role": PersonRole.UNKNOWN,
}
TOTALS: Final = ("use", "possession", *ROLE_TOTALS)
"""What is counted in all: incidents in which a weapon was used, those in which one was had, and persons by role."""
USE_BY_OUTCOME: Final = "use_by_outcome_and_weapon"
USE_BY_OFFENCE: Final = "use_by_offence"
TABLES: Final[Mapping[str, TableKind]] = {
    USE_BY_OUTCOME: TableKind("use", ("outcome", "weapon")),
    USE_BY_OFFENCE: TableKind("use", ("offence",)),
    "possession_by_offence_and_weapon": TableKind("possession", ("offence", "weapon")),
    "victims_by_sex_and_age": TableKind("victims", ("sex", "age")),
    "victims_by_offence": TableKind("victims", ("offence",)),
    "perpetrators_by_sex_and_age": TableKind("perpetrators", ("sex", "age")),
    "perpetrators_by_offence": TableKind("perpetrators", ("offence",)),
}
"""Tables of one total have no property in common. Persons by their outcome are left out: an incident in which somebody
was killed has one who was, so that table and the one of incidents by outcome would tell of each other."""


@dataclass(frozen=True)
class ToldTable:
    """Each cell of the table, also those that count nothing."""

    kind: TableKind
    cells: Mapping[CellPlace, Figure]

    @property
    def is_told(self) -> bool:
        return any(figure.told is not Told.HELD_BACK for figure in self.cells.values())

    def sums(self, position: int) -> dict[str, Figure]:
        """By one of its properties, as the range that follows from what is told of the cells."""
        found: dict[str, list[Figure]] = {}
        for place, figure in self.cells.items():
            found.setdefault(place[position], []).append(figure)
        return {value: _sum(figures) for value, figures in found.items()}


def cell_places(kind: TableKind) -> list[CellPlace]:
    """Of a table, in the order of its vocabularies. Offences are those of its total alone."""
    values = [
        [value for value in DIMENSIONS[name] if name != "offence" or _holds(kind.of, value)] for name in kind.properties
    ]
    return [tuple(map(str, place)) for place in product(*values)]


def _holds(total: str, offence: StrEnum) -> bool:
    return total in ROLE_TOTALS or (offence in POSSESSION) == (total == "possession")


def exact_table(counts: IncidentCounts, kind: TableKind) -> dict[CellPlace, int]:
    """The exact cells of a table, also those that count nothing."""
    if kind.of in ROLE_TOTALS:
        found = counts.persons_by(ROLE_TOTALS[kind.of], kind.properties)
    else:
        found = counts.incidents_by(kind.properties, possession=kind.of == "possession")
    return {place: found.get(place, 0) for place in cell_places(kind)}


def exact_totals(counts: IncidentCounts) -> dict[str, int]:
    incidents = {name: sum(counts.incidents_by((), possession=name == "possession").values()) for name in TOTALS[:2]}
    return incidents | {name: counts.persons_of(role) for name, role in ROLE_TOTALS.items()}


def told_table(cells: Mapping[CellPlace, int], smallest: int) -> dict[CellPlace, Figure]:
    """What is told of each cell of a table whose total is told by the rule for one count.

    1. A total that is small tells no table; one without a small cell is told as it is.
    2. Of the cells from ``smallest`` on, the largest are held back: as few as there may be, so that together they can
       give up ``smallest - 2`` and each is still as large as the largest that is told. That much one small cell can
       grow; and it can shrink by as much, since they have no upper bound.
    3. They are told as the range that follows from the total and from what is told of the others.
    """
    total = sum(cells.values())
    # 1.
    if 0 < total < smallest:
        return dict.fromkeys(cells, HELD_BACK)
    small = [place for place, count in cells.items() if 0 < count < smallest]
    if not small:
        return {place: exact(count) for place, count in cells.items()}
    # 2.
    large = sorted((place for place, count in cells.items() if count >= smallest), key=lambda at: -cells[at])
    found = _held_back([cells[place] for place in large], smallest)
    if found is None:
        return dict.fromkeys(cells, HELD_BACK)
    number, least = found
    # 3.
    shown = sum(cells[place] for place in large[number:])
    most = total - shown - len(small)
    fewest = total - shown - len(small) * (smallest - 1)
    low, high = (max(least, fewest), most) if number == 1 else (least, most - (number - 1) * least)
    told = {place: told_count(count, smallest) for place, count in cells.items()}
    return told | {place: Figure(Told.BETWEEN, low, high) for place in large[:number]}


def _held_back(large: Sequence[int], smallest: int) -> tuple[int, int] | None:
    """How many of the large cells, the largest first, are held back, and what each of them is known to be at least;
    None where all of them are too few."""
    for number in range(1, len(large) + 1):
        least = max([smallest, *large[number : number + 1]])
        if sum(large[:number]) - number * least >= smallest - 2:
            return number, least
    return None


def told_tables(counts: IncidentCounts, smallest: int) -> dict[str, ToldTable]:
    """All tables. Two of them are not told where what words mean would link them to another closely: who reads that
    somebody was hurt knows that there was a victim, and who reads *threat* knows that nobody was hurt."""
    cells = {name: exact_table(counts, kind) for name, kind in TABLES.items()}
    told = {name: told_table(table, smallest) for name, table in cells.items()}
    by_outcome = dict.fromkeys(HarmOutcome, 0)
    for (outcome, _), count in cells[USE_BY_OUTCOME].items():
        by_outcome[HarmOutcome(outcome)] += count
    hurt = by_outcome[HarmOutcome.KILLED] + by_outcome[HarmOutcome.INJURED]
    totals = exact_totals(counts)
    if _is_close(hurt, totals["victims"] + totals["persons_of_unknown_role"], smallest):
        told[USE_BY_OUTCOME] = dict.fromkeys(told[USE_BY_OUTCOME], HELD_BACK)
    threats = cells[USE_BY_OFFENCE][(str(Offence.THREAT),)]
    if _is_close(threats, totals["use"] - hurt, smallest):
        told[USE_BY_OFFENCE] = dict.fromkeys(told[USE_BY_OFFENCE], HELD_BACK)
    return {name: ToldTable(kind, told[name]) for name, kind in TABLES.items()}


def _is_close(fewer: int, more: int, smallest: int) -> bool:
    """Whether ``fewer`` cannot grow by as much as a small count can, if it may not pass ``more``. Where it is more
    already, the words mean something else in these data, and nothing follows from them."""
    return fewer > 0 and 0 <= more - fewer < smallest - 2


def told_totals(counts: IncidentCounts, smallest: int) -> dict[str, Figure]:
    return {name: told_count(count, smallest) for name, count in exact_totals(counts).items()}


def _sum(figures: Sequence[Figure]) -> Figure:
    if any(figure.told is Told.HELD_BACK for figure in figures):
        return HELD_BACK
    low, high = sum(figure.low or 0 for figure in figures), sum(figure.high or 0 for figure in figures)
    return exact(low) if low == high else Figure(Told.BETWEEN, low, high)
