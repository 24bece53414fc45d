"""The picture of a comparison of striae: both strips and both profiles in one frame, with their segments."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matcher.mark.striation import Strip, find_strip
from matcher.numeric.plane import Plane, ratio, sampled
from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.read.topography import Topography
from matcher.striae.profile import Profile, ProfileLine, profile_of
from matcher.striae.profile_comparison import ProfileComparison

_WIDTH = 1544
_GAP = 24
_HEADER = 40
_STRIP = 150
_PLOT = 300
_FOOTER = 124
_MARGIN = 12

_LIGHT_FROM = 0.5
"""The tangent of the light's height above the surface; it comes from the left, across the striae."""
_TYPICAL_SLOPE = 0.35
_CLIP_DEVIATIONS = 3.2

_BACKGROUND = (22, 25, 30)
_UNMEASURED = (34, 38, 45)
_TEXT = (236, 239, 244)
_QUIET_TEXT = (160, 168, 180)
_LIT = (94, 220, 172)
_LIT_GROUND = (30, 58, 50)
_FIRST = (240, 190, 90)
_SECOND = (120, 180, 255)


@dataclass(frozen=True)
class _Side:
    """One scan in the frame of the profile that stayed: frame place = lag + sign x stretch x own place (um)."""

    strip: Strip
    profile: Profile
    lag_um: float
    stretch: float
    sign: int

    @property
    def ends_um(self) -> tuple[float, float]:
        half = (len(self.profile.heights) - 1) / 2 * self.strip.spacing_um * self.stretch
        return self.lag_um - half, self.lag_um + half

    def own(self, place_um: ProfileLine) -> ProfileLine:
        """Places on the own profile, um from its middle."""
        own: ProfileLine = self.sign * (place_um - self.lag_um) / self.stretch
        return own


def draw_profiles(
    a: Topography,
    b: Topography,
    comparison: ProfileComparison,
    parameters: ProfileParameters = APERTURE_SHEAR_PARAMETERS,
) -> bytes:
    """Draw the strips of scan a and scan b, one above the other, and their profiles below; returns a PNG.

    1. Take both strips and profiles again; place the moved one on the one that stayed.
    2. Shade both strips under a light from the left, striae upright, in one frame.
    3. Plot both profiles over each other, congruent segments lit.
    4. Write what was moved, the score in words, the scale.

    The topographies must be those that were compared. Raises ``ScanNotUsable`` as ``prepare_profile`` does.
    """
    # 1.
    sides = _sides(a, b, comparison, parameters)
    low, high = min(side.ends_um[0] for side in sides), max(side.ends_um[1] for side in sides)
    um_a_point = (high - low) / (_WIDTH - 2 * _MARGIN)
    frame: ProfileLine = low + (np.arange(_WIDTH, dtype=np.float64) - _MARGIN) * um_a_point

    # 2.
    height = _HEADER + 2 * (_STRIP + _HEADER) + _PLOT + _FOOTER
    canvas = Image.new("RGB", (_WIDTH + 2 * _GAP, height), _BACKGROUND)
    for row, side in enumerate(sides):
        canvas.paste(Image.fromarray(_shaded(side, frame, um_a_point)), (_GAP, _HEADER + row * (_STRIP + _HEADER)))

    # 3.
    top = _HEADER + 2 * (_STRIP + _HEADER)
    draw = ImageDraw.Draw(canvas)
    _plot(draw, sides, comparison, frame, top, parameters)

    # 4.
    _write(draw, comparison, um_a_point, top + _PLOT)
    stream = io.BytesIO()
    canvas.save(stream, format="PNG")
    return stream.getvalue()


def _sides(
    a: Topography, b: Topography, comparison: ProfileComparison, parameters: ProfileParameters
) -> tuple[_Side, _Side]:
    strips = find_strip(a, parameters), find_strip(b, parameters)
    profiles = profile_of(strips[0], parameters), profile_of(strips[1], parameters)
    sign = -1 if comparison.reversed else 1
    if comparison.segments_on == "b":
        first = _Side(strips[0], profiles[0], comparison.lag_um, comparison.stretch, sign)
        return first, _Side(strips[1], profiles[1], 0.0, 1.0, 1)
    back = -sign * comparison.lag_um / comparison.stretch
    second = _Side(strips[1], profiles[1], back, 1.0 / comparison.stretch, sign)
    return _Side(strips[0], profiles[0], 0.0, 1.0, 1), second


def _shaded(side: _Side, frame_um: ProfileLine, um_a_point: float) -> NDArray[np.uint8]:
    """(_STRIP, _WIDTH, 3): the strip in the frame, on one scale both ways, turned upside down with its profile."""
    strip, profile = side.strip, side.profile
    turn = math.radians(strip.direction_deg)
    offset_y = profile.centre_um[0] - strip.centre_um[0]
    offset_x = profile.centre_um[1] - strip.centre_um[1]
    offset_um = offset_y * math.sin(turn) + offset_x * math.cos(turn)
    lines, points = strip.heights.shape
    first, second = (side.own(frame_um[[0, 1]]) + offset_um) / strip.spacing_um + (points - 1) / 2
    step = side.sign * um_a_point / strip.spacing_um
    to_strip = np.array([[second - first, 0.0, first], [0.0, step, (lines - 1) / 2 - step * (_STRIP - 1) / 2]])
    shape = (_STRIP, len(frame_um))
    share = sampled(strip.weights, to_strip, shape)
    heights = ratio(sampled(strip.heights * strip.weights, to_strip, shape), share)
    return _lit(heights, share, um_a_point)


