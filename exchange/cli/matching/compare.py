"""The commands that need no node: compare two scans, write one as x3p; and what such commands share."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from exchange.cli.matching.console import one_thread, refuse
from exchange.cli.matching.region_option import BREECH_FACE, compared_regions, region_option
from exchange.cli.tables import AsJson, TableColumn, print_facts, print_table, tell

if TYPE_CHECKING:
    from matcher import Comparison, Photograph, ProfileParameters, Topography
    from matcher.read.origin import Origin

_CAUTION = "A score ranks candidates; it does not identify."


def compare(
    a: Annotated[Path, typer.Argument(help="A scan: x3p, al3d, sur or plux; or a photograph: PNG, TIFF, JPEG.")],
    b: Annotated[Path, typer.Argument(help="The scan to compare it with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole comparison as JSON.")] = False,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the aligned pair with its cells here.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="The same as a drawing with each cell's figures.")] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Say what the score is worth, by this model of ffp calibrate.")
    ] = None,
    calibre: Annotated[
        str, typer.Option("--calibre", help="Calibre of both exhibits; without it no likelihood ratio is validated.")
    ] = "unknown",
    um_per_pixel: Annotated[
        float | None, typer.Option("--um-per-pixel", help="Of the photographs; without it none is read.")
    ] = None,
    lighting: Annotated[
        str, typer.Option("--lighting", help="Of the photographs: ring, side, side:H (clock hour, 12 is up), unknown.")
    ] = "unknown",
    region: Annotated[str, region_option("What both scans show.")] = BREECH_FACE,
    mask_a: Annotated[
        Path | None, typer.Option("--mask-a", help="Of the first scan: a picture of its own size, the mark white.")
    ] = None,
    mask_b: Annotated[Path | None, typer.Option("--mask-b", help="Of the second scan.")] = None,
) -> None:
    """Compare two scans: score, registration, congruent cells; with --calibration the likelihood ratio."""
    one_thread()
    from exchange.cli.matching.calibration import plain_worth, read_judge, worth_in_words
    from exchange.flows.node.validated_scores import ScanFacts, coarser, why_not_validated
    from matcher import MatcherError, Parameters, Photograph, ProfileParameters, compare_scans
    from schemas.vocabulary import Modality

    if calibration is not None and region != BREECH_FACE:
        refuse(f"no likelihood ratio is validated for the {region}: compare without --calibration")
    judge = None if calibration is None else read_judge(calibration, calibre)
    start = time.perf_counter()
    scans = [_read_scan(path, um_per_pixel, lighting, mask) for path, mask in ((a, mask_a), (b, mask_b))]
    read = time.perf_counter()
    compared = compared_regions()[region]
    match compared.pipeline:
        case ProfileParameters() as striated:
            if svg is not None:
                refuse(f"{region}s have no cells to draw as SVG: draw their profiles with --png")
            note = why_not_validated(compared.roi, None, None)
            _compare_striae((a, b), scans, striated, note, read - start, as_json, png)
            return
        case Parameters() as heights:
            try:
                pair = compare_scans(scans[0], scans[1], heights, compared.relief)
            except MatcherError as error:
                refuse(f"{a} with {b}: {error}")
        case other:
            assert_never(other)
    comparison = pair.comparison
    facts = (
        ScanFacts(
            Modality.REFLECTANCE if isinstance(scan, Photograph) else Modality.TOPOGRAPHY,
            None if isinstance(scan, Photograph) else coarser(*scan.spacing_um),
            mark.area_mm2,
            mended=mask is not None,
        )
        for scan, mark, mask in zip(scans, pair.marks, (mask_a, mask_b), strict=True)
    )
    note = why_not_validated(compared.roi, *facts)
    seconds = {"read": read - start, "compare": time.perf_counter() - read}
    worth = None
    if judge is not None:
        spacings = [scan.spacing_um for scan in scans if not isinstance(scan, Photograph)]
        if len(spacings) < len(scans):
            refuse("no likelihood ratio is validated for photographs: compare without --calibration")
        worth = judge(comparison, spacings, pair.marks)
    if png is not None:
        from matcher.draw.draw_pair import draw_pair

        _write(png, draw_pair(pair.a, pair.b, comparison, pair.parameters))
    if svg is not None:
        from matcher.draw.explain_svg import draw_pair_svg

        _write(svg, draw_pair_svg(pair.a, pair.b, comparison, pair.parameters).encode())
    if as_json:
        from matcher.draw.explain_svg import explanation

        plain = {} if worth is None else {"likelihood_ratio": plain_worth(worth)}
        told = explanation(pair.a, pair.b, comparison, pair.parameters)
        typer.echo(json.dumps({**told, **plain, "not_validated": note, "seconds": seconds}))
    else:
        _print_comparison((a, b), comparison, note, seconds, {} if worth is None else worth_in_words(worth))
    for path, scan in zip((a, b), scans, strict=True):
        for warning in scan.warnings:
            typer.echo(f"{path}: {warning}", err=True)
    if pair.mirrored:
        typer.echo("The photograph was turned upside down, as the topography's first row is the lowest.", err=True)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")


def _compare_striae(
    paths: tuple[Path, Path],
    scans: list[Topography | Photograph],
    parameters: ProfileParameters,
    note: str | None,
    read_s: float,
    as_json: bool,
    png: Path | None,
) -> None:
    from exchange.cli.matching.striae import compare_striae
    from matcher import MatcherError, Topography

    first, second = scans
    if not isinstance(first, Topography) or not isinstance(second, Topography):
        refuse("striae are compared between topographies alone: a photograph shows no heights")
    try:
        compare_striae(paths, (first, second), parameters, note, read_s, as_json, png)
    except MatcherError as error:
        refuse(f"{paths[0]} with {paths[1]}: {error}")
    except OSError as error:
        refuse(f"{png} cannot be written: {error.strerror}")
    for path, scan in zip(paths, (first, second), strict=True):
        for warning in scan.warnings:
            typer.echo(f"{path}: {warning}", err=True)


def _read_scan(
    path: Path, um_per_pixel: float | None, lighting: str, mask: Path | None = None
) -> Topography | Photograph:
    from matcher import Lighting, MatcherError, read_mask, read_photograph, read_topography

    scan: Topography | Photograph
    try:
        with path.open("rb") as file:
            is_image = file.read(4).startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*"))
        if not is_image:
            scan = read_topography(path)
        elif um_per_pixel is None:
            refuse(f"{path} is a photograph: give --um-per-pixel, and --lighting where it is known")
        else:
            scan = read_photograph(path, um_per_pixel, Lighting.parse(lighting))
        if mask is None:
            return scan
        path = mask
        return scan.within(read_mask(mask))
    except (MatcherError, OSError, ValueError) as error:
        refuse(f"{path}: {error.strerror if isinstance(error, OSError) else error}")


def convert(
    scan: Annotated[Path, typer.Argument(help="A scan: x3p, al3d, sur or plux, told from its content.")],
    x3p: Annotated[Path, typer.Argument(help="The x3p file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a scan as x3p in its plainest form: heights and spacings in metres, NaN where nothing was measured.

    When, by whom and with which instrument it was measured is kept as far as the file says it; the rest is named and
    left empty.
    """
    from matcher import MatcherError, read_topography, write_topography

    if x3p.exists() and not force:
        refuse(f"{x3p} is there already: name another file, or write over it with --force.")
    try:
        topography = read_topography(scan)
    except (MatcherError, OSError) as error:
        refuse(f"{scan}: {error.strerror if isinstance(error, OSError) else error}")
    try:
        write_topography(topography, x3p, creator=topography.origin.creator or "ffp convert")
    except OSError as error:
        refuse(f"{x3p} cannot be written: {error.strerror}")
    rows, columns = topography.heights_um.shape
    dy, dx = topography.spacing_um
    tell(
        as_json,
        {
            "written": x3p,
            "rows": rows,
            "columns": columns,
            "spacing_y_um": float(dy),
            "spacing_x_um": float(dx),
            "coverage": float(topography.coverage),
            "origin": topography.origin,
            "warnings": list(topography.warnings),
        },
        f"{x3p}: {columns} x {rows} points, {dx:g} x {dy:g} um apart, {topography.coverage:.0%} measured.",
        *_origin_in_words(topography.origin),
    )
    for warning in topography.warnings:
        typer.echo(f"{scan}: {warning}", err=True)


