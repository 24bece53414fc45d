"""Measures the controls of firing pin impressions: ``python -m tests.accuracy.measure_impression_controls [FIRST]``.

On drawn pins, twenty from number FIRST (0) on, and, alone, on the real dent of $FFP_DATA/firing-pin; rings left in, and
taken out. The tables of controls in docs/regions.md are taken from what this prints. Three minutes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from matcher import Prepared, Topography, read_topography
from matcher.areal.comparison import ComparisonView
from tests.accuracy import impression_controls as controls
from tests.matcher.synthetic.pin_and_shear import draw_impression

FIREARMS, SHOTS = 20, 3
WAYS: dict[str, Callable[[Topography], Prepared]] = {"left in": controls.with_rings, "out": controls.without}
REAL = "Klein_non_replica_mode.al3d", "Klein_replica_mode_X3P_Alicona.x3p", "Klein_replica_mode_X3P_Scratch.x3p"


def drawn(first: int) -> None:
    firearms = [firearm for firearm in range(first, first + FIREARMS) for _ in range(SHOTS)]
    scans = [draw_impression(firearm, place % SHOTS) for place, firearm in enumerate(firearms)]
    print("| drawn pins, rings | | lowest | median | 95 % | highest | above the bound |\n|---|---|---|---|---|---|---|")
    for way, prepare in WAYS.items():
        found = controls.measured(
            [prepare(scan) for scan in scans], [prepare(controls.mirrored(scan)) for scan in scans], firearms
        )
        rows = {
            "one pin": found.of_one,
            "two pins": found.of_two,
            "mirror image of another dent of the pin": found.other,
            "another dent of the pin, best wrong rotation": found.wrong,
            "own mirror image": found.own,
        }
        for turn in (15, 30, 45, 90, 180):
            rows[f"itself, {turn} degrees off"] = found.own_wrong[:, controls.WRONG_DEG.index(turn)]
        for name, scores in rows.items():
            row(way, name, scores, found.bound)
    shared = float(np.median(found.shared))
    for name, correlation in ((f"of another print, correlated by {shared:.2f}", shared), ("its own", 1.0)):
        textures = [controls.texture_mirror(scan, place, correlation) for place, scan in enumerate(scans)]
        row("none", f"mirror image of a texture: {name}", np.array(textures), found.bound)


def row(way: str, name: str, scores: controls.Scores, bound: float) -> None:
    figures = " | ".join(f"{value:.3f}" for value in np.quantile(scores, [0.0, 0.5, 0.95, 1.0]))
    above = f"{(scores > bound).sum()} of {scores.size:,}"
    print(f"| {way} | {name} | {figures} | {above} |", flush=True)


def real(folder: Path) -> None:
    print("\n| the real dent | rings | own mirror image | 15 | 30 | 45 | 60 | 90 | 180 degrees off |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in REAL:
        scan = read_topography(folder / name)
        for way, prepare in WAYS.items():
            view, mirror = (ComparisonView(prepare(each), controls.P) for each in (scan, controls.mirrored(scan)))
            wrong = controls.at_rotations(view, view, (15, 30, 45, 60, 90, 180))
            cells = [f"{value:.3f}" for value in (controls.score(view, mirror), *wrong)]
            print(f"| {name} | {way} | {' | '.join(cells)} |", flush=True)
    scans = [read_topography(folder / name) for name in REAL[1:]]
    for way, prepare in WAYS.items():
        alicona, scratch = (ComparisonView(prepare(scan), controls.P) for scan in scans)
        upright = ComparisonView(prepare(controls.mirrored(scans[1])), controls.P)
        print(
            f"{way}: Alicona's x3p against Scratch's, flipped in y, as the files are: "
            f"{controls.score(alicona, scratch):.3f}; with one of them mirrored: {controls.score(alicona, upright):.3f}"
        )


def main() -> None:
    cv2.setNumThreads(1)
    drawn(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    if "FFP_DATA" in os.environ:
        real(Path(os.environ["FFP_DATA"]) / "firing-pin")


if __name__ == "__main__":
    main()
