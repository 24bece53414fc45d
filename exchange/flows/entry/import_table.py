"""The table of a bulk import: one line a scan, its columns and values translated by a mapping file.

Own columns are those of the form of a draft (`draft_form`): ``exhibit.calibre``, ``handling.code``, ``roi`` ...; and
``exhibit``, which groups lines to one record, and ``file``, the scan's path. Several values stand apart by semicolons.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from exchange.errors import InvalidInput
from exchange.flows.entry.draft_form import (
    BOXES,
    CHOICES,
    DATES,
    FILE_CHOICES,
    FILE_NUMBERS,
    FILE_TEXTS,
    FILE_WHOLE,
    MAX_TYPED,
    TEXTS,
    TICKED,
    WHOLE,
)
from exchange.home import read_bounded

EXHIBIT_COLUMN, FILE_COLUMN = "exhibit", "file"
MAX_TABLE_BYTES = 64 * 1024 * 1024
MAX_LINES = 100_000
MAX_MAPPING_BYTES = 1024 * 1024
OF_RECORD = (*CHOICES, *TEXTS, *DATES, *WHOLE, *BOXES)
OF_FILE = (*FILE_CHOICES, *FILE_TEXTS, *FILE_WHOLE, *FILE_NUMBERS)
TABLE_COLUMNS = (EXHIBIT_COLUMN, FILE_COLUMN, *OF_RECORD, *OF_FILE)
BUILT_IN = ("nbtrd",)


class ColumnMap(BaseModel):
    """Their columns to ours, their values to ours by our column, and what holds where a cell is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    defaults: dict[str, str] = {}


@dataclass(frozen=True)
class TableLine:
    """One line of the table in our words; ``number`` is its place in the file, the header being line 1."""

    number: int
    cells: Mapping[str, str]
    place: str = ""
    """Where it stands, in words; empty of a line of a table."""

    @property
    def told(self) -> str:
        return self.place or f"line {self.number}"

    @property
    def file(self) -> str:
        return self.cells.get(FILE_COLUMN, "")


@dataclass(frozen=True)
class ExhibitLines:
    """The lines of one exhibit; without a name each line is one of its own."""

    name: str
    lines: Sequence[TableLine]

    def file_id(self, line: TableLine) -> str:
        """The same at every run, so that the same table makes the same submission."""
        return hashlib.sha256(f"{self.name}\n{line.file}".encode()).hexdigest()[:32]

    def fields(self) -> dict[str, str]:
        """As the form of a draft would have them. Raises InvalidInput where two lines differ in what they share."""
        found: dict[str, str] = {}
        for line in self.lines:
            for name, value in line.cells.items():
                if name in OF_FILE:
                    found[f"file.{self.file_id(line)}.{name}"] = value
                elif name in BOXES:
                    found |= {f"{name}.{item.strip()}": TICKED for item in value.split(";") if item.strip()}
                elif name in OF_RECORD and found.setdefault(name, value) != value:
                    raise InvalidInput(
                        f"Lines of the exhibit differ in {name}.",
                        code="lines-differ",
                        problems=((name, f"{line.told} says another than what comes before it"),),
                    )
        return found


