"""``ffp sync``: what is where between this node and its peers, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell

if TYPE_CHECKING:
    from exchange.flows.sync.quarantine import SetAside

app = typer.Typer(help="What is in step, what waits, what was set aside.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What peers sent and this node does not believe.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")


@app.command("status")
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say for each peer what it has, what waits for it, what it signed for, and what came from it."""
    from exchange.flows.sync.progress import in_words, plain_status, sync_status

    with node_at(home) as node:
        found = sync_status(node)
    if as_json:
        print_json([plain_status(item) for item in found])
        return
    if not found:
        typer.echo("No peer is enrolled. See: ffp peer add --help")
    for item in found:
        typer.echo(f"{item.row.node_id} ({item.row.state})")
        for sentence in in_words(item):
            typer.echo(f"  {sentence}")


@app.command("receipt")
def receipt(node_id: str, home: Home = None) -> None:
    """Print the peer's signed request with which it acknowledged its lane so far, as JSON: evidence of delivery."""
    import json

    from exchange.flows.sync.acknowledge import receipt_evidence

    with node_at(home) as node:
        found = receipt_evidence(node, node_id)
    typer.echo(json.dumps(found, indent=2) if found else f"{node_id} has acknowledged nothing yet.")


@app.command("note")
def note(node_id: str, home: Home = None, as_json: AsJson = False) -> None:
    """Take note of what is set aside of a peer's: it stays set aside, and raises no alarm any more."""
    from exchange.flows.sync.progress import note_quarantine

    with node_at(home) as node:
        noted = note_quarantine(node, node_id)
    fields = {"node_id": node_id, "noted": noted}
    tell(as_json, fields, f"{noted} items noted. New ones raise the alarm again.")


@quarantine_app.command("list")
def list_quarantine(
    node_id: Annotated[str | None, typer.Argument(help="One peer; without, all of them.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List what is set aside of a peer's: place, digest, reason, and whether its bytes are kept as evidence."""
    from exchange.flows.sync.quarantine import list_set_aside

    with node_at(home) as node:
        found = [item for item in list_set_aside(node, node_id) if item.rows or item.counted]
    if as_json:
        print_json([_plain(item) for item in found])
        return
    if not found:
        typer.echo("Nothing is set aside.")
    headings = ("peer", "place", "at", "reason", "bytes", "kept", "noted", "detail", "statement", "sha256")
    columns = [TableColumn(heading, number=heading in ("place", "bytes")) for heading in headings]
    print_table(columns, [row for item in found for row in _rows(item)])
    for item in found:
        size = sum(item.evidence.values())
        typer.echo(f"{item.peer}: {len(item.rows)} items; bytes of {len(item.evidence)} are kept, {size:,} in all")
        for counted in item.counted:
            typer.echo(f"  and {counted.items} more for the reason {counted.reason}, only counted")


@quarantine_app.command("drop")
def drop_quarantine(
    node_id: str,
    place: Annotated[int | None, typer.Option(min=0, help="Only what stood at this place of its lane.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Drop what is set aside of a peer's: the bytes, digests and reasons in words go, and cannot be had again. How
    many there were for each reason stays known."""
    from exchange.flows.sync.quarantine import drop, list_set_aside

    with node_at(home) as node:
        (found,) = list_set_aside(node, node_id)
        if not yes:
            typer.echo(
                f"{len(found.rows)} items of {node_id} are set aside. A later release may understand "
                f"{found.to_be_read_again} of them; what is dropped of these is lost to this node.",
                err=as_json,
            )
            question = "Drop them?" if place is None else f"Drop what stood at place {place}?"
            typer.confirm(question, abort=True, err=as_json)
        dropped = drop(node, node_id, place=place)
    tell(as_json, {"node_id": node_id, "dropped": dropped}, f"{dropped} items dropped.")


def _rows(item: SetAside) -> list[list[object]]:
    return [
        [
            item.peer,
            row.position,
            row.at,
            row.reason,
            row.size,
            "kept" if row.position in item.evidence else "not kept",
            "noted" if row.seen_at else "not noted",
            row.detail,
            row.statement_id,
            row.sha256 or "unknown",
        ]
        for row in item.rows
    ]


def _plain(item: SetAside) -> dict[str, object]:
    known = ("position", "at", "reason", "detail", "statement_id", "sha256", "size", "seen_at")
    return {
        "peer": item.peer,
        "items": [
            {**{name: getattr(row, name) for name in known}, "bytes_kept": row.position in item.evidence}
            for row in item.rows
        ],
        "only_counted": {row.reason: row.items for row in item.counted},
    }
