"""``ffp migrate``: bring a node's database to another schema version, or move it to PostgreSQL or back to SQLite."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import ask_secret, passphrase_for
from exchange.cli.tables import AsJson, print_facts, print_json, tell
from exchange.errors import ConfigurationError
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.move.move import Moved
    from exchange.flows.operate.migration import MigrationPlan

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


def migrate(
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit code 1 when the database has an earlier schema version."),
    ] = False,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Change nothing; say what is rewritten, how much disk that takes and whether it is there, and what is "
            "lost. Exit code 1 when it would be refused.",
        ),
    ] = False,
    to_version: Annotated[
        int | None,
        typer.Option("--to-version", metavar="N", help="The schema version of an earlier release, to go back to it."),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option("--backup", metavar="FOLDER", help="Make a backup there first. To go back there must be one."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    to: MoveTo = None,
    gives_up: GiveUp = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database of an earlier release to this one's schema version, or back to that of an earlier one, with
    the node stopped: all of it or nothing.

    With --to, move the node to PostgreSQL or back to SQLite: same identity, log and peers. Killed at any point, the
    same command goes on."""
    from exchange.flows.move.move import refuse_half_moved
    from exchange.flows.operate.migration import change_version, plan_migration

    folder = resolve_home(home)
    if to is None and gives_up:
        raise typer.BadParameter("--give-up needs --to with the address that the move leads to: ffp doctor names it.")
    if to is not None:
        if check or plan or yes or backup is not None or to_version is not None:
            raise typer.BadParameter(
                "--to moves the node to another database; --check, --plan, --to-version, --backup and --yes change the "
                "database schema version. A backup before a move: ffp backup FOLDER"
            )
        _move(folder, to, gives_up=gives_up, as_json=as_json)
        return
    refuse_half_moved(folder)
    planned = plan_migration(folder, to_version, backup=backup)
    fields: dict[str, object] = {"version": planned.version, "needed": planned.target}
    refused = planned.refusal()
    if plan:
        _show(planned, refused, as_json=as_json)
        raise typer.Exit(1 if refused else 0)
    if planned.version == planned.target:
        of = ", that of this release" if to_version is None else ""
        said = f"The database has schema version {planned.target}{of}. There is nothing to do."
        tell(as_json, {**fields, "migrated": False}, said)
        return
    if check:
        tell(as_json, {**fields, "migrated": False}, f"{_has(planned)}.")
        raise typer.Exit(1)
    if refused is not None:
        raise ConfigurationError(refused)
    typer.echo(f"{_has(planned)}.", err=as_json)
    for name, said in _facts(planned):
        typer.echo(f"{name}: {said}", err=True)
    if not yes and not _confirmed(planned, backed_up=backup is not None, as_json=as_json):
        raise typer.Exit(1)
    passphrase = passphrase_for(folder) if backup else None
    _, made = change_version(folder, planned.target, backup=backup, passphrase=passphrase)
    done = [f"Backed up to {made.folder}."] if made is not None else []
    done.append(f"Done: the database has schema version {planned.target} now.")
    if planned.goes_back:
        done.append(f"Next: install the release with schema version {planned.target}, and start it.")
    fields |= {"migrated": True, "backup": None if made is None else made.folder}
    tell(as_json, fields, *done)


def _has(plan: MigrationPlan) -> str:
    wants = "and is to have" if plan.goes_back else "this release needs"
    return f"The database has schema version {plan.version}, {wants} {plan.target}"


def _confirmed(plan: MigrationPlan, *, backed_up: bool, as_json: bool) -> bool:
    """Nobody who could not be asked has said that rows may go."""
    if plan.goes_back:
        if not sys.stdin.isatty():
            raise ConfigurationError("To go back loses what is named above: say so with --yes, or at a terminal.")
        return typer.confirm("Go back, and lose that?", err=as_json)
    if backed_up or not sys.stdin.isatty():
        return True
    return typer.confirm("Is there a backup of this database?", err=as_json)


def _show(plan: MigrationPlan, refused: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({**vars(plan), "refused": refused})
        return
    print_facts(
        [*_facts(plan), ("refused", refused or "no")], title=f"From schema version {plan.version} to {plan.target}"
    )


def _facts(plan: MigrationPlan) -> Iterator[tuple[str, str]]:
    if plan.version == plan.target:
        return
    yield "rewritten", ", ".join(plan.rewritten) or "no table"
    there = "see to it on the server's disk" if plan.free_bytes is None else f"{_mib(plan.free_bytes)} are free"
    yield (
        "disk",
        f"up to {_mib(plan.needed_bytes)} for a while, in addition to {_mib(plan.database_bytes)} of database; {there}",
    )
    if plan.backup_free_bytes is not None:
        shared = ", on the same disk" if plan.one_disk else ""
        yield "backup", f"up to {_mib(plan.backup_bytes)}; {_mib(plan.backup_free_bytes)} are free{shared}"
    for loss in plan.lost:
        of = f"{loss.table}.{loss.column}" if loss.column else f"the table {loss.table}"
        yield "lost", f"{of}: {loss.rows} rows"
    if plan.goes_back:
        yield "kept", "keys, log, records, scans"
    else:
        back = f"ffp migrate --to-version {plan.version}, with this release"
        yield "back", f"{back}; else a backup, and the release that made it: ffp backup FOLDER"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _move(home: Path, to: str, *, gives_up: bool, as_json: bool) -> None:
    """Raises what `flows.move` raises."""
    from exchange.flows.move.move import CopyLeft, give_up, move_database
    from exchange.flows.move.move_places import parse_place, place_name

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
                said.append(f"{name} has content that this move did not copy there. Nothing was changed in it.")
        tell(as_json, {"given_up": True, "copy": left}, *said)
        return
    began = time.monotonic()
    with _shown() as progress:
        moved = move_database(home, place, passphrase=passphrase_for(home), progress=progress)
    _tell_moved(moved, time.monotonic() - began, as_json=as_json)


def _asked() -> str:
    typed = ask_secret("Address of the database")
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


def _tell_moved(moved: Moved, seconds: float, *, as_json: bool) -> None:
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
