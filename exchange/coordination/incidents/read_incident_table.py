"""Read a table of persons in incidents into counts. Of the table nothing else is kept.

One row is one person in one incident; an incident without a person that anybody knows of is one row with the role
``nobody``. Refused rows are named by their number, the column and the kind of the reason, never by what stands in them.

The rows are read in memory, bounded, and never written anywhere. No message repeats what stands in the file, and no
error that is raised shows an error of the CSV reader behind it, since that error names what it stumbled upon.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from itertools import chain, count
from typing import Final, Protocol, TypeVar

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.incident_vocabulary import (
    DIMENSIONS,
    AgeBand,
    HarmOutcome,
    IncidentCell,
    IncidentCounts,
    Offence,
    PersonCell,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.incidents.person_columns import folded, personal_kind
from exchange.coordination.incidents.platform_words import platform_facts
from exchange.errors import InvalidInput, TooLarge

MAX_CSV_BYTES: Final = 16 * 1024 * 1024
MAX_ROWS: Final = 100_000
"""Bounded: a file of the size above could hold sixteen million empty rows."""
MAX_CSV_COLUMNS: Final = 64
MAX_CELL: Final = 120
"""Characters of a cell that is read; the longest word of a vocabulary has 30."""
_MAX_LINE: Final = 64 * 1024
_DELIMITERS: Final = ",;\t|"
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class TableEncoding(StrEnum):
    """``auto``: as the file's first bytes say, else UTF-8."""

    AUTO = "auto"
    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1251 = "windows-1251"
    WINDOWS_1252 = "windows-1252"
    ISO_8859_2 = "iso-8859-2"
    ISO_8859_5 = "iso-8859-5"


