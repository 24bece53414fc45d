"""Congruent profile segments: the stretches of one profile that are found again on the other, at one common place.

The method of congruent matching profile segments (doi:10.1016/j.forsciint.2019.109964), after the registration of
the whole: each segment then has to be searched for over a few striae only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.numeric.profile_parameters import ProfileParameters
from matcher.striae.profile import ProfileLine

_LEAST_SHOWN = 0.6
"""Share of a segment that both profiles must show; one that only one shows says nothing."""


@dataclass(frozen=True)
class Segment:
    """One segment of the profile that stayed in its place.

    ``centre_um``: from that profile's middle; ``displacement_um``: how far from there the other, registered, shows
    its content; ``correlation``: there, 0 to 1; ``congruent``: it agrees well, and with most of the others.
    """

    centre_um: float
    displacement_um: float
    correlation: float
    congruent: bool


def find_segments(
    moved: ProfileLine, shown: ProfileLine, fixed: ProfileLine, weights: ProfileLine, parameters: ProfileParameters
) -> tuple[Segment, ...]:
    """Cut the fixed profile into segments and look for each on the registered one.

    1. Cut the length that both show into whole segments; correlate each with its surroundings, weighted.
    2. Take each one's best place.
    3. The consensus is the place that most well-correlated segments lie near; those are congruent.

    ``moved``, ``shown``: (n,) heights and weights of the moving profile, registered; ``fixed``, ``weights``: (n,).
    """
    # 1.
    size = max(2, round(parameters.segment_length_um / parameters.spacing_um))
    reach = round(parameters.segment_search_um / parameters.spacing_um)
    both = np.flatnonzero(shown * weights > 0.0)
    if both.size < size:
        return ()
    count = (int(both[-1]) + 1 - int(both[0])) // size
    first = int(both[0]) + ((int(both[-1]) + 1 - int(both[0])) - count * size) // 2
    padded, padded_shown = (np.pad(line, reach) for line in (moved, shown))
    curves = []
    for start in range(first, first + count * size, size):
        a, u = fixed[start : start + size], weights[start : start + size]
        windows = np.lib.stride_tricks.sliding_window_view(padded[start : start + size + 2 * reach], size)
        seen = np.lib.stride_tricks.sliding_window_view(padded_shown[start : start + size + 2 * reach], size)
        norm = np.sqrt((seen * u * windows**2).sum(axis=1) * (seen @ (u * a * a)))
        enough = (seen @ u >= _LEAST_SHOWN * size) & (norm > 1e-6)
        products = (seen * windows) @ (u * a)
        curves.append(np.divide(products, norm, out=np.zeros_like(products), where=enough))
    centres = (first + size * (np.arange(count) + 0.5) - 0.5 - (len(fixed) - 1) / 2) * parameters.spacing_um

    # 2.
    surface = np.array(curves)
    kept = surface.any(axis=1)
    surface, centres = surface[kept], centres[kept]
    if not len(surface):
        return ()
    best = surface.argmax(axis=1)
    correlation = np.maximum(surface[np.arange(len(surface)), best], 0.0)
    displacement = (best - reach) * parameters.spacing_um

    # 3.
    congruent = _consensus(displacement, correlation, parameters)
    return tuple(
        Segment(float(centre), float(moved_by), float(value), bool(agrees))
        for centre, moved_by, value, agrees in zip(centres, displacement, correlation, congruent, strict=True)
    )


def _consensus(
    displacement_um: ProfileLine, correlation: ProfileLine, parameters: ProfileParameters
) -> NDArray[np.bool_]:
    """Which well-correlated segments lie within the congruence distance of the place that most of them share."""
    good = correlation >= parameters.min_segment_correlation
    if not good.any():
        return good
    near = (np.abs(displacement_um[:, None] - displacement_um[None, :]) <= parameters.congruence_distance_um) & good
    # correlations settle ties, so that the order of the segments does not
    support = np.where(good, near.sum(axis=1) + (near * correlation).sum(axis=1) / (1.0 + len(good)), -1.0)
    place = displacement_um[near[int(support.argmax())]].mean()
    return np.asarray(good & (np.abs(displacement_um - place) <= parameters.congruence_distance_um))
