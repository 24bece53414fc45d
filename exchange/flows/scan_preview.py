"""What an examiner is shown of a scan as soon as it is here: a picture with the mark that was found, and a verdict.

Plain functions of paths, done in worker processes. A verdict is a list of findings by code; the pages have the words.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

import matcher
from exchange.flows.scan_work import X3P, ScanReport, inspect_scan
from matcher import impression, level, photograph_mark, striation
from matcher.circle import Circle
from matcher.image import decode_image, inspect_image
from matcher.quality import COARSE_UM, LOW_COVERAGE, LOW_SIGNAL_TO_NOISE, MANY_DROPOUTS, MANY_OUTLIERS, Quality
from matcher.quality_picture import draw_circles, draw_mark, draw_millimetre, draw_photograph, draw_surface
from matcher.x3p import read_topography
from schemas.vocabulary import Modality, RegionOfInterest

COARSEST_UM = {
    RegionOfInterest.BREECH_FACE: level.COARSEST_USABLE_UM,
    RegionOfInterest.FIRING_PIN_IMPRESSION: impression.COARSEST_USABLE_UM,
    RegionOfInterest.APERTURE_SHEAR: striation.COARSEST_USABLE_UM,
}
"""Beyond it the matcher refuses a topography: its points cannot show the waves that are compared."""
COARSEST_PIXEL_UM = photograph_mark.COARSEST_USABLE_UM
SOFT_FOCUS = 0.4
"""A sharp photograph has 0.4 to 1 (`PhotographQuality`); below 0.15 it is refused."""
MUCH_GLARE = 0.1
"""A third of what is refused: by then the marks under the glare are gone."""


class Level(StrEnum):
    GOOD = "good"
    DOUBTFUL = "doubtful"
    UNUSABLE = "unusable"
    UNKNOWN = "unknown"
    """Nothing was measured, because something is still to be stated or no measure is known for the region."""


_WORST = (Level.UNUSABLE, Level.DOUBTFUL, Level.GOOD, Level.UNKNOWN)


@dataclass(frozen=True)
class Finding:
    """``code`` names the sentence; ``values`` are the figures in it, as people read them."""

    code: str
    level: Level
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What the examiner states of a file before it is assessed; a topography needs the region alone."""

    roi: RegionOfInterest
    um_per_pixel: float | None = None
    lighting: str = "unknown"


@dataclass(frozen=True)
class Reading:
    """``reason``, ``remarks``: the matcher's own sentences: why it is not usable, and what was doubtful."""

    modality: Modality
    report: ScanReport
    roi: RegionOfInterest
    verdict: Level
    findings: tuple[Finding, ...]
    reason: str | None = None
    remarks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def preview_scan(path: Path, asked: Asked) -> tuple[Reading, bytes]:
    """Read an untrusted scan and draw it as a PNG. Raises matcher.ScanRefused with the reason."""
    report = inspect_scan(path)
    if report.media_type == X3P:
        return _topography(path, report, asked)
    return _photograph(path, report, asked)


def _topography(path: Path, report: ScanReport, asked: Asked) -> tuple[Reading, bytes]:
    topography = read_topography(path)
    match asked.roi:
        case RegionOfInterest.BREECH_FACE:
            return _with_mark(topography, report, asked, matcher.DEFAULT_PARAMETERS)
        case RegionOfInterest.FIRING_PIN_IMPRESSION:
            return _with_mark(topography, report, asked, matcher.FIRING_PIN_PARAMETERS)
    panel, um_a_pixel = draw_surface(topography)
    findings, reason = [Finding("not-assessed", Level.UNKNOWN)], None
    if asked.roi is RegionOfInterest.APERTURE_SHEAR:
        findings, reason = _striae(topography)
    return _reading(Modality.TOPOGRAPHY, report, asked, findings, reason, report.warnings), _png(panel, um_a_pixel)


def _with_mark(
    topography: matcher.Topography, report: ScanReport, asked: Asked, parameters: matcher.Parameters
) -> tuple[Reading, bytes]:
    panel, quality, um_a_pixel = draw_mark(topography, parameters)
    findings = [_resolution(max(quality.sampling_um), COARSEST_UM[asked.roi])]
    if findings[0].level is not Level.UNUSABLE:  # else nothing was looked for
        findings += _of_mark(quality)
    reading = _reading(Modality.TOPOGRAPHY, report, asked, findings, quality.reason, report.warnings)
    return reading, _png(panel, um_a_pixel)


def _of_mark(quality: Quality) -> list[Finding]:
    if not quality.usable:
        return [Finding("region-not-found", Level.UNUSABLE)]
    found = [_extent(quality)]
    if quality.signal_to_noise is not None:
        ratio = {"ratio": f"{quality.signal_to_noise:.1f}"}
        clear = quality.signal_to_noise >= LOW_SIGNAL_TO_NOISE
        found.append(Finding("detail-clear" if clear else "detail-noisy", _good(clear), ratio))
    if quality.dropouts is not None and quality.dropouts > MANY_DROPOUTS:
        found.append(Finding("points-missing", Level.DOUBTFUL, _share(quality.dropouts)))
    if quality.outliers is not None and quality.outliers > MANY_OUTLIERS:
        found.append(Finding("points-stand-out", Level.DOUBTFUL, _share(quality.outliers)))
    return found


