"""A reference specimen's scan against its first one: what the instrument does otherwise than it did.

Known by this: a specimen with an irregular texture within the aperture of a breech face or a firing pin impression,
such as a standard cartridge case (NIST SRM 2461) or a laboratory's own fired case or replica. A plane, a step height
or a grid of lines says nothing here: it looks alike wherever it is laid.
"""

from __future__ import annotations

import math
from functools import cached_property, partial
from typing import Final

import numpy as np
import scipy  # its ndimage is loaded when first used: the process that serves never does

from matcher.areal.comparison import Placement, compare
from matcher.areal.prepared import prepare
from matcher.errors import ScanNotUsable
from matcher.instrument.distortion import (
    Distortion,
    LaidSurfaces,
    from_middle,
    gain_of,
    refined,
    slope_of,
    without_outliers,
)
from matcher.instrument.reference_map import ReferenceMap
from matcher.instrument.specimen_figures import MeasuredFigure, SpecimenFigures
from matcher.instrument.surfaces import CheckBand, band_of, check_band, filled, mark_on, without_form
from matcher.mark.regions import level_region
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Mask, Plane
from matcher.read.topography import Topography

_BANDS: Final = (2.0, 1.0)
"""The map is found on waves twice as long first: a scale that is wrong by 1 % displaces the rim by 17 um."""
_ROUGH: Final = 0.25
"""Where the surfaces agree no better once they lie on each other, there is no use in looking closer."""


def measure_specimen(
    first: ReferenceMap, now: ReferenceMap, parameters: Parameters = DEFAULT_PARAMETERS
) -> SpecimenFigures:
    """Hold a specimen's scan against its first one.

    1. Register the two as the matcher registers marks: rotation and shift.
    2. Refine that to an affine map of the plane, to a hundredth of a point (``refined``), on long waves first.
    3. On the map compare heights, patch by patch, and state each figure with its uncertainty.
    Raises ``ScanNotUsable`` where one of the two shows no mark of this region, or too little of it in common.
    """
    # 1.
    band = check_band(parameters)
    placed = compare(prepare(now.topography, parameters), prepare(first.topography, parameters), parameters)
    pair = _Pair(first.topography, now.topography, parameters)

    # 2.
    found = pair.start(placed)
    for factor in _BANDS:
        lay = partial(pair.lay, short_um=band.short * factor, long_um=band.long)
        if _correlation(lay(found)) < _ROUGH:
            break
        found = refined(found, lay)

    # 3.
    return _figures(pair, found, band)


class _Pair:
    """The two scans, what of the first is the specimen's mark, and what sampling the second needs."""

    def __init__(self, first: Topography, now: Topography, parameters: Parameters) -> None:
        mark = level_region(first, parameters)
        self.now = now
        self.patch_um = parameters.cell_size_um
        self.spacing_um = first.spacing_um
        self.middle_um = (mark.origin_um[0] + mark.centre_um[0], mark.origin_um[1] + mark.centre_um[1])
        self.mark = mark_on(mark, first)
        self.heights = filled(first.heights_um)

    @cached_property
    def _spline(self) -> Plane:
        """The second scan's heights as coefficients of cubic splines: sampling them loses nothing of the waves."""
        return np.asarray(scipy.ndimage.spline_filter(filled(self.now.heights_um), 3, output=np.float32), np.float32)

    @cached_property
    def _measured_now(self) -> Plane:
        return np.isfinite(self.now.heights_um).astype(np.float32)

    def start(self, placed: Placement) -> Distortion:
        """The matcher's registration, turned round: it says where the second scan's points lie on the first."""
        turn = math.radians(-placed.rotation_deg)
        back = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        # of the first scan's middle: p = centre_a + back @ (middle - centre_b - shift)
        from_centre = [
            middle - centre - shift
            for middle, centre, shift in zip(self.middle_um, placed.centre_b_um, placed.shift_um, strict=True)
        ]
        place = back @ np.array(from_centre[::-1]) + np.array(placed.centre_a_um[::-1])
        return Distortion(back, place, self.middle_um, np.zeros((4, 4)))

    def sampled(self, at: Distortion) -> tuple[Plane, Mask]:
        """The second scan's heights on the first one's grid, and where they were measured."""
        places = at.places(self.heights.shape, self.spacing_um, self.now.spacing_um)
        heights = scipy.ndimage.map_coordinates(self._spline, places, order=3, prefilter=False, output=np.float32)
        share = scipy.ndimage.map_coordinates(self._measured_now, places, order=1, output=np.float32)
        return np.asarray(heights, np.float32), share > 0.99

    def lay(self, at: Distortion, short_um: float, long_um: float) -> LaidSurfaces:
        """Both within one band, on what both show of the mark, without the smooth form under each."""
        heights, measured = self.sampled(at)
        weights = np.asarray(self.mark * measured, np.float32)
        fixed, moving = (
            band_of(without_form(plane, weights), weights, self.spacing_um, short_um, long_um)
            for plane in (self.heights, heights)
        )
        return LaidSurfaces(fixed, moving, weights, self.spacing_um, self.patch_um)


