"""Fine registration: how one mark lies on another, and how far they agree there.

Everything here is a weighted correlation of flattened heights. With heights a, b and weights u, v (0 to 1)

    correlation(shift) = sum(uv ab) / sqrt(sum(uv a^2) sum(uv b^2))

and the numerator over all shifts is one Fourier product (masked normalised correlation, doi:10.1109/TIP.2011.2181402;
the band-pass took the means away).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher.areal.pose_search import ProposedPose, SearchCode, search_code, search_poses
from matcher.areal.prepared import Prepared
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Complex, Plane, convolution_near, correlation_near, moved, spectrum

_CLIMBS = 3
"""The search's rotation is within half of its step of 0.9 degrees; three steps of 0.75 reach five times that."""
_WINDOW = 3
"""The search's place is within 0.8 grid points along each axis where it is right; looked at is a little more."""


@dataclass(frozen=True)
class Registration:
    """A moving scan's place on a fixed one, in the frames of their working grids.

    A point at p from the moving scan's centre lies at R p + shift from the fixed scan's centre.
    ``rotation_deg``: the angle of R, positive from +x towards +y, in [0, 360); ``shift_um``: (y, x);
    ``agreement``: the correlation of the flattened marks times the square root of their shared area in points of the
    coarse grid, about the standard deviations by which it stands out from that of unrelated surfaces at one place;
    ``overlap``: shared area over the smaller mark's, 0 to 1.
    """

    agreement: float
    rotation_deg: float
    shift_um: tuple[float, float]
    overlap: float


class CoarseView:
    """A prepared scan's coarse grid, ready for the search and for correlation.

    What is asked for is kept: 0.1 MB of a code, and as much for each rotation step that was needed, 24 MB at most. Keep
    one view of a query over all of its references, and none of a reference.
    """

    def __init__(self, prepared: Prepared, parameters: Parameters) -> None:
        self.step_deg = parameters.rotation_step_deg
        self.half_turn = round(180.0 / self.step_deg)
        self.reach = parameters.max_shift_um / parameters.coarse_spacing_um
        heights = prepared.coarse.astype(np.float32) * np.float32(parameters.clip_deviations / 127)
        self.weights = prepared.coarse_weights.astype(np.float32) / np.float32(255)
        self.signal = heights * self.weights
        self.energy = self.signal * heights
        self.area = float(self.weights.sum())
        self._spectra: dict[int, Complex] = {}

    @cached_property
    def code(self) -> SearchCode:
        return search_code(self.signal, self.weights, self.reach)

    def spectrum(self, step: int = 0) -> Complex:
        """The Fourier transform of the signal turned by ``step`` rotation steps of the half turn."""
        known = self._spectra.get(step)
        if known is None:
            turned = moved(self.signal, step * self.step_deg, (0.0, 0.0)) if step else self.signal
            # interpolation takes strength from all but quarter turns, which must have no advantage by it
            strength = math.sqrt(max(float(np.vdot(turned, turned)), 1.0))
            known = self._spectra[step] = spectrum(np.asarray(turned / strength, np.float32))
        return known


def register(moving: CoarseView, fixed: CoarseView, parameters: Parameters) -> Registration:
    """Find where the moving scan agrees best with the fixed one, at any rotation.

    1. Search all rotations and shifts for the most promising places.
    2. Look at each at full resolution; climb from the best in rotation steps, and refine by parabolas through its
       neighbours.
    3. Correlate exactly there: one turned and shifted copy, no Fourier transform.
    """
    # 1.
    places = _search(moving, fixed, parameters, parameters.places)
    if not places:
        return Registration(agreement=0.0, rotation_deg=0.0, shift_um=(0.0, 0.0), overlap=0.0)

    # 2.
    promising = (place for place in places if place.agreement >= _PROMISING * places[0].agreement)
    ascent = max((_Ascent(moving, fixed, place) for place in promising), key=lambda entry: entry.start)

    # 3.
    return _measure(moving, fixed, *ascent.top(), parameters)


_PROMISING = 0.7
"""Share of the best place's agreement; what lies below it does not overtake that one at full resolution."""


def place_roughly(moving: CoarseView, fixed: CoarseView, parameters: Parameters) -> float:
    """The agreement at the best place of the search alone, 0 without any: what the ranking sifts by."""
    return max((place.agreement for place in _search(moving, fixed, parameters, 1)), default=0.0)


def _search(moving: CoarseView, fixed: CoarseView, parameters: Parameters, count: int) -> list[ProposedPose]:
    return search_poses(moving.code, fixed.code, moving.reach, parameters.min_overlap, count)


class _Ascent:
    """The way from a promising place to the highest correlation near it, in rotation steps."""

    def __init__(self, moving: CoarseView, fixed: CoarseView, place: ProposedPose) -> None:
        self.moving, self.fixed = moving, fixed
        self.y, self.x = (round(shift) for shift in place.shift_points)
        self.step = round(place.rotation_deg / moving.step_deg)
        self.surfaces: dict[int, Plane] = {}
        self.start = self.height(self.step) / math.sqrt(place.shared)

    def height(self, step: int) -> float:
        if step not in self.surfaces:
            self.surfaces[step] = _correlate(self.moving, self.fixed, step, self.y, self.x)
        return float(self.surfaces[step].max())

    def top(self) -> tuple[float, tuple[float, float]]:
        """Rotation (degrees) and shift (grid points)."""
        step = self.step
        for _ in range(_CLIMBS):
            higher = max((step, step - 1, step + 1), key=self.height)
            if higher == step:
                break
            step = higher
        turn = step + _vertex(self.height(step - 1), self.height(step), self.height(step + 1))
        dy, dx = _peak_shift(self.surfaces[step])
        return (turn * self.moving.step_deg) % 360.0, (self.y + dy, self.x + dx)


def _correlate(moving: CoarseView, fixed: CoarseView, step: int, y: int, x: int) -> Plane:
    """The products' sums at shifts of the turned moving scan within the window around (y, x).

    A half turn reverses a grid, and to correlate with the reverse is to convolve: no second transform is made.
    """
    half_turns, step = divmod(step, moving.half_turn)
    spectra = fixed.spectrum(), moving.spectrum(step)
    if half_turns % 2:
        # each shift lies one point before: the middle of an even grid lies between two points
        return convolution_near(*spectra, y - 1, x - 1, _WINDOW)
    return correlation_near(*spectra, y, x, _WINDOW)


def _measure(
    moving: CoarseView,
    fixed: CoarseView,
    rotation_deg: float,
    shift_points: tuple[float, float],
    parameters: Parameters,
) -> Registration:
    signal = moved(moving.signal, rotation_deg, shift_points)
    weights = moved(moving.weights, rotation_deg, shift_points)
    energy = energy_of(signal, weights)
    product = float(np.vdot(energy, fixed.weights)) * float(np.vdot(weights, fixed.energy))
    shared = float(np.vdot(weights, fixed.weights))
    correlation = float(np.vdot(signal, fixed.signal)) / math.sqrt(product) if product > 0.0 else 0.0
    spacing = parameters.coarse_spacing_um
    return Registration(
        agreement=correlation * math.sqrt(shared),
        rotation_deg=rotation_deg,
        shift_um=(shift_points[0] * spacing, shift_points[1] * spacing),
        overlap=shared / max(min(moving.area, fixed.area), 1.0),
    )


def energy_of(signal: Plane, weights: Plane) -> Plane:
    """Weighted squares of heights that are weighted already."""
    # what little weight lies below the floor has no say
    return np.asarray(signal * signal / np.maximum(weights, np.float32(1e-2)), np.float32)


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
