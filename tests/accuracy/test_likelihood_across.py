"""Models made on one set of firearms do not mislead on another, whatever a mark shows: ten firearms judge five."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from matcher.evaluate.across_sets import log10_lrs_of
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.reference_models import make_models
from matcher.evaluate.run_evaluation import evaluate
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import PARTS_OF_MARKS, WHOLE_MARKS
from matcher.likelihood.scored_pairs import DataDescription
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION

pytestmark = [pytest.mark.data, pytest.mark.slow]

FADUL = DataDescription(
    name="Fadul",
    description="test fires of ten slides",
    region="breech_face",
    calibres=("9 mm Luger",),
    n_scans=40,
    matcher_version=MATCHER_VERSION,
    parameters_digest=DEFAULT_PARAMETERS.digest,
    made_on="2026-01-02",
)


@pytest.fixture(scope="module")
def models(ffp_data: Path) -> CalibrationModels:
    made = make_models(ffp_data / "fadul", ffp_data / "fadul" / "truth.csv", FADUL)
    assert not made.missing
    return made.models


@pytest.fixture(scope="module")
def truth(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scans of each of Weller's firearms."""
    with (ffp_data / "weller" / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [row for row in rows if sum(r["firearm"] == row["firearm"] for r in rows[: rows.index(row)]) < 4]
    path = tmp_path_factory.mktemp("across") / "truth.csv"
    path.write_text("scan,firearm\n" + "".join(f"{row['scan']},{row['firearm']}\n" for row in chosen))
    return path


@pytest.mark.parametrize(
    ("conditions", "km_judged", "km_above_1"),
    [
        (Conditions(rotate=1), 0.95, 1.0),
        (Conditions(rotate=1, resample_um=(3.125, 12.5)), 0.95, 1.0),
        (Conditions(rotate=1, shift_um=300.0), 0.95, 1.0),
        (Conditions(rotate=1, crop=0.5, against="full"), 0.95, 1.0),
        (Conditions(rotate=1, crop=0.25, against="full"), 0.6, 0.9),
        (Conditions(rotate=1, crop=0.5), 0.6, 0.75),
        (Conditions(rotate=1, noise=2.0, noise_correlation_um=60.0), 0.0, 0.0),
    ],
)
def test_no_pair_is_misled(
    ffp_data: Path,
    truth: Path,
    models: CalibrationModels,
    conditions: Conditions,
    km_judged: float,
    km_above_1: float,
) -> None:
    found = evaluate(ffp_data / "weller", truth, conditions, with_controls=False)
    same = np.array([found.firearms[pair.a] == found.firearms[pair.b] for pair in found.pairs])
    log10_lrs = log10_lrs_of(models, found)
    judged = np.isfinite(log10_lrs)
    km, knm = log10_lrs[judged & same], log10_lrs[judged & ~same]
    assert judged[same].mean() >= km_judged
    assert (km < 0.0).sum() <= 0.02 * len(km)
    assert (knm > 1.0).sum() <= 0.002 * len(knm)
    assert (km > 0.0).sum() >= km_above_1 * len(km)


def test_parts_never_speak_for_two_firearms(models: CalibrationModels) -> None:
    whole, *_, parts = models.models
    assert (whole.population.marks, parts.population.marks) == (WHOLE_MARKS, PARTS_OF_MARKS)
    assert whole.lower < 0.0 == parts.lower
    assert parts.log10_lr(0.0) == 0.0
