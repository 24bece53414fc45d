"""What all stages do with a grid of heights or weights: resize, blur, move, transform. Float32 in, float32 out."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Complex = NDArray[np.complex64]

_CUTOFF_TO_SIGMA = np.sqrt(np.log(2.0) / 2.0) / np.pi
"""ISO 16610-61: the Gaussian filter passes half of the amplitude at its cutoff wavelength."""


def area_means(plane: Plane, shape: tuple[int, int]) -> Plane:
    """The means over equal areas: a coarser grid of ``shape`` (rows, columns) over the same field."""
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)


def halved(plane: Plane) -> Plane:
    """The means of 2 x 2 points; rows and columns must be even."""
    return area_means(plane, (plane.shape[0] // 2, plane.shape[1] // 2))


def interpolated(plane: Plane, shape: tuple[int, int]) -> Plane:
    """A finer grid of ``shape`` (rows, columns) over the same field, linear between points."""
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def blurred(plane: Plane, sigma: tuple[float, float]) -> Plane:
    """A Gaussian mean with deviations in points along (y, x); beyond the grid lies 0."""
    blur = cv2.GaussianBlur(plane, (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blur, np.float32)


def ratio(total: Plane, weights: Plane, floor: float = 1e-3) -> Plane:
    """``total`` / ``weights`` where there is weight, 0 elsewhere."""
    return np.divide(total, weights, out=np.zeros_like(total), where=weights > floor)


def low_pass(heights: Plane, weights: Plane, cutoff_points: tuple[float, float]) -> tuple[Plane, Plane]:
    """The Gaussian mean of the weighted points (normalised convolution) and the Gaussian mean of the weights.

    ``cutoff_points``: cutoff wavelength in grid points along (y, x).
    """
    total, share = low_pass_sums(heights, weights, cutoff_points)
    return ratio(total, share), share


def low_pass_sums(heights: Plane, weights: Plane, cutoff_points: tuple[float, float]) -> tuple[Plane, Plane]:
    """Numerator and denominator of ``low_pass``: may be sampled or summed before they are divided."""
    sigma = (float(_CUTOFF_TO_SIGMA * cutoff_points[0]), float(_CUTOFF_TO_SIGMA * cutoff_points[1]))
    if max(sigma) == 0.0:
        return heights * weights, weights
    return blurred(heights * weights, sigma), blurred(weights, sigma)


def sampled(plane: Plane, to_plane: NDArray[np.float64], shape: tuple[int, int]) -> Plane:
    """Sample at ``to_plane`` @ (column, row, 1) = (column, row) of the plane, linear; beyond the grid lies 0."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, to_plane, shape[::-1], flags=flags), np.float32)


def moved(plane: Plane, rotation_deg: float, shift_points: tuple[float, float]) -> Plane:
    """Turn a square grid around its middle from +x towards +y, then shift it by (y, x); 0 comes from outside."""
    cosine, sine = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    middle = (len(plane) - 1) / 2
    y, x = middle + shift_points[0], middle + shift_points[1]
    back = np.array([[cosine, sine, middle - cosine * x - sine * y], [-sine, cosine, middle + sine * x - cosine * y]])
    return sampled(plane, back, (len(plane), len(plane)))


def spectrum(plane: Plane) -> Plane:
    """The Fourier transform of a real grid, packed into one of the same shape (OpenCV's CCS format)."""
    return np.asarray(cv2.dft(plane), np.float32)


def correlations(fixed: Plane, moving: Plane) -> Plane:
    """From two spectra to the sums over p of fixed[p + s] moving[p], at all cyclic shifts s."""
    return _inverse(cv2.mulSpectrums(fixed, moving, 0, conjB=True))


def convolutions(fixed: Plane, moving: Plane) -> Plane:
    """As ``correlations``, the sums over p of fixed[s - p] moving[p]."""
    return _inverse(cv2.mulSpectrums(fixed, moving, 0))


def _inverse(product: NDArray[Any]) -> Plane:
    return np.asarray(cv2.idft(product, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT), np.float32)


def upsampling(points: int, factor: int) -> Plane:
    """The matrix that interpolates ``points`` values to (points - 1) * factor + 1, linearly."""
    position = np.arange((points - 1) * factor + 1) / factor
    return np.maximum(1.0 - np.abs(position[:, None] - np.arange(points)), 0.0).astype(np.float32)


def disc(reach_rows: int, reach_columns: int) -> NDArray[np.uint8]:
    """An elliptical neighbourhood that reaches so many points to either side."""
    size = (2 * reach_columns + 1, 2 * reach_rows + 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size), np.uint8)


def opened_mask(mask: Mask, reach: int) -> Mask:
    """Without the parts that a disc of that reach does not fit into."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(reach, reach)) > 0)


def pieces(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Connected pieces (sides, not corners): labels, 0 outside, and the points in each, that of label 0 set to 0."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    sizes = np.asarray(stats[:, cv2.CC_STAT_AREA], np.intp).copy()
    sizes[0] = 0
    return np.asarray(labels, np.int32), sizes
