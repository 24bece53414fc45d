"""Photographs drawn from topographies, for large tests. Renders are ideal: real photographs are harder."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from matcher.mark.regions import level_region
from matcher.mark.relief import masked_gradient
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Mask, Plane
from matcher.read.photograph import Lighting, Photograph
from matcher.read.topography import Topography

_RING_LIGHTS = 24
_ELEVATION_DEG = 35.0
"""Oblique, as marks are lit to be seen; steep slopes begin to shade themselves above 55 degrees."""
_GLOSS = 0.2
_SHININESS = 30
"""A primer is mostly matt; its glint is this wide (Blinn's exponent)."""
_EXPOSED = (0.5, 99.5)
_RANGE = (0.05, 0.95)


def render(
    topography: Topography,
    lighting: Lighting,
    *,
    elevation_deg: float = _ELEVATION_DEG,
    bits: int = 8,
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> Photograph:
    """Draw a topography's mark as a camera above it sees it.

    1. Find and level the mark; what is no mark is NaN, in the photograph too.
    2. Light it: Lambert's law and a weak glint (doi:10.1145/563858.563893) for each light; a ring is 24 lights.
    3. Expose: percentiles 0.5 and 99.5 of the mark at 5 and 95 % of full scale; round to ``bits``.

    ``lighting``: ring, or side with an azimuth. The same input draws the same photograph.
    Raises ``ValueError`` for another lighting; ``ScanNotUsable`` where there is no mark.
    """
    # 1.
    mark = level_region(topography, parameters)
    inside = mark.weights >= 0.5

    # 2.
    slopes = masked_gradient(mark.heights, inside, mark.spacing_um)
    light = np.zeros_like(mark.heights)
    for azimuth in _azimuths(lighting):
        light += _lit(slopes, azimuth, np.deg2rad(elevation_deg))

    # 3.
    brightness = _exposed(light, inside, 2**bits - 1)
    brightness.flags.writeable = False
    return Photograph(brightness, mark.spacing_um, lighting)


def _azimuths(lighting: Lighting) -> list[float]:
    if lighting.kind == "ring":
        return [2.0 * np.pi * number / _RING_LIGHTS for number in range(_RING_LIGHTS)]
    if lighting.azimuth_deg is None:
        raise ValueError("a mark is drawn under ring light, or side light with an azimuth")
    return [float(np.deg2rad(lighting.azimuth_deg))]


def _lit(slopes: tuple[Plane, Plane], azimuth: float, elevation: float) -> Plane:
    slope_y, slope_x = slopes
    light = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    halfway = light + np.array([0.0, 0.0, 1.0])
    halfway /= np.linalg.norm(halfway)
    steepness = np.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)

    def facing(direction: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Plane:
        x, y, z = direction.astype(np.float32)
        return np.asarray(np.maximum((z - slope_x * x - slope_y * y) / steepness, 0.0), np.float32)

    return np.asarray(facing(light) + np.float32(_GLOSS) * facing(halfway) ** _SHININESS, np.float32)


def _exposed(light: Plane, inside: Mask, full_scale: int) -> Plane:
    dark, bright = np.percentile(light[inside], _EXPOSED)
    low, high = _RANGE
    scaled = low + (high - low) * (light - dark) / max(float(bright - dark), 1e-9)
    rounded = np.rint(np.clip(scaled, 0.0, 1.0) * full_scale) / full_scale
    return np.where(inside, rounded, np.nan).astype(np.float32)


RenderName = Literal["ring", "side", "side-same", "side-unnoted"]
"""How an evaluation photographs its scans: under ring light; under side light from a random direction for each scan
(noted as a clock hour, within 15 degrees, as a laboratory notes it; or not noted); or from one direction for all."""

_SAME_AZIMUTH_DEG = 225.0


def photographed(
    topography: Topography, name: RenderName, rng: np.random.Generator, turned_deg: float = 0.0
) -> Photograph:
    """The scan's photograph under a condition of an evaluation.

    ``turned_deg``: by how much the scan was turned before; the one direction for all turns with it.
    """
    if name == "ring":
        return render(topography, Lighting("ring"))
    azimuth = (_SAME_AZIMUTH_DEG + turned_deg) % 360.0 if name == "side-same" else float(rng.uniform(0.0, 360.0))
    noted = None if name == "side-unnoted" else 30.0 * round(azimuth / 30.0) % 360.0
    return replace(render(topography, Lighting("side", azimuth)), lighting=Lighting("side", noted))