def _figures(pair: _Pair, found: Distortion, band: CheckBand) -> SpecimenFigures:
    laid = pair.lay(found, band.short, band.long)
    if not laid.weights.any():
        raise ScanNotUsable("not usable: the two scans have no part of the mark in common; is this the same specimen?")
    heights, count = _ratio(pair.lay(found, band.heights, band.long))
    fine = _ratio(pair.lay(found, band.short, band.detail))[0]
    weights = laid.weights.astype(np.float64)
    left = (laid.moving - laid.fixed).astype(np.float64)
    of_mark = pair.mark > 0.5
    return SpecimenFigures(
        correlation=_correlation(laid),
        height_ratio=heights,
        scale_x=MeasuredFigure(found.scale_x, _finite(found.deviation_of(lambda at: at.scale_x))),
        scale_y=MeasuredFigure(found.scale_y, _finite(found.deviation_of(lambda at: at.scale_y))),
        skew_deg=MeasuredFigure(found.skew_deg, _finite(found.deviation_of(lambda at: at.skew_deg))),
        detail_ratio=_quotient(fine, heights),
        difference_um=float(np.sqrt((weights * left**2).sum() / weights.sum())),
        roughness_um=float(np.sqrt((weights * laid.fixed.astype(np.float64) ** 2).sum() / weights.sum())),
        missing=float(1.0 - (laid.weights[of_mark] > 0.5).mean()),
        rotation_deg=found.rotation_deg,
        tilt_deg=_tilt_deg(pair, found, laid.weights),
        patches=count,
    )


def _ratio(laid: LaidSurfaces) -> tuple[MeasuredFigure, int]:
    """By which factor the moving heights are larger; the uncertainty by leaving out one patch at a time (jackknife,
    doi:10.1093/biomet/43.3-4.353)."""
    rough = gain_of(laid.fixed, laid.moving, laid.weights)
    weights = without_outliers(laid, rough)
    sums = []
    for window in laid.patches():
        w, a, b = (plane[window].astype(np.float64) for plane in (weights, laid.fixed, laid.moving))
        sums.append(((w * a * a).sum(), (w * b * b).sum(), (w * a * b).sum()))
    if not sums:
        return MeasuredFigure(0.0, None), 0
    total = np.sum(sums, axis=0)
    value = slope_of(*map(float, total))
    if len(sums) < 2:
        return MeasuredFigure(value, None), len(sums)
    without = np.array([slope_of(*map(float, total - part)) for part in sums])
    deviation = math.sqrt((len(sums) - 1) * float(np.var(without)))
    return MeasuredFigure(value, deviation), len(sums)


def _quotient(a: MeasuredFigure, b: MeasuredFigure) -> MeasuredFigure:
    if b.value == 0.0:
        return MeasuredFigure(0.0, None)
    value = a.value / b.value
    if a.uncertainty is None or b.uncertainty is None or a.value == 0.0:
        return MeasuredFigure(value, None)
    return MeasuredFigure(value, value * math.hypot(a.uncertainty / a.value, b.uncertainty / b.value))


def _correlation(laid: LaidSurfaces) -> float:
    w = laid.weights.astype(np.float64)
    xx, yy, xy = ((w * a * b).sum() for a, b in ((laid.fixed,) * 2, (laid.moving,) * 2, (laid.fixed, laid.moving)))
    return float(xy / math.sqrt(xx * yy)) if xx > 0.0 and yy > 0.0 else 0.0


def _tilt_deg(pair: _Pair, found: Distortion, weights: Plane) -> float:
    """Between the planes through the two surfaces: the specimen was not laid as level as then."""
    heights, _ = pair.sampled(found)
    x, y = from_middle(heights.shape, pair.spacing_um, pair.middle_um)
    inside = weights > 0.5
    design = np.stack([np.ones(int(inside.sum())), x[inside], y[inside]], axis=1)
    difference = (heights - pair.heights)[inside].astype(np.float64)
    _, along_x, along_y = np.linalg.lstsq(design, difference, rcond=None)[0]
    return math.degrees(math.atan(math.hypot(along_x, along_y)))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
