"""The comparison of two profiles across striae: how one lies on the other, and how well they agree there.

A weighted correlation as in ``registration``, along one axis, at every shift, over small stretches and both
reading directions (a scan's orientation is known up to half a turn; a mirrored surface does not occur).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # its fft is loaded when first used: the process that serves never does
from numpy.typing import NDArray

from matcher.errors import NotComparable
from matcher.numeric.parameters import MATCHER_VERSION
from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.striae.congruent_segments import Segment, find_segments
from matcher.striae.profile import Profile, ProfileLine

ProfileRows = NDArray[np.float32]


@dataclass(frozen=True)
class ProfileComparison:
    """How profile a lies on profile b, and how far they agree there. A score ranks candidates; it identifies nothing.

    A point p um from a's middle is expected at ``lag_um + stretch * p`` from b's middle, or at ``lag_um - stretch * p``
    where a is ``reversed``. ``score``: ccf, weighed by the length shared, + congruence weight x share of congruent
    segments (see ``ProfileParameters``); ``ccf``: the correlation of the registered profiles, -1 to 1;
    ``overlap_um``: shared length, ``overlap``: over the shorter profile's. ``segments``: congruent profile segments
    (doi:10.1016/j.forsciint.2019.109964), in order along the profile that stayed in its place, ``segments_on``.
    Comparing (b, a) gives the same score and the inverse registration.
    """

    score: float
    ccf: float
    lag_um: float
    stretch: float
    reversed: bool
    overlap: float
    overlap_um: float
    segments: tuple[Segment, ...]
    segments_on: str
    segment_length_um: float
    parameters_digest: str
    matcher_version: str = MATCHER_VERSION

    @property
    def n_segments(self) -> int:
        return len(self.segments)

    @property
    def n_congruent(self) -> int:
        return sum(segment.congruent for segment in self.segments)

    @property
    def n_consecutive(self) -> int:
        """The longest run of congruent segments that follow each other, in the spirit of consecutive striae
        (doi:10.1016/j.forsciint.2013.04.025)."""
        longest = run = 0
        for segment in self.segments:
            run = run + 1 if segment.congruent else 0
            longest = max(longest, run)
        return longest

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, with the counts of segments."""
        plain = asdict(self)
        plain["segments"] = [dict(segment) for segment in plain["segments"]]
        counts = {"n_segments": self.n_segments, "n_congruent": self.n_congruent, "n_consecutive": self.n_consecutive}
        return {**plain, **counts}

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), allow_nan=False)


@dataclass(frozen=True)
class Fit:
    """Where the moving profile lies on the fixed one: fixed place = lag + sign x stretch x moving place, from the
    middles, in profile points; with the correlation and the shared share of the shorter one."""

    lag: float
    stretch: float
    sign: int
    correlation: float
    overlap: float
    shared: float


