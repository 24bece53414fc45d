"""From a topography to the two working copies that every later stage compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark
from matcher.mark.regions import level_region
from matcher.mark.relief import relief_of_heights
from matcher.mark.rings import without_rings
from matcher.numeric.parameters import ImpressionParameters, Parameters
from matcher.numeric.plane import Plane, disc, halved, interpolated, low_pass, low_pass_sums, ratio, sampled
from matcher.read.topography import Topography

FINE_POINTS = 320
COARSE_POINTS = 160
_INSIDE = 0.5
_FIRST_DEVIATIONS = 4.0
_BIWEIGHT_DEVIATIONS = 3.0
"""ISO 16610-71: 4.4478 times the median of the absolute residuals."""
_LEAST_TRUST = 0.01
"""Where a whole neighbourhood is unlike its surroundings, its own mean is all there is."""
_DEVIATION_POINTS = 4096
"""So many heights, evenly taken, give the scale to 2 %; it cancels in a correlation."""
_COMPUTED_IN_FULL_POINTS = 24.0
"""Waves this long are sampled finely enough by half as many points: two to a Gaussian's deviation."""


@dataclass(frozen=True)
class WorkingCopy:
    """Band-passed heights on a square grid around the mark's centre.

    ``heights``: float32 (n, n), in robust standard deviations, clipped, 0 where nothing was measured;
    ``weights``: float32 (n, n), 0 to 1, the share of each point's surroundings that was measured.
    """

    heights: Plane
    weights: Plane


@dataclass(frozen=True)
class CleanScan:
    """Both working copies, and where their common centre lies in the scan: (y, x) um from its first point."""

    coarse: WorkingCopy
    fine: WorkingCopy
    centre_um: tuple[float, float]


