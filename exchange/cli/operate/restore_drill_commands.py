"""``ffp restore-drill``: whether the newest backup makes a node again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import ask_secret, passphrase_for
from exchange.cli.tables import AsJson, print_json
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.operate.drill.restore_drill import WantedDrill
    from exchange.flows.operate.recovery import DrillOutcome


def restore_drill(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="One backup, or a folder of them: its newest. Default: the last one that the node knows of."
        ),
    ] = None,
    scratch: Annotated[
        Path | None,
        typer.Option(help="A folder with room for a whole node, on an encrypted disk. Default: the node's own folder."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="The folder of keys that were kept apart. Default: those sealed in the backup; else the node's."
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Leave what was restored to be looked at, keys among it; the next drill deletes it."
        ),
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="DAYS",
            help="Stay, and drill so many days after the last time; the first time once there is a backup. For a "
            "container: a machine has a timer.",
        ),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Restore the newest backup in a scratch place, read all of it again, compare it with the running node, delete it.
    The restored node asks nobody, signs nothing and serves nobody. Exit code 1 when it was not verified."""
    from exchange.config import load_settings
    from exchange.flows.operate.drill.restore_drill import WantedDrill, needs_passphrase, run_restore_drill
    from exchange.flows.operate.recovery import read_drills

    place = resolve_home(home)
    wanted = WantedDrill(source, scratch, keys, key_passphrase=passphrase_for(place), keep=keep)
    if needs_passphrase(load_settings(place), wanted):
        typed = ask_secret("Passphrase of the backup")
        wanted = replace(wanted, unsealed_with=None if typed is None else typed.get_secret_value().encode())
    if every is not None:
        with _ended_by_sigterm(0):
            _stay(place, wanted, every, as_json=as_json)
    with _ended_by_sigterm(128 + signal.SIGTERM):
        found = run_restore_drill(place, wanted)
    _tell(found, as_json=as_json, stays=False)
    if keep and (kept := read_drills(place).scratch) is not None:
        typer.echo(f"Kept, with its keys, until the next drill: {kept}", err=True)
    raise typer.Exit(0 if found.verified else 1)


@contextmanager
def _ended_by_sigterm(code: int) -> Iterator[None]:
    """As by an interrupt: what is in the scratch place goes too. The first process of a container dies of none by
    itself."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stay(home: Path, wanted: WantedDrill, days: int, *, as_json: bool) -> NoReturn:
    from exchange.flows.operate.schedules import drill_every

    drill_every(
        home,
        wanted,
        days,
        lambda found: _tell(found, as_json=as_json, stays=True),
        lambda error: typer.echo(f"No restore was drilled: {error}", err=True),
    )


def _tell(found: DrillOutcome, *, as_json: bool, stays: bool) -> None:
    """``stays``: one object a line, since another follows."""
    if as_json:
        print_json(found, indent=None if stays else 2)
        return
    if found.backup is not None:
        size = "" if found.bytes is None else f", {found.bytes / 2**20:.1f} MiB"
        typer.echo(f"Backup {found.backup}{size}; keys {found.keys or 'not read'}.")
    if found.verified:
        typer.echo(
            f"Restored and read in {found.seconds:.1f} s: {found.statements} statements, {found.records} records, "
            f"{found.scans} scans; compared with the running node up to size {found.compared_size}."
        )
        typer.echo(found.said)
    else:
        typer.echo(f"Not verified: {found.said}", err=True)