def _lit(heights_um: Plane, share: Plane, um_a_point: float) -> NDArray[np.uint8]:
    slope = np.gradient(heights_um, um_a_point, axis=1)
    solid = share > 0.9
    typical = float(np.median(np.abs(slope[solid]))) if solid.any() else 1.0
    slope *= _TYPICAL_SLOPE / max(typical, 1e-6)
    facing = (_LIGHT_FROM - slope) / np.sqrt(1.0 + slope**2) / math.hypot(1.0, _LIGHT_FROM)
    grey = np.clip(0.15 + 0.75 * (facing + 0.2), 0.0, 1.0)[..., None] * np.full(3, 255.0)
    weight = np.clip(share * 2.0, 0.0, 1.0)[..., None]
    return np.asarray(np.rint(grey * weight + np.array(_UNMEASURED) * (1.0 - weight)), np.uint8)


def _plot(
    draw: ImageDraw.ImageDraw,
    sides: tuple[_Side, _Side],
    comparison: ProfileComparison,
    frame_um: ProfileLine,
    top: int,
    parameters: ProfileParameters,
) -> None:
    """Both profiles over the frame, congruent segments on a lit ground, the others framed."""
    um_a_point = float(frame_um[1] - frame_um[0])
    draw.rectangle((_GAP, top, _GAP + _WIDTH - 1, top + _PLOT), fill=_UNMEASURED)
    font = ImageFont.load_default(11)
    for segment in comparison.segments:
        half = comparison.segment_length_um / 2
        left, right = (
            _GAP + (place - float(frame_um[0])) / um_a_point
            for place in (segment.centre_um - half, segment.centre_um + half)
        )
        if segment.congruent:
            draw.rectangle((left + 1, top + 1, right - 1, top + _PLOT - 1), fill=_LIT_GROUND, outline=_LIT)
        ink = _LIT if segment.congruent else _QUIET_TEXT
        draw.text(((left + right) / 2, top + 10), f"{segment.correlation:.2f}", font=font, fill=ink, anchor="mm")
    middle, scale = top + 10 + _PLOT / 2, (_PLOT / 2 - 20) / _CLIP_DEVIATIONS
    for side, colour in zip(sides, (_FIRST, _SECOND), strict=True):
        index = np.arange(len(side.profile.heights), dtype=np.float64)
        place = side.own(frame_um) / side.strip.spacing_um + (len(index) - 1) / 2
        heights = np.interp(place, index, side.profile.heights * (parameters.clip_deviations / 127.0))
        shown = np.interp(place, index, side.profile.weights.astype(np.float64), left=0.0, right=0.0) > 0.0
        for run in np.split(np.arange(len(frame_um)), np.flatnonzero(np.diff(shown.astype(np.int8))) + 1):
            if shown[run[0]] and len(run) > 1:
                line = [(_GAP + float(x), middle - scale * float(heights[x])) for x in run]
                draw.line(line, fill=colour, width=2, joint="curve")


def _write(draw: ImageDraw.ImageDraw, comparison: ProfileComparison, um_a_point: float, top: int) -> None:
    title, text = ImageFont.load_default(22), ImageFont.load_default(16)
    right = _GAP + _WIDTH
    moved = "a" if comparison.segments_on == "b" else "b"
    for row, (scan, colour) in enumerate((("a", _FIRST), ("b", _SECOND))):
        y = row * (_STRIP + _HEADER) + _HEADER / 2
        draw.rectangle((_GAP, y - 6, _GAP + 18, y + 6), fill=colour)
        draw.text((_GAP + 28, y), f"Scan {scan.upper()}", font=title, fill=_TEXT, anchor="lm")
        if scan == moved:
            stretch = comparison.stretch if moved == "a" else 1.0 / comparison.stretch
            turned = ", turned by half a turn" if comparison.reversed else ""
            note = f"laid on scan {'B' if moved == 'a' else 'A'}{turned}, stretched by {stretch - 1.0:+.1%}"
            draw.text((right, y), note, font=text, fill=_QUIET_TEXT, anchor="rm")
    words = (
        f"Score {comparison.score:.2f}, {comparison.n_congruent} of {comparison.n_segments} segments congruent, "
        f"{comparison.n_consecutive} in a row"
    )
    draw.text((_GAP, top + 34), words, font=title, fill=_TEXT, anchor="lm")
    draw.text((_GAP, top + 64), "A score ranks candidates; it does not identify.", font=text, fill=_TEXT, anchor="lm")
    facts = (
        f"Correlation of the registered profiles {comparison.ccf:.2f} over {comparison.overlap_um:.0f} um. "
        "Green: congruent segment, with its correlation."
    )
    draw.text((_GAP, top + 90), facts, font=text, fill=_QUIET_TEXT, anchor="lm")
    length = 100.0 / um_a_point
    draw.rectangle((right - length, top + 30, right, top + 35), fill=_TEXT)
    draw.text((right - length / 2, top + 52), "0.1 mm", font=text, fill=_TEXT, anchor="mm")
    light = "Striae upright in one frame, lit from the left, slopes exaggerated; profiles below"
    draw.text((right, top + 90), light, font=text, fill=_QUIET_TEXT, anchor="rm")
