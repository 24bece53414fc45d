"""Files that claim metres and hold micrometres, and files that leave it open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]


@pytest.fixture
def plain(make_x3p: MakeX3p) -> NDArray[np.float32]:
    return read_x3p(make_x3p()).heights_um


@pytest.mark.parametrize(
    ("dy", "dx", "read_um"),
    [
        ("3.15e-7", "1.28e-7", (0.315, 0.128)),
        ("13.1e-6", "8.7e-6", (13.1, 8.7)),
        ("6.25e-6", "6.25e-6", (6.25, 6.25)),
    ],
)
def test_spacings_of_real_instruments(make_x3p: MakeX3p, dy: str, dx: str, read_um: tuple[float, float]) -> None:
    read = read_x3p(make_x3p(dx=dx, dy=dy))
    assert read.spacing_um == pytest.approx(read_um, rel=1e-12)
    assert read.warnings == ()


def test_everything_in_micrometres(make_x3p: MakeX3p, wave_m: NDArray[np.float64], plain: NDArray[np.float32]) -> None:
    read = read_x3p(make_x3p(wave_m * 1e6, dx="3.125", dy="6.25"))
    np.testing.assert_allclose(read.heights_um, plain, atol=1e-6)
    assert read.spacing_um == (6.25, 3.125)
    assert ["micrometres" in warning for warning in read.warnings] == [True, True]


def test_heights_alone_in_micrometres(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], plain: NDArray[np.float32]
) -> None:
    read = read_x3p(make_x3p(wave_m * 1e6))
    np.testing.assert_allclose(read.heights_um, plain, atol=1e-6)
    assert read.spacing_um == (3.0, 3.0)
    assert ["Heights are read as micrometres" in warning for warning in read.warnings] == [True]


def test_integer_heights_with_an_increment_in_micrometres(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], plain: NDArray[np.float32]
) -> None:
    read = read_x3p(make_x3p(np.rint(wave_m / 2e-10), z_type="I", dz="2e-4"))
    np.testing.assert_allclose(read.heights_um, plain, atol=1e-3)
    assert ["Heights are read as micrometres" in warning for warning in read.warnings] == [True]


@pytest.mark.parametrize(("scale", "says"), [(1.0, "was not applied"), (1e6, "are read as micrometres")])
def test_an_increment_on_an_axis_of_absolute_floats(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], plain: NDArray[np.float32], scale: float, says: str
) -> None:
    """Some writers mean "multiply by it", some leave a relic: only one of the two makes a possible relief."""
    read = read_x3p(make_x3p(wave_m * scale, dz="1e-06"))
    np.testing.assert_allclose(read.heights_um, plain, atol=1e-6)
    assert [says in warning for warning in read.warnings] == [True]


def test_an_increment_that_is_a_real_scale(
    make_x3p: MakeX3p, wave_m: NDArray[np.float64], plain: NDArray[np.float32]
) -> None:
    read = read_x3p(make_x3p(wave_m / 1e-10, dz="1e-10"))
    np.testing.assert_allclose(read.heights_um, plain, atol=1e-6)
    assert ["stated increment" in warning for warning in read.warnings] == [True]


@pytest.mark.parametrize(
    ("dx", "dy"),
    [("1", "1"), ("1.0", "1.0"), ("0.003", "0.003"), ("1e-9", "1e-9"), ("1000", "1000"), ("5e-324", "5e-324")],
)
def test_spacings_in_no_unit(make_x3p: MakeX3p, refusal: Refusal, dx: str, dy: str) -> None:
    assert refusal(make_x3p(dx=dx, dy=dy)) == "implausible-units"


def test_spacings_of_different_orders(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(dx="3e-6", dy="3")) == "spacing-out-of-range"
    assert refusal(make_x3p(dx="1e-6", dy="11e-6")) == "spacing-out-of-range"
    assert read_x3p(make_x3p(dx="1e-6", dy="9e-6")).spacing_um == pytest.approx((9.0, 1.0))


@pytest.mark.parametrize("relief", [0.0, 1e-10, 0.008, 2e4, 1e300])
def test_reliefs_in_no_unit(make_x3p: MakeX3p, refusal: Refusal, wave_m: NDArray[np.float64], relief: float) -> None:
    assert refusal(make_x3p(wave_m / np.ptp(wave_m) * relief)) == "implausible-units"


def test_two_readings_that_are_both_possible(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(dz="2")) == "implausible-units"
    assert refusal(make_x3p(dz="0.1")) == "implausible-units"


def test_heights_near_the_largest_float(make_x3p: MakeX3p, refusal: Refusal, wave_m: NDArray[np.float64]) -> None:
    extremes = np.where(wave_m > np.median(wave_m), 1.7e308, -1.7e308)
    assert refusal(make_x3p(extremes)) == "implausible-units"
