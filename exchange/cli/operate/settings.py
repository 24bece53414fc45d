"""``ffp config``: what is wrong with a node's settings, and where each comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table
from exchange.home import resolve_home

app = typer.Typer(help="The settings of this node; docs/settings.md says what each does.", no_args_is_help=True)


@app.command("check")
def check(home: Home = None, as_json: AsJson = False) -> None:
    """Read config.toml, secret files and environment as `ffp serve` does, and say all that is wrong: where, what, and
    which setting or value was probably meant. Changes nothing. Exit code 2 when the node would not start."""
    from exchange.cli.operate.settings_origin import fault_fields, setting_faults
    from exchange.setting_faults import origins

    folder = resolve_home(home)
    faults = [fault_fields(fault) for fault in setting_faults(folder)]
    if as_json:
        print_json({"home": folder, "good": not faults, "faults": faults})
    else:
        for fault in faults:
            meant = f" Did you mean {fault['nearest']}?" if fault["nearest"] else ""
            allowed = f" Allowed: {fault['allowed']}." if fault["allowed"] else ""
            typer.echo(f"{fault['origin']}: {str(fault['what']).removesuffix('.')}.{meant}{allowed}")
        good = f"All is well: {len(origins(folder))} settings are given" if not faults else ""
        typer.echo(f"{good}, the others have their defaults. See: ffp config show" if good else f"{len(faults)} found.")
    raise typer.Exit(2 if faults else 0)


@app.command("show")
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Where each comes from, and where it is given in vain.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting as the node has it; secrets are masked."""
    from exchange.cli.operate.settings_origin import settings_with_origins

    found = settings_with_origins(home)
    if as_json:
        plain = {"name", "value"} | ({"origin", "overridden"} if origin else set())
        print_json([{key: said for key, said in vars(setting).items() if key in plain} for setting in found])
        return
    columns = [TableColumn("setting"), TableColumn("value")]
    rows: list[list[object]] = [[setting.name, _told(setting.value)] for setting in found]
    if origin:
        columns += [TableColumn("from"), TableColumn("given in vain")]
        for row, setting in zip(rows, found, strict=True):
            row += [setting.origin, ", ".join(setting.overridden)]
    print_table(columns, rows)


def _told(value: object) -> str:
    """As config.toml has it, a list or a table in short; nothing of what is not set."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{key} = {_told(said)}" for key, said in value.items())
        case list():
            return ("; " if any(isinstance(item, dict) for item in value) else ", ").join(map(_told, value))
    return str(value)
