"""A laboratory's own test fires give it a model: here those of two public studies, fifteen firearms."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from exchange.config import load_settings
from matcher.likelihood.calibration_file import read_calibration
from matcher.likelihood.calibration_model import WHOLE_MARKS
from tests.exchange.cli.conftest import Ffp
from tests.exchange.flows.truth.laboratory import laboratory

pytestmark = [pytest.mark.slow, pytest.mark.data, pytest.mark.timeout(1800)]


def test_two_public_studies_as_own_test_fires(ffp: Ffp, ffp_data: Path, tmp_path: Path) -> None:
    home = tmp_path / "node"
    with laboratory(home) as own:
        for study in ("fadul", "weller"):
            with (ffp_data / study / "truth.csv").open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    own.register(ffp_data / study / f"{row['scan']}.x3p", f"{study}-{row['firearm']}")

    made = ffp("calibrate", "--own", "--home", home, "--whole-marks-only", "--install")
    assert made.code == 0, made
    assert "85 test fires of 15 firearms, 15 of them with two or more; 243 true pairs, 3,327 pairs of two" in made.out

    installed = load_settings(home).calibration
    assert installed is not None
    [model] = read_calibration(home / installed).models
    population = model.population
    assert (population.marks, population.n_firearms, population.n_scans) == (WHOLE_MARKS, 15, 85)
    assert population.name == "Own test fires of RS (ffp-rs)"
    assert model.independent_km == 15.0
    assert model.cllr <= 0.1, "fifteen firearms left out one by one"