def clean(topography: Topography, parameters: Parameters, displaced_um: tuple[float, float] = (0.0, 0.0)) -> CleanScan:
    """Bring a topography of any field of view and resolution to the two working copies.

    1. Find the mark, level it and find its centre (``level_region``).
    2. Clean the mark (``clean_mark``).

    ``displaced_um``: see ``band_passed``.
    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    # 1.
    mark = level_region(topography, parameters)

    # 2.
    return clean_mark(mark, parameters, displaced_um)


def clean_mark(mark: LevelledMark, parameters: Parameters, displaced_um: tuple[float, float] = (0.0, 0.0)) -> CleanScan:
    """Bring a topography's levelled mark to the two working copies.

    1. For the relief channel, take the relief of its heights; of an impression, take the rings out (``without_rings``).
    2. Band-pass it to the working copies (``band_passed``).

    ``displaced_um``, and what it raises: as ``clean``.
    """
    # 1.
    if parameters.channel == "relief":
        mark = relief_of_heights(mark, parameters)
    if isinstance(parameters, ImpressionParameters):
        mark = without_rings(mark, parameters)

    # 2.
    return band_passed(mark, parameters, displaced_um)


def band_passed(
    mark: LevelledMark, parameters: Parameters, displaced_um: tuple[float, float] = (0.0, 0.0)
) -> CleanScan:
    """From a mark on its own grid to the two working copies.

    1. Erode the mark's rim.
    2. Low-pass and sample the fine grid around the centre, then the coarse one from it (soft masks:
       hard ones lose thin rings).
    3. Subtract the long waves of each, robustly; scale by median and MAD; clip (``finish``).

    ``displaced_um``: (y, x) by which the working grids' middle is put off the mark's centre, as if that had been found
    wrongly: trials only. What lies within the aperture around the mark's own centre stays.
    Raises ``ScanNotUsable`` where too little is left.
    """
    # 1.
    spacing = mark.spacing_um
    inside = _erode(mark.weights, spacing, parameters.edge_erosion_um)

    # 2.
    centre = (mark.centre_um[0] + displaced_um[0], mark.centre_um[1] + displaced_um[1])
    fine_short, fine_long = parameters.fine_band_um
    coarse_short, coarse_long = parameters.coarse_band_um
    total, share = low_pass_sums(mark.heights, inside, (fine_short / spacing[0], fine_short / spacing[1]))
    fine_smooth, fine_share = _sample(total, share, spacing, centre, displaced_um, parameters)
    _require_area(fine_share, parameters)
    extra = np.sqrt(max(coarse_short**2 - fine_short**2, 0.0)) / parameters.fine_spacing_um
    coarse_smooth, coarse_share = _halve(*low_pass(fine_smooth, fine_share, (extra, extra)))

    # 3.
    return CleanScan(
        coarse=finish_working_copy(coarse_smooth, coarse_share, coarse_long / parameters.coarse_spacing_um, parameters),
        fine=finish_working_copy(fine_smooth, fine_share, fine_long / parameters.fine_spacing_um, parameters),
        centre_um=(mark.origin_um[0] + centre[0], mark.origin_um[1] + centre[1]),
    )


def _erode(weights: Plane, spacing_um: tuple[float, float], distance_um: float) -> Plane:
    """Take the rim off the mark; a hole of one or two points is a dropout, not a rim."""
    solid = cv2.morphologyEx((weights > 0).view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    neighbourhood = disc(round(distance_um / spacing_um[0]), round(distance_um / spacing_um[1]))
    kept = cv2.erode(solid, neighbourhood, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(weights * kept, np.float32)


def _sample(
    total: Plane,
    share: Plane,
    spacing_um: tuple[float, float],
    centre_um: tuple[float, float],
    displaced_um: tuple[float, float],
    parameters: Parameters,
) -> tuple[Plane, Plane]:
    """The fine grid around the centre, inside the aperture."""
    middle = (FINE_POINTS - 1) / 2
    step = [parameters.fine_spacing_um / spacing for spacing in spacing_um]
    first = [centre / spacing - middle * s for centre, spacing, s in zip(centre_um, spacing_um, step, strict=True)]
    to_scan = np.array([[step[1], 0.0, first[1]], [0.0, step[0], first[0]]])
    total, weights = (sampled(plane, to_scan, (FINE_POINTS, FINE_POINTS)) for plane in (total, share))
    spacing = parameters.fine_spacing_um
    off = (-displaced_um[0] / spacing, -displaced_um[1] / spacing)
    weights *= _aperture(parameters.aperture_diameter_um / spacing, off)
    return ratio(total, weights), weights


@lru_cache(maxsize=8)
def _aperture(diameter_points: float, off_points: tuple[float, float]) -> Plane:
    """1 within the circle beyond which a turned scan would leave the fine grid."""
    y, x = (np.arange(FINE_POINTS) - (FINE_POINTS - 1) / 2 - off for off in off_points)
    inside: Plane = (np.hypot(y[:, None], x) <= diameter_points / 2).astype(np.float32)
    return inside


def _require_area(share: Plane, parameters: Parameters) -> None:
    area_mm2 = float(share.sum()) * (parameters.fine_spacing_um / 1000.0) ** 2
    if area_mm2 < parameters.min_mark_area_mm2:
        raise ScanNotUsable(
            f"not usable: {area_mm2:.2f} mm2 of the mark is left without its rim, and at least "
            f"{parameters.min_mark_area_mm2:.2f} mm2 are needed to compare; scan the whole mark"
        )


def _halve(heights: Plane, weights: Plane) -> tuple[Plane, Plane]:
    """Weighted means of 2 x 2 points."""
    share = halved(weights)
    return ratio(halved(heights * weights), share), share


def finish_working_copy(smooth: Plane, share: Plane, long_cutoff_points: float, parameters: Parameters) -> WorkingCopy:
    """Subtract the waves beyond the cutoff (in points), scale by median and MAD, clip."""
    if long_cutoff_points < _COMPUTED_IN_FULL_POINTS:
        band = smooth - _robust_waves(smooth, share, long_cutoff_points)
    else:
        # so long waves hold nothing that every second point would not show
        waves = _robust_waves(*_halve(smooth, share), long_cutoff_points / 2)
        band = smooth - interpolated(waves, (smooth.shape[0], smooth.shape[1]))
    middle, deviation = _middle_and_deviation(band, share)
    clip = parameters.clip_deviations
    scaled = np.clip((band - np.float32(middle)) / np.float32(deviation), -clip, clip)
    measured = share > 1e-3
    return WorkingCopy(scaled * measured, share * measured)


def _robust_waves(smooth: Plane, share: Plane, cutoff_points: float) -> Plane:
    """The waves that a robust Gaussian filter passes (ISO 16610-71, of order 0, one iteration).

    Means of the heights, clipped, first; then means in which a height counts the less the farther it lies from
    the first (Tukey's biweight, 0 beyond three robust deviations): a dent or a grain of dust would stand in
    a ring of its own opposite otherwise.
    """
    cutoff = (cutoff_points, cutoff_points)
    middle, deviation = _middle_and_deviation(smooth, share)
    reach = _FIRST_DEVIATIONS * deviation
    means, _ = low_pass(np.clip(smooth, middle - reach, middle + reach), share, cutoff)
    band = smooth - means
    middle, deviation = _middle_and_deviation(band, share)
    distance = (band - np.float32(middle)) * np.float32(1.0 / (_BIWEIGHT_DEVIATIONS * deviation))
    trust = np.square(np.maximum(np.float32(1) - distance * distance, np.float32(0)))
    waves, _ = low_pass(smooth, share * np.maximum(trust, np.float32(_LEAST_TRUST)), cutoff)
    return waves


def _middle_and_deviation(band: Plane, share: Plane) -> tuple[float, float]:
    """Median and scaled median deviation of what was measured: of some thousand evenly taken points of many."""
    inside = np.flatnonzero(share >= _INSIDE)
    if not inside.size:
        raise ScanNotUsable("not usable: the mark is nothing but single points; check the scan's missing points")
    taken = band.ravel()[inside[:: max(1, inside.size // _DEVIATION_POINTS)]]
    middle = float(np.median(taken))
    deviation = 1.4826 * float(np.median(np.abs(taken - np.float32(middle))))
    if deviation < 1e-4:
        raise ScanNotUsable(
            "not usable: the surface is smooth to a tenth of a nanometre within the band of marks; "
            "check that heights, not a mask or a plane, were exported"
        )
    return middle, deviation
