"""``ffp truth``: the test fires of known firearm, for evaluation and calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import actor_of, one_of
from exchange.cli.matching.console import progress_bars
from exchange.cli.node_commands import Home
from exchange.cli.opening import opened_here
from exchange.cli.tables import AsJson, print_json
from exchange.home import resolve_home

app = typer.Typer(help="Test fires of known firearm: the truth that a laboratory has anyway.", no_args_is_help=True)


@app.callback()
def truth() -> None:
    """Test fires of one firearm are true pairs: write them out, to evaluate, validate and calibrate."""


@app.command("export")
def export_test_fires(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one that this command wrote.")],
    peers: Annotated[
        bool, typer.Option("--peers", help="Also test fires of peers, as far as they are held here.")
    ] = False,
    handling: Annotated[
        list[str] | None,
        typer.Option("--handling", help="Of peers' records; may be repeated. Default: H0 and H1. Ask their owner."),
    ] = None,
    acting: Annotated[
        str | None, typer.Option("--as", help="The examiner or head who takes them. Default: the console.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the scans of the node's test fires, and truth.csv with the firearm of each, a folder a region.

    Firearms have the names that their issuers gave them, with the issuer: never a serial number. Broken off, run it
    once more. What is left out stands in left-out.csv, with the reason. The audit names each scan.
    """
    from exchange.flows.truth.export import FREELY, export_truth
    from schemas.vocabulary import HandlingCode, Role

    codes = frozenset(one_of(HandlingCode, code) for code in handling) if handling else FREELY
    with opened_here(resolve_home(home)) as node, progress_bars() as show:
        by = actor_of(node, acting, Role.EXAMINER, Role.HEAD)
        done = export_truth(
            node, by, folder, peers=peers, handling=codes, show=lambda copied, of: show("copying scans", copied, of)
        )
    if as_json:
        print_json(done)
        return
    scans = ", ".join(f"{count} of the {roi.replace('_', ' ')}" for roi, count in done.regions.items())
    typer.echo(f"{folder}: {scans or 'no scans'}; {done.firearms} firearms; {done.written} scans are new.")
    if done.alone:
        typer.echo(f"{done.alone} firearms have one test fire of a region: it stands in pairs of two firearms alone.")
    if done.removed:
        typer.echo(f"Taken out again: {done.removed} scans of an earlier export.")
    for why, count in done.left_out.items():
        typer.echo(f"Left out: {count}, {why}.")
    for roi in done.regions:
        typer.echo(f"ffp evaluate {folder / roi} --truth {folder / roi / 'truth.csv'}")
