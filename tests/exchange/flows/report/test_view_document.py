"""What is saved of a view: every number within bounds, and a picture that this node wrote itself."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import ValidationError

from exchange.flows.report.view_document import MOST_DOCUMENT_BYTES, ViewDocument
from exchange.flows.scan.view_picture import MOST_SIDE, THUMBNAIL_WIDTH, WIDTH, PictureRefused, pictures_of
from tests.exchange.flows.report.view_examples import picture, view


@pytest.mark.parametrize("field_um", [9128.5, 60_000.0])
def test_what_the_viewer_makes_is_taken_as_it_is(field_um: float) -> None:
    """Two photographs of 16 mm that hardly share anything make a field of 60 mm."""
    given = view(camera={"x_um": 0.0, "y_um": 0.0, "field_um": field_um, "angle_deg": 0.0})
    assert json.loads(ViewDocument.model_validate_json(json.dumps(given)).model_dump_json()) == given


def test_the_longest_view_is_within_its_bound() -> None:
    mark = {
        "kind": "disagreement",
        "x_um": -123456.7890123456,
        "y_um": 1.0,
        "radius_um": 99999.123456789,
        "text": "č" * 120,
    }
    longest = ViewDocument.model_validate_json(json.dumps(view(marks=[mark] * 40)))
    assert len(longest.model_dump_json().encode()) < MOST_DOCUMENT_BYTES


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("mode", "cinema"),
        ("version", 2),
        ("linked", 1),
        ("divider", 1.01),
        ("divider", "0.5"),
        ("camera", {"x_um": 0, "y_um": 0, "field_um": 0, "angle_deg": 0}),
        ("camera", {"x_um": 1e9, "y_um": 0, "field_um": 4000, "angle_deg": 0}),
        ("reference", {"dx_um": 0, "dy_um": 0, "angle_deg": 0, "score": 1}),
        ("measure", [1, 2, 3]),
        ("angle", [1, 2, 3, 4, 5]),
        ("profile", [1, 2, 3, None]),
        ("measured_on", "both"),
        ("tool", "hammer"),
        ("marks", [{"kind": "match", "x_um": 0, "y_um": 0, "radius_um": 0, "text": ""}]),
        ("marks", [{"kind": "note", "x_um": 0, "y_um": 0, "radius_um": -1, "text": ""}]),
        ("marks", [{"kind": "note", "x_um": 0, "y_um": 0, "radius_um": 0, "text": "a" * 121}]),
        ("marks", [{"kind": "note", "x_um": 0, "y_um": 0, "radius_um": 0, "text": "turned\u202e"}]),
        ("marks", [{"kind": "note", "x_um": 0, "y_um": 0, "radius_um": 0, "text": ""}] * 41),
        ("tilt", {"tilt_deg": 76, "turn_deg": 0, "heights": 1}),
        ("tilt", {"tilt_deg": 50, "turn_deg": 0, "heights": 0}),
        ("tilt", {"tilt_deg": 50, "turn_deg": 0, "heights": 1, "eye": 1}),
        ("unknown", True),
    ],
)
def test_anything_else_is_refused(where: str, wrong: Any) -> None:
    with pytest.raises(ValidationError, match=where):
        ViewDocument.model_validate_json(json.dumps({**view(), where: wrong}))


@pytest.mark.parametrize("missing", ["camera", "marks", "heat"])
def test_nothing_may_be_left_out(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        ViewDocument.model_validate_json(json.dumps({name: value for name, value in view().items() if name != missing}))


def test_a_view_of_before_the_stage_could_be_tilted_is_read() -> None:
    older = {name: value for name, value in view().items() if name != "tilt"}
    assert ViewDocument.model_validate_json(json.dumps(older)).tilt is None


def test_a_tilted_view_is_taken_as_it_is() -> None:
    given = view(mode="tilted", tool=None)
    assert json.loads(ViewDocument.model_validate_json(json.dumps(given)).model_dump_json()) == given


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        ViewDocument.model_validate_json(json.dumps(view()).replace('"divider": 0.5', '"divider": NaN'))


def test_of_a_picture_nothing_is_kept_but_its_colours() -> None:
    kept = pictures_of(picture((2400, 900), note="serial number 1234"))
    with Image.open(io.BytesIO(kept.picture)) as shown:
        assert (shown.format, shown.size) == ("PNG", (WIDTH, 600))
        assert shown.getpixel((10, 10)) == (30, 60, 90)
        assert shown.info == {}
    with Image.open(io.BytesIO(kept.thumbnail)) as small:
        assert (small.format, small.size) == ("JPEG", (THUMBNAIL_WIDTH, 120))
    assert b"serial" not in kept.picture


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _huge() -> bytes:
    header = struct.pack(">IIBBBBB", MOST_SIDE + 1, 10, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + _chunk(b"IEND", b"")
    )


def _animated() -> bytes:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20)).save(stream, "JPEG")
    return stream.getvalue() + b"\0" * 40


def _two_headers() -> bytes:
    whole = picture((20, 20))
    return whole[:33] + _chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 30, 8, 2, 0, 0, 0)) + whole[33:]


def _bomb_of_words() -> bytes:
    stream = io.BytesIO()
    words = PngInfo()
    words.add_text("note", "a" * 100_000_000, zip=True)
    Image.new("RGB", (20, 20)).save(stream, "PNG", pnginfo=words)
    return stream.getvalue()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: b"",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 3,
        _jpeg,
        _huge,
        _animated,
        _two_headers,
        _bomb_of_words,
        lambda: picture((200, 200))[:-60],
        lambda: picture((200, 200))[:100] + b"\xff" * 30 + picture((200, 200))[130:],
    ],
)
def test_what_is_no_picture_of_a_view_is_refused(wrong: Callable[[], bytes]) -> None:
    with pytest.raises(PictureRefused):
        pictures_of(wrong())
