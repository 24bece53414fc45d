"""What an examiner is shown of a scan as soon as it is here: a picture with the mark that was found, and a verdict.

Plain functions of paths, done in worker processes alone: they load the whole matcher.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import assert_never

from PIL import Image, ImageDraw

import matcher
from exchange.flows.node.region_masks import (
    cells_in,
    mask_digest,
    mask_of,
    photograph_within,
    points_in,
    topography_within,
)
from exchange.flows.node.regions import COMPARED
from exchange.flows.scan.inspect import X3P, ScanReport, inspect_scan
from exchange.flows.scan.scan_reading import Preview, ScanFinding, ScanReading, StatedScan, Usability
from matcher.draw.quality_picture import (
    draw_circles,
    draw_mark,
    draw_millimetre,
    draw_photograph,
    draw_region,
    draw_surface,
)
from matcher.mark import photograph_mark
from matcher.mark.level import LevelledMark
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.mark.quality import COARSE_UM, LOW_COVERAGE, LOW_SIGNAL_TO_NOISE, MANY_DROPOUTS, MANY_OUTLIERS, Quality
from matcher.mark.region_cells import cells_of
from matcher.mark.region_grid import grid_of
from matcher.mark.regions import level_region
from matcher.mark.striation import find_striated
from matcher.numeric.circle import Circle
from matcher.numeric.plane import Mask
from matcher.read.image import decode_image, inspect_image
from matcher.read.x3p import read_x3p
from schemas import RegionMask
from schemas.vocabulary import Modality


def find_levelled_mark(topography: matcher.Topography, parameters: matcher.Parameters) -> LevelledMark | None:
    """None where no mark is found."""
    try:
        return level_region(topography, parameters)
    except matcher.ScanNotUsable:
        return None


def mark_cells(mark: LevelledMark, topography: matcher.Topography) -> RegionMask | None:
    return _in_cells(mark.weights > 0, mark.spacing_um, topography.heights_um.shape, topography.spacing_um)


def striae_cells(topography: matcher.Topography, parameters: matcher.ProfileParameters) -> RegionMask | None:
    """None where no striae are found."""
    try:
        striated = find_striated(topography, parameters)
    except matcher.ScanNotUsable:
        return None
    return _in_cells(striated.region, striated.spacing_um, topography.heights_um.shape, topography.spacing_um)


def photograph_cells(photograph: matcher.Photograph) -> RegionMask | None:
    """None where no mark is found, or it is not fit for use."""
    try:
        mark = find_photograph_mark(photograph).mark
    except matcher.ScanNotUsable:
        return None
    return _in_cells(mark.weights > 0, mark.spacing_um, photograph.brightness.shape, photograph.um_per_pixel)


def _in_cells(
    inside: Mask, spacing_um: tuple[float, float], shape: tuple[int, ...], between_um: tuple[float, float]
) -> RegionMask | None:
    rows, columns = shape
    field = rows * between_um[0], columns * between_um[1]
    return mask_of(cells_of(inside, spacing_um, field, grid_of((rows, columns))))


SOFT_FOCUS = 0.4
"""A sharp photograph has 0.4 to 1 (`PhotographQuality`); below 0.15 it is refused."""
MUCH_GLARE = 0.1
"""A third of what is refused: by then the marks under the glare are gone."""


_WORST = (Usability.UNUSABLE, Usability.DOUBTFUL, Usability.GOOD, Usability.UNKNOWN)


def preview_scan(path: Path, asked: StatedScan) -> Preview:
    """Read an untrusted scan and draw it. Raises matcher.ScanRefused with the reason."""
    report = inspect_scan(path)
    if report.media_type == X3P:
        return _topography(path, report, asked)
    return _photograph(path, report, asked)


def _topography(path: Path, report: ScanReport, asked: StatedScan) -> Preview:
    topography, region = read_x3p(path), COMPARED.get(asked.roi)
    match None if region is None else region.pipeline:
        case matcher.Parameters() as parameters:
            return _with_mark(topography, report, asked, parameters)
        case matcher.ProfileParameters() as striated:
            findings, reason = _striae(topography, asked.mask, striated)
            found = striae_cells(topography, striated)
        case None:
            findings, reason, found = [ScanFinding("not-assessed", Usability.UNKNOWN)], None, None
        case other:
            assert_never(other)
    plain, um_a_pixel = draw_surface(topography)
    reading = _reading(Modality.TOPOGRAPHY, report, asked, findings, reason, report.warnings, found)
    return Preview(reading, _png(_outlined(plain.copy(), asked), um_a_pixel), _png(plain, None))


def _with_mark(
    topography: matcher.Topography, report: ScanReport, asked: StatedScan, parameters: matcher.Parameters
) -> Preview:
    outline = None if asked.mask is None else points_in(asked.mask, topography.heights_um.shape)
    drawn = draw_mark(topography, parameters, outline)
    findings = [_resolution(max(drawn.quality.sampling_um), parameters.coarsest_usable_um)]
    if findings[0].level is not Usability.UNUSABLE:  # else nothing was looked for
        findings += _of_mark(drawn.quality)
    mark = drawn.mark if asked.mask is None else find_levelled_mark(topography, parameters)
    found = None if mark is None else mark_cells(mark, topography)
    reading = _reading(Modality.TOPOGRAPHY, report, asked, findings, drawn.quality.reason, report.warnings, found)
    panel = drawn.panel if drawn.quality.usable else _outlined(drawn.panel, asked)
    return Preview(reading, _png(panel, drawn.um_a_pixel), _png(drawn.plain, None))


def _outlined(panel: Image.Image, asked: StatedScan) -> Image.Image:
    """With the region that was marked by hand, if one was."""
    return panel if asked.mask is None else draw_region(panel, cells_in(asked.mask))


def _of_mark(quality: Quality) -> list[ScanFinding]:
    if not quality.usable:
        return [ScanFinding("region-not-found", Usability.UNUSABLE)]
    found = [_extent(quality)]
    found += [ScanFinding(f"unlike-{doubt}", Usability.DOUBTFUL) for doubt in quality.doubts]
    if quality.signal_to_noise is not None:
        ratio = {"ratio": f"{quality.signal_to_noise:.1f}"}
        clear = quality.signal_to_noise >= LOW_SIGNAL_TO_NOISE
        found.append(ScanFinding("detail-clear" if clear else "detail-noisy", _good(clear), ratio))
    if quality.dropouts is not None and quality.dropouts > MANY_DROPOUTS:
        found.append(ScanFinding("points-missing", Usability.DOUBTFUL, _share(quality.dropouts)))
    if quality.outliers is not None and quality.outliers > MANY_OUTLIERS:
        found.append(ScanFinding("points-stand-out", Usability.DOUBTFUL, _share(quality.outliers)))
    return found


def _extent(quality: Quality) -> ScanFinding:
    area = {"area": f"{quality.mark_area_mm2 or 0.0:.1f}"}
    if quality.cut_off:
        return ScanFinding("region-cut", Usability.DOUBTFUL, area)
    if quality.coverage is None:
        return ScanFinding("region-found", Usability.GOOD, area)
    known = area | _share(quality.coverage)
    if quality.coverage < LOW_COVERAGE:
        return ScanFinding("region-partial", Usability.DOUBTFUL, known)
    return ScanFinding("region-covered", Usability.GOOD, known)


def _striae(
    topography: matcher.Topography, mask: RegionMask | None, parameters: matcher.ProfileParameters
) -> tuple[list[ScanFinding], str | None]:
    found = [_resolution(max(topography.spacing_um), parameters.coarsest_usable_um)]
    try:
        profile = matcher.prepare_profile(topography_within(topography, mask), parameters)
    except matcher.ScanNotUsable as unusable:
        looked_for = found[0].level is not Usability.UNUSABLE
        return [*found, ScanFinding("striae-not-found", Usability.UNUSABLE)] if looked_for else found, str(unusable)
    return [*found, ScanFinding("striae-found", Usability.GOOD, _share(profile.striation))], None


def _photograph(path: Path, report: ScanReport, asked: StatedScan) -> Preview:
    pixel, region = asked.um_per_pixel, COMPARED.get(asked.roi)
    plain, pixels = draw_photograph(decode_image(path, inspect_image(path)))
    panel, reason, found = _outlined(plain.copy(), asked), None, None
    if pixel is None:
        findings = [ScanFinding("scale-missing", Usability.UNKNOWN)]
    elif region is None or region.relief is None:
        findings = [ScanFinding("not-assessed", Usability.UNKNOWN)]
    else:
        findings = [_resolution(pixel, photograph_mark.COARSEST_USABLE_UM)]
        try:
            photograph = matcher.read_photograph(path, pixel)
            found = photograph_cells(photograph)
            mark = photograph_mark.find_photograph_mark(photograph_within(photograph, asked.mask))
        except (matcher.ScanNotUsable, matcher.ScanRefused) as unusable:
            if findings[0].level is not Usability.UNUSABLE:
                findings.append(ScanFinding("region-not-found", Usability.UNUSABLE))
            reason = str(unusable)
        else:
            findings += _of_photograph(mark.quality)
            draw_circles(ImageDraw.Draw(panel), _from_first_pixel(mark), pixel * pixels)
    reading = _reading(Modality.REFLECTANCE, report, asked, findings, reason, report.warnings, found)
    return Preview(reading, _png(panel, None if pixel is None else pixel * pixels), _png(plain, None))


def _from_first_pixel(mark: photograph_mark.PhotographMark) -> Iterable[Circle]:
    top, left = mark.mark.origin_um
    for circle in (mark.outline, mark.aperture):
        if circle is not None:
            yield Circle((circle.centre_um[0] + top, circle.centre_um[1] + left), circle.radius_um, circle.support)


def _of_photograph(quality: photograph_mark.PhotographQuality) -> list[ScanFinding]:
    sharp = quality.focus >= SOFT_FOCUS
    found = [
        ScanFinding("region-found", Usability.GOOD, {"area": f"{quality.coverage_mm2:.1f}"}),
        ScanFinding("focus-sharp" if sharp else "focus-soft", _good(sharp), {"focus": f"{quality.focus:.2f}"}),
    ]
    if quality.saturated > MUCH_GLARE:
        found.append(ScanFinding("glare", Usability.DOUBTFUL, _share(quality.saturated)))
    return found


def _resolution(um: float, coarsest_um: float) -> ScanFinding:
    values = {"um": f"{um:.2f}", "coarsest": f"{coarsest_um:g}"}
    if um > coarsest_um:
        return ScanFinding("resolution-too-coarse", Usability.UNUSABLE, values)
    if um > COARSE_UM:
        return ScanFinding("resolution-coarse", Usability.DOUBTFUL, values)
    return ScanFinding("resolution-good", Usability.GOOD, values)


def _good(condition: bool) -> Usability:
    return Usability.GOOD if condition else Usability.DOUBTFUL


def _share(share: float) -> dict[str, str]:
    return {"share": f"{100.0 * share:.0f}"}


def _reading(
    modality: Modality,
    report: ScanReport,
    asked: StatedScan,
    findings: list[ScanFinding],
    reason: str | None,
    remarks: tuple[str, ...],
    found: RegionMask | None,
) -> ScanReading:
    if asked.mask is not None:
        findings = [*findings, ScanFinding("region-mended", Usability.UNKNOWN)]
    verdict = next(level for level in _WORST if any(finding.level is level for finding in findings))
    return ScanReading(
        modality,
        report,
        asked.roi,
        verdict,
        tuple(findings),
        reason,
        remarks,
        grid_of(report.shape),
        None if found is None else found.model_dump(),
        mask_digest(asked.mask),
    )


def _png(panel: Image.Image, um_a_pixel: float | None) -> bytes:
    if um_a_pixel is not None:
        draw_millimetre(panel, um_a_pixel)
    stream = io.BytesIO()
    panel.save(stream, format="PNG")
    return stream.getvalue()
