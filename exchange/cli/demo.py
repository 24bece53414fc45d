"""``ffp demo``: nodes on this machine, with made-up evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    scans: Annotated[
        Path | None, typer.Option(help="A folder of x3p breech-face scans; truth.csv in it is used when there.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Deals the scans out, and draws them when they are synthetic.")] = 1,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the whole result here.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the nodes up and print addresses and tokens.")] = False,
) -> None:
    """Run three Firearms Focal Points and rank their cross-border candidates."""
    from exchange.demo.run import run_demo

    raise typer.Exit(run_demo(scans, seed=seed, json_out=json_out, keep=keep))