class ByteSource(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def csv_lines(source: ByteSource, encoding: TableEncoding = TableEncoding.AUTO) -> Iterator[list[str]]:
    """The head of the table and each row after it, also empty ones, so that rows count as a spreadsheet counts them.

    Raises InvalidInput, code "table-invalid"; TooLarge. Neither tells anything of the content.
    """
    lines = _lines(_decoded(source, encoding))
    first = next(lines, "")
    if not first.strip():
        raise _refused("The table is empty, or its first line is.")
    rows = csv.reader(chain([first], lines), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    for number in count(1):
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            said = f"The table is no CSV at row {number}: a quotation mark is not closed, or stands within a cell."
            raise _refused(said) from None
        if number > MAX_ROWS + 1:
            raise _refused(f"A table has at most {MAX_ROWS} rows; divide it.")
        if len(row) > MAX_CSV_COLUMNS:
            raise _refused(f"Row {number} has more than {MAX_CSV_COLUMNS} columns.")
        yield row


def _decoded(source: ByteSource, encoding: TableEncoding) -> str:
    data = source.read(MAX_CSV_BYTES + 1)
    if len(data) > MAX_CSV_BYTES:
        raise TooLarge(f"A table has at most {MAX_CSV_BYTES} bytes; divide it.")
    named = str(encoding)
    if encoding is TableEncoding.AUTO:
        named = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(named)
    except UnicodeError:
        hint = "UTF-8" if encoding is TableEncoding.AUTO else str(encoding)
        said = f"The table is not in the encoding {hint}: name the one that it is in, or save it as UTF-8."
        raise _refused(said) from None


def _lines(text: str) -> Iterator[str]:
    """Each with its end."""
    for line in io.StringIO(text, newline=""):
        if len(line) > _MAX_LINE:
            raise _refused(f"A line of the table has more than {_MAX_LINE} characters.")
        if "\0" in line:
            raise _refused("The table holds the character NUL: it is no text, or in the encoding UTF-16.")
        yield line


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, code="table-invalid")


_E = TypeVar("_E", bound=StrEnum)

INCIDENT: Final = "incident"
DATE: Final = "date"
INCIDENT_COLUMNS: Final = (INCIDENT, DATE, *DIMENSIONS)
NEEDED_COLUMNS: Final = (INCIDENT, "role", "offence")
NOBODY: Final = "nobody"
MAX_REFUSED: Final = 2_000
"""Rows that are named; a table of which more are refused is refused whole: its columns mean something else."""
_OLDEST: Final = 120


class RowRefusal(StrEnum):
    """Why a row counts nowhere."""

    MISSING = "missing"
    UNKNOWN_WORD = "unknown-word"
    TOO_LONG = "too-long"
    NO_AGE = "no-age"
    NO_DATE = "no-date"
    OUTSIDE_HALF = "outside-half"
    DIFFERS = "differs"
    CONTRADICTS = "contradicts"
    CELLS = "cells"


@dataclass(frozen=True)
class RefusedRow:
    """``number``: as a spreadsheet counts, the head being row 1. ``column``: our name, empty for the whole row."""

    number: int
    column: str
    reason: RowRefusal


@dataclass(frozen=True)
class TableReading:
    """What a table came to. ``rows`` counts those that are not empty, refused ones too; ``left_out`` the columns that
    were not read; ``empty`` by column the cells that were empty and counted as unknown."""

    counts: IncidentCounts
    rows: int = 0
    refused: Sequence[RefusedRow] = ()
    left_out: int = 0
    empty: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Incident:
    offence: Offence
    weapon: WeaponKind
    outcome: HarmOutcome = HarmOutcome.UNKNOWN
    with_persons: bool = True


@dataclass
class _Tally:
    """While a table is read. What names an incident is forgotten with this."""

    half: Half
    persons: Counter[PersonCell] = field(default_factory=Counter)
    incidents: dict[str, _Incident] = field(default_factory=dict)
    empty: Counter[str] = field(default_factory=Counter)


class _RowRefusedError(Exception):
    def __init__(self, column: str, reason: RowRefusal) -> None:
        super().__init__()
        self.column, self.reason = column, reason


def read_incident_table(source: ByteSource, half: Half, encoding: TableEncoding = TableEncoding.AUTO) -> TableReading:
    """Count the persons and incidents of a table.

    1. Its columns: those that are known by our names or the platform's, none that tells who somebody is.
    2. Each row by itself: its words, its age, its date within the half-year.
    3. Each row beside its incident: one offence and one weapon kind, nobody or persons.
    4. The incidents, each once, with the gravest outcome that is known.

    Raises InvalidInput, code "table-invalid" or "column-of-a-person"; TooLarge.
    """
    lines = csv_lines(source, encoding)
    # 1.
    columns = _columns(next(lines))
    tally, refused, rows = _Tally(half), [], 0
    for number, row in enumerate(lines, start=2):
        if not any(cell.strip() for cell in row):
            continue
        rows += 1
        try:
            # 2. and 3.
            _count(tally, _cells(columns, row))
        except _RowRefusedError as error:
            refused.append(RefusedRow(number, error.column, error.reason))
            if len(refused) > MAX_REFUSED:
                raise _too_many(refused) from None
    if not rows:
        raise InvalidInput("The table has no row below its head.", code="table-invalid")
    # 4.
    incidents = Counter(IncidentCell(one.offence, one.outcome, one.weapon) for one in tally.incidents.values())
    left_out = sum(name is None for name in columns)
    return TableReading(
        IncidentCounts(dict(tally.persons), dict(incidents)), rows, refused, left_out, dict(tally.empty)
    )


def table_template() -> bytes:
    """A table to begin with: the heads, and made-up rows of three incidents."""
    rows = (
        INCIDENT_COLUMNS,
        ("1", "", "victim", "female", "36-60", "domestic_violence", "injured", "pistol"),
        ("1", "", "perpetrator", "male", "41", "domestic_violence", "not_injured", "pistol"),
        ("2", "", "perpetrator", "unknown", "unknown", "robbery", "unknown", "unknown"),
        ("3", "", NOBODY, "", "", "celebratory_fire", "", "assault_rifle"),
    )
    return ("\ufeff" + "".join(",".join(row) + "\r\n" for row in rows)).encode()


def _columns(head: Sequence[str]) -> list[str | None]:
    """Our name of each column, None for one that is left out. Raises InvalidInput."""
    for number, name in enumerate(head, start=1):
        kind = personal_kind(name)
        if kind is not None:
            raise InvalidInput(
                f"Column {number} looks like it tells {kind}. Nothing of the table was read: remove the column, and "
                "send the table again.",
                code="column-of-a-person",
            )
    found = [_column_names().get(folded(name)) for name in head]
    twice = sorted({name for name in found if name is not None and found.count(name) > 1})
    if twice:
        raise InvalidInput(f"The table has two columns for {', '.join(twice)}.", code="table-invalid")
    lacking = [name for name in NEEDED_COLUMNS if name not in found]
    if lacking:
        raise InvalidInput(
            f"The table has no column {', '.join(lacking)}. Its first line must name the columns: "
            f"{', '.join(INCIDENT_COLUMNS)}. 'ffp incidents template' writes a table to begin with.",
            code="table-invalid",
        )
    return found


@cache
def _column_names() -> dict[str, str]:
    facts = platform_facts()
    words = {name: (name, *facts[f"field.{name}"].more["words"]) for name in INCIDENT_COLUMNS}
    return {folded(word): name for name, known in words.items() for word in known}


@cache
def _values(dimension: str) -> dict[str, str]:
    """By how they may be spelled."""
    facts, found = platform_facts(), dict[str, str]()
    for value in DIMENSIONS[dimension]:
        for word in (*facts[f"{dimension}.{value}"].more["words"], value):
            found[folded(word)] = value
    return found


def _cells(columns: Sequence[str | None], row: Sequence[str]) -> dict[str, str]:
    """The cells of the columns that are known. Raises _RowRefusedError."""
    if len(row) < len(columns) or any(cell.strip() for cell in row[len(columns) :]):
        raise _RowRefusedError("", RowRefusal.CELLS)
    cells = {name: " ".join(cell.split()) for name, cell in zip(columns, row, strict=False) if name is not None}
    for name, cell in cells.items():
        if len(cell) > MAX_CELL:
            raise _RowRefusedError(name, RowRefusal.TOO_LONG)
    return cells


def _count(tally: _Tally, cells: Mapping[str, str]) -> None:
    """Into the tally, or nothing of it. Raises _RowRefusedError."""
    named = cells[INCIDENT]
    if not named:
        raise _RowRefusedError(INCIDENT, RowRefusal.MISSING)
    _check_date(cells.get(DATE, ""), tally.half)
    empty: set[str] = set()
    offence = _word(Offence, "offence", cells, empty)
    weapon = _word(WeaponKind, "weapon", cells, empty)
    outcome = _word(HarmOutcome, "outcome", cells, empty)
    nobody = folded(cells["role"]) in {NOBODY, "noperson"}
    cell = None
    if nobody:
        if any(cells.get(name) for name in ("sex", "age")):
            raise _RowRefusedError("role", RowRefusal.CONTRADICTS)
        if outcome in {HarmOutcome.KILLED, HarmOutcome.INJURED}:
            raise _RowRefusedError("outcome", RowRefusal.CONTRADICTS)
    else:
        role = _word(PersonRole, "role", cells, empty)
        sex = _word(Sex, "sex", cells, empty)
        cell = PersonCell(role, sex, _age(cells, empty), offence, outcome, weapon)
    known = tally.incidents.get(named)
    if known is not None:
        if known.offence is not offence:
            raise _RowRefusedError("offence", RowRefusal.DIFFERS)
        if known.weapon is not weapon:
            raise _RowRefusedError("weapon", RowRefusal.DIFFERS)
        if nobody or not known.with_persons:
            raise _RowRefusedError("role", RowRefusal.CONTRADICTS)
    else:
        known = tally.incidents[named] = _Incident(offence, weapon, with_persons=not nobody)
    order = list(HarmOutcome)
    known.outcome = min(known.outcome, outcome, key=order.index)
    if cell is not None:
        tally.persons[cell] += 1
    tally.empty.update(empty)


def _word(vocabulary: type[_E], name: str, cells: Mapping[str, str], empty: set[str]) -> _E:
    """Raises _RowRefusedError."""
    text = cells.get(name, "")
    if not text:
        if name in NEEDED_COLUMNS:
            raise _RowRefusedError(name, RowRefusal.MISSING)
        empty.add(name)
        return vocabulary("unknown")
    value = _values(name).get(folded(text))
    if value is None:
        raise _RowRefusedError(name, RowRefusal.UNKNOWN_WORD)
    return vocabulary(value)


def _age(cells: Mapping[str, str], empty: set[str]) -> AgeBand:
    """A band by its name, or the one of an age in whole years. Raises _RowRefusedError."""
    text = cells.get("age", "").replace("\N{EN DASH}", "-").replace(" ", "")
    if re.fullmatch("[0-9]{1,3}", text):
        if int(text) > _OLDEST:
            raise _RowRefusedError("age", RowRefusal.NO_AGE)
        return AgeBand.of(int(text))
    if text in set(AgeBand):
        return AgeBand(text)
    if text and not any(letter.isalpha() for letter in text):
        raise _RowRefusedError("age", RowRefusal.NO_AGE)  # a year of birth, or a band that is none of ours
    return _word(AgeBand, "age", cells, empty)


def _check_date(text: str, half: Half) -> None:
    """Raises _RowRefusedError for a date that is none, or that the half-year does not hold."""
    if not text:
        return
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].*)?", text)
    dotted = re.fullmatch(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4})\.?", text)
    if iso is not None:
        year, month, day = (int(part) for part in iso.groups())
    elif dotted is not None:
        day, month, year = (int(part) for part in dotted.groups())
    else:
        raise _RowRefusedError(DATE, RowRefusal.NO_DATE)
    try:
        at = date(year, month, day)
    except ValueError:
        at = None
    if at is None:
        raise _RowRefusedError(DATE, RowRefusal.NO_DATE)
    if Half.of(datetime(at.year, at.month, at.day, tzinfo=UTC)) != half:
        raise _RowRefusedError(DATE, RowRefusal.OUTSIDE_HALF)


def _too_many(refused: Sequence[RefusedRow]) -> InvalidInput:
    often = Counter((row.column, row.reason) for row in refused).most_common(1)[0][0]
    column, reason = often
    told = f"in the column {column}" if column else "by the number of their cells"
    return InvalidInput(
        f"More than {MAX_REFUSED} rows are refused, most of them {told} ({reason}). Nothing was taken: mend the "
        "table, and send it again.",
        code="table-invalid",
    )
