"""A specimen's scan against its first one: known changes are measured, and another specimen is none."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import pytest

from matcher import FIRING_PIN_PARAMETERS, ScanNotUsable, Topography, read_topography
from matcher.instrument.check_limits import CheckOutcome, judge_check, values_of
from matcher.instrument.reference_map import ReferenceMap, map_of
from matcher.instrument.specimen_check import measure_specimen
from matcher.instrument.specimen_figures import SpecimenFigures
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.synthetic.breech_face import draw
from tests.matcher.instrument.altered_scan import altered

HEIGHT_ERROR, LATERAL_ERROR, SKEW_ERROR_DEG = 0.001, 0.0005, 0.01
"""What the figures may be off: 0.1 % of heights, 0.05 % of lengths, a hundredth of a degree."""

pytestmark = pytest.mark.slow


@lru_cache(maxsize=8)
def drawn(seed: int = 3, *, raw: bool = False) -> Topography:
    return draw(seed, 1, raw=raw)


@lru_cache(maxsize=8)
def first(seed: int = 3, *, raw: bool = False) -> ReferenceMap:
    return map_of(drawn(seed, raw=raw), DEFAULT_PARAMETERS)


def measured(
    now: Topography, kept: ReferenceMap | None = None, parameters: Parameters = DEFAULT_PARAMETERS
) -> SpecimenFigures:
    return measure_specimen(kept or first(), map_of(now, parameters), parameters)


KNOWN = {
    "nothing": {},
    "heights": {"gain": 1.02},
    "lower": {"gain": 0.95, "noise_um": 0.02},
    "along x": {"scale_x": 1.01},
    "along y": {"scale_y": 0.995, "noise_um": 0.05},
    "both": {"scale_x": 1.003, "scale_y": 1.003, "rotation_deg": 61.0},
    "skew": {"skew_deg": 0.25},
    "placement": {"rotation_deg": 37.0, "shift_um": (80.0, -120.0), "tilt_deg": 0.5},
    "all": {"gain": 0.98, "scale_x": 1.004, "skew_deg": -0.1, "rotation_deg": 200.0, "noise_um": 0.05},
    "noise": {"noise_um": 0.1},
    "missing": {"lost": 0.05},
    "finer": {"spacing_um": 4.1, "scale_x": 0.998},
}


@pytest.mark.parametrize("raw", [False, True], ids=["masked", "raw"])
@pytest.mark.parametrize("name", KNOWN)
def test_known_changes_are_measured(name: str, raw: bool) -> None:
    change = KNOWN[name]
    found = measured(altered(drawn(raw=raw), **change), first(raw=raw))  # type: ignore[arg-type]
    assert found.height_ratio.value == pytest.approx(change.get("gain", 1.0), abs=HEIGHT_ERROR)
    assert found.scale_x.value == pytest.approx(change.get("scale_x", 1.0), abs=LATERAL_ERROR)
    assert found.scale_y.value == pytest.approx(change.get("scale_y", 1.0), abs=LATERAL_ERROR)
    assert found.skew_deg.value == pytest.approx(change.get("skew_deg", 0.0), abs=SKEW_ERROR_DEG)
    turned = (found.rotation_deg - change.get("rotation_deg", 0.0) + 180.0) % 360.0 - 180.0
    assert turned == pytest.approx(0.0, abs=0.1 + abs(change.get("skew_deg", 0.0)))
    assert found.tilt_deg == pytest.approx(change.get("tilt_deg", 0.0), abs=0.05)
    assert found.correlation > 0.995


def test_uncertainties_are_as_wide_as_the_errors() -> None:
    """Of 12 noisy scans: the errors are what is stated of them, neither far more nor far less."""
    off = []
    for seed in range(12):
        found = measured(altered(drawn(), noise_um=0.3, rotation_deg=30.0 * seed, seed=seed))
        for figure in (found.scale_x, found.scale_y):
            assert figure.uncertainty is not None
            off.append((figure.value - 1.0) / figure.uncertainty)
    mean_square = sum(value**2 for value in off) / len(off)
    assert 0.2 < mean_square < 4.0
    assert max(map(abs, off)) < 4.5


def test_exchanged_the_two_scans_say_the_inverse() -> None:
    other = map_of(altered(drawn(), gain=1.03, scale_x=1.006, noise_um=0.05), DEFAULT_PARAMETERS)
    there, back = measure_specimen(first(), other), measure_specimen(other, first())
    assert there.height_ratio.value * back.height_ratio.value == pytest.approx(1.0, abs=HEIGHT_ERROR)
    assert there.scale_x.value * back.scale_x.value == pytest.approx(1.0, abs=LATERAL_ERROR)
    assert there.correlation == pytest.approx(back.correlation, abs=0.002)


def test_a_worn_objective_shows_in_the_fine_detail_and_noise_too() -> None:
    sharp, soft, softer, noisy = (
        measured(altered(drawn(), **change))  # type: ignore[arg-type]
        for change in ({"noise_um": 0.02}, {"blur_um": 5.0}, {"blur_um": 9.0}, {"noise_um": 0.4})
    )
    assert sharp.detail_ratio.value == pytest.approx(1.0, abs=0.01)
    assert softer.detail_ratio.value < 0.9 < soft.detail_ratio.value < 0.97
    assert noisy.detail_ratio.value > 1.05
    assert softer.scale_x.value == pytest.approx(1.0, abs=LATERAL_ERROR)
    assert judge_check(values_of(softer)).outcome in (CheckOutcome.WARNING, CheckOutcome.FAILED)


def test_missing_points_are_counted() -> None:
    found = measured(altered(drawn(), lost=0.2))
    assert found.missing > 0.2
    assert measured(altered(drawn())).missing < 0.02


@pytest.mark.parametrize("other", [4, 9, 11])
def test_another_firearm_is_not_the_specimen(other: int) -> None:
    verdict = judge_check(values_of(measured(drawn(other))))
    assert (verdict.outcome, verdict.same_specimen) == (CheckOutcome.FAILED, False)
    assert [told.measure for told in verdict.told] == ["correlation"], "its other figures mean nothing"


def test_another_shot_of_the_firearm_is_not_the_specimen() -> None:
    verdict = judge_check(values_of(measured(draw(3, 2))))
    assert verdict.outcome is CheckOutcome.FAILED
    assert verdict.same_specimen is not None


@pytest.mark.parametrize("turned", [Topography.mirrored, Topography.inverted])
def test_an_export_that_was_turned_over_fails(turned: object) -> None:
    verdict = judge_check(values_of(measured(turned(drawn()))))  # type: ignore[operator]
    assert (verdict.outcome, verdict.same_specimen) == (CheckOutcome.FAILED, False)


def test_where_there_is_no_mark_there_is_no_figure() -> None:
    nothing = drawn().heights_um * float("nan")
    with pytest.raises(ScanNotUsable):
        map_of(Topography(nothing, (6.25, 6.25)), DEFAULT_PARAMETERS)


def truth(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "truth.csv").read_text(encoding="utf-8").splitlines()))


def fadul(folder: Path, name: str) -> Topography:
    return read_topography(folder / "fadul" / f"{name}.x3p")


def test_a_real_scan_against_itself_resampled(ffp_data: Path) -> None:
    for name in [row["scan"] for row in truth(ffp_data / "fadul")][::13]:
        scan = fadul(ffp_data, name)
        kept = map_of(scan, DEFAULT_PARAMETERS)
        now = altered(scan, spacing_um=5.0, rotation_deg=14.0, gain=1.015, scale_x=0.997, noise_um=0.05)
        found = measure_specimen(kept, map_of(now, DEFAULT_PARAMETERS))
        assert found.height_ratio.value == pytest.approx(1.015, abs=HEIGHT_ERROR)
        assert found.scale_x.value == pytest.approx(0.997, abs=LATERAL_ERROR)
        assert found.scale_y.value == pytest.approx(1.0, abs=LATERAL_ERROR)
        assert judge_check(values_of(found)).same_specimen is None


def test_a_real_raw_scan_too(ffp_data: Path) -> None:
    scan = read_topography(sorted((ffp_data / "fadul-raw").glob("*.x3p"))[0])
    found = measure_specimen(
        map_of(scan, DEFAULT_PARAMETERS),
        map_of(altered(scan, rotation_deg=-8.0, scale_y=1.002, noise_um=0.1, tilt_deg=0.3), DEFAULT_PARAMETERS),
    )
    assert found.scale_y.value == pytest.approx(1.002, abs=LATERAL_ERROR)
    assert found.height_ratio.value == pytest.approx(1.0, abs=HEIGHT_ERROR)
    assert found.correlation > 0.99


@pytest.mark.parametrize("folder", ["fadul", "weller"])
def test_two_firings_of_one_firearm_never_pass(ffp_data: Path, folder: str) -> None:
    """The first two of each firearm; of all 243 pairs of both sets the highest has .937."""
    by_firearm: dict[str, list[str]] = {}
    for row in truth(ffp_data / folder):
        by_firearm.setdefault(row["firearm"], []).append(row["scan"])
    for scans in by_firearm.values():
        one, other = (
            map_of(read_topography(ffp_data / folder / f"{name}.x3p"), DEFAULT_PARAMETERS) for name in sorted(scans)[:2]
        )
        found = measure_specimen(one, other)
        assert 0.5 < found.correlation < 0.94
        verdict = judge_check(values_of(found))
        assert (verdict.outcome, verdict.same_specimen) == (CheckOutcome.FAILED, True)


def test_a_real_firing_pin_impression(ffp_data: Path) -> None:
    scan = read_topography(ffp_data / "firing-pin" / "Klein_non_replica_mode.al3d")
    now = altered(scan, rotation_deg=20.0, gain=1.01, scale_x=1.004, noise_um=0.02)
    kept, there = (map_of(one, FIRING_PIN_PARAMETERS) for one in (scan, now))
    found = measure_specimen(kept, there, FIRING_PIN_PARAMETERS)
    assert found.correlation > 0.95
    assert found.scale_x.value == pytest.approx(1.004, abs=2 * LATERAL_ERROR)
    assert found.height_ratio.value == pytest.approx(1.01, abs=5 * HEIGHT_ERROR)
