"""Fine registration: how one mark lies on another, and how well they agree there (g25).

Everything here is a weighted correlation of band-passed heights. With heights a, b and weights u, v (0 to 1)

    correlation(shift) = sum(uv ab) / sqrt(sum(uv a^2) sum(uv b^2))

and each sum over all shifts is one Fourier product (masked normalised correlation, doi:10.1109/TIP.2011.2181402;
the band-pass took the means away). The sums below the root vary slowly, and are computed at a quarter of
the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matcher.clean import COARSE_POINTS
from matcher.descriptor import rotation_curve
from matcher.parameters import Parameters
from matcher.plane import Plane, area_means, convolution, correlation, moved, ratio, spectrum, upsampling
from matcher.prepared import Prepared

_CURVE_TURNS = 360
_PEAK_DISTANCE_DEG = 6.0
_CLIMBS = 3
"""The prefilter's rotation is within one degree for marks that agree; three steps of 0.75 reach twice that."""
_HALF = COARSE_POINTS // 2
_QUARTER = COARSE_POINTS // 4


@dataclass(frozen=True)
class Registration:
    """A moving scan's place on a fixed one, in the frames of their working grids.

    A point at p from the moving scan's centre lies at R p + shift from the fixed scan's centre.
    ``rotation_deg``: the angle of R, positive from +x towards +y, in [0, 360); ``shift_um``: (y, x);
    ``correlation``: g25, -1 to 1; ``overlap``: shared area over the smaller mark's, 0 to 1.
    """

    rotation_deg: float
    shift_um: tuple[float, float]
    correlation: float
    overlap: float


class CoarseView:
    """A prepared scan's coarse grid, ready for correlation, with the turned spectra that were needed so far.

    At most one entry for each field and rotation step of the half turn is kept: 35 MB when all of them were
    asked for. Keep one view of a query over all of its references, and none of a reference.
    """

    def __init__(self, prepared: Prepared, parameters: Parameters) -> None:
        self.descriptor = prepared.descriptor
        self.step_deg = parameters.rotation_step_deg
        self.half_turn = round(180.0 / self.step_deg)
        weights = prepared.coarse_weights.astype(np.float32) / np.float32(255)
        heights = prepared.coarse.astype(np.float32) * np.float32(parameters.clip_deviations / 127)
        signal = heights * weights
        energy = signal * heights
        self.weights, self.energy = weights, energy
        self.fields = {
            "signal": signal,
            "half": area_means(signal, (_HALF, _HALF)),
            "weights": area_means(weights, (_QUARTER, _QUARTER)),
            "energy": area_means(energy, (_QUARTER, _QUARTER)),
        }
        self.area = float(weights.sum())
        self._spectra: dict[tuple[str, int], Plane] = {}

    def spectrum(self, field: str, step: int = 0) -> Plane:
        """The (packed real) Fourier transform of a field turned by ``step`` rotation steps, 0 to ``half_turn`` - 1."""
        known = self._spectra.get((field, step))
        if known is None:
            plane = self.fields[field]
            if step:
                plane = moved(plane, step * self.step_deg, (0.0, 0.0))
            known = self._spectra[field, step] = spectrum(plane)
        return known


def register(moving: CoarseView, fixed: CoarseView, parameters: Parameters) -> Registration:
    """Find where the moving scan agrees best with the fixed one, at any rotation.

    1. The best rotations (mod 180 degrees) of the descriptors' correlation, each with its half turn.
    2. Correlate at 50 um at each; keep the best rotation.
    3. Climb from there at 25 um in rotation steps.
    4. Refine rotation and shift by parabolas through the neighbours.
    5. Correlate exactly there: one turned and shifted copy, no Fourier transform.
    """
    # 1.
    curve = rotation_curve(moving.descriptor, fixed.descriptor, _CURVE_TURNS)
    proposals = [
        round(rotation / moving.step_deg) + half_turn
        for rotation in _peaks(curve, parameters.rotation_peaks)
        for half_turn in (0, moving.half_turn)
    ]

    # 2.
    reach = round(parameters.max_shift_um / (4.0 * parameters.coarse_spacing_um))
    scales = [_inverse_norms(moving, fixed, step, reach, parameters.min_overlap) for step in proposals]
    heights = [
        float((_correlate(moving, fixed, "half", "half", step, 2 * reach) * _widen(scale, 2)).max())
        for step, scale in zip(proposals, scales, strict=True)
    ]
    best = int(np.argmax(heights))

    # 3.
    scale = _widen(scales[best], 4)
    surfaces: dict[int, Plane] = {}

    def height(step: int) -> float:
        if step not in surfaces:
            surfaces[step] = _correlate(moving, fixed, "signal", "signal", step, 4 * reach) * scale
        return float(surfaces[step].max())

    step = proposals[best]
    for _ in range(_CLIMBS):
        higher = max((step, step - 1, step + 1), key=height)
        if higher == step:
            break
        step = higher

    # 4.
    turn = step + _vertex(height(step - 1), height(step), height(step + 1))
    rotation = (turn * moving.step_deg) % 360.0
    shift = _peak_shift(surfaces[step])

    # 5.
    return _measure(moving, fixed, rotation, shift, parameters.coarse_spacing_um)


