"""``ffp jurisdiction``: which jurisdictions this node knows, and, without a trust root, a further one from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.errors import ConfigurationError, InvalidInput
from exchange.home import resolve_home

app = typer.Typer(help="Names, languages and clocks of jurisdictions.", no_args_is_help=True)


@app.command("list")
def list_jurisdictions(home: Home = None, as_json: AsJson = False) -> None:
    """List the jurisdictions that this node knows, and where they come from: the release, the newest installed round of
    the trust root, or the node's own file."""
    from exchange.flows.node.jurisdictions import checked_jurisdictions
    from exchange.jurisdictions.directory import shipped_directory
    from exchange.jurisdictions.jurisdiction_entry import plain_entries

    known, shipped = checked_jurisdictions(resolve_home(home)), shipped_directory()
    source = {
        code: shipped.source if entry == shipped.entries.get(code) else known.source
        for code, entry in known.entries.items()
    }
    if as_json:
        plain = plain_entries(known.entries)
        print_json([{"code": code, **plain[code], "from": source[code]} for code in known])
        return
    columns = [TableColumn(heading) for heading in ("code", "name", "languages", "clock", "from")]
    rows = [
        [code, known.name(code), " ".join(entry.languages), entry.clock, source[code]]
        for code, entry in known.entries.items()
    ]
    print_table(columns, rows)
    for footnote in known.footnotes(known):
        typer.echo(footnote)


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A file with the names, as docs/root-ceremony.md shows it.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put a jurisdiction into the node's own file, before ``ffp init`` too. Where a trust root is installed, its
    registry names jurisdictions, and this refuses."""
    from exchange.flows.node.jurisdictions import TRUST_ROOT
    from exchange.jurisdictions.own_file import OWN_FILE, add_own_entries, read_entries_file

    folder = resolve_home(home)
    if (folder / TRUST_ROOT).exists():
        raise ConfigurationError(
            "The trust root is installed here, and its registry names the jurisdictions. Carry the file to those who "
            "sign the next round, for the folder jurisdictions/ of the ceremony."
        )
    more = read_entries_file(file)
    add_own_entries(folder, more)
    named = [f"{code}, {entry.names['en']}" for code, entry in sorted(more.items())]
    written = folder / OWN_FILE
    fields = {"written": written, "jurisdictions": sorted(more)}
    tell(as_json, fields, f"Known here from now on: {'; '.join(named)}. Written: {written}")
    for footnote in (entry.footnotes["en"] for entry in more.values() if entry.footnotes):
        typer.echo(footnote, err=as_json)


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="Default: jurisdictions.json in the node's home.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a file of jurisdictions can be used, and what is wrong with it: exit code 1."""
    from exchange.jurisdictions.own_file import OWN_FILE, own_entries, read_entries_file

    folder = resolve_home(home)
    path = folder / OWN_FILE if file is None else file
    try:
        found = own_entries(folder) if file is None else read_entries_file(file)
    except (ConfigurationError, InvalidInput) as error:
        tell(as_json, {"file": path, "good": False, "detail": str(error)}, str(error))
        raise typer.Exit(1) from error
    named = [f"{code}, {entry.names['en']}" for code, entry in sorted(found.items())]
    tell(
        as_json,
        {"file": path, "good": True, "jurisdictions": sorted(found)},
        f"{path} is good: {'; '.join(named)}." if named else f"There is no {path}: the release's jurisdictions alone.",
    )
    for footnote in (entry.footnotes["en"] for entry in found.values() if entry.footnotes):
        typer.echo(footnote, err=as_json)