class ProfileView:
    """A profile as real numbers, with its stretched copies, made when first asked for."""

    def __init__(self, profile: Profile, parameters: ProfileParameters) -> None:
        if profile.parameters_digest != parameters.digest:
            raise NotComparable(
                "the profile was prepared with other parameters than it is to be compared with: prepare it again"
            )
        self.profile = profile
        self.parameters = parameters
        self.weights = profile.weights.astype(np.float64) / 255.0
        self.heights = profile.heights.astype(np.float64) * (parameters.clip_deviations / 127.0)
        self.length = float(self.weights.sum())

    @cached_property
    def stretches(self) -> ProfileLine:
        count = round(self.parameters.max_stretch / self.parameters.stretch_step)
        steps: ProfileLine = np.exp(np.arange(-count, count + 1) * self.parameters.stretch_step)
        return steps

    @cached_property
    def copies(self) -> tuple[ProfileRows, ProfileRows]:
        """Heights and weights at each sense (as read, reversed) and stretch: (2 stretches, points)."""
        longer = int(np.ceil(len(self.heights) * (self.stretches[-1] - 1.0) / 2.0))
        # as many points more on either side: the unstretched copy falls on the profile's own points
        place = np.arange(-longer, len(self.heights) + longer) - (len(self.heights) - 1) / 2
        heights, weights = (plane.astype(np.float32) for plane in self.at(place / self.stretches[:, None]))
        return np.concatenate([heights, heights[:, ::-1]]), np.concatenate([weights, weights[:, ::-1]])

    def at(self, place: ProfileLine) -> tuple[ProfileLine, ProfileLine]:
        """Heights (0 where unknown) and weights at places in points from the middle.

        Heights by cubic convolution (doi:10.1109/TASSP.1981.1163711): linear interpolation would flatten the
        shortest waves, which are four points long, by a third between points.
        """
        index = place + (len(self.heights) - 1) / 2
        weights = np.interp(index, np.arange(len(self.heights)), self.weights, left=0.0, right=0.0)
        before = np.floor(index).astype(np.intp)
        t = index - before
        taps = (
            ((-0.5 * t + 1.0) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1.0,
            ((-1.5 * t + 2.0) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        )
        heights = np.zeros_like(index)
        for offset, tap in enumerate(taps, start=-1):
            heights += tap * self.heights[np.clip(before + offset, 0, len(self.heights) - 1)]
        return np.where(weights > 0.0, heights, 0.0), weights


def compare_profiles(
    a: Profile, b: Profile, parameters: ProfileParameters = APERTURE_SHEAR_PARAMETERS
) -> ProfileComparison:
    """Compare two prepared profiles.

    1. Of the two, the one with the lower digest is moved: deterministic, and symmetric to the last bit.
    2. Correlate at every shift, stretch and sense; take the best; refine it between the steps.
    3. Look for each segment of the fixed profile; state the comparison in the direction asked for.

    Raises ``NotComparable`` where either was prepared with other parameters.
    """
    return compare_views(ProfileView(a, parameters), ProfileView(b, parameters))


def compare_views(a: ProfileView, b: ProfileView) -> ProfileComparison:
    """``compare_profiles`` for profiles whose copies are to be used again."""
    # 1.
    a_moves = a.profile.digest <= b.profile.digest
    moving, fixed = (a, b) if a_moves else (b, a)
    parameters = a.parameters

    # 2.
    fit = _register(moving, fixed)

    # 3.
    moved, shown = moving.at(fit.sign * (fixed_places(fixed) - fit.lag) / fit.stretch)
    segments = find_segments(moved, shown, fixed.heights, fixed.weights, parameters)
    share = sum(segment.congruent for segment in segments) / max(len(segments), parameters.min_segments)
    shared_um = fit.shared * parameters.spacing_um
    trust = math.sqrt(shared_um / (shared_um + parameters.band_um[1]))
    lag, stretch = fit.lag * parameters.spacing_um, fit.stretch
    if not a_moves:
        lag, stretch = -fit.sign * lag / stretch, 1.0 / stretch
    return ProfileComparison(
        score=trust * fit.correlation + parameters.congruence_weight * share,
        ccf=fit.correlation,
        lag_um=lag,
        stretch=stretch,
        reversed=fit.sign < 0,
        overlap=fit.overlap,
        overlap_um=shared_um,
        segments=segments,
        segments_on="b" if a_moves else "a",
        segment_length_um=parameters.segment_length_um,
        parameters_digest=parameters.digest,
    )


def fixed_places(view: ProfileView) -> ProfileLine:
    """Every point of a profile, in points from its middle."""
    return np.arange(len(view.heights), dtype=np.float64) - (len(view.heights) - 1) / 2


def shifted_products(
    heights: ProfileRows, weights: ProfileRows, fixed_heights: ProfileRows, fixed_weights: ProfileRows
) -> ProfileRows:
    """sum(uv ab) of each row with each fixed row at every cyclic shift: (n, k, shifts).

    ``heights``, ``weights``: (k, m); ``fixed_...``: (n, p). At shift 0 the first points coincide.
    """
    points = _transform_points(heights, fixed_heights)
    return _at_shifts(_spectra(heights * weights, points), _spectra(fixed_heights * fixed_weights, points), points)


def shifted_scales(
    heights: ProfileRows,
    weights: ProfileRows,
    fixed_heights: ProfileRows,
    fixed_weights: ProfileRows,
    min_overlap: float,
) -> ProfileRows:
    """1 / sqrt(sum(uv a^2) sum(uv b^2)) at every cyclic shift; 0 where the two rows overlap too little."""
    points = _transform_points(heights, fixed_heights)
    u, v = _spectra(weights, points), _spectra(fixed_weights, points)
    energy, fixed_energy = heights * heights * weights, fixed_heights * fixed_heights * fixed_weights
    norm = _at_shifts(_spectra(energy, points), v, points) * _at_shifts(u, _spectra(fixed_energy, points), points)
    smaller = np.minimum(weights.sum(axis=1), fixed_weights.sum(axis=1)[:, None])[..., None]
    enough = (_at_shifts(u, v, points) >= min_overlap * smaller) & (norm > 1e-3)
    return np.where(enough, np.float32(1) / np.sqrt(np.maximum(norm, np.float32(1e-3))), np.float32(0))


def _transform_points(moving: ProfileRows, fixed: ProfileRows) -> int:
    return int(scipy.fft.next_fast_len(moving.shape[1] + fixed.shape[1] - 1, real=True))


def _spectra(rows: ProfileRows, points: int) -> NDArray[np.complex64]:
    return np.asarray(scipy.fft.rfft(rows, points, axis=-1))


def _at_shifts(moving: NDArray[np.complex64], fixed: NDArray[np.complex64], points: int) -> ProfileRows:
    return np.asarray(scipy.fft.irfft(np.conj(moving) * fixed[:, None], points, axis=-1))


def _register(moving: ProfileView, fixed: ProfileView) -> Fit:
    """The best of all shifts, stretches and senses, refined by parabolas."""
    heights, weights = moving.copies
    fixed_rows = fixed.heights[None].astype(np.float32), fixed.weights[None].astype(np.float32)
    cyclic = shifted_products(heights, weights, *fixed_rows)
    cyclic *= shifted_scales(heights, weights, *fixed_rows, moving.parameters.min_overlap)
    zero = heights.shape[1] - 1
    surface = np.roll(cyclic[0], zero, axis=-1)
    count = len(moving.stretches)
    curves = surface.reshape(2, count, -1)
    sense, row, shift = (int(value) for value in np.unravel_index(int(curves.argmax()), curves.shape))
    peak = curves[sense, row]
    lag_step = vertex(peak[shift - 1], peak[shift], peak[shift + 1]) if 0 < shift < len(peak) - 1 else 0.0
    heights_by_stretch = curves[sense].max(axis=1)
    stretch_step = vertex(*heights_by_stretch[row - 1 : row + 2]) if 0 < row < count - 1 else 0.0
    stretch = float(moving.stretches[row] * np.exp(stretch_step * moving.parameters.stretch_step))
    # the first point of the moving copy lies this far from its middle, that of the fixed profile so far from its own
    lag = shift - zero + lag_step + (heights.shape[1] - 1) / 2 - (len(fixed.heights) - 1) / 2
    return _measured(moving, fixed, float(lag), stretch, 1 if sense == 0 else -1)


def _measured(moving: ProfileView, fixed: ProfileView, lag: float, stretch: float, sign: int) -> Fit:
    heights, weights = moving.at(sign * (fixed_places(fixed) - lag) / stretch)
    both = weights * fixed.weights
    norm = float((both * heights**2).sum() * (both * fixed.heights**2).sum())
    correlation = float((both * heights * fixed.heights).sum()) / math.sqrt(norm) if norm > 0.0 else 0.0
    shared = float(np.minimum(weights, fixed.weights).sum())
    shorter = min(moving.length * stretch, fixed.length)
    return Fit(lag, stretch, sign, correlation, min(1.0, shared / shorter), shared)


def vertex(before: float, at: float, after: float) -> float:
    """Where the parabola through three neighbours has its vertex: -0.5 to 0.5 from the middle one."""
    bend = float(before) - 2.0 * float(at) + float(after)
    return 0.0 if bend >= 0.0 else min(0.5, max(-0.5, 0.5 * (float(before) - float(after)) / bend))
