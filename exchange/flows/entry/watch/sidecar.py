"""What a sidecar states of the scan beside it: one object of JSON, or a CSV of one line, in the columns of the import.

Both come to the same cells as a line of the import's table does, by the same mapping.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NoReturn

from exchange.errors import InvalidInput
from exchange.flows.entry.import_table import FILE_COLUMN, ColumnMap, csv_rows, our_cells, our_columns

MAX_SIDECAR_BYTES = 256 * 1024
"""A line of a table has some 2 kB; a station may add its own columns, and a long list of them."""
MAX_VALUES = 2_000
SIDECAR_DEPTH: Final = 8


def read_sidecar(content: bytes, suffix: str, mapping: ColumnMap) -> dict[str, str]:
    """Its cells in our columns and words. Raises InvalidInput that says what is wrong with it."""
    header, row = _of_json(content) if suffix == ".json" else _of_csv(content)
    return our_cells(our_columns(header, mapping, names_file=False), row, mapping)


def names_another(cells: Mapping[str, str], name: str) -> str | None:
    """The file that a sidecar says it speaks of, where it is not the one beside it. A path of the station's is one of
    its last part."""
    said = cells.get(FILE_COLUMN, "")
    own = PurePosixPath(said.replace("\\", "/")).name
    return said if said and own.casefold() not in {name.casefold(), PurePosixPath(name).stem.casefold()} else None


def _of_csv(content: bytes) -> tuple[list[str], list[str]]:
    rows = [row for row in csv_rows(content) if any(cell.strip() for cell in row)]
    if len(rows) != 2:
        _wrong(f"has {max(0, len(rows) - 1)} lines below its header, and one is wanted")
    return rows[0], rows[1]


def _of_json(content: bytes) -> tuple[list[str], list[str]]:
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once_each, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # of UTF-8 and of whole numbers too
        raise InvalidInput("The sidecar is no JSON in UTF-8.", code="sidecar-invalid") from error
    if not isinstance(found, dict):
        _wrong("is no object of columns and values")
    cells = list(_flat(found, "", 0))
    if len(cells) > MAX_VALUES:
        _wrong(f"has more than {MAX_VALUES} values")
    return [name for name, _ in cells], [text for _, text in cells]


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Objects within it are groups, as the dots of a column are; of a list the values, apart by semicolons."""
    match value:
        case None:
            return
        case dict() if depth < SIDECAR_DEPTH:
            for key, inner in value.items():
                yield from _flat(inner, f"{name}.{key}" if name else key, depth + 1)
        case list() if all(isinstance(item, str | int | float) for item in value):
            yield name, ";".join(map(_text, value))
        case str() | int() | float():
            yield name, _text(value)
        case _:
            _wrong(f"has in {name[:60]} what is neither a value nor a list of them")


def _text(value: str | float) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _wrong(why: str) -> NoReturn:
    raise InvalidInput(f"The sidecar {why}.", code="sidecar-invalid")
