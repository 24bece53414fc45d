"""``ffp training``: a region to practise in, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.coordination.training.training import run_training
from exchange.jurisdictions.directory import shipped_directory


def training(
    folder: Annotated[
        Path, typer.Argument(help="An empty or new folder; the next time it goes on with what is there.")
    ],
    first_port: Annotated[int, typer.Option(help="The nodes take this port and those after it.")] = 8441,
    every: Annotated[float, typer.Option(help="Seconds from one exhibit to the next, until all sixty came.")] = 20,
    further: Annotated[
        list[str] | None,
        typer.Option("--with", help="A further jurisdiction, such as MD or UA: from the start, or joining later."),
    ] = None,
    half_years: Annotated[
        int,
        typer.Option(
            "--half-years", min=0, max=4, help="So many half-years that are over the nodes have behind them, simulated."
        ),
    ] = 0,
) -> None:
    """Run six Firearms Focal Points to practise with: their pages, people and synthetic exhibits; Ctrl-C ends them."""

    known = shipped_directory()
    joining = [known.asked(word) for word in further or ()]
    raise typer.Exit(run_training(folder, first_port=first_port, every_s=every, further=joining, half_years=half_years))
