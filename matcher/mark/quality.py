"""How good a scan is for comparison: measured before anything is compared, in words and figures for the examiner."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable
from matcher.mark.clean import band_passed, clean
from matcher.mark.coverage import coverage_of, coverage_within
from matcher.mark.level import LevelledMark
from matcher.mark.regions import level_region
from matcher.numeric.circle import Circle
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Mask, low_pass
from matcher.read.topography import Topography

_LEAST_ARC_DEG = 20
"""Parts are marks too: real quarters show an arc of 25 degrees at least; what is no mark, of 18 with few exceptions."""
_CENTRE = 0.2
_FILLED = 0.5
_LEAST_BEND_RADIUS_UM = 12_000.0
"""A primer that is domed by 120 um. The forms of real marks have radii from 100 mm on, those of levelled quarters from
20 mm on; bullets, balls and dents have up to 10 mm."""
_OF_NOISE = 1.25


class MarkDoubt(StrEnum):
    """What speaks against a breech-face mark."""

    NO_ROUND_EDGE = "no-round-edge"
    BENT = "bent"
    NO_APERTURE = "no-aperture"
    NOISE = "noise"


DOUBTS: dict[MarkDoubt, str] = {
    MarkDoubt.NO_ROUND_EDGE: "its edge is nowhere round like a primer's edge, of 1.0 to 2.7 mm radius",
    MarkDoubt.BENT: "it is bent like a ball, a bullet or a dent, and a primer is nearly flat",
    MarkDoubt.NO_APERTURE: "it is whole where the firing-pin aperture should be",
    MarkDoubt.NOISE: "its heights differ from point to point as noise does, and no marks stand out",
}


def doubts_of(
    mark: LevelledMark, signal_to_noise: float | None, point_um: float, parameters: Parameters
) -> tuple[MarkDoubt, ...]:
    """What speaks against a breech-face mark, on a scan that can be compared.

    ``signal_to_noise``: of ``Quality``; ``point_um``: between the scan's points, which noise differs by.
    """
    found = []
    if mark.round_edge_deg < _LEAST_ARC_DEG:
        found.append(MarkDoubt.NO_ROUND_EDGE)
    if mark.bend_radius_um is not None and mark.bend_radius_um < _LEAST_BEND_RADIUS_UM:
        found.append(MarkDoubt.BENT)
    if mark.outline is not None and _filled(mark, mark.outline):
        found.append(MarkDoubt.NO_APERTURE)
    if signal_to_noise is not None and signal_to_noise < _OF_NOISE * _left_of_noise(point_um, parameters):
        found.append(MarkDoubt.NOISE)
    return tuple(found)


def _filled(mark: LevelledMark, outline: Circle) -> bool:
    y, x = (
        np.arange(points) * step - centre
        for points, step, centre in zip(mark.weights.shape, mark.spacing_um, outline.centre_um, strict=True)
    )
    middle = mark.weights[np.hypot(y[:, None], x[None, :]) < _CENTRE * outline.radius_um]
    return middle.size > 0 and float(middle.mean()) > _FILLED


def _left_of_noise(point_um: float, parameters: Parameters) -> float:
    """What the band's Gaussian filter (ISO 16610-61) leaves of the deviation of white noise."""
    deviation_um = parameters.fine_band_um[0] * np.sqrt(np.log(2.0) / 2.0) / np.pi
    return float(point_um / (2.0 * np.sqrt(np.pi) * deviation_um))


LOW_COVERAGE = 0.6
MANY_DROPOUTS = 0.05
LOW_SIGNAL_TO_NOISE = 3.0
COARSE_UM = 10.0
"""Beyond it less than three points show the shortest wave that is compared."""
_UNEQUAL = 1.05
MANY_OUTLIERS = 0.06
_CUT_CHORD = 0.5
"""Of the outline's radius: a field whose edge only touches a round mark shows a chord of a quarter of it."""
_OUTLIER_DEVIATIONS = 3.0


