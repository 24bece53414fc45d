"""Controls of firing pin impressions: what a dent scores where it should score nothing.

A turned pin leaves rings, which agree with themselves in the mirror and at any rotation. The registration finds the
best rotation by itself, so that a wrong one is measured here: exactly, at given rotations, over all shifts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import scipy
from numpy.typing import NDArray

from matcher import FIRING_PIN_PARAMETERS, Prepared, Topography, prepare
from matcher.areal.comparison import ComparisonView, register_pair, score_of
from matcher.areal.controls import random_texture
from matcher.areal.prepared import pack
from matcher.areal.registration import energy_of
from matcher.mark.clean import CleanScan, WorkingCopy, band_passed
from matcher.mark.regions import level_region
from matcher.numeric.plane import moved

P = FIRING_PIN_PARAMETERS
WRONG_DEG = tuple(range(15, 346, 15))

Scores = NDArray[np.float64]


def with_rings(scan: Topography) -> Prepared:
    """Prepared as before rings were taken out."""
    return pack(band_passed(level_region(scan, P), P), P)


def without(scan: Topography) -> Prepared:
    """Prepared as it is compared."""
    return prepare(scan, P)


def mirrored(scan: Topography) -> Topography:
    heights = np.ascontiguousarray(scan.heights_um[:, ::-1])
    heights.flags.writeable = False
    return Topography(heights, scan.spacing_um)


def score(a: ComparisonView, b: ComparisonView) -> float:
    return score_of(register_pair(a, b).agreement, P)


def at_rotations(moving: ComparisonView, fixed: ComparisonView, rotations_deg: Iterable[float]) -> Scores:
    """The highest score over all shifts that the registration allows, at each rotation."""
    a, b = moving.coarse, fixed.coarse
    size, reach = 2 * len(a.signal), int(a.reach)
    near = np.arange(-reach, reach + 1)
    allowed = np.hypot(near[:, None], near) <= a.reach
    least = P.min_overlap * min(a.area, b.area)

    def transformed(plane: NDArray[np.float32]) -> NDArray[np.complex64]:
        return np.asarray(scipy.fft.rfft2(plane, (size, size)))

    of_fixed = [transformed(plane) for plane in (b.signal, b.weights, b.energy)]
    scores = []
    for rotation in rotations_deg:
        signal, weights = (moved(plane, rotation, (0.0, 0.0)) for plane in (a.signal, a.weights))
        turned = [transformed(plane).conj() for plane in (signal, weights, energy_of(signal, weights))]
        pairs = (0, 0), (1, 1), (1, 2), (2, 1)
        sums, shared, left, right = (
            scipy.fft.irfft2(of_fixed[f] * turned[m], (size, size))[np.ix_(near, near)] for f, m in pairs
        )
        looked_at = allowed & (shared >= least)
        agreement = sums * np.sqrt(np.maximum(shared, 0.0) / np.maximum(left * right, 1e-6))
        scores.append(score_of(float(np.where(looked_at, agreement, 0.0).max()), P))
    return np.array(scores)


def texture_mirror(scan: Topography, seed: int, shared: float = 1.0) -> float:
    """What a texture without rings scores against the mirror image of another print of it, within the dent's outline.

    ``shared``: the correlation of the two prints; 1: its own mirror image. More than two textures score: of what both
    prints show, each pair of points that mirror each other is multiplied twice, so that chance reaches sqrt(1 + shared
    squared) times as far.
    """
    outline = band_passed(level_region(scan, P), P)
    texture, first, second = (random_texture(outline, 3 * seed + place, P) for place in range(3))
    print_, other = (_mixed(texture, own, shared) for own in (first, second))
    mirror = CleanScan(_flipped(other.coarse), _flipped(other.fine), other.centre_um)
    return score(*(ComparisonView(pack(each, P), P) for each in (print_, mirror)))


def _mixed(common: CleanScan, own: CleanScan, shared: float) -> CleanScan:
    a, b = (np.float32(share**0.5) for share in (shared, 1.0 - shared))
    coarse, fine = (
        WorkingCopy(a * one.heights + b * other.heights, one.weights)
        for one, other in ((common.coarse, own.coarse), (common.fine, own.fine))
    )
    return CleanScan(coarse, fine, common.centre_um)


def _flipped(copy: WorkingCopy) -> WorkingCopy:
    return WorkingCopy(np.ascontiguousarray(copy.heights[:, ::-1]), np.ascontiguousarray(copy.weights[:, ::-1]))


@dataclass(frozen=True)
class Controls:
    """Scores; ``own``, ``own_wrong``: of each dent; ``other``, ``wrong``: of two dents of one pin.

    ``of_one``, ``of_two``: pairs of one firearm and of two, as they are; ``shared``: correlations of the first;
    ``other``: against the mirror image of the other, both ways;
    ``wrong``: the highest of all rotations that lie 15 to 180 degrees from where they agree best;
    ``own``: against the own mirror image; ``own_wrong``: (dents, ``WRONG_DEG``) against itself.
    """

    of_one: Scores
    of_two: Scores
    shared: Scores
    other: Scores
    wrong: Scores
    own: Scores
    own_wrong: Scores

    @property
    def bound(self) -> float:
        """What 95 of 100 pairs of two firearms stay below."""
        return float(np.quantile(self.of_two, 0.95))


def measured(scans: Sequence[Prepared], mirrors: Sequence[Prepared], firearms: Sequence[int]) -> Controls:
    views = [ComparisonView(scan, P) for scan in scans]
    images = [ComparisonView(mirror, P) for mirror in mirrors]
    of_one, of_two, shared, wrong = [], [], [], []
    for a, b in combinations(range(len(views)), 2):
        first, second = sorted((views[a], views[b]), key=lambda view: view.prepared.digest)
        found = register_pair(first, second)
        if firearms[a] != firearms[b]:
            of_two.append(score_of(found.agreement, P))
            continue
        of_one.append(score_of(found.agreement, P))
        area = found.overlap * min(first.coarse.area, second.coarse.area)
        shared.append(found.agreement / area**0.5)
        wrong.append(at_rotations(first, second, [found.rotation_deg + turn for turn in WRONG_DEG]).max())
    pairs = product(range(len(views)), repeat=2)
    other = [score(views[a], images[b]) for a, b in pairs if a != b and firearms[a] == firearms[b]]
    own = [score(view, image) for view, image in zip(views, images, strict=True)]
    own_wrong = [at_rotations(view, view, WRONG_DEG) for view in views]
    return Controls(
        *(np.array(scores, np.float64) for scores in (of_one, of_two, shared, other, wrong, own, own_wrong))
    )
