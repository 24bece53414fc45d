"""``ffp sync``: what is where between this node and its peers, in words."""

from __future__ import annotations

import typer

from exchange.cli.node import Home
from exchange.home import resolve_home

app = typer.Typer(help="What is in step, what waits, what was set aside.", no_args_is_help=True)


@app.command("status")
def status(home: Home = None) -> None:
    """Say for each peer what it has, what waits for it, what it signed for, and what came from it."""
    from exchange.flows.node import opened
    from exchange.flows.sync import in_words, sync_status

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

    from exchange.flows.node import opened
    from exchange.flows.sync import receipt_evidence

    with opened(resolve_home(home)) as node:
        found = receipt_evidence(node, node_id)
    typer.echo(json.dumps(found, indent=2) if found else f"{node_id} has acknowledged nothing yet.")


@app.command("note")
def note(node_id: str, home: Home = None) -> None:
    """Take note of what is set aside of a peer's: it stays set aside, and raises no alarm any more."""
    from exchange.flows.node import opened
    from exchange.flows.sync import note_quarantine

    with opened(resolve_home(home)) as node:
        noted = note_quarantine(node, node_id)
    typer.echo(f"{noted} items noted. New ones raise the alarm again.")