@dataclass(frozen=True)
class Quality:
    """What an examiner wants to know of a scan before it is compared. None: could not be told.

    ``usable``, ``reason``: whether it can be compared; if not, why, and what to do next.
    ``sampling_um``: (y, x) between points; ``field_mm``: (y, x); ``measured``: share of the field's points.
    ``mark_area_mm2``: of the mark as measured; ``coverage``: its share of what lies within the primer's outline and
    outside the firing-pin aperture, or, where that cannot be told, the share of directions from the primer's
    centre in which there is any; within a user's mask the share of the same, so that it never rises when something is
    cut out; ``dropouts``: share of single points missing within it.
    ``sq_um``, ``robust_sq_um``: root mean square height within the band of marks (ISO 25178-2, Sq), and 1.4826 times
    the median deviation, which no dent moves; ``outliers``: share of points beyond three of the latter.
    ``noise_um``: standard deviation of a point's height, from second differences of neighbours; at most, as it
    contains the finest texture. ``signal_to_noise``: ``robust_sq_um`` over it.
    ``cut_off``: the mark runs into the field's edge. ``levelled_before``: form and surroundings had been removed.
    ``outlined``: a user's mask was used. ``outline``, ``aperture``: circles, centres (y, x) from the first point.
    ``focus``: of photographs. ``doubts``: what speaks against a mark of this region (``MarkDoubt``).
    ``warnings``: sentences; those of the file first.
    """

    region: str
    usable: bool
    reason: str | None
    sampling_um: tuple[float, float]
    field_mm: tuple[float, float]
    measured: float
    mark_area_mm2: float | None = None
    coverage: float | None = None
    dropouts: float | None = None
    sq_um: float | None = None
    robust_sq_um: float | None = None
    noise_um: float | None = None
    signal_to_noise: float | None = None
    outliers: float | None = None
    cut_off: bool | None = None
    levelled_before: bool | None = None
    outlined: bool = False
    outline: Circle | None = None
    aperture: Circle | None = None
    focus: float | None = None
    doubts: tuple[MarkDoubt, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, for JSON."""
        return asdict(self)


def assess(
    topography: Topography, parameters: Parameters = DEFAULT_PARAMETERS, mask: NDArray[np.bool_] | None = None
) -> Quality:
    """Say how good a scan is for comparison, and why not where it is not. Nothing is raised for a poor scan.

    1. State what is known of any scan.
    2. Find the mark; clean it as ``prepare`` does. What stops either is the reason why it is not usable.
    3. Measure the mark: area and coverage, roughness, noise, outliers.
    4. Ask whether it looks like a breech-face mark at all, unless a user outlined it.
    5. Warn of that, and of what makes a comparison weaker.

    Raises ``ScanRefused`` for a mask of another shape alone.
    """
    # 1.
    whole = topography
    if mask is not None:
        topography = topography.within(mask)
    quality = _known(topography, parameters)

    # 2.
    try:
        mark = level_region(topography, parameters)
        band_passed(mark, parameters) if parameters.channel == "height" else clean(topography, parameters)
    except ScanNotUsable as unusable:
        return replace(quality, usable=False, reason=str(unusable))

    # 3.
    quality = _with_roughness(_with_extent(quality, topography, mark), topography, mark, parameters)
    if topography.outlined:
        quality = replace(quality, coverage=_coverage_within(whole, parameters, mask))

    # 4.
    elif parameters.region == DEFAULT_PARAMETERS.region:
        point_um = float(np.sqrt(topography.spacing_um[0] * topography.spacing_um[1]))
        quality = replace(quality, doubts=doubts_of(mark, quality.signal_to_noise, point_um, parameters))

    # 5.
    return replace(quality, warnings=(*topography.warnings, *_warnings(quality)))


def figures_in_words(quality: Quality) -> dict[str, str]:
    """Name and value of each figure that is known, for people."""
    (y, x), (high, wide) = quality.sampling_um, quality.field_mm
    found: dict[str, str] = {
        "points apart, x and y": f"{x:.3g} and {y:.3g} um",
        "field": f"{wide:.2f} x {high:.2f} mm, {quality.measured:.0%} measured",
    }
    if quality.mark_area_mm2 is not None:
        found["area of the mark"] = f"{quality.mark_area_mm2:.2f} mm2"
    if quality.coverage is not None:
        found["coverage of the region"] = f"{quality.coverage:.0%}"
    if quality.dropouts is not None:
        found["dropouts within the mark"] = f"{quality.dropouts:.1%}"
    if quality.sq_um is not None and quality.robust_sq_um is not None:
        found["roughness Sq, robust"] = f"{quality.sq_um:.2f}, {quality.robust_sq_um:.2f} um"
    if quality.noise_um is not None:
        found["noise, at most"] = f"{quality.noise_um:.2f} um"
    if quality.signal_to_noise is not None:
        found["marks over noise, at least"] = f"{quality.signal_to_noise:.1f}"
    if quality.outliers is not None:
        found["points that stand out"] = f"{quality.outliers:.1%}"
    if quality.outline is not None and quality.outline.support > 0.0:
        found["radius of the outline"] = f"{quality.outline.radius_um / 1000.0:.2f} mm"
    if quality.aperture is not None:
        found["radius of the aperture"] = f"{quality.aperture.radius_um / 1000.0:.2f} mm"
    if quality.focus is not None:
        found["focus"] = f"{quality.focus:.2f}"
    if quality.levelled_before:
        found["levelled and masked before"] = "yes"
    if quality.outlined:
        found["mask"] = "drawn by a user"
    return found


def _known(topography: Topography, parameters: Parameters) -> Quality:
    (rows, columns), (sy, sx) = topography.heights_um.shape, topography.spacing_um
    return Quality(
        region=parameters.region,
        usable=True,
        reason=None,
        sampling_um=topography.spacing_um,
        field_mm=(rows * sy / 1000.0, columns * sx / 1000.0),
        measured=topography.coverage,
        outlined=topography.outlined,
        warnings=topography.warnings,
    )


def _with_extent(quality: Quality, topography: Topography, mark: LevelledMark) -> Quality:
    point_um2 = mark.spacing_um[0] * mark.spacing_um[1]
    area = float(mark.weights.sum(dtype=np.float64)) * point_um2
    solid = cv2.morphologyEx((mark.weights > 0).view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    return replace(
        quality,
        mark_area_mm2=area / 1e6,
        coverage=coverage_of(mark),
        dropouts=1.0 - float(mark.weights[solid].mean()),
        cut_off=_cut_off(np.asarray(solid), topography, mark),
        levelled_before=mark.ready and not topography.outlined,
        outline=_on_scan(mark.outline, mark),
        aperture=_on_scan(mark.aperture, mark),
    )


def _coverage_within(whole: Topography, parameters: Parameters, mask: Mask | None) -> float | None:
    if mask is None or whole.outlined:
        return None  # what lies outside of the user's mask is not known
    try:
        return coverage_within(level_region(whole, parameters), whole, mask)
    except ScanNotUsable:
        return None


def _on_scan(circle: Circle | None, mark: LevelledMark) -> Circle | None:
    if circle is None:
        return None
    y, x = (place + origin for place, origin in zip(circle.centre_um, mark.origin_um, strict=True))
    return replace(circle, centre_um=(y, x))


def _cut_off(solid: Mask, topography: Topography, mark: LevelledMark) -> bool | None:
    if mark.outline is None:
        return None
    sides = (
        (solid[0].sum(), mark.spacing_um[1]),
        (solid[-1].sum(), mark.spacing_um[1]),
        (solid[:, 0].sum(), mark.spacing_um[0]),
        (solid[:, -1].sum(), mark.spacing_um[0]),
    )
    longest = max(float(points) * step for points, step in sides)
    return not topography.outlined and longest > _CUT_CHORD * mark.outline.radius_um


def _with_roughness(quality: Quality, topography: Topography, mark: LevelledMark, parameters: Parameters) -> Quality:
    short, long = parameters.fine_band_um
    dy, dx = mark.spacing_um
    smooth, share = low_pass(mark.heights, mark.weights, (short / dy, short / dx))
    waves, _ = low_pass(smooth, share, (long / dy, long / dx))
    band = (smooth - waves)[mark.weights > 0]
    band -= np.median(band)
    robust = 1.4826 * float(np.median(np.abs(band)))
    noise = _noise_um(topography, mark)
    return replace(
        quality,
        sq_um=float(np.sqrt(np.mean(band * band))),
        robust_sq_um=robust,
        noise_um=noise,
        signal_to_noise=robust / noise if noise else None,
        outliers=float(np.mean(np.abs(band) > _OUTLIER_DEVIATIONS * robust)),
    )


def _noise_um(topography: Topography, mark: LevelledMark) -> float | None:
    """From second differences along rows and along columns, the lower of both: tool marks run across one of them.

    Where neighbours were averaged or filtered, less than the instrument's noise is left to be seen.
    """
    rows, columns = np.nonzero(mark.weights > 0)
    window = tuple(
        slice(int(places.min() * ratio), int((places.max() + 1) * ratio) + 1)
        for places, ratio in zip(
            (rows, columns), np.divide(mark.spacing_um, topography.spacing_um).tolist(), strict=True
        )
    )
    heights = topography.heights_um[window]
    found = []
    for along in (0, 1):
        second = np.diff(heights, n=2, axis=along)
        second = second[np.isfinite(second)]
        if second.size:
            # the variance of a - 2 b + c is six times that of one point
            found.append(1.4826 * float(np.median(np.abs(second - np.median(second)))) / 6.0**0.5)
    return min(found, default=None)


def _warnings(quality: Quality) -> list[str]:
    found = []
    if quality.doubts:
        why = "; ".join(DOUBTS[doubt] for doubt in quality.doubts)
        found.append(f"Does not look like a breech face: {why}. Check what was scanned, or outline the mark by hand.")
    if max(quality.sampling_um) > COARSE_UM:
        found.append(f"Points are {max(quality.sampling_um):.1f} um apart: the finest marks are lost; scan finer.")
    if max(quality.sampling_um) > _UNEQUAL * min(quality.sampling_um):
        y, x = quality.sampling_um
        found.append(f"Points are {x:.2f} um apart in x and {y:.2f} um in y: check the file if the scan is square.")
    if quality.cut_off:
        found.append("The mark runs into the edge of the field: its centre is less certain; scan a wider field.")
    elif quality.coverage is not None and quality.coverage < LOW_COVERAGE:
        found.append(f"Only {quality.coverage:.0%} of the breech face was found: partial marks compare less surely.")
    if quality.dropouts is not None and quality.dropouts > MANY_DROPOUTS:
        found.append(f"{quality.dropouts:.0%} of the mark's points are missing: add light or exposure, and scan again.")
    if quality.signal_to_noise is not None and quality.signal_to_noise < LOW_SIGNAL_TO_NOISE:
        found.append("Noise is not far below the marks: average several scans, or take a larger aperture.")
    if quality.outliers is not None and quality.outliers > MANY_OUTLIERS:
        found.append(f"{quality.outliers:.0%} of the points stand out: look for dust, dents and corrosion.")
    return found
