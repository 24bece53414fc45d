"""What pages and reports say of the incident annex: cells, tables, refused rows, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.coordination.half_year.figure_words import change, words
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, Told
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.platform_words import (
    ANNEX_DEFINITIONS,
    DIMENSION_TITLES,
    TABLE_TITLES,
    TOTAL_TITLES,
    title_of,
)
from exchange.coordination.incidents.read_incident_table import RefusedRow, RowRefusal
from exchange.coordination.incidents.told_incidents import CellPlace, ToldTable
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import spoken

REASONS: Final = {
    RowRefusal.MISSING: _m("the cell is empty"),
    RowRefusal.UNKNOWN_WORD: _m("the word is none that is known"),
    RowRefusal.TOO_LONG: _m("the text is too long"),
    RowRefusal.NO_AGE: _m("it is neither an age in years nor a band"),
    RowRefusal.NO_DATE: _m("it is no date"),
    RowRefusal.OUTSIDE_HALF: _m("the date is of another half-year"),
    RowRefusal.DIFFERS: _m("another row of the incident says otherwise"),
    RowRefusal.CONTRADICTS: _m("it contradicts another cell, or another row of the incident"),
    RowRefusal.CELLS: _m("the row has another number of cells than the first line"),
}


WordedRows = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class WordedTable:
    """A table of two properties has rows for one of them, columns for the other, and the sums of both; one of one
    property has one column. ``first`` names what the rows stand for."""

    name: str
    title: str
    first: str
    columns: tuple[str, ...]
    rows: WordedRows
    is_told: bool


@dataclass(frozen=True)
class WordedTotal:
    """``trend``: the baseline, the half-year before, and the change since the baseline, as far as there are such."""

    name: str
    title: str
    cell: str
    trend: tuple[str, ...]


@dataclass(frozen=True)
class RefusedRows:
    """The rows that are refused for one reason in one column, as ranges: "3, 7–9"."""

    column: str
    reason: str
    count: int
    rows: str


def value_words(dimension: str, value: str) -> str:
    return _(title_of(dimension, value))


def notes_of(annex: ToldAnnex) -> list[str]:
    """What a reader must know before the first figure."""
    few = annex.head.smallest - 1
    return [
        *(_(text) for text in ANNEX_DEFINITIONS),
        _(
            "Counts from 1 to %(few)s are told as that range alone: so few people would be recognised. The largest "
            "counts of such a table are told as a range too, since with the total they would tell the small ones. A "
            "table in which too few counts are large is not told.",
            few=few,
        ),
    ]


def unverified_words() -> str:
    return _(
        "Unverified: the words of SEESAC's Armed Violence Monitoring Platform, and the age bands, were not held "
        "against their source."
    )


def totals_in_words(annex: ToldAnnex, inside: Mapping[str, int] | None = None) -> list[WordedTotal]:
    """``inside``: the exact totals behind what is told."""
    past = [*annex.earlier[:1], *annex.earlier[1:][-1:]]
    found = []
    for name, figure in annex.totals.items():
        before = [item.totals.get(name, NO_DATA) for item in past]
        trend = (*(words(item, "count") for item in before), change(figure, before[0], "count")) if before else ()
        found.append(WordedTotal(name, _(TOTAL_TITLES[name]), _cell(figure, (inside or {}).get(name)), trend))
    return found


def past_halves(annex: ToldAnnex) -> list[str]:
    return [item.half for item in (*annex.earlier[:1], *annex.earlier[1:][-1:])]


def table_in_words(name: str, table: ToldTable, inside: Mapping[CellPlace, int] | None = None) -> WordedTable:
    """``inside``: the exact cells behind what is told. Rows and columns that count nothing stand there too."""
    properties = table.kind.properties
    values = [list(dict.fromkeys(place[at] for place in table.cells)) for at in range(len(properties))]
    if len(values) == 1:
        columns: tuple[str, ...] = (_("Count"),)
        rows = _lines_of_one(table, values[0], inside or {})
        row_property = properties[0]
    else:
        down = 0 if len(values[0]) >= len(values[1]) else 1  # the longer one, so that a table is not wide
        rows = _lines_of_two(table, down, values[down], values[1 - down], inside or {})
        columns = (*(value_words(properties[1 - down], value) for value in values[1 - down]), _("All"))
        row_property = properties[down]
    return WordedTable(name, _(TABLE_TITLES[name]), _(DIMENSION_TITLES[row_property]), columns, rows, table.is_told)


def _lines_of_one(table: ToldTable, values: Sequence[str], known: Mapping[CellPlace, int]) -> WordedRows:
    named = table.kind.properties[0]
    return tuple((value_words(named, value), (_cell(table.cells[value,], known.get((value,))),)) for value in values)


def _lines_of_two(
    table: ToldTable, down: int, rows: Sequence[str], across: Sequence[str], known: Mapping[CellPlace, int]
) -> WordedRows:
    """``down``: the position of the property that the rows stand for. The last row has the sums of the columns."""
    named, sums, below = table.kind.properties[down], table.sums(down), table.sums(1 - down)
    found = []
    for row in rows:
        places = [(row, value) if down == 0 else (value, row) for value in across]
        cells = [_cell(table.cells[place], known.get(place)) for place in places]
        found.append((value_words(named, row), (*cells, _cell(sums[row], _total(known, down, row)))))
    last = (*(_cell(below[value], _total(known, 1 - down, value)) for value in across), "")
    return (*found, (_("All"), last))


def refused_in_words(refused: Sequence[RefusedRow]) -> list[RefusedRows]:
    """By column and reason, the most frequent first."""
    found: dict[tuple[str, RowRefusal], list[int]] = {}
    for row in refused:
        found.setdefault((row.column, row.reason), []).append(row.number)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[1]))
    return [
        RefusedRows(column, _(REASONS[reason]), len(numbers), ranges(numbers)) for (column, reason), numbers in ordered
    ]


def ranges(numbers: Sequence[int]) -> str:
    """Whole numbers in rising order: "3, 7–9"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1] = [found[-1][0], number]
        else:
            found.append([number])
    return ", ".join("–".join(map(str, ends)) for ends in found)


def _total(known: Mapping[CellPlace, int], position: int, value: str) -> int | None:
    return sum(count for place, count in known.items() if place[position] == value) if known else None


def _cell(figure: Figure, inside: int | None = None) -> str:
    """The published figure. If it is not exact and ``inside`` has the exact count, that follows in brackets."""
    said = words(figure, "count")
    return said if inside is None or figure.told is Told.EXACT else f"{said} ({spoken().number(inside, 0)})"
