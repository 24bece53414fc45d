from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matcher import Lighting, Photograph, ScanRefused, read_photograph

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def save(path: Path, values: np.ndarray, **how: object) -> Path:
    Image.fromarray(values).save(path, **how)
    return path


@pytest.mark.parametrize(
    ("text", "kind", "azimuth"),
    [
        ("ring", "ring", None),
        ("side", "side", None),
        ("unknown", "unknown", None),
        ("side:3", "side", 0.0),
        ("side:6", "side", 90.0),
        ("side:12", "side", 270.0),
    ],
)
def test_lighting_is_said_in_words_and_clock_hours(text: str, kind: str, azimuth: float | None) -> None:
    assert (Lighting.parse(text).kind, Lighting.parse(text).azimuth_deg) == (kind, azimuth)


@pytest.mark.parametrize("text", ["", "Ring", "side:0", "side:13", "ring:3", "side:03", "side:3\n"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lighting is"):
        Lighting.parse(text)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_eight_and_sixteen_bits_are_the_same_brightness(tmp_path: Path, name: str) -> None:
    eight = read_photograph(save(tmp_path / name, RAMP), 2.5)
    sixteen = read_photograph(save(tmp_path / f"16{name}", RAMP.astype(np.uint16) * 257), 2.5)
    np.testing.assert_allclose(eight.brightness, RAMP / 255.0, atol=1e-6)
    np.testing.assert_allclose(sixteen.brightness, RAMP / 255.0, atol=1e-6)
    assert eight.um_per_pixel == (2.5, 2.5)


def test_colour_becomes_luminance_and_transparency_is_not_measured(tmp_path: Path) -> None:
    colour = np.zeros((2, 3, 4), np.uint8)
    colour[..., :3] = (255, 128, 0)
    colour[0, :, 3] = 255
    read = read_photograph(save(tmp_path / "c.png", colour), 1.0).brightness
    np.testing.assert_allclose(read[0], 0.299 + 0.587 * 128 / 255, atol=1e-6)
    assert np.isnan(read[1]).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_it_is_turned_as_the_camera_was_held(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the row that was stored first is to be shown on the right
    how = {"tiffinfo": {0x0112: 6}} if name.endswith("tif") else {"exif": exif, "quality": 100}
    read = read_photograph(save(tmp_path / name, RAMP, **how), 1.0)
    np.testing.assert_allclose(read.brightness, np.rot90(RAMP, -1) / 255.0, atol=0.02)


@pytest.mark.parametrize("size", [0.0, -1.0, 2.53e-6, 2530.0, float("nan")])
def test_a_pixel_size_that_cannot_be_is_refused(tmp_path: Path, size: float) -> None:
    path = save(tmp_path / "a.png", RAMP)
    with pytest.raises(ScanRefused, match="micrometres per pixel") as refusal:
        read_photograph(path, size)
    assert refusal.value.reason == "pixel-size-implausible"


def test_an_outline_and_a_mirror() -> None:
    photograph = Photograph((RAMP / 255.0).astype(np.float32), (1.0, 1.0), Lighting.parse("side:5"))
    outlined = photograph.within(RAMP > 100)
    assert np.isnan(outlined.brightness).sum() == (RAMP <= 100).sum()
    mirrored = photograph.mirrored()
    np.testing.assert_array_equal(mirrored.brightness, photograph.brightness[::-1])
    assert mirrored.lighting == Lighting.parse("side:1")
    assert mirrored.mirrored().lighting == photograph.lighting
    assert not mirrored.brightness.flags.writeable
