"""The small picture of a scan: its valid points and nothing else, lit from the upper left, in few bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matcher import DEFAULT_PARAMETERS, Topography, read_topography
from matcher.draw.thumbnail import (
    LARGE_SIDE,
    SMALL_SIDE,
    draw_mark_thumbnail,
    draw_photograph_thumbnail,
    draw_surface_thumbnail,
)
from matcher.errors import ScanNotUsable
from matcher.mark.regions import level_region

MOST_BYTES = {SMALL_SIDE: 8_000, LARGE_SIDE: 45_000}


def shown(picture: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Brightness and how opaque, 0 to 255."""
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "WEBP"
        pixels = np.asarray(image.convert("RGBA")).astype(float)
    return pixels[..., 0], pixels[..., 3]


def bump(shape: tuple[int, int] = (200, 200)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    middle = [(points - 1) / 2 for points in shape]
    return np.asarray(20.0 * np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / 2000.0), np.float32)


def check_mark(scan: Topography) -> None:
    mark = level_region(scan, DEFAULT_PARAMETERS)
    for side in (SMALL_SIDE, LARGE_SIDE):
        picture = draw_mark_thumbnail(mark, side)
        grey, there = shown(picture)
        solid = there > 250
        assert len(picture) < MOST_BYTES[side]
        assert max(grey.shape) <= side
        assert max(grey.shape) > side / 2
        assert 0.2 < solid.mean() < 0.95
        assert 100 < grey[solid].mean() < 220
        assert grey[solid].std() > 12


def test_a_mark_is_neither_flat_nor_dark(scans: dict[tuple[int, int], Topography]) -> None:
    check_mark(scans[0, 0])


@pytest.mark.slow
def test_nor_are_real_ones(ffp_data: Path) -> None:
    for name in ("1-1", "5-1"):
        check_mark(read_topography(ffp_data / "fadul" / f"Fadul {name}.x3p"))


def test_light_comes_from_the_upper_left() -> None:
    grey, _ = shown(draw_surface_thumbnail(Topography(bump(), (2.0, 2.0)), LARGE_SIDE))
    assert grey[70:95, 70:95].mean() > 20 + grey[105:130, 105:130].mean()
    assert abs(grey[70:95, 105:130].mean() - grey[105:130, 70:95].mean()) < 10


def test_what_was_not_measured_is_cut_off_or_transparent() -> None:
    heights = np.full((400, 500), np.nan, np.float32)
    heights[100:300, 50:250] = 50.0 + bump()
    whole, _ = shown(draw_surface_thumbnail(Topography(heights, (2.0, 2.0)), LARGE_SIDE))
    heights[180:220, 130:170] = np.nan
    grey, there = shown(draw_surface_thumbnail(Topography(heights, (2.0, 2.0)), LARGE_SIDE))
    assert grey.shape == (200, 200)
    assert (there[85:115, 85:115] == 0).all()
    assert (there[:70] == 255).all()
    around = np.ones(grey.shape, bool)
    around[78:122, 78:122] = False
    assert np.abs(grey - whole)[around].max() < 30, "a hole has no cliff around it"


def test_pixels_are_square_and_none_is_invented() -> None:
    wide, _ = shown(draw_surface_thumbnail(Topography(bump((100, 50)), (1.0, 4.0)), LARGE_SIDE))
    assert wide.shape == (100, 200)
    long, _ = shown(draw_surface_thumbnail(Topography(bump((40, 1000)), (2.0, 2.0)), LARGE_SIDE))
    assert long.shape == (19, LARGE_SIDE)


def test_a_tilted_plane_is_drawn_level() -> None:
    tilt = np.add.outer(np.arange(200.0), 3 * np.arange(200.0)).astype(np.float32)
    grey, _ = shown(draw_surface_thumbnail(Topography(tilt, (2.0, 2.0)), LARGE_SIDE))
    assert 150 < grey.mean() < 220
    assert grey.std() < 2


def test_a_photograph_is_only_smaller() -> None:
    brightness = np.tile(np.linspace(0.2, 0.8, 800, dtype=np.float32), (600, 1))
    brightness[:100] = np.nan
    grey, there = shown(draw_photograph_thumbnail(brightness, LARGE_SIDE))
    assert grey.shape == (300, LARGE_SIDE)
    assert (there == 255).all()
    assert np.abs(grey[150] - 255 * np.linspace(0.2, 0.8, LARGE_SIDE)).max() < 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2)])
def test_the_smallest_scans_have_pictures(shape: tuple[int, int]) -> None:
    grey, _ = shown(draw_surface_thumbnail(Topography(np.ones(shape, np.float32), (2.0, 2.0)), LARGE_SIDE))
    assert grey.shape == shape
    assert shown(draw_photograph_thumbnail(np.full(shape, 0.5, np.float32), LARGE_SIDE))[0].shape == shape


def test_nothing_is_drawn_of_nothing() -> None:
    empty = np.full((50, 50), np.nan, np.float32)
    with pytest.raises(ScanNotUsable):
        draw_surface_thumbnail(Topography(empty, (2.0, 2.0)), SMALL_SIDE)
    with pytest.raises(ScanNotUsable):
        draw_photograph_thumbnail(empty, SMALL_SIDE)
