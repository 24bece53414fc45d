"""The one style of tables, lists and JSON of all commands.

On a terminal a table has a heading row, numbers stand right, and a cell that is too long goes on in the next line. What
is written to a file or another program has one row a line, cells with a tab between them, no headings, no colours, and
nothing cut off: ``ffp user list | cut -f1``. For programs there is JSON: the option ``AsJson`` of each command that
tells something.

>>> print_table([TableColumn("user"), TableColumn("tokens", number=True)], [["examiner-1", 2]])  # doctest: +SKIP
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="For a program to read: JSON on stdout.")]
ALARMING = frozenset(
    {"alarm", "dead", "revoked", "expelled", "altered", "expired", "overdue", "refused", "faults", "failed"}
)
"""Cells that begin with one of these words are red on a terminal that has colours."""
_NAME_WIDTH = 40


@dataclass(frozen=True)
class TableColumn:
    """``number``: what is in it is compared by size, so it stands right."""

    heading: str
    number: bool = False


def on_terminal() -> bool:
    """Whether a person reads stdout as it is written."""
    return sys.stdout.isatty()


def print_table(columns: Sequence[TableColumn], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows of one cell a column; None is an empty cell. Without any row nothing is printed."""
    found = list(rows)
    if not found:
        return
    if on_terminal():
        console().print(rich_table(columns, found, title=title))
        return
    for row in found:
        typer.echo("\t".join(map(_cell, row)))


def rich_table(columns: Sequence[TableColumn], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """The same for a terminal, to be printed or shown live."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=_title(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    written = [[_cell(cell) for cell in row] for row in rows]
    for place, column in enumerate(columns):
        widest = max((len(row[place]) for row in written), default=0)
        table.add_column(
            Text(column.heading.upper()),
            justify="right" if column.number else "left",
            overflow="fold",
            no_wrap=place == 0 and widest <= _NAME_WIDTH,  # by its first cell one finds a row
        )
    for cells in written:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in cells))  # Text: what others wrote is no markup
    return table


def print_facts(facts: Iterable[tuple[str, object]], *, title: str | None = None) -> None:
    """Print names with what is so, one a line; a name may come again. Written to a file, each line has a tab."""
    written = [(name, _cell(said)) for name, said in facts]
    if not on_terminal():
        if title is not None:
            typer.echo(_cell(title))
        for name, said in written:
            typer.echo(f"{name}\t{said}")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(title=_title(title), title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in written:
        table.add_row(Text(name), Text(said, style=_style(name) or _style(said)))
    console().print(table)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON: dataclasses and pydantic's models as objects, times and paths as text."""
    typer.echo(json.dumps(value, indent=indent, ensure_ascii=False, default=_plain))


def tell(as_json: bool, fields: Mapping[str, object], *lines: str) -> None:
    """Print the fields as JSON for a program, or the lines for a person."""
    if as_json:
        print_json(fields)
        return
    for line in lines:
        typer.echo(line)


def _title(title: str | None) -> Text | None:
    """Names of files stand in titles: no markup either."""
    from rich.text import Text

    return None if title is None else Text(_cell(title), style="bold")


def console() -> Console:
    """Its width is that of the terminal, and it keeps to NO_COLOR."""
    from rich.console import Console

    return Console(highlight=False)


def _cell(value: object) -> str:
    """One line; nothing in it that a terminal takes for more than a character."""
    text = "" if value is None else f"{value:,}" if type(value) is int and on_terminal() else str(value)
    return "".join(character if character.isprintable() else " " for character in text)


def _style(cell: str) -> str:
    return "red" if cell.partition(" ")[0].lower().rstrip(":") in ALARMING else ""


def _plain(value: object) -> Any:
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case PurePath():
            return str(value)
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value)
        case bytes():
            return value.decode()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"{type(value).__name__} is not written as JSON")
    return dump(mode="json")
