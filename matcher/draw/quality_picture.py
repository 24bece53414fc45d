"""The picture of a scan's quality: what was found to be the mark, what was left out, and the figures beside it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matcher.errors import ScanNotUsable
from matcher.mark.level import LevelledMark, averaged
from matcher.mark.quality import Quality, assess, figures_in_words
from matcher.mark.regions import level_region
from matcher.numeric.circle import Circle
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Mask, Plane, ratio
from matcher.read.topography import Topography

_PANEL = 820
_GAP = 28
_COLUMN = 440
_FINEST_UM = 6.25
_LIGHT_FROM = (-0.6, -0.6, 0.53)
"""(x, y, towards the eye): from the upper left, as in the picture of a pair."""
_TYPICAL_SLOPE = 0.3

_BACKGROUND = (22, 25, 30)
_UNMEASURED = (34, 38, 45)
_TEXT = (236, 239, 244)
_QUIET = (160, 168, 180)
_LEFT_OUT = (226, 120, 76)
_MARK = (94, 220, 172)
_CIRCLE = (120, 176, 255)
_TINT = 0.45


def draw_quality(topography: Topography, parameters: Parameters = DEFAULT_PARAMETERS) -> bytes:
    """Draw a scan with the mark that was found on it outlined, and its quality in words; returns a PNG.

    1. Assess the scan; find the mark, if there is one.
    2. Shade the heights under light from the upper left, as steep as the mark's slopes ask for.
    3. Tint what was measured but left out; outline the mark; draw the circles of primer and aperture.
    4. Write the figures, the colours and the scale beside it.

    The scan's first row is on top. Give ``topography.within(mask)`` to see a mask of one's own.
    """
    # 1. to 3.
    drawn = draw_mark(topography, parameters)

    # 4.
    canvas = Image.new("RGB", (3 * _GAP + _PANEL + _COLUMN, 2 * _GAP + _PANEL), _BACKGROUND)
    canvas.paste(drawn.panel, (_GAP, _GAP))
    _write(ImageDraw.Draw(canvas), drawn.quality, drawn.um_a_pixel)
    stream = io.BytesIO()
    canvas.save(stream, format="PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class DrawnMark:
    """``panel``: the picture without words; ``plain``: the same before anything was tinted or outlined; ``mark``: None
    where none was found."""

    panel: Image.Image
    plain: Image.Image
    quality: Quality
    um_a_pixel: float
    mark: LevelledMark | None


def draw_mark(
    topography: Topography, parameters: Parameters = DEFAULT_PARAMETERS, outline: Mask | None = None
) -> DrawnMark:
    """Steps 1 to 3 of ``draw_quality`` alone.

    ``outline``: what of it is the mark by a user's word (``Topography.within``); the rest is shaded all the same.
    """
    # 1.
    shown = topography if outline is None else topography.within(outline)
    quality = assess(topography, parameters, outline)
    try:
        mark: LevelledMark | None = level_region(shown, parameters)
    except ScanNotUsable:
        mark = None

    # 2.
    um_a_pixel = max(quality.field_mm) * 1000.0 / _PANEL
    heights, share = _on_panel(topography, um_a_pixel)
    inside = _mark_on_panel(mark, share.shape, um_a_pixel)
    picture = _shaded(heights, share, inside, um_a_pixel)
    plain = Image.fromarray(picture.copy())

    # 3.
    _tint(picture, (share > 0.5) & (inside == 0))
    _outline(picture, inside)
    panel = Image.fromarray(picture)
    draw_circles(ImageDraw.Draw(panel), (quality.outline, quality.aperture), um_a_pixel)
    return DrawnMark(panel, plain, quality, um_a_pixel, mark)


def draw_region(panel: Image.Image, cells: Mask) -> Image.Image:
    """The outline of a region that is given in cells over the whole picture."""
    picture = np.array(panel)
    on_panel = cv2.resize(cells.view(np.uint8), panel.size, interpolation=cv2.INTER_NEAREST)
    _outline(picture, np.asarray(on_panel, np.uint8))
    return Image.fromarray(picture)


def draw_surface(topography: Topography) -> tuple[Image.Image, float]:
    """The shaded heights of a scan on which no mark is looked for, and micrometres a pixel."""
    sizes = (points * um for points, um in zip(topography.heights_um.shape, topography.spacing_um, strict=True))
    um_a_pixel = max(sizes) / _PANEL
    heights, share = _on_panel(topography, um_a_pixel)
    return Image.fromarray(_shaded(heights, share, np.zeros(share.shape, np.uint8), um_a_pixel)), um_a_pixel


def draw_photograph(brightness: NDArray[np.float32]) -> tuple[Image.Image, float]:
    """A photograph in grey, and its pixels a pixel. ``brightness``: 0 to 1, NaN where it is transparent."""
    scale = max(1.0, max(brightness.shape) / _PANEL)
    rows, columns = (max(1, round(side / scale)) for side in brightness.shape)
    small = cv2.resize(np.nan_to_num(brightness), (columns, rows), interpolation=cv2.INTER_AREA)
    grey = np.rint(np.clip(small, 0.0, 1.0) * 255.0).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB"), scale


def draw_millimetre(panel: Image.Image, um_a_pixel: float) -> None:
    """A bar of 1 mm in the lower left corner, where there is room for one."""
    length = 1000.0 / um_a_pixel
    if length > 0.8 * panel.width or panel.height < 60:
        return
    draw, bottom = ImageDraw.Draw(panel), panel.height - 16
    draw.rectangle((12, bottom - 28, 12 + max(length, 52) + 12, bottom + 8), fill=_BACKGROUND)
    draw.rectangle((18, bottom - 2, 18 + length, bottom + 2), fill=_TEXT)
    draw.text((18, bottom - 24), "1 mm", font=ImageFont.load_default(16), fill=_TEXT)


def _on_panel(topography: Topography, um_a_pixel: float) -> tuple[Plane, Plane]:
    """Heights and the share of measured points, one a pixel."""
    shape = (
        max(1, round(topography.heights_um.shape[0] * topography.spacing_um[0] / um_a_pixel)),
        max(1, round(topography.heights_um.shape[1] * topography.spacing_um[1] / um_a_pixel)),
    )
    try:
        heights, weights, spacing, _ = averaged(topography, _FINEST_UM)
    except ScanNotUsable:
        return np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    means = cv2.INTER_AREA if max(spacing) < um_a_pixel else cv2.INTER_LINEAR
    total, share = (cv2.resize(plane, shape[::-1], interpolation=means) for plane in (heights * weights, weights))
    return ratio(np.asarray(total, np.float32), np.asarray(share, np.float32)), np.asarray(share, np.float32)


def _mark_on_panel(mark: LevelledMark | None, shape: tuple[int, ...], um_a_pixel: float) -> NDArray[np.uint8]:
    """1 where the mark is; dropouts within it count as part of it."""
    if mark is None:
        return np.zeros(shape, np.uint8)
    solid = cv2.morphologyEx((mark.weights > 0).view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    step_y, step_x = (um_a_pixel / spacing for spacing in mark.spacing_um)
    to_mark = np.array([[step_x, 0.0, (step_x - 1.0) / 2.0], [0.0, step_y, (step_y - 1.0) / 2.0]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(solid, to_mark, shape[::-1], flags=flags), np.uint8)


def _shaded(heights: Plane, share: Plane, inside: NDArray[np.uint8], um_a_pixel: float) -> NDArray[np.uint8]:
    slope_y, slope_x = (np.asarray(slope, np.float32) for slope in np.gradient(heights, um_a_pixel))
    solid = (inside > 0) if inside.any() else (share > 0.9)
    if solid.any():
        # tilt would darken all of it
        slope_y -= np.median(slope_y[solid])
        slope_x -= np.median(slope_x[solid])
    steepness = np.hypot(slope_y, slope_x)
    typical = float(np.median(steepness[solid])) if solid.any() else 1.0
    gain = _TYPICAL_SLOPE / max(typical, 1e-6)
    x, y, z = np.array(_LIGHT_FROM) / np.linalg.norm(_LIGHT_FROM)
    facing = (z - gain * (slope_x * x + slope_y * y)) / np.sqrt(1.0 + (gain * steepness) ** 2)
    light = 235.0 * np.asarray(np.clip(0.08 + 0.92 * facing, 0.0, 1.0))[..., None]
    weight = np.asarray(np.clip(2.0 * share, 0.0, 1.0))[..., None]
    return np.asarray(np.rint(light * weight + np.array(_UNMEASURED) * (1.0 - weight)), np.uint8)


def _tint(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> None:
    tinted = picture[where] * (1.0 - _TINT) + np.array(_LEFT_OUT) * _TINT
    picture[where] = np.rint(tinted).astype(np.uint8)


def _outline(picture: NDArray[np.uint8], inside: NDArray[np.uint8]) -> None:
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, [line for line in contours if len(line) > 12], -1, _MARK, 2, cv2.LINE_AA)


def draw_circles(draw: ImageDraw.ImageDraw, circles: Iterable[Circle | None], um_a_pixel: float) -> None:
    """Dashed; what is only a fallback is left out."""
    for circle in circles:
        if circle is not None and circle.support > 0.0:
            y, x = (centre / um_a_pixel for centre in circle.centre_um)
            radius = circle.radius_um / um_a_pixel
            for start in range(0, 360, 6):
                draw.arc((x - radius, y - radius, x + radius, y + radius), start, start + 3, fill=_CIRCLE, width=2)


def _write(draw: ImageDraw.ImageDraw, quality: Quality, um_a_pixel: float) -> None:
    title, text = ImageFont.load_default(24), ImageFont.load_default(16)
    left, top = 2 * _GAP + _PANEL, _GAP
    verdict = "Not usable" if not quality.usable else "Usable, in doubt" if quality.doubts else "Usable"
    draw.text((left, top), verdict, font=title, fill=_TEXT)
    top += 44
    for name, value in figures_in_words(quality).items():
        draw.text((left, top), name, font=text, fill=_QUIET)
        draw.text((left + _COLUMN, top), value, font=text, fill=_TEXT, anchor="ra")
        top += 26
    top += 12
    sentences = ([quality.reason] if quality.reason else []) + list(quality.warnings)
    for sentence in sentences:
        for line in _wrapped(draw, sentence[0].upper() + sentence[1:], text):
            draw.text((left, top), line, font=text, fill=_TEXT)
            top += 22
        top += 8
    keys = ((_MARK, "outline of the mark"), (_LEFT_OUT, "measured, not the mark"), (_CIRCLE, "primer, aperture"))
    bottom = _GAP + _PANEL - 26 * len(keys) - 40
    for colour, name in keys:
        draw.rectangle((left, bottom + 4, left + 26, bottom + 14), fill=colour)
        draw.text((left + 38, bottom), name, font=text, fill=_TEXT)
        bottom += 26
    length = 1000.0 / um_a_pixel
    if length < _COLUMN:
        draw.rectangle((left, bottom + 16, left + length, bottom + 20), fill=_TEXT)
        draw.text((left + length + 12, bottom + 8), "1 mm", font=text, fill=_TEXT)


def _wrapped(draw: ImageDraw.ImageDraw, sentence: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) > _COLUMN and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
