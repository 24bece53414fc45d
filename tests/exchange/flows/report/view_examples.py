"""A view as the viewer makes it, and a picture of it."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo


def view(**changes: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "mode": "split",
        "camera": {"x_um": 1727.5, "y_um": 1680.25, "field_um": 9128.5, "angle_deg": 0.0},
        "reference": {"dx_um": -486.5, "dy_um": 777.0, "angle_deg": -23.25},
        "linked": True,
        "divider": 0.5,
        "mix": 0.5,
        "light": {"azimuth_deg": 315.0, "elevation_deg": 35.0},
        "exaggeration": 6.5,
        "contrast": 1.0,
        "colours": "relief",
        "form": "filtered",
        "cells": False,
        "heat": True,
        "tilt": {"tilt_deg": 50.0, "turn_deg": -20.0, "heights": 12.0},
        "tool": "mark",
        "measure": [0.0, 1.5, 20.0, 30.0],
        "measured_on": "query",
        "angle": [0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
        "profile": None,
        "marks": [{"kind": "agreement", "x_um": 1.0, "y_um": 2.0, "radius_um": 0.0, "text": "the same ridge"}],
        **changes,
    }


def picture(size: tuple[int, int] = (320, 120), note: str | None = None) -> bytes:
    """PNG, with stripes that decode to many bytes."""
    image = Image.new("RGB", size, (30, 60, 90))
    lines = ImageDraw.Draw(image)
    for x in range(40, size[0], 16):
        lines.line((x, 0, x * 7 % size[0], size[1]), fill=(x % 255, 120, 40))
    words = PngInfo()
    if note:
        words.add_text("Comment", note)
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=words)
    return stream.getvalue()
