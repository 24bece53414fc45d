"""From points in file order to a regular grid: which way rows and columns run, and how far apart they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.read.canonical import Stored
from matcher.read.x3p.data import Points
from matcher.read.x3p.document import Axis, Feature, Header

_GRID_TOLERANCE = 0.1
"""Share of the spacing by which a point may lie off its place: rounding and stage jitter, not a distorted grid."""


@dataclass(frozen=True)
class Grid:
    """A matrix of stored heights, shape (rows, columns), the first row at the smallest y, the first column at
    the smallest x. ``invalid`` has the same shape. ``spacing`` is (y, x) in the file's unit of length.
    """

    z: Stored
    invalid: NDArray[np.bool_] | None
    spacing: tuple[float, float]


def lay_out(header: Header, points: Points) -> Grid:
    """Places every point where its coordinates say.

    Raises ScanRefused: "profile-not-surface", "point-cloud-not-surface", "dimensions-out-of-range",
    "spacing-out-of-range", "irregular-grid".
    """
    if header.feature is Feature.POINT_CLOUD:
        return _grid_of_cloud(header, points)
    shape = header.shape[1:]
    z = points.z.reshape(shape)
    invalid = None if points.invalid is None else points.invalid.reshape(shape)
    usable = _usable(points).reshape(shape) if header.x.absolute or header.y.absolute else None
    dy = _step(header.y, points.y, usable, along=0)
    dx = _step(header.x, points.x, usable, along=1)
    forwards = np.s_[:: int(math.copysign(1, dy)), :: int(math.copysign(1, dx))]
    return Grid(z[forwards], None if invalid is None else invalid[forwards], (abs(dy), abs(dx)))


def _usable(points: Points) -> NDArray[np.bool_]:
    finite = np.isfinite(points.z)
    return finite if points.invalid is None else finite & ~points.invalid


def _step(axis: Axis, stored: Stored | None, usable: NDArray[np.bool_] | None, along: int) -> float:
    """The signed distance from one row (``along`` 0) or column (1) to the next, in the file's unit."""
    if stored is None or usable is None:
        if axis.increment is None or not 0 < axis.increment < math.inf:
            raise ScanRefused(
                "spacing-out-of-range",
                f"main.xml states a distance of {axis.increment} between points: it must be above zero.",
            )
        return axis.increment
    return _fitted_step(_coordinates(axis, stored).reshape(usable.shape), usable, along)


def _coordinates(axis: Axis, stored: Stored) -> NDArray[np.float64]:
    if stored.dtype.kind == "f" and axis.dtype.kind == "f":
        return stored.astype(np.float64)
    if axis.increment is None or not 0 < axis.increment < math.inf:
        raise ScanRefused("spacing-out-of-range", "main.xml states no size for the counts of an integer axis.")
    return stored.astype(np.float64) * axis.increment


def _fitted_step(coordinates: NDArray[np.float64], usable: NDArray[np.bool_], along: int) -> float:
    """Least-squares slope of the coordinate over its index; refused where a point lies off the fitted grid."""
    usable = usable & np.isfinite(coordinates)
    index = np.nonzero(usable)[along].astype(np.float64)
    values = coordinates[usable]
    if index.size < 2 or np.ptp(index) == 0:
        raise ScanRefused("irregular-grid", "Too few valid points carry coordinates to tell the distance between them.")
    index -= index.mean()
    values -= values.mean()
    step = float(index @ values / (index @ index))
    off = float(np.abs(values - step * index).max())
    if not (math.isfinite(step) and step != 0 and off <= _GRID_TOLERANCE * abs(step)):
        raise ScanRefused(
            "irregular-grid",
            "The points do not lie on a regular grid: resample the surface in the instrument's software.",
        )
    return step


def _grid_of_cloud(header: Header, points: Points) -> Grid:
    """A point cloud that fills a whole grid, each place once, in whatever order."""
    refusal = ScanRefused(
        "point-cloud-not-surface",
        "The file holds a cloud of points that fill no grid: export the scan as a surface (SUR).",
    )
    if points.x is None or points.y is None:
        raise refusal
    x, y = _coordinates(header.x, points.x), _coordinates(header.y, points.y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise refusal
    columns, column = np.unique(x, return_inverse=True)
    rows, row = np.unique(y, return_inverse=True)
    shape = (rows.size, columns.size)
    if min(shape) < 2 or shape[0] * shape[1] != points.z.size:
        raise refusal
    place = row * columns.size + column
    if np.bincount(place).max() != 1:
        raise refusal
    z = np.empty_like(points.z)
    z[place] = points.z
    invalid = None
    if points.invalid is not None:
        invalid = np.empty_like(points.invalid)
        invalid[place] = points.invalid
        invalid = invalid.reshape(shape)
    dy, dx = (_fitted_step(line, np.ones(line.size, np.bool_), along=0) for line in (rows, columns))
    return Grid(z.reshape(shape), invalid, (dy, dx))
