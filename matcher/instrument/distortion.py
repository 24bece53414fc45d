"""How a scan's grid lies on another one of the same surface, to a hundredth of a point: scales, angle, shift.

The surfaces are taken for the same but for an affine map of the plane and a factor of the heights. The map is found by
least squares on the heights (Lucas and Kanade, IJCAI 1981): where a small displacement d is left, the heights
differ by d times the slope there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matcher.numeric.plane import Mask, Plane

Reals = NDArray[np.float64]

_MOST_STEPS: Final = 24
_AT_REST_UM: Final = 0.005
"""A thousandth of a point: at the rim of a mark of 3.5 mm three parts in a million."""
_OUTLYING: Final = 5.0
"""Robust deviations. Dust and what one scan alone shows do not pull."""
_LEAST_PATCHES: Final = 8
_UNKNOWNS: Final = 6
"""Of a displacement: along x for 1, x, y (in mm), then along y."""
_SHAPE: Final = [1, 2, 4, 5]
_MM: Final = 1000.0


@dataclass(frozen=True)
class Distortion:
    """Where the point (x, y) of the fixed grid, in um from ``middle_um``, lies on the moving one: ``matrix`` (2, 2)
    times it plus ``shift_um``, both in the order x, y, in um from the moving grid's first point.

    ``covariance``: (4, 4) of the matrix's elements row by row, from how far patches of the surface disagree; zeros
    before it was fitted.
    """

    matrix: Reals
    shift_um: Reals
    middle_um: tuple[float, float]
    covariance: Reals

    @property
    def scale_x(self) -> float:
        """What the moving scan says a length along its own x is, of which the fixed scan says 1."""
        return float(np.hypot(*self.matrix[0]))

    @property
    def scale_y(self) -> float:
        return float(np.hypot(*self.matrix[1]))

    @property
    def rotation_deg(self) -> float:
        """How the specimen lies turned on the moving scan, from +x towards +y."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))

    @property
    def skew_deg(self) -> float:
        """By how much the angle between the moving scan's axes is off 90 degrees."""
        return math.degrees(math.asin(float(self.matrix[0] @ self.matrix[1]) / (self.scale_x * self.scale_y)))

    def deviation_of(self, figure: Callable[[Distortion], float]) -> float:
        """The standard deviation of a figure of this map, by its slopes (GUM, 5.1.2)."""
        slopes, step = np.zeros(4), 1e-6
        for place in range(4):
            moved = self.matrix.copy()
            moved.flat[place] += step
            slopes[place] = (figure(replace(self, matrix=moved)) - figure(self)) / step
        return math.sqrt(max(float(slopes @ self.covariance @ slopes), 0.0))

    def places(self, shape: tuple[int, int], fixed_um: tuple[float, float], moving_um: tuple[float, float]) -> Reals:
        """(2, rows, columns): the row and column of the moving grid where each point of the fixed one lies."""
        x, y = from_middle(shape, fixed_um, self.middle_um)
        on_x = self.matrix[0, 0] * x + self.matrix[0, 1] * y + self.shift_um[0]
        on_y = self.matrix[1, 0] * x + self.matrix[1, 1] * y + self.shift_um[1]
        return np.stack([on_y / moving_um[0], on_x / moving_um[1]])


@dataclass(frozen=True)
class LaidSurfaces:
    """Both surfaces on the fixed grid, ready to be held against each other: band-passed heights in um, 0 where either
    has none; ``weights``: 0 to 1; ``spacing_um``: (y, x). What one patch of ``patch_um`` says is taken as one witness,
    whatever its points share."""

    fixed: Plane
    moving: Plane
    weights: Plane
    spacing_um: tuple[float, float]
    patch_um: float

    def patches(self) -> Iterator[tuple[slice, slice]]:
        """Squares that lie side by side and are measured by more than a third."""
        rows, columns = (max(4, round(self.patch_um / spacing)) for spacing in self.spacing_um)
        for top in range(0, self.weights.shape[0], rows):
            for left in range(0, self.weights.shape[1], columns):
                window = (slice(top, top + rows), slice(left, left + columns))
                if float(self.weights[window].sum()) > rows * columns / 3.0:
                    yield window


