"""What is written is read back as the same surface, and is the same file every time."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matcher.read.topography import Topography
from matcher.read.x3p import read_x3p, write_topography


def surface(seed: int = 1, shape: tuple[int, int] = (31, 47)) -> Topography:
    heights = np.random.default_rng(seed).normal(0, 3, shape).astype(np.float32)
    heights[:3, :5] = np.nan
    heights -= np.nanmedian(heights)
    heights.flags.writeable = False
    return Topography(heights, (3.125, 6.25))


def test_round_trip(tmp_path: Path) -> None:
    written = surface()
    write_topography(written, tmp_path / "a.x3p", instrument="NanoFocus usurf")
    read = read_x3p(tmp_path / "a.x3p")
    np.testing.assert_allclose(read.heights_um, written.heights_um, atol=1e-6)
    np.testing.assert_array_equal(np.isnan(read.heights_um), np.isnan(written.heights_um))
    assert read.spacing_um == pytest.approx(written.spacing_um, rel=1e-12)
    assert read.instrument == "NanoFocus usurf"
    assert read.warnings == ()


@settings(max_examples=40, deadline=None)
@given(
    heights=arrays(np.float32, (4, 5), elements=st.floats(-500, 500, width=32) | st.just(np.nan)),
    spacing=st.tuples(st.floats(1, 9), st.floats(1, 9)),
)
def test_round_trip_of_any_surface(
    tmp_path_factory: pytest.TempPathFactory, heights: np.ndarray, spacing: tuple[float, float]
) -> None:
    heights[0] = 0, 20, 40, 60, 80  # some relief is what makes it a surface
    path = tmp_path_factory.mktemp("x3p") / "a.x3p"
    write_topography(Topography(heights, spacing), path, instrument="Synthetic")
    read = read_x3p(path)
    np.testing.assert_allclose(read.heights_um, heights - np.nanmedian(heights), atol=1e-3)
    assert read.spacing_um == pytest.approx(spacing, rel=1e-12)


def test_the_same_surface_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_topography(surface(), tmp_path / name, instrument="Synthetic", creator="tests")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    write_topography(surface(seed=2), tmp_path / "b", instrument="Synthetic", creator="tests")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_every_nan_is_written_alike(tmp_path: Path) -> None:
    odd = surface().heights_um.copy()
    odd.view(np.uint32)[np.isnan(odd)] = 0xFFC00123
    for name, heights in (("a", surface().heights_um), ("b", odd)):
        write_topography(Topography(heights, (3.0, 3.0)), tmp_path / name, instrument="Synthetic")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_other_readers_rely_on(tmp_path: Path) -> None:
    written = surface()
    write_topography(written, tmp_path / "a.x3p", instrument="Synthetic")
    with zipfile.ZipFile(tmp_path / "a.x3p") as archive:
        assert archive.namelist() == ["main.xml", "bindata/data.bin", "md5checksum.hex"]
        xml, data, checksum = (archive.read(name) for name in archive.namelist())
    heights_m = np.frombuffer(data, "<f8").reshape(written.heights_um.shape)
    np.testing.assert_array_equal((heights_m * 1e6).astype(np.float32), written.heights_um)
    assert checksum.split()[0].decode() == hashlib.md5(xml, usedforsecurity=False).hexdigest()
    assert b"<SizeX>47</SizeX><SizeY>31</SizeY>" in xml
    assert b"<Increment>6.25e-06</Increment>" in xml.partition(b"<CX>")[2].partition(b"</CX>")[0]


def test_markup_in_names_is_text(tmp_path: Path) -> None:
    write_topography(surface(), tmp_path / "a.x3p", instrument="A&B <x> {y}", creator="</Creator>")
    assert read_x3p(tmp_path / "a.x3p").instrument == "A&B <x> {y}"
