"""The rings of a turned firing pin, taken out of its impression: what goes round says little of one pin.

A lathe leaves rings around its axis. They agree with themselves at any rotation and in the mirror, so that a score that
counts them is high where it should be low. The axis is not the dent's centre: it is looked for.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import scipy  # its fft is loaded when first used: the process that serves never does
from numpy.typing import NDArray

from matcher.mark.level import LevelledMark
from matcher.numeric.parameters import ImpressionParameters
from matcher.numeric.plane import Plane, area_means, low_pass, moved, ratio

_TURNS_DEG = tuple(range(20, 181, 20))
"""What goes round agrees with itself at each of them; a turn back agrees as the turn does."""
_DEVIATIONS = 3.0
"""Heights are clipped here, in deviations of their surroundings: a drag must not be looked for, nor one deep dent."""
_SURROUNDINGS_UM = 150.0
_DIRECTIONS = 720
"""At the rim of the widest dent (1.25 mm) they lie 11 um apart, less than the shortest wave kept."""
_BIWEIGHT_DEVIATIONS = 4.685
_LEAST_TRUST = 1e-3


def without_rings(mark: LevelledMark, parameters: ImpressionParameters) -> LevelledMark:
    """Subtract from each point what its ring shows on either side of it.

    1. Find the centre that most of the mark goes round (``ring_centre``).
    2. Read the mark in rings around it; take of each ring the weighted mean, Gaussian over the angle with a deviation
       of ``ring_window_deg``: rings fade, waver and are not quite round, which a mean over the whole circle would miss.
    3. Once more, with heights that lie far from it counting less (Tukey's biweight); subtract it.

    What is shorter along its ring than about that angle is left; what is longer is lost, whatever made it.
    """
    # 1.
    centre = ring_centre(mark, parameters)

    # 2.
    heights, weights = _in_rings(mark, centre)
    means = _along(heights, weights, parameters.ring_window_deg)

    # 3.
    inside = weights > 0.5
    distance = heights - means
    deviation = 1.4826 * float(np.median(np.abs(distance[inside]))) + 1e-6 if inside.any() else 1.0
    trust = np.square(np.maximum(1.0 - np.square(distance / (_BIWEIGHT_DEVIATIONS * deviation)), 0.0))
    means = _along(heights, weights * np.maximum(trust, _LEAST_TRUST).astype(np.float32), parameters.ring_window_deg)
    kept = mark.heights - _laid_back(means, mark, centre)
    return replace(mark, heights=np.where(mark.weights > 0, kept, np.float32(0)))


def ring_centre(mark: LevelledMark, parameters: ImpressionParameters) -> tuple[float, float]:
    """Where the mark would be turned around to agree most with itself: (y, x) um from the grid's first point.

    1. Band-pass to points of the fine grid; the same strength everywhere.
    2. Correlate with itself, turned by each of some angles. The copy that was turned by R and shifted by t was turned
       around c, with t = (I - R) c: each correlation is a map of centres.
    3. The highest point of their sum: to half a step of the fine grid, a tenth of what the window spans at 200 um.

    Always answers: of a mark without rings, some place within it.
    """
    # 1.
    plane, corner, step = _even(mark, parameters)

    # 2.
    points = len(plane)
    size = scipy.fft.next_fast_len(2 * points, real=True)
    fixed, half = scipy.fft.rfft2(plane, (size, size)), size // 2
    y, x = np.mgrid[0:points, 0:points] - (points - 1) / 2
    agreement = np.zeros((points, points), np.float32)
    for turn in _TURNS_DEG:
        turned = scipy.fft.rfft2(moved(plane, turn, (0.0, 0.0)), (size, size))
        shifts = np.roll(scipy.fft.irfft2(fixed * turned.conj(), (size, size)), (half, half), (0, 1))
        cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        rows, columns = y - (sine * x + cosine * y) + half, x - (cosine * x - sine * y) + half
        agreement += _read(shifts.astype(np.float32), rows, columns)

    # 3.
    place = divmod(int(agreement.argmax()), points)
    y_um, x_um = (
        (first + at + 0.5) * wide - own / 2
        for first, at, wide, own in zip(corner, place, step, mark.spacing_um, strict=True)
    )
    return y_um, x_um


def _even(mark: LevelledMark, parameters: ImpressionParameters) -> tuple[Plane, tuple[int, int], tuple[float, float]]:
    """The band of the mark on a square of the fine grid's points around it, 0 outside the mark; first row and column;
    exact spacing (y, x) um."""
    short, long = parameters.coarse_band_um
    dy, dx = mark.spacing_um
    smooth, _ = low_pass(mark.heights, mark.weights, (short / dy, short / dx))
    waves, _ = low_pass(mark.heights, mark.weights, (long / dy, long / dx))
    rows, columns = mark.heights.shape
    spacing = parameters.fine_spacing_um
    shape = max(1, round(rows * dy / spacing)), max(1, round(columns * dx / spacing))
    share = area_means(mark.weights, shape)
    band = ratio(area_means((smooth - waves) * mark.weights, shape), share)
    # the rim is where a filter has data on one side only
    inside = cv2.erode((share > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    reach = _SURROUNDINGS_UM / spacing
    power, _ = low_pass(band * band, inside, (reach, reach))
    even = inside * np.clip(band / np.sqrt(power + np.float32(1e-6)), -_DEVIATIONS, _DEVIATIONS)
    x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
    square = np.zeros((max(width, height, 1), max(width, height, 1)), np.float32)
    square[:height, :width] = even[y : y + height, x : x + width]
    return square, (y, x), (rows * dy / shape[0], columns * dx / shape[1])


def _in_rings(mark: LevelledMark, centre_um: tuple[float, float]) -> tuple[Plane, Plane]:
    """(rings, directions): heights and weights on circles around the centre, a point of the grid apart."""
    (y, x), step = _points(mark, centre_um), min(mark.spacing_um)
    rows, columns = mark.heights.shape
    far = np.hypot(max(y, rows - 1 - y) * mark.spacing_um[0], max(x, columns - 1 - x) * mark.spacing_um[1])
    radius = np.arange(int(far / step) + 2)[:, None] * step
    angle = np.arange(_DIRECTIONS)[None, :] * (2.0 * np.pi / _DIRECTIONS)
    place = y + radius * np.sin(angle) / mark.spacing_um[0], x + radius * np.cos(angle) / mark.spacing_um[1]
    weights = _read(mark.weights, *place)
    return ratio(_read(mark.heights * mark.weights, *place), weights), weights


def _along(heights: Plane, weights: Plane, deviation_deg: float) -> Plane:
    """The weighted Gaussian means of (rings, directions) over the angle."""
    waves = np.arange(_DIRECTIONS // 2 + 1)
    gain = np.exp(-0.5 * np.square(np.deg2rad(deviation_deg) * waves)).astype(np.float32)
    total, share = (
        scipy.fft.irfft(scipy.fft.rfft(plane, axis=1) * gain, _DIRECTIONS, axis=1)
        for plane in (heights * weights, weights)
    )
    return ratio(np.asarray(total, np.float32), np.asarray(share, np.float32), floor=1e-4)


def _laid_back(means: Plane, mark: LevelledMark, centre_um: tuple[float, float]) -> Plane:
    """From (rings, directions) to the mark's grid."""
    (y, x), step = _points(mark, centre_um), min(mark.spacing_um)
    rows, columns = (np.arange(size, dtype=np.float32) for size in mark.heights.shape)
    dy, dx = np.meshgrid((rows - y) * mark.spacing_um[0], (columns - x) * mark.spacing_um[1], indexing="ij")
    # two directions more on either side: the last one is followed by the first
    direction = np.arctan2(dy, dx) % (2.0 * np.pi) * (_DIRECTIONS / (2.0 * np.pi)) + 2.0
    framed = np.hstack([means[:, -2:], means, means[:, :3]])
    return _read(framed, np.hypot(dy, dx) / step, direction, cv2.INTER_CUBIC)


def _points(mark: LevelledMark, centre_um: tuple[float, float]) -> tuple[float, float]:
    return centre_um[0] / mark.spacing_um[0], centre_um[1] / mark.spacing_um[1]


def _read(
    plane: Plane, rows: NDArray[np.floating], columns: NDArray[np.floating], how: int = cv2.INTER_LINEAR
) -> Plane:
    """The plane at places between its points; 0 outside it."""
    return np.asarray(cv2.remap(plane, columns.astype(np.float32), rows.astype(np.float32), how), np.float32)
