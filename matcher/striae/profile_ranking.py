"""One profile against many: all of them at once, coarsely, then the best in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.errors import NotComparable
from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.striae.profile import Profile
from matcher.striae.profile_comparison import (
    ProfileComparison,
    ProfileRows,
    ProfileView,
    compare_views,
    shifted_products,
    shifted_scales,
)

_BLOCK = 128
"""References a pass: their spectra (some 10 MB) stay in reach of the processor's cache."""
_COARSE_STRETCHES = 5
_BY_LENGTH = 64
"""References are sorted into lengths of so many points, so that short ones are not padded to the longest."""


@dataclass(frozen=True)
class RankedProfile:
    """One reference of a candidate list: its place among the profiles, how it entered the list, and the comparison
    of the query (profile a) with it (profile b)."""

    index: int
    coarse_score: float
    comparison: ProfileComparison


def rank_profiles(
    query: Profile, profiles: Sequence[Profile], parameters: ProfileParameters = APERTURE_SHEAR_PARAMETERS
) -> list[RankedProfile]:
    """Rank profiles by their agreement with a query, best first.

    1. Correlate the query, at five stretches and both senses, with all profiles at half their resolution, in
       batches of one Fourier transform.
    2. Compare the best ``parameters.compared_candidates`` in full (``compare_profiles``).
    3. Rank these by score; ties by their place.

    Returns at most ``compared_candidates`` entries: all of a smaller list. What lies below them has no score.
    Raises ``NotComparable`` where a profile was prepared with other parameters.
    """
    # 1.
    if any(profile.parameters_digest != parameters.digest for profile in (query, *profiles)):
        raise NotComparable("a profile was prepared with other parameters than it is to be compared with")
    view = ProfileView(query, parameters)
    coarse = coarse_scores(view, profiles)

    # 2.
    best = np.argsort(-coarse, kind="stable")[: parameters.compared_candidates]
    ranked = [
        RankedProfile(int(index), float(coarse[index]), compare_views(view, ProfileView(profiles[index], parameters)))
        for index in best
    ]

    # 3.
    return sorted(ranked, key=lambda entry: (-entry.comparison.score, entry.index))


def coarse_scores(query: ProfileView, profiles: Sequence[Profile]) -> NDArray[np.float32]:
    """(n,): the highest correlation of the query with each profile, at half resolution, over coarse stretches."""
    heights, weights = query.copies
    count = len(query.stretches)
    rows = np.unique(np.rint(np.linspace(0, count - 1, min(count, _COARSE_STRETCHES))).astype(np.intp))
    middle = [len(rows) // 2, len(rows) + len(rows) // 2]
    rows = np.concatenate([rows, rows + count])
    moving, shown = _halved(heights[rows], weights[rows])
    scores = np.zeros(len(profiles), np.float32)
    lengths = np.array([len(profile.heights) for profile in profiles])
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        longest = -(-int(lengths[block].max()) // _BY_LENGTH) * _BY_LENGTH
        fixed, seen = _halved(*_stacked([profiles[index] for index in block], longest))
        surface = shifted_products(moving, shown, fixed, seen)
        # the sums below the root vary little with the stretch: those of the middle one serve all
        scale = shifted_scales(moving[middle], shown[middle], fixed, seen, query.parameters.min_overlap)
        surface = surface.reshape(len(block), 2, -1, surface.shape[-1]) * scale[:, :, None]
        scores[block] = surface.max(axis=(1, 2, 3))
    return scores


def _stacked(profiles: Sequence[Profile], points: int) -> tuple[ProfileRows, ProfileRows]:
    """(n, points): heights, on no particular scale, and weights, zeros after each profile's end."""
    heights, weights = np.zeros((2, len(profiles), points), np.float32)
    for row, profile in enumerate(profiles):
        heights[row, : len(profile.heights)] = profile.heights
        weights[row, : len(profile.weights)] = profile.weights
    return heights / np.float32(32), weights / np.float32(255)


def _halved(heights: ProfileRows, weights: ProfileRows) -> tuple[ProfileRows, ProfileRows]:
    """Weighted means of every two points."""
    even = heights.shape[1] // 2 * 2
    share = weights[:, :even].reshape(len(weights), -1, 2)
    signal = (heights[:, :even].reshape(share.shape) * share).sum(axis=2)
    total = share.sum(axis=2)
    return np.divide(signal, total, out=np.zeros_like(signal), where=total > 1e-3), total / np.float32(2)
