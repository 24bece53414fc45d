"""``ffp compare`` of a striated region: two profiles across striae instead of two surfaces."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from exchange.cli.tables import print_facts

if TYPE_CHECKING:
    from matcher import ProfileComparison, ProfileParameters, Topography


def compare_striae(
    paths: tuple[Path, Path],
    scans: tuple[Topography, Topography],
    parameters: ProfileParameters,
    note: str | None,
    read_s: float,
    as_json: bool,
    png: Path | None,
) -> None:
    """Compare, print or write JSON, and draw.

    ``note``: that scores of the region are not validated.
    Raises ``MatcherError``, and ``OSError`` of the picture's file.
    """
    from matcher import compare_profiles, prepare_profile

    start = time.perf_counter()
    first, second = (prepare_profile(scan, parameters) for scan in scans)
    comparison = compare_profiles(first, second, parameters)
    seconds = {"read": read_s, "compare": time.perf_counter() - start}
    if png is not None:
        from matcher.draw.explain_profiles import draw_profiles

        png.write_bytes(draw_profiles(*scans, comparison, parameters))
    if as_json:
        typer.echo(json.dumps({**comparison.as_dict(), "not_validated": note, "seconds": seconds}))
    else:
        _print(paths, comparison, note, seconds)


def _print(
    paths: tuple[Path, Path], comparison: ProfileComparison, note: str | None, seconds: dict[str, float]
) -> None:
    congruent = f"{comparison.n_congruent} of {comparison.n_segments}, {comparison.n_consecutive} in a row"
    facts = {
        "score": f"{comparison.score:.3f}" if note is None else f"{comparison.score:.3f}, not validated",
        "correlation of the registered profiles": f"{comparison.ccf:.3f}",
        "congruent segments": congruent,
        "overlap": f"{comparison.overlap_um:.0f} um, {comparison.overlap:.0%} of the shorter profile",
        "the first on the second": f"{'turned by half a turn' if comparison.reversed else 'as it is'}, shifted by "
        f"{comparison.lag_um:.1f} um",
        "stretch": f"{comparison.stretch - 1.0:+.2%}",
        "read both": f"{seconds['read'] * 1e3:.0f} ms",
        "find striae and compare": f"{seconds['compare'] * 1e3:.1f} ms",
        "matcher, parameters": f"{comparison.matcher_version}, {comparison.parameters_digest[:12]}",
    }
    print_facts(facts.items(), title=f"{paths[0].name}  and  {paths[1].name}")
    caution = "A score ranks candidates; it does not identify."
    typer.echo(caution if note is None else f"{caution} {note}")
