"""``ffp glossary``: the terms of the field that a laboratory says otherwise."""

from __future__ import annotations

import typer

from exchange.cli.node_commands import Home
from exchange.cli.tables import AsJson, print_json
from exchange.home import resolve_home

app = typer.Typer(help="The terms of the field on pages and reports.", no_args_is_help=True)


@app.callback()
def glossary() -> None:
    """The terms of the field on pages and reports."""


@app.command()
def check(home: Home = None, as_json: AsJson = False) -> None:
    """Say which terms the file glossary.toml in the node's home replaces, and what of it no page knows: exit code 1."""
    from exchange.config import load_settings
    from exchange.web.languages.terms_glossary import GLOSSARY_FILE, overrides

    folder = load_settings(resolve_home(home)).home
    path, found = folder / GLOSSARY_FILE, overrides(folder)
    if as_json:
        print_json({"file": path, "terms": found})
    elif not found:
        typer.echo(f"{path} replaces nothing.")
    for item in found if not as_json else ():
        place = f"{item.section}.{item.value}, {item.language}"
        if item.instead_of is None:
            typer.echo(f"{place}: no page uses such an entry.")
        else:
            typer.echo(f"{place}: {item.term}, instead of {item.instead_of}")
    if any(item.instead_of is None for item in found):
        raise typer.Exit(1)
