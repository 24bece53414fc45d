"""``ffp migrate``: what keeps a node's content through upgrades."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from exchange.cli.node import Home
from exchange.config import resolve_home


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 when the database has an earlier form.")
    ] = False,
    home: Home = None,
) -> None:
    """Bring the database of an earlier release to this one's form, with the node stopped: all of it or nothing."""
    from exchange.flows.migrate import migrate as bring_up
    from exchange.flows.migrate import pending
    from exchange.store.tables import SCHEMA_VERSION

    folder = resolve_home(home)
    form = pending(folder)
    if form is None:
        typer.echo(f"The database has form {SCHEMA_VERSION}, that of this release. Nothing is to be done.")
        return
    typer.echo(f"The database has form {form}, this release needs {SCHEMA_VERSION}.")
    if check:
        raise typer.Exit(1)
    typer.echo("There is no way back but a backup: ffp backup, by the release that made it.", err=True)
    if sys.stdin.isatty() and not typer.confirm("Is there a backup of this database?"):
        raise typer.Exit(1)
    bring_up(folder)
    typer.echo(f"Done: all of it has form {SCHEMA_VERSION} now.")
