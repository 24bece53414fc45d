"""``ffp doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.node import Home
from exchange.home import resolve_home


def doctor(
    home: Home = None, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Examine the node, whether it runs or not: clock, keys, permissions, disk, database, scans, log, peers, work, its
    processes and its cluster. Says what is wrong and what to do, and changes nothing. Exit code 0 when all is well, 1
    with warnings, 2 with faults."""
    import json

    from exchange.cli.opening import passphrase_for
    from exchange.clock import stamp
    from exchange.flows.operate.doctor import examine

    folder = resolve_home(home)
    found = examine(folder, passphrase=passphrase_for(folder))
    if as_json:
        findings = [
            {"subject": item.subject, "gravity": item.gravity.name.lower(), "what": item.what, "next": item.next}
            for item in found.findings
        ]
        told = {"examined_at": stamp(), "served": found.served, "worst": found.worst.name.lower(), "findings": findings}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for item in sorted(found.findings, key=lambda finding: -finding.gravity):
            typer.echo(f"{item.gravity.name} {item.subject}: {item.what}\n    {item.next}")
        running = "The node runs" if found.served else "The node does not run"
        typer.echo(f"{running}; {len(found.findings) or 'nothing'} found.")
    raise typer.Exit(int(found.worst))
