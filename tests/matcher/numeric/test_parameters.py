from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from matcher import DEFAULT_PARAMETERS, Parameters


def test_defaults_are_the_published_pipeline() -> None:
    assert (DEFAULT_PARAMETERS.coarse_band_um, DEFAULT_PARAMETERS.fine_band_um) == ((50.0, 500.0), (30.0, 350.0))
    assert (DEFAULT_PARAMETERS.fine_candidates, DEFAULT_PARAMETERS.listed_candidates) == (200, 50)


@pytest.mark.parametrize("name", [entry.name for entry in fields(Parameters) if "low" in entry.metadata])
def test_every_number_is_held_within_its_bounds(name: str) -> None:
    bounds = next(entry.metadata for entry in fields(Parameters) if entry.name == name)
    for outside in (bounds["low"] - 1, bounds["high"] + 1, float("nan")):
        with pytest.raises(ValueError, match=name):
            Parameters(**{name: outside})


@pytest.mark.parametrize("band", [(500.0, 50.0), (5.0, 100.0), (50.0, 5000.0)])
def test_a_band_rises_within_what_the_grids_hold(band: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="coarse_band_um"):
        Parameters(coarse_band_um=band)


def test_a_half_turn_holds_whole_steps() -> None:
    with pytest.raises(ValueError, match="half turn"):
        Parameters(rotation_step_deg=0.7)


def test_the_digest_names_the_values_and_nothing_else() -> None:
    assert Parameters().digest == DEFAULT_PARAMETERS.digest
    digests = {replace(DEFAULT_PARAMETERS, max_shift_um=shift).digest for shift in (200.0, 300.0, 500.0)}
    assert len(digests) == 3
    assert DEFAULT_PARAMETERS.digest in digests


def test_parameters_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_PARAMETERS.max_shift_um = 1.0  # type: ignore[misc]  # that it is refused is the test