def _origin_in_words(origin: Origin) -> list[str]:
    """What was kept of it, and what the file did not say."""
    named = {
        "measured": origin.measured,
        "calibrated": origin.calibrated,
        "creator": origin.creator,
        "maker": origin.manufacturer,
        "model": origin.model,
        "serial number": origin.serial,
        "software version": origin.version,
    }
    kept = [f"{name} {said}" for name, said in named.items() if said is not None]
    unknown = [name for name, said in named.items() if said is None]
    said = [f"Kept: {', '.join(kept)}."] if kept else []
    return [*said, *([f"Not in the file, and not made up: {', '.join(unknown)}."] if unknown else [])]


def _print_comparison(
    paths: tuple[Path, Path],
    comparison: Comparison,
    note: str | None,
    seconds: dict[str, float],
    worth: dict[str, str],
) -> None:
    shift_y, shift_x = comparison.shift_um
    facts = {
        "score": f"{comparison.score:.3f}" if note is None else f"{comparison.score:.3f}, not validated",
        "agreement, where chance reaches 5 to 8": f"{comparison.agreement:.1f}",
        "correlation of the registered marks": f"{comparison.g25:.3f}",
        "congruent cells": f"{comparison.n_congruent} of {comparison.n_cells}",
        "overlap of the marks": f"{comparison.overlap:.0%}",
        "rotation of the first onto the second": f"{comparison.rotation_deg:.2f} degrees, from x towards y",
        "shift of its centre": f"y {shift_y:.0f} um, x {shift_x:.0f} um",
        **worth,
        "read both": f"{seconds['read'] * 1e3:.0f} ms",
        "clean and compare": f"{seconds['compare'] * 1e3:.1f} ms",
        "matcher, parameters": f"{comparison.matcher_version}, {comparison.parameters_digest[:12]}",
    }
    print_facts(facts.items(), title=f"{paths[0].name}  and  {paths[1].name}")
    columns = [
        TableColumn("cell"),
        TableColumn("correlation", number=True),
        TableColumn("moved y, x (um)", number=True),
        TableColumn(""),
    ]
    cells = [
        [
            cell.label,
            f"{cell.correlation:.2f}",
            f"{cell.displacement_um[0]:.0f}, {cell.displacement_um[1]:.0f}",
            "congruent" if cell.congruent else "",
        ]
        for cell in comparison.cells
    ]
    print_table(columns, cells)
    typer.echo(_CAUTION if note is None else f"{_CAUTION} {note}")
