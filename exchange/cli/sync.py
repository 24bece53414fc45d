"""``ffp sync``: what is where between this node and its peers, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node import Home
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.sync.quarantine import SetAside

app = typer.Typer(help="What is in step, what waits, what was set aside.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What peers sent and this node does not believe.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")


@app.command("status")
def status(home: Home = None) -> None:
    """Say for each peer what it has, what waits for it, what it signed for, and what came from it."""
    from exchange.flows.node.node import opened
    from exchange.flows.sync.progress import in_words, sync_status

    with opened(resolve_home(home)) as node:
        found = sync_status(node)
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

    from exchange.flows.node.node import opened
    from exchange.flows.sync.progress import receipt_evidence

    with opened(resolve_home(home)) as node:
        found = receipt_evidence(node, node_id)
    typer.echo(json.dumps(found, indent=2) if found else f"{node_id} has acknowledged nothing yet.")


@app.command("note")
def note(node_id: str, home: Home = None) -> None:
    """Take note of what is set aside of a peer's: it stays set aside, and raises no alarm any more."""
    from exchange.flows.node.node import opened
    from exchange.flows.sync.progress import note_quarantine

    with opened(resolve_home(home)) as node:
        noted = note_quarantine(node, node_id)
    typer.echo(f"{noted} items noted. New ones raise the alarm again.")


@quarantine_app.command("list")
def list_quarantine(
    node_id: Annotated[str | None, typer.Argument(help="One peer; without, all of them.")] = None, home: Home = None
) -> None:
    """List what is set aside of a peer's: place, digest, reason, and whether its bytes are kept as evidence."""
    from exchange.flows.node.node import opened
    from exchange.flows.sync.quarantine import list_set_aside

    with opened(resolve_home(home)) as node:
        found = [item for item in list_set_aside(node, node_id) if item.rows or item.counted]
    for item in found:
        for line in _lines(item):
            typer.echo(line)
    if not found:
        typer.echo("Nothing is set aside.")


@quarantine_app.command("drop")
def drop_quarantine(
    node_id: str,
    place: Annotated[int | None, typer.Option(min=0, help="Only what stood at this place of its lane.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: Home = None,
) -> None:
    """Drop what is set aside of a peer's: the bytes, digests and reasons in words go, and cannot be had again. How
    many there were for each reason stays known."""
    from exchange.flows.node.node import opened
    from exchange.flows.sync.quarantine import drop, list_set_aside

    with opened(resolve_home(home)) as node:
        (found,) = list_set_aside(node, node_id)
        if not yes:
            typer.echo(
                f"{len(found.rows)} items of {node_id} are set aside. A later release may understand "
                f"{found.to_be_read_again} of them; what is dropped of these is lost to this node."
            )
            typer.confirm("Drop them?" if place is None else f"Drop what stood at place {place}?", abort=True)
        dropped = drop(node, node_id, place=place)
    typer.echo(f"{dropped} items dropped.")


def _lines(item: SetAside) -> list[str]:
    size = sum(item.evidence.values())
    said = [f"{item.peer}: {len(item.rows)} items; bytes of {len(item.evidence)} are kept, {size:,} in all"]
    for row in item.rows:
        kept = f"{row.size:,} bytes" if row.position in item.evidence else "no bytes kept"
        noted = "noted" if row.seen_at else "not noted"
        said.append(f"  place {row.position}  {row.at}  {row.reason}  {kept}, {noted}")
        said.append(f"    statement {row.statement_id}  sha256 {row.sha256 or 'unknown'}")
        said.append(f"    {row.detail}")
    said += [f"  and {row.items} more for the reason {row.reason}, only counted" for row in item.counted]
    return said