def read_mapping(name: str | None) -> ColumnMap:
    """A built-in mapping by its name, or one of a TOML file. Raises InvalidInput that says what is wrong; OSError."""
    if name is None:
        return ColumnMap()
    if name in BUILT_IN:
        content = files("exchange.flows.entry").joinpath("import_maps", f"{name}.toml").read_bytes()
    else:
        content = _bounded(Path(name), MAX_MAPPING_BYTES)
    try:
        mapping = ColumnMap.model_validate(tomllib.loads(content.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise InvalidInput(f"The mapping {name} cannot be read: {error}.", code="mapping-invalid") from error
    unknown = sorted({*mapping.columns.values(), *mapping.values, *mapping.defaults} - set(TABLE_COLUMNS))
    if unknown:
        raise InvalidInput(
            f"The mapping {name} names columns that there are not: {', '.join(unknown)}. docs/import.md lists them.",
            code="mapping-invalid",
        )
    return mapping


def read_table(path: Path, mapping: ColumnMap, defaults: Mapping[str, str]) -> list[ExhibitLines]:
    """The table's exhibits in the order of their first lines. Raises InvalidInput that names the line; OSError."""
    rows = csv_rows(_bounded(path, MAX_TABLE_BYTES))
    ours = our_columns(next(rows, []), mapping)
    groups: dict[str, list[TableLine]] = {}
    for number, row in enumerate(rows, start=2):
        if number > MAX_LINES:
            raise InvalidInput(f"A table has at most {MAX_LINES} lines; divide it.", code="table-invalid")
        if any(cell.strip() for cell in row):
            cells = {**mapping.defaults, **defaults, **our_cells(ours, row, mapping)}
            name = cells.get(EXHIBIT_COLUMN) or f"line {number}: {cells.get(FILE_COLUMN, '')}"
            groups.setdefault(name, []).append(TableLine(number, cells))
    return [ExhibitLines(name, lines) for name, lines in groups.items()]


def csv_rows(content: bytes) -> Iterator[list[str]]:
    """Of CSV the header and each line after it. Raises InvalidInput."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("The table is not UTF-8: save it as CSV in UTF-8.", code="table-invalid") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(64 * 1024)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise InvalidInput(f"The table is no CSV: {error}.", code="table-invalid") from error


def our_columns(header: Sequence[str], mapping: ColumnMap, *, names_file: bool = True) -> list[str | None]:
    """Our name of each column, None for one that is left out. ``names_file``: a column must name the scan. Raises
    InvalidInput."""
    known = {_folded(name): name for name in TABLE_COLUMNS} | {
        _folded(name): ours for name, ours in mapping.columns.items()
    }
    found = [known.get(_folded(name)) for name in header]
    twice = {name for name in found if name is not None and found.count(name) > 1}
    if (names_file and FILE_COLUMN not in found) or twice:
        told = f"names {', '.join(sorted(twice))} twice" if twice else f"has no column '{FILE_COLUMN}'"
        raise InvalidInput(f"The table {told}; give a mapping with --map. See docs/import.md.", code="table-invalid")
    return found


def our_cells(ours: Sequence[str | None], row: Sequence[str], mapping: ColumnMap) -> dict[str, str]:
    """The cells of a line in our words. An empty one is left out."""
    found = {}
    for name, cell in zip(ours, row, strict=False):
        text = " ".join(cell.split())[:MAX_TYPED]
        if name is not None and text:
            found[name] = text if name in {EXHIBIT_COLUMN, FILE_COLUMN} else _value(name, text, mapping)
    return found


def _value(name: str, text: str, mapping: ColumnMap) -> str:
    """By the mapping, else as the vocabulary spells it, else as it stands, for the contract to judge."""
    if name in BOXES:
        return ";".join(_one(name, item, mapping) for item in text.split(";"))
    return _one(name, text, mapping)


def _one(name: str, text: str, mapping: ColumnMap) -> str:
    plain = text.strip()
    if name == "audience" and len(plain) == len("RS"):
        plain = plain.upper()  # the code of a jurisdiction; names of groups are longer
    return known_word(name, text, mapping) or plain


def has_words(name: str | None) -> bool:
    """Whether a column has a vocabulary."""
    return name is not None and name in {*CHOICES, *FILE_CHOICES, *BOXES}


def known_word(name: str, text: str, mapping: ColumnMap) -> str | None:
    """What the mapping or the vocabulary has for a word of a column; None where neither knows it."""
    theirs = {_folded(value): ours for value, ours in mapping.values.get(name, {}).items()}
    kinds = CHOICES | FILE_CHOICES
    values = kinds[name] if name in kinds else BOXES.get(name, ())
    own = {_folded(value): value.value for value in values}
    return theirs.get(_folded(text)) or own.get(_folded(text))


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _bounded(path: Path, most: int) -> bytes:
    content = read_bounded(path, most)
    if len(content) > most:
        raise InvalidInput(f"{path.name} has more than {most} bytes.", code="table-invalid")
    return content