def _extent(quality: Quality) -> Finding:
    area = {"area": f"{quality.mark_area_mm2 or 0.0:.1f}"}
    if quality.cut_off:
        return Finding("region-cut", Level.DOUBTFUL, area)
    if quality.coverage is None:
        return Finding("region-found", Level.GOOD, area)
    known = area | _share(quality.coverage)
    if quality.coverage < LOW_COVERAGE:
        return Finding("region-partial", Level.DOUBTFUL, known)
    return Finding("region-covered", Level.GOOD, known)


def _striae(topography: matcher.Topography) -> tuple[list[Finding], str | None]:
    found = [_resolution(max(topography.spacing_um), COARSEST_UM[RegionOfInterest.APERTURE_SHEAR])]
    try:
        profile = matcher.prepare_profile(topography, matcher.APERTURE_SHEAR_PARAMETERS)
    except matcher.ScanNotUsable as unusable:
        looked_for = found[0].level is not Level.UNUSABLE
        return [*found, Finding("striae-not-found", Level.UNUSABLE)] if looked_for else found, str(unusable)
    return [*found, Finding("striae-found", Level.GOOD, _share(profile.striation))], None


def _photograph(path: Path, report: ScanReport, asked: Asked) -> tuple[Reading, bytes]:
    pixel, remarks = asked.um_per_pixel, report.warnings
    panel, pixels = draw_photograph(decode_image(path, inspect_image(path)))
    if pixel is None:
        findings = [Finding("scale-missing", Level.UNKNOWN)]
        return _reading(Modality.REFLECTANCE, report, asked, findings, None, remarks), _png(panel, None)
    if asked.roi is not RegionOfInterest.BREECH_FACE:
        findings = [Finding("not-assessed", Level.UNKNOWN)]
        return _reading(Modality.REFLECTANCE, report, asked, findings, None, remarks), _png(panel, pixel * pixels)
    findings, reason = [_resolution(pixel, COARSEST_PIXEL_UM)], None
    try:
        mark = photograph_mark.find_photograph_mark(matcher.read_photograph(path, pixel))
    except (matcher.ScanNotUsable, matcher.ScanRefused) as unusable:
        if findings[0].level is not Level.UNUSABLE:
            findings.append(Finding("region-not-found", Level.UNUSABLE))
        reason = str(unusable)
    else:
        findings += _of_photograph(mark.quality)
        draw_circles(ImageDraw.Draw(panel), _from_first_pixel(mark), pixel * pixels)
    return _reading(Modality.REFLECTANCE, report, asked, findings, reason, remarks), _png(panel, pixel * pixels)


def _from_first_pixel(mark: photograph_mark.PhotographMark) -> Iterable[Circle]:
    top, left = mark.mark.origin_um
    for circle in (mark.outline, mark.aperture):
        if circle is not None:
            yield Circle((circle.centre_um[0] + top, circle.centre_um[1] + left), circle.radius_um, circle.support)


def _of_photograph(quality: photograph_mark.PhotographQuality) -> list[Finding]:
    sharp = quality.focus >= SOFT_FOCUS
    found = [
        Finding("region-found", Level.GOOD, {"area": f"{quality.coverage_mm2:.1f}"}),
        Finding("focus-sharp" if sharp else "focus-soft", _good(sharp), {"focus": f"{quality.focus:.2f}"}),
    ]
    if quality.saturated > MUCH_GLARE:
        found.append(Finding("glare", Level.DOUBTFUL, _share(quality.saturated)))
    return found


def _resolution(um: float, coarsest_um: float) -> Finding:
    values = {"um": f"{um:.2f}", "coarsest": f"{coarsest_um:g}"}
    if um > coarsest_um:
        return Finding("resolution-too-coarse", Level.UNUSABLE, values)
    if um > COARSE_UM:
        return Finding("resolution-coarse", Level.DOUBTFUL, values)
    return Finding("resolution-good", Level.GOOD, values)


def _good(condition: bool) -> Level:
    return Level.GOOD if condition else Level.DOUBTFUL


def _share(share: float) -> dict[str, str]:
    return {"share": f"{100.0 * share:.0f}"}


def _reading(
    modality: Modality,
    report: ScanReport,
    asked: Asked,
    findings: list[Finding],
    reason: str | None,
    remarks: tuple[str, ...],
) -> Reading:
    verdict = next(level for level in _WORST if any(finding.level is level for finding in findings))
    return Reading(modality, report, asked.roi, verdict, tuple(findings), reason, remarks)


def _png(panel: Image.Image, um_a_pixel: float | None) -> bytes:
    if um_a_pixel is not None:
        draw_millimetre(panel, um_a_pixel)
    stream = io.BytesIO()
    panel.save(stream, format="PNG")
    return stream.getvalue()
