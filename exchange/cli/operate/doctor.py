"""``ffp doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.opening import passphrase_for
from exchange.clock import stamp
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.operate.doctor.examine import Examination
    from exchange.flows.operate.findings import Finding

_Home = Annotated[
    Path | None,
    typer.Option(help="The node's folder. Default: $FFP_NODE_HOME, else /var/lib/ffp.", readable=False),
]
"""That it cannot be read is a finding."""
_COLOURS = {"GOOD": typer.colors.GREEN, "WARNING": typer.colors.YELLOW, "FAULT": typer.colors.RED}


def doctor(
    home: _Home = None, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Examine the node, whether it runs or not: home, disk, settings, port, keys, database, clock, backup, scans, log,
    peers, work, and the services beside it. The first line says the cause, the second the step; what follows from it
    stands below. Changes nothing. Exit code 0 when all is well, 1 with warnings, 2 with faults."""
    import json

    from exchange.flows.operate.doctor.examine import examine

    folder = resolve_home(home)
    found = examine(folder, passphrase=passphrase_for(folder))
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(int(found.worst))


def _tell(found: Examination) -> None:
    """The cause, the step, and whatever else there is."""
    made = sum(gravity is not None for gravity in found.checks.values())
    state = f"The node {'runs' if found.served else 'does not run'}; {made} checks"
    if not found.findings:
        typer.secho(f"All is well. {state}, nothing found.", fg=_COLOURS["GOOD"])
        return
    first, *others = found.causes
    typer.secho(f"Cause: {first.sentence}", fg=_COLOURS[first.gravity.name])
    typer.echo(f"Step:  {first.next}")
    _list("What follows from a cause, and should go with it:", found.consequences)
    _list("Also found:", others)
    left_out = [name for name, gravity in found.checks.items() if gravity is None]
    untold = f" Not looked at before that: {', '.join(left_out)}." if left_out else ""
    typer.echo(f"\n{state}, {len(found.findings)} found.{untold}")


def _list(title: str, findings: list[Finding]) -> None:
    if findings:
        typer.echo(f"\n{title}")
    for item in findings:
        typer.secho(f"  {item.gravity.name} {item.subject}: {item.what}", fg=_COLOURS[item.gravity.name])
        typer.echo(f"      {item.next}")


def _as_json(found: Examination) -> dict[str, Any]:

    first = found.causes[0] if found.findings else None
    return {
        "examined_at": stamp(),
        "served": found.served,
        "worst": found.worst.name.lower(),
        "cause": None if first is None else first.sentence,
        "step": None if first is None else first.next,
        "findings": [
            *(_item(one, follows=False) for one in found.causes),
            *(_item(one, follows=True) for one in found.consequences),
        ],
        "checks": {
            name.replace(" ", "_").replace("-", "_"): "not examined" if gravity is None else gravity.name.lower()
            for name, gravity in found.checks.items()
        },
    }


def _item(one: Finding, *, follows: bool) -> dict[str, Any]:
    """``follows``: from another one, with which it should go."""
    return {
        "kind": str(one.cause),
        "subject": one.subject,
        "gravity": one.gravity.name.lower(),
        "what": one.what,
        "next": one.next,
        "follows": follows,
    }
