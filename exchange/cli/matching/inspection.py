"""``ffp inspect``: how good a scan is for comparison, and where its mark was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from exchange.cli.matching.console import one_thread, refuse
from exchange.cli.matching.region_option import BREECH_FACE, compared_regions, region_option
from exchange.cli.tables import print_facts

if TYPE_CHECKING:
    from matcher import Quality, Topography


def inspect(
    scan: Annotated[Path, typer.Argument(help="A scan: x3p, al3d, sur or plux, told from its content.")],
    png: Annotated[Path | None, typer.Option("--png", help="Draw the scan with its mark outlined here.")] = None,
    mask: Annotated[
        Path | None, typer.Option("--mask", help="A picture of the scan's own size: white is the mark, black is not.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    region: Annotated[str, region_option("What the scan is to be compared by.")] = BREECH_FACE,
) -> None:
    """Say how good a scan is for comparison: coverage, sampling, roughness, noise. Exit code 1: not usable."""
    one_thread()
    from matcher import Parameters, ProfileParameters, assess

    match compared_regions()[region].pipeline:
        case ProfileParameters():
            refuse(f"striae are not inspected yet: use ffp compare --region '{region}'")
        case Parameters() as parameters:
            topography = read_outlined(scan, mask)
        case other:
            assert_never(other)
    quality = assess(topography, parameters)
    if png is not None:
        from matcher.draw.quality_picture import draw_quality

        try:
            png.write_bytes(draw_quality(topography, parameters))
        except OSError as error:
            refuse(f"{png} cannot be written: {error.strerror}")
    if as_json:
        typer.echo(json.dumps(quality.as_dict(), allow_nan=False))
    else:
        _print_quality(scan, quality)
    if not quality.usable:
        raise typer.Exit(1)


def read_outlined(scan: Path, mask: Path | None) -> Topography:
    """A topography, within a mask where one is given; what cannot be read is said, and the command ends."""
    from matcher import MatcherError, read_mask, read_topography

    path = scan
    try:
        topography = read_topography(scan)
        if mask is None:
            return topography
        path = mask
        return topography.within(read_mask(mask))
    except (MatcherError, OSError) as error:
        refuse(f"{path}: {error.strerror if isinstance(error, OSError) else error}")


def _print_quality(scan: Path, quality: Quality) -> None:
    from matcher.mark.quality import figures_in_words

    usable = "no" if not quality.usable else "in doubt" if quality.doubts else "yes"
    print_facts([("usable", usable), *figures_in_words(quality).items()], title=scan.name)
    for sentence in ([quality.reason] if quality.reason else []) + list(quality.warnings):
        typer.echo(sentence[0].upper() + sentence[1:])
