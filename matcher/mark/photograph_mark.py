"""Where the mark is on a photograph of a primer or a whole case head, and whether the photograph is fit for use."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark, averaged
from matcher.numeric.circle import Circle, find_wall, fit_outline
from matcher.numeric.plane import Mask, Plane, area_means, disc, low_pass, opened_mask, pieces
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

_BASE_SPACING_UM = 6.25
COARSEST_USABLE_UM = 12.5
"""A wave of 30 um, the shortest that is compared, needs two pixels and a little more."""
_GRID_UM = 25.0
_SATURATED = 0.995
_BLOTCH_UM = 20.0
"""A glint on a ridge is narrower and belongs to the mark; a wider one hides it."""
_BLOTCH_RIM_UM = 15.0
_MOST_SATURATED = 0.3
_DARKEST_USABLE = 0.02
_SHADE_UM = 75.0
"""Texture is averaged over so much before lit surface is told from shade."""
_SMALLEST_PRIMER_RADIUS_UM = 1000.0
_LARGEST_PRIMER_RADIUS_UM = 2700.0
_LEAST_SUPPORT = 0.5
_PIECES = 12
"""Looked at, largest first; letters of the head stamp and what flowed back are smaller than a primer."""
_MOST_BEYOND = 0.1
_LEAST_FILLED = 0.8
"""Of the circle, by the piece's convex hull: a part of the head is bounded by circles too, but fills none."""
_RIM_UM = 40.0
"""The edge of the primer and of the aperture catch the light whatever was printed there."""
_SHARP_BAND_UM = (20.0, 40.0)
_BROAD_BAND_UM = (80.0, 160.0)
_LEAST_FOCUS = 0.15


@dataclass(frozen=True)
class PhotographQuality:
    """What a laboratory is told of a photograph.

    ``reason``: a sentence that begins with "not usable:" and names the next step; empty where ``usable``.
    ``coverage``: mm2 of mark that can be compared; ``sampling_um``: the longer side of a pixel; ``focus``:
    contrast of 20 to 40 um waves over that of 80 to 160 um waves, about 0.4 to 1 when sharp; ``saturated``: share
    of the mark that is at full scale.
    """

    usable: bool
    reason: str
    coverage_mm2: float
    sampling_um: float
    focus: float
    saturated: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhotographMark:
    """The mark of a photograph: brightness and weights on a grid of about 6 um (``LevelledMark``, brightness in
    place of heights), the circles that it was found between (um from that grid's first point), its quality.
    """

    mark: LevelledMark
    outline: Circle
    aperture: Circle | None
    quality: PhotographQuality


def find_photograph_mark(photograph: Photograph) -> PhotographMark:
    """Find the breech-face mark on a photograph, or say why there is none to be used.

    1. Refuse pixels that are too coarse; average to about 6 um; take out blotches at full scale.
    2. An outline that was given stands. Otherwise look for the primer, and for the firing-pin aperture in it.
    3. Measure focus and exposure there, and refuse what is not fit for use.

    Raises ``ScanNotUsable`` with a sentence for the examiner.
    """
    # 1.
    coarsest = max(photograph.um_per_pixel)
    if coarsest > COARSEST_USABLE_UM:
        raise ScanNotUsable(
            f"not usable: pixels of {coarsest:.1f} um are too coarse to show individual marks; photograph the "
            f"primer alone, at {COARSEST_USABLE_UM:.0f} um a pixel or finer"
        )
    brightness, weights, spacing, origin = _averaged(photograph)
    clear = np.where(_blotches(brightness, weights, spacing), np.float32(0), weights)

    # 2.
    aperture = None
    if photograph.outlined or np.isnan(photograph.brightness).any():
        inside = weights > 0
        if not inside.any():
            raise ScanNotUsable("not usable: nothing lies within the outline; draw it on the mark")
        outline = fit_outline(inside, spacing, _SMALLEST_PRIMER_RADIUS_UM, _LARGEST_PRIMER_RADIUS_UM)
    else:
        outline, aperture = _find_circles(brightness, spacing)
        inside = _between(brightness.shape, spacing, outline, aperture)
    kept = np.where(inside, clear, np.float32(0))

    # 3.
    quality = _assess(brightness, kept, weights * inside, spacing, photograph)
    if not quality.usable:
        raise ScanNotUsable(quality.reason)
    mark = LevelledMark(np.where(kept > 0, brightness, np.float32(0)), kept, spacing, origin, outline.centre_um)
    return PhotographMark(mark, outline, aperture, quality)


