"""What commands that compare scans show: progress, and a refusal in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr, one a stage; what the matcher refuses is said when they are gone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    from matcher import MatcherError

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            bars.start()
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done)

    refusal = None
    try:
        yield show
    except MatcherError as error:
        refusal = error
    finally:
        if tasks:  # bars that were never started would leave an empty line
            bars.stop()
    if refusal is not None:
        refuse(refusal)


def one_thread() -> None:
    """Hold numerical libraries to one thread before they are loaded: seconds of processor time are reported."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def refuse_unwritable(path: Path) -> None:
    """Better refused now than after minutes, with all that was found."""
    if path.is_dir():
        refuse(f"{path} cannot be written: it is a folder; name a file")
    if not path.parent.is_dir():
        refuse(f"{path} cannot be written: make the folder {path.parent} first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        refuse(f"{path} cannot be written: this user may not write there")


def refuse(reason: object) -> NoReturn:
    typer.echo(f"ffp: {reason}", err=True)
    raise typer.Exit(2)
