"""Measures firing pin impressions on drawn surfaces: ``python -m tests.accuracy.measure_impressions``, some minutes.

The table of docs/regions.md is what this prints.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np

from matcher import FIRING_PIN_PARAMETERS, MatcherError, Prepared, Topography, prepare
from matcher.areal.comparison import ComparisonView, compare_cells, register_pair
from matcher.evaluate.conditions import noisy
from matcher.numeric import figures
from tests.matcher.synthetic.pin_and_shear import draw_impression

FIREARMS, SHOTS = 20, 3
NOISE_UM = 1.2

Change = Callable[[Topography, np.random.Generator], Topography]


def sector(share: float) -> Change:
    def crop(scan: Topography, rng: np.random.Generator) -> Topography:
        rows, columns = np.nonzero(np.isfinite(scan.heights_um))
        y = np.arange(scan.heights_um.shape[0])[:, None] - rows.mean()
        x = np.arange(scan.heights_um.shape[1])[None, :] - columns.mean()
        kept = (np.arctan2(y, x) - rng.uniform(0.0, 2.0 * np.pi)) % (2.0 * np.pi) < share * 2.0 * np.pi
        return Topography(np.where(kept, scan.heights_um, np.float32(np.nan)), scan.spacing_um)

    return crop


def whole(scan: Topography, rng: np.random.Generator) -> Topography:
    del rng
    return scan


def with_noise(scan: Topography, rng: np.random.Generator) -> Topography:
    return noisy(scan, NOISE_UM, 0.0, rng)


def prepared(raw: list[bool], changes: list[Change]) -> list[Prepared | None]:
    """One of each for every shot, in turn; None where a scan is not usable."""
    scans: list[Prepared | None] = []
    for place, (firearm, shot) in enumerate(np.ndindex(FIREARMS, SHOTS)):
        drawn = draw_impression(firearm, shot, raw=raw[place % len(raw)])
        changed = changes[shot % len(changes)](drawn, np.random.default_rng([7, place]))
        try:
            scans.append(prepare(changed, FIRING_PIN_PARAMETERS))
        except MatcherError:
            scans.append(None)
    return scans


def measure(name: str, scans: list[Prepared | None], counted: Callable[[int, int], bool] = lambda _a, _b: True) -> None:
    views = [None if scan is None else ComparisonView(scan, FIRING_PIN_PARAMETERS) for scan in scans]
    scores = np.full((len(scans), len(scans)), -np.inf)
    km, knm = [], []
    for a, b in combinations(range(len(scans)), 2):
        first, second = views[a], views[b]
        if first is None or second is None:
            continue
        score = compare_cells(first, second, register_pair(first, second)).score
        scores[a, b] = scores[b, a] = score
        if counted(a, b):
            (km if a // SHOTS == b // SHOTS else knm).append(score)
    usable = [place for place, scan in enumerate(scans) if scan is not None]
    rank1, _, _ = figures.ranking(scores[np.ix_(usable, usable)], [str(place // SHOTS) for place in usable])
    of_one, of_two = np.array(km), np.array(knm)
    auc, overlaps = figures.auc(of_one, of_two), figures.overlaps(of_one, of_two)
    print(f"| {name} | {auc:.4f} | {overlaps:,} | {rank1:.3f} | {len(scans) - len(usable)} |", flush=True)


def main() -> None:
    cv2.setNumThreads(1)
    print("| firing pin impression | AUC | overlaps | rank 1 | not usable |\n|---|---|---|---|---|")

    def halved(a: int, b: int) -> bool:
        return (a % SHOTS == 0) != (b % SHOTS == 0)

    measure("cropped to the dent", prepared([False], [whole]))
    measure("raw, with what surrounds it", prepared([True], [whole]))
    measure("raw against cropped, mixed", prepared([True, False], [whole]))
    measure(f"noise as deep as the marks ({NOISE_UM} um, white)", prepared([False], [with_noise]))
    measure("half against whole", prepared([False], [sector(0.5), whole, whole]), halved)
    measure("quarter against whole", prepared([False], [sector(0.25), whole, whole]), halved)
    measure("random half against random half", prepared([False], [sector(0.5)]))


if __name__ == "__main__":
    main()
