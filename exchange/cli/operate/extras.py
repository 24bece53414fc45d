"""``ffp extras``: the optional parts of the software, and how one is added."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell

app = typer.Typer(help="Optional parts of the software; deploy/README.md, 1.", no_args_is_help=True)


@app.command("list")
def list_extras(
    installed: Annotated[
        bool, typer.Option("--installed", help="Only the names of those that are installed, in one line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the extras: what each is for, whether it is installed, what it takes of the disk."""
    from exchange.extras.known import EXTRAS, ExtraState

    found = [(extra, extra.state) for extra in EXTRAS]
    if installed:
        found = [(extra, state) for extra, state in found if state is not ExtraState.MISSING]
    if as_json:
        print_json(
            [
                {"name": extra.name, "purpose": extra.purpose, "state": state, "megabytes": extra.megabytes}
                for extra, state in found
            ]
        )
    elif installed:
        typer.echo(" ".join(extra.name for extra, _ in found))
    else:
        columns = [TableColumn("extra"), TableColumn("state"), TableColumn("MB", number=True), TableColumn("for")]
        print_table(columns, [[extra.name, state, extra.megabytes, extra.purpose] for extra, state in found])


@app.command("add")
def add(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="One or several of ffp extras list.")],
    wheelhouse: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="A wheelhouse: nothing is asked of the network."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install extras in the versions of this release, each file compared with its digest, and check that all fits.

    Again after an upgrade: it brings them to the versions of the new release.
    """
    from exchange.extras.install import install_extras
    from exchange.extras.known import extra_named

    extras = [extra_named(name) for name in dict.fromkeys(names)]
    before = [(extra.name, extra.state) for extra in extras]
    install_extras(extras, wheelhouse)
    added = [name for name, state in before if state != "installed"]
    said = f"Installed: {', '.join(added)}. A node that runs takes it up when it is started anew."
    if not added:
        said = f"Installed already, in the versions of this release: {', '.join(extra.name for extra in extras)}."
    tell(as_json, {"added": added, "restart": bool(added)}, said)