def refined(start: Distortion, lay: Callable[[Distortion], LaidSurfaces]) -> Distortion:
    """The map from which no small change makes the two surfaces agree better.

    1. Lay the moving surface on the fixed one by the map as it is.
    2. Find the affine displacement that explains best what is left, patch by patch; change the map by it.
    3. Again until nothing moves. Then take the map's covariance from the disagreement of the patches.
    """
    now = start
    for _ in range(_MOST_STEPS):
        # 1. and 2.
        change, spread = _left_over(lay(now), now.middle_um)
        now = _changed(now, change)
        # 3.
        if np.abs(change).max() < _AT_REST_UM:
            break
    to_matrix = np.kron(-now.matrix, np.eye(2)) / _MM  # of a small change A the matrix becomes matrix - matrix @ A
    of_shape = spread[np.ix_(_SHAPE, _SHAPE)]
    return replace(now, covariance=to_matrix @ of_shape @ to_matrix.T)


def without_outliers(laid: LaidSurfaces, gain: float) -> Plane:
    """The weights, 0 where the two differ by more than what is usual between them."""
    inside: Mask = laid.weights > 0.5
    if not inside.any():
        return laid.weights
    left = laid.moving - np.float32(gain) * laid.fixed
    usual = 1.4826 * float(np.median(np.abs(left[inside])))
    return np.asarray(laid.weights * (np.abs(left) <= _OUTLYING * max(usual, 1e-6)), np.float32)


def gain_of(fixed: Plane, moving: Plane, weights: Plane) -> float:
    """By which factor the moving heights are larger (``slope_of`` over all points)."""
    w = weights.astype(np.float64)
    return slope_of(*(float((w * a * b).sum()) for a, b in ((fixed, fixed), (moving, moving), (fixed, moving))))


def slope_of(xx: float, yy: float, xy: float) -> float:
    """Of the line of least squared distance through the points (Deming, equal noise in both: one instrument measured
    both). Exchanged, the two give the inverse. 0 where they do not agree at all."""
    if xy <= 0.0:
        return 0.0
    half = (yy - xx) / (2.0 * xy)
    return half + math.sqrt(half * half + 1.0)


def _left_over(laid: LaidSurfaces, middle_um: tuple[float, float]) -> tuple[Reals, Reals]:
    """The affine displacement that is left, (6,) in um for places in mm, and its covariance, (6, 6), from how far
    patches disagree; infinite where there are too few of them."""
    gain = gain_of(laid.fixed, laid.moving, laid.weights) or 1.0
    weights = without_outliers(laid, gain).astype(np.float64)
    moving = laid.moving / np.float32(gain)
    slope_y, slope_x = np.gradient(((laid.fixed + moving) / 2.0).astype(np.float64), *laid.spacing_um)
    left = (moving - laid.fixed).astype(np.float64)
    x, y = (place / _MM for place in from_middle(laid.fixed.shape, laid.spacing_um, middle_um))
    columns = [slope * place for slope in (slope_x, slope_y) for place in (np.ones_like(left), x, y)]
    told = []
    for window in laid.patches():
        design = np.stack([column[window].ravel() for column in columns])
        weighted = design * weights[window].ravel()
        told.append((weighted @ design.T, weighted @ left[window].ravel()))
    if len(told) < _LEAST_PATCHES:
        return np.zeros(_UNKNOWNS), np.full((_UNKNOWNS, _UNKNOWNS), np.inf)
    inverse = np.linalg.pinv(np.sum([part for part, _ in told], axis=0))
    found = inverse @ np.sum([rest for _, rest in told], axis=0)
    disagreements = np.stack([rest - part @ found for part, rest in told])
    # a patch is one witness (a sandwich over clusters), with the correction for few of them
    few = len(told) / (len(told) - _UNKNOWNS / 2.0)
    return found, few * inverse @ (disagreements.T @ disagreements) @ inverse


def _changed(now: Distortion, change: Reals) -> Distortion:
    """moving(q) = fixed(q + d(q)): what was taken to lie at q lies at q + d(q)."""
    shape = np.array([[change[1], change[2]], [change[4], change[5]]]) / _MM
    shift = now.matrix @ np.array([change[0], change[3]])
    return replace(now, matrix=now.matrix - now.matrix @ shape, shift_um=now.shift_um - shift)


def from_middle(
    shape: tuple[int, ...], spacing_um: tuple[float, float], middle_um: tuple[float, float]
) -> tuple[Reals, Reals]:
    """x and y of each point in um from ``middle_um`` (y, x), both of the grid's shape."""
    y, x = (np.arange(shape[axis]) * spacing_um[axis] - middle_um[axis] for axis in (0, 1))
    return np.broadcast_to(x[None, :], shape[:2]), np.broadcast_to(y[:, None], shape[:2])
