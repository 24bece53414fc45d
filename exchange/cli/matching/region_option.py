"""``--region``, in the words of the table of regions. The table loads the matcher, so it is read late: when a command
runs, shows its help or completes a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from exchange.cli.matching.console import one_thread

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

    from exchange.flows.node.regions import ComparedRegion

BREECH_FACE = "breech face"


class RegionCommand(TyperCommand):
    """A command whose help lists the regions that are compared."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        for parameter in self.params:
            if parameter.name == "region":
                parameter.metavar = f"<{'|'.join(compared_regions())}>"
        super().format_options(ctx, formatter)


def region_option(what: str) -> Any:
    """``what``: said in the help."""
    return typer.Option("--region", help=what, callback=_check, autocompletion=_complete)


def compared_regions() -> dict[str, ComparedRegion]:
    """By name. The first call loads the matcher, and that is to be held to one thread."""
    one_thread()
    from exchange.flows.node.regions import COMPARED

    return {region.name: region for region in COMPARED.values()}


def _check(name: str) -> str:
    if name not in compared_regions():
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, compared_regions()))}.")
    return name


def _complete(begun: str) -> list[str]:
    return [name for name in compared_regions() if name.startswith(begun)]
