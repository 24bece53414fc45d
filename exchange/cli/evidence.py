"""``ffp log``: what is kept of logs that signed what does not agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.node import Home
from exchange.config import resolve_home

app = typer.Typer(help="This node's log and those of its peers.", no_args_is_help=True)


@app.command("evidence")
def evidence(
    out: Annotated[Path | None, typer.Option(help="A folder to write the signed heads to, two files a case.")] = None,
    home: Home = None,
) -> None:
    """Show the signed heads that do not agree, as the signed notes that any verifier of such notes takes."""
    from exchange.flows.node import opened
    from exchange.flows.status import kept_evidence

    with opened(resolve_home(home)) as node:
        found = kept_evidence(node)
    if not found:
        typer.echo("No two heads that disagree were ever shown to this node.")
    for row in found:
        typer.echo(f"{row.found_at}  {row.log}\n  {row.detail}\n")
        for name, note in (("first", row.first), ("second", row.second)):
            if out is None:
                typer.echo(note.decode())
            else:
                out.mkdir(parents=True, exist_ok=True)
                path = out / f"{row.log}-{row.digest[:16]}-{name}.note"
                path.write_bytes(note)
                typer.echo(f"  written: {path}")