def _inverse_norms(moving: CoarseView, fixed: CoarseView, step: int, reach: int, min_overlap: float) -> Plane:
    """1 / sqrt(sum(uv a^2) sum(uv b^2)) on a grid of shifts 100 um apart; 0 where the marks overlap too little."""
    points = (COARSE_POINTS // _QUARTER) ** 2
    overlap = _correlate(moving, fixed, "weights", "weights", step, reach) * points
    moving_energy = _correlate(moving, fixed, "energy", "weights", step, reach) * points
    fixed_energy = _correlate(moving, fixed, "weights", "energy", step, reach) * points
    product = np.maximum(moving_energy * fixed_energy, np.float32(1e-3))
    enough = overlap >= min_overlap * min(moving.area, fixed.area)
    return np.where(enough, np.float32(1) / np.sqrt(product), np.float32(0))


def _correlate(
    moving: CoarseView, fixed: CoarseView, moving_field: str, fixed_field: str, step: int, reach: int
) -> Plane:
    """The correlation of two fields at shifts of the turned moving one of -reach to reach: (2 reach + 1,) * 2.

    A half turn reverses a grid, and to correlate with the reverse is to convolve: no second transform is made.
    """
    half_turns, step = divmod(step, moving.half_turn)
    reverse = half_turns % 2 == 1
    combine = convolution if reverse else correlation
    plane = combine(fixed.spectrum(fixed_field), moving.spectrum(moving_field, step))
    return np.asarray(plane.ravel()[_window(len(plane), reach, reverse)])


def _measure(
    moving: CoarseView, fixed: CoarseView, rotation_deg: float, shift_points: tuple[float, float], spacing_um: float
) -> Registration:
    signal = moved(moving.fields["signal"], rotation_deg, shift_points)
    weights = moved(moving.weights, rotation_deg, shift_points)
    energy = ratio(signal * signal, weights, floor=1e-2)
    product = float(np.vdot(energy, fixed.weights)) * float(np.vdot(weights, fixed.energy))
    correlation = float(np.vdot(signal, fixed.fields["signal"])) / np.sqrt(product) if product > 0.0 else 0.0
    return Registration(
        rotation_deg=rotation_deg,
        shift_um=(shift_points[0] * spacing_um, shift_points[1] * spacing_um),
        correlation=float(correlation),
        overlap=float(np.vdot(weights, fixed.weights)) / min(moving.area, fixed.area),
    )


def _peaks(curve: Plane, count: int) -> list[float]:
    """The highest maxima of a closed curve over 180 degrees, refined, at least 6 degrees apart, highest first."""
    degrees = 180.0 / len(curve)
    near = np.arange(-round(_PEAK_DISTANCE_DEG / degrees), round(_PEAK_DISTANCE_DEG / degrees) + 1)
    left, found = curve.copy(), []
    for _ in range(count):
        top = int(left.argmax())
        found.append((top + _vertex(curve[top - 1], curve[top], curve[(top + 1) % len(curve)])) * degrees)
        left[(top + near) % len(curve)] = -np.inf
    return found


def _peak_shift(surface: Plane) -> tuple[float, float]:
    """The refined (y, x) of the highest point, in grid points from the middle."""
    middle = len(surface) // 2
    y, x = divmod(int(surface.argmax()), len(surface))
    inner = range(1, len(surface) - 1)
    dy = _vertex(surface[y - 1, x], surface[y, x], surface[y + 1, x]) if y in inner else 0.0
    dx = _vertex(surface[y, x - 1], surface[y, x], surface[y, x + 1]) if x in inner else 0.0
    return y - middle + dy, x - middle + dx


def _vertex(before: float, at: float, after: float) -> float:
    """Where the parabola through three neighbours has its vertex: -0.5 to 0.5 from the middle one."""
    bend = float(before) - 2.0 * float(at) + float(after)
    return 0.0 if bend >= 0.0 else min(0.5, max(-0.5, 0.5 * (float(before) - float(after)) / bend))


def _widen(coarse: Plane, factor: int) -> Plane:
    """A grid of shifts, interpolated to ``factor`` times as many steps."""
    matrix = _upsampling(len(coarse), factor)
    return np.asarray(matrix @ coarse @ matrix.T)


_upsampling = cache(upsampling)


@cache
def _window(points: int, reach: int, reverse: bool) -> NDArray[np.intp]:
    """Flat places of the shifts -reach to reach; those of a convolution lie one point before, since the
    middle of an even grid lies between two points."""
    shifts = (np.arange(-reach, reach + 1) - int(reverse)) % points
    return shifts[:, None] * points + shifts
