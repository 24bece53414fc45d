"""Axes that carry their own coordinates: which way the grid runs, and when there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]
Coordinates = tuple[NDArray[np.float64], NDArray[np.float64]]

STEP_M = (4e-6, 3e-6)


@pytest.fixture
def coordinates(wave_m: NDArray[np.float64]) -> Coordinates:
    """x and y in metres of every point, 3 um apart in x and 4 um in y, somewhere on the stage."""
    rows, columns = np.indices(wave_m.shape)
    return 0.01 + columns * STEP_M[1], 0.02 + rows * STEP_M[0]


@pytest.fixture
def plain(make_x3p: MakeX3p) -> NDArray[np.float32]:
    return read_x3p(make_x3p()).heights_um


def test_rows_run_along_y_and_columns_along_x(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    """x is fastest in the file: the second stored point is the right neighbour of the first."""
    read = read_x3p(make_x3p(dx="3e-6", dy="4e-6"))
    assert read.heights_um.shape == wave_m.shape
    assert read.spacing_um == (4.0, 3.0)
    step = read.heights_um[0, 1] - read.heights_um[0, 0]
    assert step == pytest.approx((wave_m.ravel()[1] - wave_m.ravel()[0]) * 1e6, rel=1e-5)


@pytest.mark.parametrize("as_text", [False, True], ids=["binary", "text"])
@pytest.mark.parametrize("absolute", ["x", "y", "xy"])
def test_coordinates_of_a_regular_grid(
    make_x3p: MakeX3p, coordinates: Coordinates, plain: NDArray[np.float32], absolute: str, as_text: bool
) -> None:
    given = {axis: values for axis, values in zip("xy", coordinates, strict=True) if axis in absolute}
    steps = {f"d{axis}": step for axis, step in zip("yx", ("4e-6", "3e-6"), strict=True) if axis not in absolute}

    def blank_incremental(xml: str) -> str:
        if not as_text or absolute == "xy":
            return xml
        blank = "{};;{}" if absolute == "x" else ";{};{}"
        before, datums, after = xml.partition("<DataList>")[0], [], xml.partition("</DataList>")[2]
        for datum in xml.partition("<DataList>")[2].partition("</DataList>")[0].split("</Datum>")[:-1]:
            parts = datum.split("<Datum>")[1].split(";")
            datums.append(f"<Datum>{blank.format(parts[0] if absolute == 'x' else parts[1], parts[2])}</Datum>")
        return f"{before}<DataList>{''.join(datums)}</DataList>{after}"

    read = read_x3p(make_x3p(**given, **steps, as_text=as_text, edit_xml=blank_incremental))
    np.testing.assert_array_equal(read.heights_um, plain)
    assert read.spacing_um == pytest.approx((4.0, 3.0), rel=1e-6)


def test_axes_that_run_backwards(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], coordinates: Coordinates, plain: NDArray[np.float32]
) -> None:
    """A file may start at the largest y or x; the surface must not come out as its mirror image."""
    x, y = coordinates
    for flip in (np.s_[::-1], np.s_[:, ::-1], np.s_[::-1, ::-1]):
        read = read_x3p(make_x3p(wave_m[flip], x=x[flip], y=y[flip]))
        np.testing.assert_array_equal(read.heights_um, plain)
        assert read.spacing_um == pytest.approx((4.0, 3.0), rel=1e-6)


def test_the_valid_points_list_turns_with_its_surface(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], coordinates: Coordinates
) -> None:
    x, y = coordinates
    valid = np.ones(wave_m.shape, bool)
    valid[1, 2] = False
    read = read_x3p(make_x3p(wave_m[::-1], x=x[::-1], y=y[::-1], valid=valid[::-1]))
    assert np.argwhere(np.isnan(read.heights_um)).tolist() == [[1, 2]]


def test_integer_coordinates(make_x3p: MakeX3p, coordinates: Coordinates, plain: NDArray[np.float32]) -> None:
    x, y = (np.rint((values - values.min()) / 1e-9) for values in coordinates)
    read = read_x3p(make_x3p(x=x, y=y, x_type="L", y_type="I", dx="1e-9", dy="1e-9"))
    np.testing.assert_array_equal(read.heights_um, plain)
    assert read.spacing_um == pytest.approx((4.0, 3.0), rel=1e-6)


def test_jitter_is_borne_and_distortion_is_not(
    make_x3p: MakeX3p, refusal: Refusal, coordinates: Coordinates, plain: NDArray[np.float32]
) -> None:
    x, y = coordinates
    jitter = np.random.default_rng(3).uniform(-0.05, 0.05, x.shape) * STEP_M[1]
    np.testing.assert_array_equal(read_x3p(make_x3p(x=x + jitter, y=y)).heights_um, plain)
    bent = x + 0.3 * STEP_M[1] * np.sin(np.arange(9))[:, None]
    assert refusal(make_x3p(x=bent, y=y)) == "irregular-grid"
    growing = x.min() + (x - x.min()) ** 2 / np.ptp(x)
    assert refusal(make_x3p(x=growing, y=y)) == "irregular-grid"


def test_missing_points_may_carry_no_coordinates(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], coordinates: Coordinates
) -> None:
    missing = np.zeros(wave_m.shape, bool)
    missing[:2] = missing[4, 4] = True
    x, y, z = (np.where(missing, np.nan, values) for values in (*coordinates, wave_m))
    read = read_x3p(make_x3p(z, x=x, y=y))
    np.testing.assert_array_equal(np.isnan(read.heights_um), missing)
    assert read.spacing_um == pytest.approx((4.0, 3.0), rel=1e-6)


def test_coordinates_that_make_no_grid(
    make_x3p: MakeX3p, refusal: Refusal, wave_m: NDArray[np.float64], coordinates: Coordinates
) -> None:
    x, y = coordinates
    assert refusal(make_x3p(x=y, y=x)) == "irregular-grid"  # axes swapped
    assert refusal(make_x3p(x=np.zeros_like(x), y=y)) == "irregular-grid"
    assert refusal(make_x3p(x=np.full_like(x, np.nan), y=y)) == "irregular-grid"
    assert refusal(make_x3p(x=np.where(x > x.mean(), 1.7e308, -1.7e308), y=y)) == "irregular-grid"
    one = np.where(np.arange(wave_m.size).reshape(wave_m.shape) == 5, wave_m, np.nan)
    assert refusal(make_x3p(one, x=x, y=y)) == "irregular-grid"


def as_cloud(size: int) -> dict[str, str]:
    return {"feature": "PCL", "dimension": f"<ListDimension>{size}</ListDimension>"}


@pytest.mark.parametrize("as_text", [False, True], ids=["binary", "text"])
def test_a_cloud_that_fills_a_grid_in_any_order(
    make_x3p: MakeX3p,
    wave_m: NDArray[np.float64],
    coordinates: Coordinates,
    plain: NDArray[np.float32],
    as_text: bool,
) -> None:
    order = np.random.default_rng(5).permutation(wave_m.size)
    z, x, y = (values.reshape(1, -1)[:, order] for values in (wave_m, *coordinates))
    read = read_x3p(make_x3p(z, x=x, y=y, as_text=as_text, **as_cloud(wave_m.size)))
    np.testing.assert_array_equal(read.heights_um, plain)
    assert read.spacing_um == pytest.approx((4.0, 3.0), rel=1e-6)


def test_the_valid_points_list_of_a_cloud(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], coordinates: Coordinates
) -> None:
    valid = np.ones(wave_m.shape, bool)
    valid[3, 7] = False
    order = np.random.default_rng(6).permutation(wave_m.size)
    z, x, y, listed = (values.reshape(1, -1)[:, order] for values in (wave_m, *coordinates, valid))
    read = read_x3p(make_x3p(z, x=x, y=y, valid=listed, **as_cloud(wave_m.size)))
    assert np.argwhere(np.isnan(read.heights_um)).tolist() == [[3, 7]]


def test_clouds_that_fill_no_grid(
    make_x3p: MakeX3p, refusal: Refusal, wave_m: NDArray[np.float64], coordinates: Coordinates
) -> None:
    z, x, y = (values.reshape(1, -1).copy() for values in (wave_m, *coordinates))
    rng = np.random.default_rng(8)
    cloud = as_cloud(wave_m.size)
    scattered = make_x3p(z, x=x + rng.normal(0, 1e-6, x.shape), y=y, **cloud)
    assert refusal(scattered) == "point-cloud-not-surface"
    assert refusal(make_x3p(z[:, :-1], x=x[:, :-1], y=y[:, :-1], **as_cloud(107))) == "point-cloud-not-surface"
    x[0, 0], y[0, 0] = x[0, 1], y[0, 1]  # one place twice, one empty
    assert refusal(make_x3p(z, x=x, y=y, **cloud)) == "point-cloud-not-surface"
    y[0, 0] = np.nan
    assert refusal(make_x3p(z, x=x, y=y, **cloud)) == "point-cloud-not-surface"
    assert refusal(make_x3p(z, **cloud)) == "point-cloud-not-surface"


@pytest.mark.parametrize("increment", ["0", "-3e-6", "1e999", "", "-0"])
@pytest.mark.parametrize("axis", ["dx", "dy"])
def test_spacings_that_cannot_be(make_x3p: MakeX3p, refusal: Refusal, axis: str, increment: str) -> None:
    assert refusal(make_x3p(**{axis: increment})) == "spacing-out-of-range"


def test_integer_coordinates_without_increment(make_x3p: MakeX3p, refusal: Refusal, coordinates: Coordinates) -> None:
    x = np.rint((coordinates[0] - coordinates[0].min()) / 1e-9)
    assert refusal(make_x3p(x=x, x_type="L", dx="")) == "spacing-out-of-range"
