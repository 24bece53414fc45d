"""The canonical form: what missing points, rotations and oddities become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]


def test_canonical_form(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    heights = read_x3p(make_x3p()).heights_um
    assert heights.dtype == np.float32
    assert heights.flags.c_contiguous
    assert not heights.flags.writeable
    assert np.median(heights) == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(heights, ((wave_m - np.median(wave_m)) * 1e6).astype(np.float32))


@pytest.mark.parametrize("z_type", ["D", "F"])
def test_nan_of_every_kind_becomes_the_quiet_one(make_x3p: MakeX3p, wave_m: NDArray[np.float64], z_type: str) -> None:
    """R writes missing values as NaN with a payload, some of them signalling."""
    if z_type == "D":
        stored, nans = wave_m.astype("<f8"), [0x7FF00000000007A2, 0xFFF00000000007A2, 0x7FF80000000007A2]
        bits = stored.view("<u8")
    else:
        stored, nans = wave_m.astype("<f4"), [0x7F8007A2, 0xFF8007A2, 0x7FC007A2]
        bits = stored.view("<u4")
    bits[0, :3] = nans

    def raw(entries: dict[str, bytes]) -> dict[str, bytes]:
        return entries | {"bindata/data.bin": stored.tobytes()}

    link = "<DataLink><PointDataLink>bindata/data.bin</PointDataLink></DataLink>"
    heights = read_x3p(make_x3p(z_type=z_type, edit_entries=raw, points=link)).heights_um
    assert np.isnan(heights).sum() == 3
    assert set(heights[np.isnan(heights)].view(np.uint32).tolist()) == {0x7FC00000}
    assert np.isfinite(np.nanmax(heights))


@pytest.mark.parametrize("sentinel", [np.inf, -np.inf, 1e38, -9999.0, 1.7e308])
def test_what_is_no_height_is_missing(make_x3p: MakeX3p, wave_m: NDArray[np.float64], sentinel: float) -> None:
    wave_m[2, 3] = wave_m[4, 4] = sentinel
    wave_m[5, 5] = np.nan
    read = read_x3p(make_x3p(wave_m))
    assert np.argwhere(np.isnan(read.heights_um)).tolist() == [[2, 3], [4, 4], [5, 5]]
    assert [warning for warning in read.warnings if warning.startswith("2 points")]


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_nothing_valid(make_x3p: MakeX3p, refusal: Refusal, missing: float) -> None:
    assert refusal(make_x3p(np.full((9, 12), missing))) == "no-valid-points"


def test_nothing_valid_by_the_list(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(valid=np.zeros((9, 12), bool))) == "no-valid-points"


def test_the_sample_finds_valid_points_wherever_they_are(make_x3p: MakeX3p) -> None:
    z = np.full((400, 300), np.nan)
    z[391:400, 251:263] = 1e-6 * np.random.default_rng(2).normal(size=(9, 12))
    read = read_x3p(make_x3p(z))
    assert read.coverage == pytest.approx(108 / 120_000)
    assert np.nanmedian(read.heights_um) == pytest.approx(0, abs=1e-6)


def rotation(matrix: list[list[float]]) -> str:
    entries = (
        f"<r{row}{column}>{matrix[row - 1][column - 1]!r}</r{row}{column}>" for row in (1, 2, 3) for column in (1, 2, 3)
    )
    return f"<Rotation>{''.join(entries)}</Rotation>"


IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
TILT = [[1.0, 0.0, 0.0], [0.0, 0.8, -0.6], [0.0, 0.6, 0.8]]
QUARTER_TURN = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
MIRROR = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
OVERTURN = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]
STRETCH = [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
NOTHING = [[0.0] * 3] * 3


@pytest.mark.parametrize(("matrix", "mentioned"), [(IDENTITY, False), (TILT, True), (QUARTER_TURN, True)])
def test_a_rotation_moves_no_height(make_x3p: MakeX3p, matrix: list[list[float]], mentioned: bool) -> None:
    plain = read_x3p(make_x3p())
    read = read_x3p(make_x3p(rotation=rotation(matrix)))
    np.testing.assert_array_equal(read.heights_um, plain.heights_um)
    assert any("rotation" in warning for warning in read.warnings) == mentioned


@pytest.mark.parametrize("matrix", [MIRROR, OVERTURN, STRETCH, NOTHING])
def test_a_rotation_that_would_deceive(make_x3p: MakeX3p, refusal: Refusal, matrix: list[list[float]]) -> None:
    assert refusal(make_x3p(rotation=rotation(matrix))) == "rotation-not-usable"


def test_a_height_axis_called_incremental(make_x3p: MakeX3p) -> None:
    read = read_x3p(make_x3p(z_axis="I"))
    assert any("incremental" in warning for warning in read.warnings)


def test_a_warning_is_given_once(make_x3p: MakeX3p) -> None:
    read = read_x3p(make_x3p(z_axis="I", edit_entries=lambda e: e | {"mask.png": b""}))
    assert len(read.warnings) == len(set(read.warnings)) == 2
