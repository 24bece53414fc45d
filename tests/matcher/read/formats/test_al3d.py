"""Alicona's al3d: what its tags say is read, and what they cannot say is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import ScanRefused, Topography
from matcher.read.formats.al3d import TURNED_OVER
from tests.matcher.read.formats.conftest import al3d, assert_is_surface, surface

Read = Callable[..., Topography]
Refusal = Callable[..., str]


def turned_over() -> NDArray[np.float64]:
    """The surface as x3p has it: the bottom of the picture first."""
    return surface()[::-1]


def test_a_surface(read: Read) -> None:
    topography = read(al3d())
    assert_is_surface(topography, turned_over())
    assert topography.spacing_um == pytest.approx((2.5, 1.25), rel=1e-12)
    assert topography.instrument == "Alicona"
    assert topography.warnings == (TURNED_OVER,)


@pytest.mark.parametrize("columns", [12, 13])
def test_rows_are_padded_to_eight_bytes(read: Read, columns: int) -> None:
    z = surface()[:, :columns]
    assert_is_surface(read(al3d(z)), z[::-1])


def test_rows_without_padding(read: Read) -> None:
    unpadded = al3d(padding=b"")
    assert_is_surface(read(unpadded), turned_over())
    texture = {"TextureImageOffset": str(len(unpadded))}
    behind = al3d(padding=b"", **texture)
    assert_is_surface(read(behind + bytes(4096)), turned_over())


@pytest.mark.parametrize("left_out", [1, 4, 5, 8])
def test_rows_that_fit_neither_way_are_refused(read: Read, refusal: Refusal, left_out: int) -> None:
    content = al3d(padding=b"")
    assert refusal(content[:-left_out]) == "truncated"
    with pytest.raises(ScanRefused, match=r"fit neither 9 rows padded to 8 bytes .500. nor rows without padding .468."):
        read(content + bytes(left_out))


def test_the_padding_of_the_last_row_may_lack(read: Read, refusal: Refusal) -> None:
    assert_is_surface(read(al3d()[:-4]), turned_over())
    assert refusal(al3d()[:-5]) == "truncated"


@pytest.mark.parametrize("marker", ["3e15", "2.99999998e+15", "-1e10", "-0.001", "1000", "nan"])
def test_markers_of_missing_points(read: Read, marker: str) -> None:
    topography = read(al3d(marker=marker))
    assert_is_surface(topography, turned_over())
    assert topography.warnings == (TURNED_OVER,)


def test_from_the_marker_upwards_all_is_missing(read: Read) -> None:
    z = surface()
    z[4, 4] = 0.02 * 1e6
    read_back = read(al3d(z, marker="0.01"))
    z[4, 4] = np.nan
    assert_is_surface(read_back, z[::-1])


def test_without_a_marker_it_is_the_usual_one(read: Read) -> None:
    topography = read(al3d(marker="3e15", InvalidPixelValue=""))
    assert_is_surface(topography, turned_over())
    assert topography.warnings == (TURNED_OVER,)


def test_a_map_of_repeatability_is_mentioned(read: Read) -> None:
    assert any("repeatability" in warning for warning in read(al3d(more={"DepthImageResPtr": "3"})).warnings)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"Rows": "0"}, "dimensions-out-of-range"),
        ({"Cols": "999999"}, "dimensions-out-of-range"),
        ({"Rows": "20000", "Cols": "20000"}, "dimensions-out-of-range"),
        ({"Rows": "1"}, "profile-not-surface"),
        ({"Rows": "10"}, "truncated"),
        ({"Rows": "-9"}, "header-invalid"),
        ({"Rows": "9.0"}, "header-invalid"),
        ({"Cols": "9" * 30}, "header-invalid"),
        ({"Rows": ""}, "header-invalid"),
        ({"DepthImageOffset": ""}, "header-invalid"),
        ({"DepthImageOffset": "0"}, "data-missing"),
        ({"DepthImageOffset": "100"}, "header-invalid"),
        ({"DepthImageOffset": "4000000000"}, "truncated"),
        ({"TagCount": "0"}, "header-invalid"),
        ({"TagCount": "1001"}, "header-invalid"),
        ({"TagCount": "900"}, "header-invalid"),
        ({"PixelSizeXMeter": "0"}, "spacing-out-of-range"),
        ({"PixelSizeXMeter": "-1.25e-06"}, "spacing-out-of-range"),
        ({"PixelSizeXMeter": "1e-9"}, "spacing-out-of-range"),
        ({"PixelSizeXMeter": "1,25e-06"}, "header-invalid"),
        ({"PixelSizeXMeter": "inf"}, "header-invalid"),
        ({"PixelSizeXMeter": "1.25", "PixelSizeYMeter": "2.5"}, "implausible-units"),
        ({"InvalidPixelValue": "unknown"}, "header-invalid"),
    ],
)
def test_headers_that_cannot_be(refusal: Refusal, tags: dict[str, str], reason: str) -> None:
    assert refusal(al3d(**tags)) == reason


def test_heights_in_another_unit_than_metres(read: Read, refusal: Refusal) -> None:
    topography = read(al3d(surface() * 1e6, marker="nan"))
    assert_is_surface(topography, turned_over())
    assert any("micrometres" in warning for warning in topography.warnings)
    assert refusal(al3d(surface() * 1e11, marker="nan")) == "implausible-units"


def test_nothing_measured(refusal: Refusal) -> None:
    assert refusal(al3d(np.full((9, 13), np.nan))) == "no-valid-points"


def test_every_cut_is_noticed(refusal: Refusal) -> None:
    whole = al3d()
    reasons = {refusal(whole[:length]) for length in range(0, len(whole) - 5, 7)}
    assert reasons == {"empty-file", "not-an-x3p", "truncated"}


def test_more_bytes_than_are_read(refusal: Refusal) -> None:
    assert refusal(al3d(), file_bytes=2000) == "file-too-large"


def test_the_program_that_wrote_it_is_kept(read: Read) -> None:
    assert read(al3d(more={"CreatingApplication": "MeasureSuite 5.3"})).origin.version == "MeasureSuite 5.3"
