"""A scan as by an instrument that measures otherwise, or of a specimen that is laid otherwise: by known amounts."""

from __future__ import annotations

import cv2
import numpy as np
import scipy

from matcher import Topography


def altered(
    scan: Topography,
    *,
    gain: float = 1.0,
    scale_x: float = 1.0,
    scale_y: float = 1.0,
    skew_deg: float = 0.0,
    rotation_deg: float = 0.0,
    shift_um: tuple[float, float] = (0.0, 0.0),
    noise_um: float = 0.0,
    blur_um: float = 0.0,
    lost: float = 0.0,
    tilt_deg: float = 0.0,
    spacing_um: float | None = None,
    seed: int = 0,
) -> Topography:
    """The same surface, turned and shifted (y, x) on the stage, blurred, then measured by axes that are too long by
    ``scale_x`` and ``scale_y``, and ``skew_deg`` off 90 degrees, heights times ``gain``, noise added, points lost."""
    heights, spacing = scan.heights_um, scan.spacing_um[0]
    missing = np.isnan(heights)
    nearest = scipy.ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled = heights[tuple(nearest)] if missing.any() else heights
    if blur_um:
        filled = cv2.GaussianBlur(filled, (0, 0), blur_um / spacing)
    new = spacing_um or spacing
    side = int(1.3 * max(heights.shape) * spacing / new)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2.0) * new
    y, x = (y - shift_um[0]) / scale_y, (x - shift_um[1]) / scale_x
    y = y - x * np.sin(np.deg2rad(skew_deg))
    turn = np.deg2rad(rotation_deg)
    on_x, on_y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    places = np.stack([on_y, on_x]) / spacing + (np.array(heights.shape).reshape(2, 1, 1) - 1) / 2.0
    drawn = scipy.ndimage.map_coordinates(filled, places, order=3, mode="nearest").astype(np.float64)
    measured = scipy.ndimage.map_coordinates((~missing).astype(np.float32), places, order=1, cval=0.0) > 0.99
    rng = np.random.default_rng(seed)
    drawn = gain * (drawn + np.tan(np.deg2rad(tilt_deg)) * x) + noise_um * rng.standard_normal(drawn.shape)
    measured &= rng.random(drawn.shape) >= lost
    return Topography(np.where(measured, drawn, np.nan).astype(np.float32), (new, new))