def _averaged(photograph: Photograph) -> tuple[Plane, Plane, tuple[float, float], tuple[float, float]]:
    """Brightness (0 where none), weights, spacing and the first block's centre, on a grid of about 6 um."""
    surface = Topography(photograph.brightness, photograph.um_per_pixel)
    if surface.coverage == 0.0:
        raise ScanNotUsable("not usable: the photograph is transparent everywhere; export it again")
    above_mean, weights, spacing, origin = averaged(surface, _BASE_SPACING_UM)
    mean = np.float32(np.nanmean(photograph.brightness, dtype=np.float64))
    return np.where(weights > 0, above_mean + mean, np.float32(0)), weights, spacing, origin


def _blotches(brightness: Plane, weights: Plane, spacing_um: tuple[float, float]) -> Mask:
    """Areas at full scale that are wider than a glint, with their rims."""
    full = ((brightness >= _SATURATED) & (weights > 0)).astype(np.uint8)
    reach = disc(*(max(1, round(_BLOTCH_UM / s)) for s in spacing_um))
    rim = disc(*(max(1, round((_BLOTCH_UM + _BLOTCH_RIM_UM) / s)) for s in spacing_um))
    return np.asarray(cv2.dilate(cv2.erode(full, reach), rim) > 0)


def _find_circles(brightness: Plane, spacing_um: tuple[float, float]) -> tuple[Circle, Circle | None]:
    """The primer's face, as a lit disc in the shade of its rounded edge, and the shade around the aperture in it."""
    # on a grid of about 25 um, where texture is averaged out, lit is what Otsu's threshold tells from shade
    rows, columns = brightness.shape
    shape = (max(1, round(rows * spacing_um[0] / _GRID_UM)), max(1, round(columns * spacing_um[1] / _GRID_UM)))
    grid = (rows * spacing_um[0] / shape[0], columns * spacing_um[1] / shape[1])
    mean, _ = low_pass(
        area_means(brightness, shape), np.ones(shape, np.float32), (_SHADE_UM / grid[0], _SHADE_UM / grid[1])
    )
    tone = np.rint(np.sqrt(np.clip(mean, 0.0, 1.0)) * 255.0).astype(np.uint8)
    _, thresholded = cv2.threshold(tone, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    lit = opened_mask(np.asarray(thresholded > 0), 2)

    best = _best_disc(lit, grid)
    if best is None:
        raise ScanNotUsable(
            "not usable: no primer was found on the photograph; centre the primer, focus on it, light all of it, "
            "or give its outline"
        )
    inside = _between(lit.shape, grid, best, None)
    aperture = find_wall(~lit & inside, np.ones_like(lit), grid, best)
    offset = tuple((coarse - fine) / 2 for coarse, fine in zip(grid, spacing_um, strict=True))
    return _shifted(best, offset), None if aperture is None else _shifted(aperture, offset)


def _best_disc(lit: Mask, grid_um: tuple[float, float]) -> Circle | None:
    """The largest circle of a primer's size that a lit piece fills and does not reach beyond."""
    labels, sizes = pieces(lit)
    found: Circle | None = None
    for label in np.argsort(-sizes)[:_PIECES]:
        if not sizes[label]:
            break
        piece = np.asarray(labels == label)
        circle = fit_outline(piece, grid_um, _SMALLEST_PRIMER_RADIUS_UM, _LARGEST_PRIMER_RADIUS_UM)
        if circle.support < _LEAST_SUPPORT or not _fills(piece, grid_um, circle):
            continue
        if found is None or circle.radius_um > found.radius_um:
            found = circle
    return found


def _fills(piece: Mask, grid_um: tuple[float, float], circle: Circle) -> bool:
    points = np.argwhere(piece).astype(np.float32) * np.asarray(grid_um, np.float32)
    hull_um2 = float(cv2.contourArea(cv2.convexHull(points)))
    away = np.hypot(points[:, 0] - circle.centre_um[0], points[:, 1] - circle.centre_um[1])
    beyond = float((away > circle.radius_um + 2.0 * _RIM_UM).mean())
    return hull_um2 >= _LEAST_FILLED * np.pi * circle.radius_um**2 and beyond <= _MOST_BEYOND


def _between(shape: tuple[int, ...], spacing_um: tuple[float, float], outline: Circle, aperture: Circle | None) -> Mask:
    """Inside the outline and outside the aperture, without their rims."""

    def distance(circle: Circle) -> Plane:
        y = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(spacing_um[0]) - circle.centre_um[0]
        x = np.arange(shape[1], dtype=np.float32)[None, :] * np.float32(spacing_um[1]) - circle.centre_um[1]
        return np.asarray(np.hypot(y, x), np.float32)

    inside = distance(outline) <= outline.radius_um - _RIM_UM
    if aperture is not None:
        inside &= distance(aperture) >= aperture.radius_um + _RIM_UM
    return np.asarray(inside)


def _shifted(circle: Circle, offset_um: tuple[float, ...]) -> Circle:
    y, x = (centre + offset for centre, offset in zip(circle.centre_um, offset_um, strict=True))
    return Circle((y, x), circle.radius_um, circle.support)


def _assess(
    brightness: Plane, kept: Plane, whole: Plane, spacing_um: tuple[float, float], photograph: Photograph
) -> PhotographQuality:
    """Exposure and focus of the mark, and the sentence for what is not fit for use."""
    inside = whole > 0
    saturated = 1.0 - float(kept.sum()) / max(float(whole.sum()), 1e-9)
    level = float(np.median(brightness[inside])) if inside.any() else 0.0
    focus = _contrast(brightness, kept, spacing_um, _SHARP_BAND_UM) / max(
        _contrast(brightness, kept, spacing_um, _BROAD_BAND_UM), 1e-6
    )
    reason = ""
    if saturated > _MOST_SATURATED:
        reason = f"not usable: {saturated:.0%} of the mark is overexposed; photograph it again with less light"
    elif level < _DARKEST_USABLE:
        reason = f"not usable: the mark is underexposed ({level:.1%} of full scale); photograph it with more light"
    elif focus < _LEAST_FOCUS:
        reason = (
            f"not usable: the mark is out of focus (sharpness {focus:.2f}, and at least {_LEAST_FOCUS:.2f} is "
            "needed); focus on the primer's face, or stack several planes of focus"
        )
    return PhotographQuality(
        usable=not reason,
        reason=reason,
        coverage_mm2=float(kept.sum()) * spacing_um[0] * spacing_um[1] / 1e6,
        sampling_um=max(photograph.um_per_pixel),
        focus=focus,
        saturated=saturated,
        warnings=photograph.warnings,
    )


def _contrast(
    brightness: Plane, weights: Plane, spacing_um: tuple[float, float], band_um: tuple[float, float]
) -> float:
    """The robust deviation of a band of waves in the mark."""
    short, long = ((cut / spacing_um[0], cut / spacing_um[1]) for cut in band_um)
    smooth, _ = low_pass(brightness, weights, short)
    waves, _ = low_pass(brightness, weights, long)
    band = (smooth - waves)[weights > 0]
    return 1.4826 * float(np.median(np.abs(band))) if band.size else 0.0
