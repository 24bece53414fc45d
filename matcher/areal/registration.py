"""Fine registration: how one mark lies on another, and how far they agree there.

Everything here is a weighted correlation of flattened heights. With heights a, b and weights u, v (0 to 1)

    correlation(shift) = sum(uv ab) / sqrt(sum(uv a^2) sum(uv b^2))

and the numerator over all shifts is one Fourier product (masked normalised correlation, doi:10.1109/TIP.2011.2181402;
the band-pass took the means away).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.areal.descriptor import rotation_curve
from matcher.areal.pose_search import ProposedPose, SearchCode, search_code, search_poses
from matcher.areal.prepared import Prepared, tells_its_rotation
from matcher.mark.clean import COARSE_POINTS
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, area_means, convolutions, correlations, halved, moved, spectrum

_CLIMBS = 3
"""The search's rotation is within half of its step of 0.9 degrees; three steps of 0.75 reach five times that."""
_WINDOW = np.arange(-3, 4)
"""The search's place is within 0.8 grid points along each axis where it is right; looked at is a little more."""
_SMALLER = 4
_APART = 4
"""Rotation steps: the descriptor's shortest wave is 4 degrees long."""
_HALF_SHARED = 0.81
"""Two discs that lie so many radii apart share half of each."""
_PROMISING = 0.7
"""Share of the best place's agreement; what lies below it does not overtake that one at full resolution."""


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
        self.descriptor = prepared.descriptor
        self.tells_its_rotation = tells_its_rotation(prepared, parameters)
        self.step_deg = parameters.rotation_step_deg
        self.half_turn = round(180.0 / self.step_deg)
        self.reach = parameters.max_shift_um / parameters.coarse_spacing_um
        heights = prepared.coarse.astype(np.float32) * np.float32(parameters.clip_deviations / 127)
        self.weights = prepared.coarse_weights.astype(np.float32) / np.float32(255)
        self.signal = heights * self.weights
        self.energy = self.signal * heights
        self.area = float(self.weights.sum())
        self._spectra: dict[int, Plane] = {}
        self._halved_spectra: dict[int, Plane] = {}

    @cached_property
    def code(self) -> SearchCode:
        return search_code(self.signal, self.weights, self.reach)

    @cached_property
    def small_weights(self) -> Plane:
        """They vary slowly: what two scans share is seen on fewer points."""
        return area_means(self.weights, (COARSE_POINTS // _SMALLER, COARSE_POINTS // _SMALLER))

    @cached_property
    def halved(self) -> Plane:
        """The signal on half as many points a side, where rotations are chosen."""
        return halved(self.signal)

    @cached_property
    def strength(self) -> float:
        """The length of the signal."""
        return math.sqrt(max(float(np.vdot(self.signal, self.signal)), 1.0))

    def spectrum(self, step: int = 0) -> Plane:
        """The Fourier transform of the signal turned by ``step`` rotation steps of the half turn, of length 1."""
        if step not in self._spectra:
            self._spectra[step] = self._transformed(self.signal, step)
        return self._spectra[step]

    def halved_spectrum(self, step: int = 0) -> Plane:
        """The same on half as many points a side."""
        if step not in self._halved_spectra:
            self._halved_spectra[step] = self._transformed(self.halved, step)
        return self._halved_spectra[step]

    def _transformed(self, signal: Plane, step: int) -> Plane:
        turned = moved(signal, step * self.step_deg, (0.0, 0.0)) if step else signal
        # interpolation takes strength from all but quarter turns, which must have no advantage by it
        strength = math.sqrt(max(float(np.vdot(turned, turned)), 1.0))
        return spectrum(np.asarray(turned * np.float32(1.0 / strength), np.float32))


def register(moving: CoarseView, fixed: CoarseView, parameters: Parameters) -> Registration:
    """Find where the moving scan agrees best with the fixed one, at any rotation.

    1. Propose places (``propose_places``).
    2. Look at each at full resolution; climb from the best in rotation steps, and refine by parabolas through its
       neighbours.
    3. Correlate exactly there: one turned and shifted copy, no Fourier transform.
    """
    # 1.
    turned = _Turned(moving, fixed)
    places = propose_places(turned, parameters, parameters.places)
    if not places:
        return Registration(agreement=0.0, rotation_deg=0.0, shift_um=(0.0, 0.0), overlap=0.0)

    # 2.
    promising = (place for place in places if place.agreement >= _PROMISING * places[0].agreement)
    ascent = max((_Ascent(turned, place) for place in promising), key=lambda entry: entry.start)

    # 3.
    return _measure(moving, fixed, *ascent.top(), parameters)


def place_roughly(moving: CoarseView, fixed: CoarseView, parameters: Parameters) -> float:
    """The agreement at the best proposed place, 0 without any: what the ranking sifts by."""
    return max((place.agreement for place in propose_places(_Turned(moving, fixed), parameters, 1)), default=0.0)


def propose_places(turned: _Turned, parameters: Parameters, count: int) -> list[ProposedPose]:
    """The most promising places, best first.

    Where both marks tell how they are turned: the best shift at one of the rotations that the descriptors name, or at
    its opposite. Else that one, and the ``count`` best of all rotations and of shifts within the search's reach. Which
    of the two follows from the marks alone, so that both sides of a border find the same.
    """
    moving, fixed = turned.moving, turned.fixed
    place = turned.by_descriptor(parameters.rotations)
    if moving.tells_its_rotation and fixed.tells_its_rotation:
        return [place]
    places = search_poses(moving.code, fixed.code, moving.reach, parameters.min_overlap, count)
    if place.shared >= parameters.min_overlap * min(moving.area, fixed.area):
        places.append(place)
    return sorted(places, key=lambda entry: -entry.agreement)


class _Turned:
    """The moving scan on the fixed one at rotation steps, at all shifts."""

    def __init__(self, moving: CoarseView, fixed: CoarseView) -> None:
        self.moving, self.fixed = moving, fixed
        self._products: dict[int, Plane] = {}

    def products(self, step: int) -> Plane:
        """The products' sums at all shifts, as if both signals had the length 1: row y and column x are those of the
        shift (y, x), or, after more than a half turn, of the shift (y + 1, x + 1), always modulo the grid."""
        if step not in self._products:
            half_turns, within = divmod(step, self.moving.half_turn)
            # a half turn reverses a grid, and to correlate with the reverse is to convolve: no second transform;
            # the middle of an even grid lies between two points, so that each shift lies one point before
            combine = convolutions if half_turns % 2 else correlations
            self._products[step] = combine(self.fixed.spectrum(), self.moving.spectrum(within))
        return self._products[step]

    def beyond(self, step: int) -> int:
        """By how many points the shift of a row or column of ``products`` is larger than its number."""
        return step // self.moving.half_turn % 2

    def by_descriptor(self, count: int) -> ProposedPose:
        """The best place at the ``count`` rotations that the descriptors hold for likeliest, and at their opposites.

        1. Take the highest peaks of their correlation over rotations.
        2. Choose one of those rotations, or its opposite, on half as many points a side.
        3. There find the best shift: of those at which two discs of the smaller mark's area would share half of each.
        """
        # 1.
        moving, fixed = self.moving, self.fixed
        steps = _peaks_around(rotation_curve(moving.descriptor, fixed.descriptor, moving.half_turn), count)

        # 2.
        reach = _HALF_SHARED * math.sqrt(min(moving.area, fixed.area) / math.pi)
        near, heights = _near(math.ceil(reach / 2.0), COARSE_POINTS // 2), {}
        for step in steps:
            spectra = fixed.halved_spectrum(), moving.halved_spectrum(step)
            heights[step] = cv2.minMaxLoc(correlations(*spectra), near)[1]
            heights[step + moving.half_turn] = cv2.minMaxLoc(convolutions(*spectra), near)[1]
        turn = max(heights, key=lambda step: heights[step])

        # 3.
        _, height, _, (column, row) = cv2.minMaxLoc(self.products(turn), _near(math.ceil(reach), COARSE_POINTS))
        y, x = (_signed(place + self.beyond(turn)) for place in (row, column))
        rotation = turn * moving.step_deg
        there = moved(moving.small_weights, rotation, (y / _SMALLER, x / _SMALLER))
        shared = float(np.vdot(there, fixed.small_weights)) * _SMALLER**2
        agreement = height * moving.strength * fixed.strength / math.sqrt(max(shared, 1.0))
        return ProposedPose(agreement, shared, rotation, (float(y), float(x)))


def _peaks_around(curve: NDArray[np.float32], count: int) -> list[int]:
    """The places of the highest values of a cyclic curve, none of them within ``_APART`` of a higher one."""
    left, found = curve.copy(), []
    for _ in range(count):
        found.append(int(left.argmax()))
        left[np.arange(found[-1] - _APART, found[-1] + _APART + 1) % len(left)] = -np.inf
    return found


@cache
def _near(reach: int, points: int) -> NDArray[np.uint8]:
    """1 at the shifts within so many grid points, 0 elsewhere: (n, n), modulo the grid."""
    along = (np.arange(points) + points // 2) % points - points // 2
    return np.asarray(np.hypot(along[:, None], along) <= reach).astype(np.uint8)


def _signed(place: int) -> int:
    return (place + COARSE_POINTS // 2) % COARSE_POINTS - COARSE_POINTS // 2


class _Ascent:
    """The way from a promising place to the highest correlation near it, in rotation steps."""

    def __init__(self, turned: _Turned, place: ProposedPose) -> None:
        self.turned = turned
        self.first = round(place.rotation_deg / turned.moving.step_deg)
        y, x = (round(shift) for shift in place.shift_points)
        window = self._window(self.first, y, x)
        self.start = float(window.max()) / math.sqrt(max(place.shared, 1.0))
        row, column = divmod(int(window.argmax()), len(_WINDOW))
        self.y, self.x = y + int(_WINDOW[row]), x + int(_WINDOW[column])
        self._heights: dict[int, float] = {}

    def top(self) -> tuple[float, tuple[float, float]]:
        """Rotation (degrees) and shift (grid points)."""
        step = self.first
        for _ in range(_CLIMBS):
            higher = max((step, step - 1, step + 1), key=self._height)
            if higher == step:
                break
            step = higher
        turn = step + _vertex(self._height(step - 1), self._height(step), self._height(step + 1))
        dy, dx = _peak_shift(self._window(step, self.y, self.x))
        return (turn * self.turned.moving.step_deg) % 360.0, (self.y + dy, self.x + dx)

    def _height(self, step: int) -> float:
        """At the first rotation's best shift: one copy turned and shifted costs less than all shifts."""
        if step not in self._heights:
            moving, fixed = self.turned.moving, self.turned.fixed
            there = moved(moving.signal, step * moving.step_deg, (float(self.y), float(self.x)))
            # interpolation takes strength from all but quarter turns, which must have no advantage by it
            self._heights[step] = float(np.vdot(there, fixed.signal)) / math.sqrt(
                max(float(np.vdot(there, there)), 1.0)
            )
        return self._heights[step]

    def _window(self, step: int, y: int, x: int) -> Plane:
        """The products' sums at shifts around (y, x)."""
        beyond = self.turned.beyond(step)
        rows, columns = (y - beyond + _WINDOW) % COARSE_POINTS, (x - beyond + _WINDOW) % COARSE_POINTS
        return self.turned.products(step)[rows[:, None], columns]


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
