"""The public conformance files and the real scans: what each must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import matcher
from matcher.read.x3p import read_x3p

pytestmark = pytest.mark.data
Refusal = Callable[..., str]

# Shape, missing points, and in micrometres: the steps from the first point to its neighbours in x and in y, and
# the height of the last point above the first. Taken from the stored numbers in each file.
SURFACES = {
    "x3pio-2017/surface_binary": ((150, 200), 180, 0.158792, -0.076105, -0.708117),
    "x3pio-2017/surface_extensions_binary": ((80, 100), 0, 0.158762, -0.076120, -0.346719),
    "x3pio-fdam1/surface_absolute_placed_binary": ((90, 120), 0, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_absolute_placed_xml": ((90, 120), 0, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_binary": ((150, 200), 180, 0.158792, -0.076105, -0.708117),
    "x3pio-fdam1/surface_extensions_binary": ((80, 100), 0, 0.158762, -0.076120, -0.346719),
    "x3pio-fdam1/surface_int32_binary": ((90, 120), 60, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_int32_xml": ((90, 120), 60, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_layers_binary": ((120, 160), 0, 0.158762, -0.076120, -0.606526),
    "x3pio-fdam1/surface_layers_xml": ((120, 160), 0, 0.158762, -0.076120, -0.606526),
    "x3pio-fdam1/surface_placed_binary": ((90, 120), 0, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_placed_xml": ((90, 120), 0, 0.158762, -0.076120, -1.596957),
    "x3pio-fdam1/surface_xml": ((150, 200), 180, 0.158792, -0.076105, -0.708117),
}
KINDS = ("binary", "xml", "int16_binary", "int16_xml", "int32_binary", "int32_xml")
REFUSED = {
    **{f"x3pio-fdam1/surface_irregular_{kind}": "irregular-grid" for kind in ("binary", "xml")},
    **{f"x3pio-fdam1/surface_irregular_layers_{kind}": "irregular-grid" for kind in ("binary", "xml")},
    **{f"x3pio-fdam1/profile_{kind}": "profile-not-surface" for kind in (*KINDS, "layers_binary", "layers_xml")},
    **{
        f"x3pio-fdam1/point_cloud_{kind}": "point-cloud-not-surface"
        for kind in (*KINDS, "float64_binary", "float64_xml")
    },
}
MENTIONED = {"placed": "rotation", "layers": "layers"}


def test_every_file_has_its_expectation(ffp_data: Path) -> None:
    folder = ffp_data / "x3p-conformance"
    present = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.x3p")}
    assert present == SURFACES.keys() | REFUSED.keys()
    assert len(present) == 33


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces(ffp_data: Path, name: str) -> None:
    shape, missing, right, down, across = SURFACES[name]
    read = read_x3p(ffp_data / "x3p-conformance" / f"{name}.x3p")
    heights = read.heights_um
    assert heights.shape == shape
    assert np.isnan(heights).sum() == missing
    assert read.spacing_um == pytest.approx((1.0, 1.0), rel=1e-9)
    assert heights[0, 1] - heights[0, 0] == pytest.approx(right, abs=2e-6)
    assert heights[1, 0] - heights[0, 0] == pytest.approx(down, abs=2e-6)
    assert heights[-1, -1] - heights[0, 0] == pytest.approx(across, abs=2e-6)
    expected = [word for kind, word in MENTIONED.items() if kind in name]
    assert len(read.warnings) == len(expected)
    assert all(word in warning for word, warning in zip(expected, read.warnings, strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_regular_surface(ffp_data: Path, refusal: Refusal, name: str) -> None:
    assert refusal(ffp_data / "x3p-conformance" / f"{name}.x3p") == REFUSED[name]


@pytest.mark.slow
def test_the_reader_of_all_formats_says_the_same(ffp_data: Path) -> None:
    for name in SURFACES:
        path = ffp_data / "x3p-conformance" / f"{name}.x3p"
        read, same = read_x3p(path), matcher.read_topography(path)
        np.testing.assert_array_equal(same.heights_um, read.heights_um)
        assert (same.spacing_um, same.warnings, same.instrument) == (read.spacing_um, read.warnings, read.instrument)
    for name, reason in REFUSED.items():
        with pytest.raises(matcher.ScanRefused) as caught:
            matcher.read_topography(ffp_data / "x3p-conformance" / f"{name}.x3p")
        assert caught.value.reason == reason


def test_processed_scans(ffp_data: Path) -> None:
    paths = sorted((ffp_data / "fadul").glob("*.x3p"))
    assert len(paths) == 40
    for path in paths:
        read = read_x3p(path)
        assert read.spacing_um == (6.25, 6.25)
        assert all(490 < side < 590 for side in read.heights_um.shape)
        assert 0.2 < read.coverage < 0.4
        assert np.nanmedian(read.heights_um) == pytest.approx(0, abs=0.1)
        assert read.instrument == "NanoFocus usurf"
        assert read.warnings == ()


@pytest.mark.parametrize(("name", "shape"), [("1-1", (1223, 1231)), ("1-2", (1214, 1227)), ("2-1", (1205, 1204))])
def test_raw_scans(ffp_data: Path, name: str, shape: tuple[int, int]) -> None:
    read = read_x3p(ffp_data / "fadul-raw" / f"Fadul {name} raw.x3p")
    assert read.heights_um.shape == shape
    assert read.spacing_um == (3.125, 3.125)
    assert 0.5 < read.coverage < 0.6
    assert 100 < np.nanmax(read.heights_um) - np.nanmin(read.heights_um) < 250
    assert read.warnings == ()
