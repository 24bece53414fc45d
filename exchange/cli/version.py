"""``ffp --version``: which release this is, and what of the contract it reads."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import typer

from schemas.kinds import KINDS
from schemas.versions import VERSIONS


def say_version() -> None:
    """Say it. Two operators whose nodes do not read each other compare this first."""
    try:
        release = version("ffp-exchange")
    except PackageNotFoundError:
        release = "from its source, not installed"
    typer.echo(f"ffp {release}")
    typer.echo(f"reads the contract in version {', '.join(VERSIONS)}")
    typer.echo(f"reads statements of the kinds {', '.join(KINDS)}")
