"""``ffp migrate --to``: move a node's database to PostgreSQL, or back to SQLite."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.opening import ask_secret, passphrase_for
from exchange.cli.tables import tell
from exchange.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from exchange.flows.move.move import Moved

MoveTo = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Move the node's database there: postgresql://user@host/database, empty until now, or sqlite, a file in "
        "the home. A dash reads the address from the terminal or from standard input: others see a command line.",
    ),
]
GiveUp = Annotated[
    bool,
    typer.Option("--give-up", help="With --to: give up a move that has not ended; the node stays where it was."),
]


def move(home: Path, to: str, *, gives_up: bool, as_json: bool) -> None:
    """Raises what `flows.move` raises."""
    from exchange.flows.move.move import CopyLeft, give_up, move_database
    from exchange.flows.move.places import parse_place, place_name

    place = parse_place(_asked() if to == "-" else to)
    if gives_up:
        left, name = give_up(home, place), place_name(place)
        said = ["The move is given up; the node is served from its database as before."]
        match left:
            case CopyLeft.REMOVED:
                pass
            case CopyLeft.NOT_REACHED:
                said.append(f"{name} does not answer. What was copied there is not served; empty it when it is back.")
            case CopyLeft.NONE_THERE:
                said.append(f"{name} holds something that this move did not put there: it was left as it is.")
        tell(as_json, {"given_up": True, "copy": left}, *said)
        return
    began = time.monotonic()
    with _shown() as progress:
        moved = move_database(home, place, passphrase=passphrase_for(home), progress=progress)
    _tell(moved, time.monotonic() - began, as_json=as_json)


def _asked() -> str:

    typed: SecretStr | None = ask_secret("Address of the database")
    found = typed.get_secret_value() if typed is not None else sys.stdin.readline().strip()
    if not found:
        raise ConfigurationError("No address came on standard input.")
    return found


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    """One line on stderr: what is moved or read at this moment, how far, and how many rows a second."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), Rate())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, shown = bar.add_task("", total=None), ""

        def show(what: str, done: int, total: int) -> None:
            nonlocal shown
            if what != shown:
                bar.reset(task, description=what, total=total, completed=done)
                shown = what
            else:
                bar.update(task, completed=done, total=total)

        yield show


def _tell(moved: Moved, seconds: float, *, as_json: bool) -> None:
    fields = {**vars(moved), "seconds": round(seconds, 1)}
    rate = f", {moved.rows / seconds:,.0f} rows a second" if seconds and moved.rows else ""
    lines = [f"The node's database is {moved.target} now; it was {moved.source}."]
    if moved.tables:
        lines.append(
            f"{moved.rows:,} rows of {moved.tables} tables, read again in both and alike, in {seconds:.0f} s{rate}."
        )
    head = f"the last signed head has size {moved.head_size}" if moved.head_size else "no head was signed yet"
    lines.append(f"The log has {moved.log_size} statements; {head}.")
    lines += [f"As before the move, {finding.subject}: {finding.what}" for finding in moved.findings]
    if moved.set_aside is not None:
        lines.append(
            f"The old database is set aside: {moved.set_aside}. Nothing serves it. Remove it once a backup is made: "
            "what is withdrawn from now on is not erased in it."
        )
    else:
        lines.append(
            "The old database is marked as left: nothing serves it. Drop it once a backup is made: what is withdrawn "
            "from now on is not erased in it."
        )
    if moved.still_named is not None:
        lines.append(moved.still_named)
    lines.append("Next: ffp doctor, then start the node, then ffp backup.")
    tell(as_json, fields, *lines)
