"""From a topography to the two working copies that every later stage compares."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from matcher.errors import ScanNotUsable
from matcher.level import LevelledMark
from matcher.parameters import Parameters
from matcher.plane import Plane, disc, halved, low_pass, ratio, sampled
from matcher.regions import level_region
from matcher.relief import relief_of_heights
from matcher.topography import Topography

FINE_POINTS = 320
COARSE_POINTS = 160


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


def clean(topography: Topography, parameters: Parameters) -> CleanScan:
    """Bring a topography of any field of view and resolution to the two working copies.

    1. Find the mark, level it and find its centre (``level_region``).
    2. For the relief channel, take the relief of its heights.
    3. Band-pass it to the working copies (``band_passed``).

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    # 1.
    mark = level_region(topography, parameters)

    # 2.
    if parameters.channel == "relief":
        mark = relief_of_heights(mark, parameters)

    # 3.
    return band_passed(mark, parameters)


def band_passed(mark: LevelledMark, parameters: Parameters) -> CleanScan:
    """From a mark on its own grid to the two working copies.

    1. Erode the mark's rim.
    2. Low-pass and sample the fine grid around the centre, then the coarse one from it (soft masks:
       hard ones lose thin rings).
    3. Subtract the long waves of each; scale by median and MAD; clip.

    Raises ``ScanNotUsable`` where too little is left.
    """
    # 1.
    spacing = mark.spacing_um
    inside = _erode(mark.weights, spacing, parameters.edge_erosion_um)

    # 2.
    fine_short, fine_long = parameters.fine_band_um
    coarse_short, coarse_long = parameters.coarse_band_um
    smooth, share = low_pass(mark.heights, inside, (fine_short / spacing[0], fine_short / spacing[1]))
    fine_smooth, fine_share = _sample(smooth, share, spacing, mark.centre_um, parameters)
    _require_area(fine_share, parameters)
    extra = np.sqrt(max(coarse_short**2 - fine_short**2, 0.0)) / parameters.fine_spacing_um
    coarse_smooth, coarse_share = _halve(*low_pass(fine_smooth, fine_share, (extra, extra)))

    # 3.
    return CleanScan(
        coarse=finish(coarse_smooth, coarse_share, coarse_long / parameters.coarse_spacing_um, parameters),
        fine=finish(fine_smooth, fine_share, fine_long / parameters.fine_spacing_um, parameters),
        centre_um=(mark.origin_um[0] + mark.centre_um[0], mark.origin_um[1] + mark.centre_um[1]),
    )


def _erode(weights: Plane, spacing_um: tuple[float, float], distance_um: float) -> Plane:
    """Take the rim off the mark; a hole of one or two points is a dropout, not a rim."""
    solid = cv2.morphologyEx((weights > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    neighbourhood = disc(round(distance_um / spacing_um[0]), round(distance_um / spacing_um[1]))
    kept = cv2.erode(solid, neighbourhood, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.where(kept > 0, weights, np.float32(0))


def _sample(
    smooth: Plane,
    share: Plane,
    spacing_um: tuple[float, float],
    centre_um: tuple[float, float],
    parameters: Parameters,
) -> tuple[Plane, Plane]:
    """The fine grid around the centre, inside the aperture."""
    middle = (FINE_POINTS - 1) / 2
    step = [parameters.fine_spacing_um / spacing for spacing in spacing_um]
    first = [centre / spacing - middle * s for centre, spacing, s in zip(centre_um, spacing_um, step, strict=True)]
    to_scan = np.array([[step[1], 0.0, first[1]], [0.0, step[0], first[0]]])
    total, weights = (sampled(plane, to_scan, (FINE_POINTS, FINE_POINTS)) for plane in (smooth * share, share))
    offset = (np.arange(FINE_POINTS) - middle) * parameters.fine_spacing_um
    outside = np.hypot(offset[:, None], offset[None, :]) > parameters.aperture_diameter_um / 2
    weights[outside] = 0.0
    return ratio(total, weights), weights


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


def finish(smooth: Plane, share: Plane, long_cutoff_points: float, parameters: Parameters) -> WorkingCopy:
    """Subtract the waves beyond the cutoff (in points), scale by median and MAD, clip."""
    waves, _ = low_pass(smooth, share, (long_cutoff_points, long_cutoff_points))
    band = smooth - waves
    inside = share >= 0.5
    if not inside.any():
        raise ScanNotUsable("not usable: the mark is nothing but single points; check the scan's missing points")
    middle = np.median(band[inside])
    deviation = 1.4826 * float(np.median(np.abs(band[inside] - middle)))
    if deviation < 1e-4:
        raise ScanNotUsable(
            "not usable: the surface is smooth to a tenth of a nanometre within the band of marks; "
            "check that heights, not a mask or a plane, were exported"
        )
    clip = parameters.clip_deviations
    scaled = np.clip((band - middle) / np.float32(deviation), -clip, clip)
    measured = share > 1e-3
    return WorkingCopy(np.where(measured, scaled, np.float32(0)), np.where(measured, share, np.float32(0)))
