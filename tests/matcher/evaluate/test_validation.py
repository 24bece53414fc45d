from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from matcher import Topography, write_topography
from matcher.evaluate.across_sets import likelihood_ratios_across, log10_lrs_of
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.dossier import dossier, reasons
from matcher.evaluate.evaluation_figures import Evaluation, scored_pairs
from matcher.evaluate.validation import TRIALS, Goal, Trial, Validation, validate_matcher
from matcher.likelihood.calibrate import calibrate
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import CalibrationRefused, ReferencePopulation
from matcher.likelihood.mark_limits import MarkLimits
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, Parameters

pytestmark = pytest.mark.slow

FEW = (
    Trial("as they are", Conditions(), Goal(1.0, 1.0, separate=True), with_controls=True),
    Trial("a third, with another third", Conditions(crop=0.34, rotate=1), Goal(1.0, cllr=0.0)),
)

POPULATION = ReferencePopulation(
    name="drawn",
    description="of no firearm",
    region="breech_face",
    modality="topography",
    calibres=("9 mm Luger",),
    lateral_resolution_um=(1.0, 20.0),
    n_firearms=6,
    n_scans=12,
    n_km=6,
    n_knm=60,
    matcher_version=MATCHER_VERSION,
    parameters_digest=DEFAULT_PARAMETERS.digest,
    made_on="2026-01-02",
    limits=MarkLimits(0.0, 0.0, None, 0.0),
)


@pytest.fixture(scope="module")
def validation(scans: dict[tuple[int, int], Topography], tmp_path_factory: pytest.TempPathFactory) -> Validation:
    folder = tmp_path_factory.mktemp("drawn")
    rows = ["scan,firearm"]
    for (firearm, shot), scan in scans.items():
        write_topography(scan, folder / f"s|{firearm}-{shot}.x3p", instrument="synthetic")
        rows.append(f"s|{firearm}-{shot},{firearm}")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return validate_matcher(
        folder, folder / "truth.csv", source="drawn\n| here", licence="none", made_on="2026-01-02", trials=FEW
    )


@pytest.mark.slow
def test_the_page_says_what_a_laboratory_needs(validation: Validation) -> None:
    page = dossier([validation])
    for heading in (
        "In short",
        "Figures beside the goals",
        "Two partial marks: how much they share",
        "Controls",
        "Where it fails",
        "Known limits",
        "Data",
        "Method",
        "Software",
        "How to repeat it",
        "Files",
    ):
        assert f"\n## {heading}\n" in page
    assert page.index("## In short") < 400  # the summary comes first
    assert all(digest in page for digest in validation.data.digests.values())
    assert validation.data.truth_digest in page
    assert validation.results[0][1].parameters_digest in page
    assert "drawn \\| here" in page
    assert all(f"| {name} | {version} |" in page for name, version in validation.software.items())


@pytest.mark.slow
def test_a_goal_that_is_missed_is_said_first_and_in_its_row(validation: Validation) -> None:
    page = dossier([validation])
    assert "**Goals missed:** a third, with another third (" in page.split("## Figures")[0]
    assert "It reached the goals in 1 of them" in page
    [row] = [line for line in page.splitlines() if line.startswith("| a third, with another third | AUC 1")]
    assert "**no**: " in row
    assert "Cllr" in row


def test_the_json_beside_it_holds_the_figures_and_no_single_scores(validation: Validation) -> None:
    plain = json.loads(json.dumps(validation.as_dict()))
    first, second = plain["trials"]
    assert first["missed"] == []
    assert first["auc"] == 1.0
    assert "Cllr" in second["missed"]
    assert second["conditions"]["crop"] == 0.34
    assert "pairs" not in first
    assert plain["data"]["n_firearms"] == 3


def test_refusing_does_not_reach_a_goal(validation: Validation) -> None:
    found: Evaluation = validation.results[0][1]
    goal = Goal(1.0, 1.0, separate=True)
    assert goal.missed(found) == ()
    assert goal.missed(replace(found, auc_with_refused=0.9)) == ("AUC",)
    assert goal.missed(replace(found, rank1_with_refused=0.9)) == ("rank-1",)
    assert Goal(1.0, variance_ratio=1e9, gap_in_knm_deviations=1e9).missed(found) == ("variance ratio", "gap")


def test_every_parameter_stands_on_the_page_with_the_reason_of_its_source(validation: Validation) -> None:
    page = dossier([validation])
    why = reasons(Parameters)
    assert why["min_mark_area_mm2"].startswith("320 points of the coarse grid")
    for name in Parameters.__dataclass_fields__:
        assert f"| `{name}` | " in page
    assert f"| `clip_deviations` | {DEFAULT_PARAMETERS.clip_deviations} | {why['clip_deviations']} |" in page


def test_every_condition_has_a_name_of_its_own() -> None:
    assert len({trial.name for trial in TRIALS}) == len({trial.conditions for trial in TRIALS}) == len(TRIALS)
    assert sum(trial.goal.separate for trial in TRIALS) == 6
    assert any(trial.with_controls for trial in TRIALS)


def test_refused_scans_stand_beside_the_figures_they_would_flatter(validation: Validation) -> None:
    trial, found = validation.results[0]
    refused = replace(found, refused={"s|0-0": "not usable: too small"}, missing_km=1, auc_with_refused=0.75)
    page = dossier([replace(validation, results=((trial, refused),))])
    [row] = [line for line in page.splitlines() if line.startswith("| as they are | AUC 1")]
    assert "with refused 0.75000" in row
    assert "**no**: AUC" in row
    assert "1 scans refused (s|0-0), which leaves 1 KM and 0 KNM pairs without a score" in page


def more_firearms(validation: Validation, folder: str, *, misleading: bool = False) -> Validation:
    """The same pages' set with six made-up firearms in its conditions, two scans of each."""
    first = validation.results[0][1]
    rng = np.random.default_rng(5)
    firearms = {f"{firearm}-{shot}": str(firearm) for firearm in range(6) for shot in range(2)}
    pairs = [
        replace(
            first.pairs[0],
            a=a,
            b=b,
            score=float(rng.normal(0.9 if (firearms[a] == firearms[b]) != misleading else 0.15, 0.03)),
        )
        for a, b in combinations(firearms, 2)
    ]
    results = tuple(
        (trial, replace(found, firearms=firearms, pairs=tuple(pairs))) for trial, found in validation.results
    )
    try:
        models = CalibrationModels.of(calibrate(scored_pairs(firearms, pairs), POPULATION))
    except CalibrationRefused:
        models = None
    return replace(validation, data=replace(validation.data, folder=folder), results=results, models=models)


def test_two_sets_stand_side_by_side_with_the_likelihood_ratios_of_each_on_the_other(validation: Validation) -> None:
    sets = [more_firearms(validation, name) for name in ("first", "second")]
    page = dossier(sets)
    for heading in ("Figures beside the goals", "Where it fails", "Data", "Files"):
        section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        assert section.count("\n### second\n") == section.count("\n### first\n") == 1
    assert page.count("\n## Method\n") == page.count("\n## Known limits\n") == 1
    [across] = [part for part in page.split("\n## ") if part.startswith("Likelihood ratios of one set on the other")]
    rows = [line.split("|")[1:4] for line in across.splitlines() if line.startswith("| second ")]
    assert [row[2].strip() for row in rows] == [trial.name for trial in FEW]


def test_a_model_of_one_set_is_counted_where_it_misleads_on_another(validation: Validation) -> None:
    right, alike, wrong = (
        more_firearms(validation, name, misleading=name == "wrong") for name in ("right", "alike", "wrong")
    )
    found = {(one.made_on, one.judged): one for one in likelihood_ratios_across([right, alike, wrong])}
    fair, misled = found["right", "alike"], found["right", "wrong"]
    assert (fair.km_judged, fair.knm_judged) == (1.0, 1.0)
    assert (fair.km_above_1, fair.km_below_1, fair.knm_above_10) == (1.0, 0.0, 0.0)
    assert fair.cllr < 0.5
    assert (misled.km_below_1, misled.cllr > 1.0) == (1.0, True)
    assert "wrong" not in {made_on for made_on, _ in found} or found["wrong", "right"].cllr > 1.0


def test_what_no_model_covers_is_counted_as_such(validation: Validation) -> None:
    first, second = (more_firearms(validation, name) for name in ("first", "second"))
    assert first.models is not None
    [model] = first.models.models
    larger = replace(POPULATION, limits=MarkLimits(1000.0, 0.0, None, 0.0))
    narrow = replace(first, models=CalibrationModels.of(replace(model, population=larger)))
    [found, *_] = likelihood_ratios_across([narrow, second])
    assert (found.km_judged, found.knm_judged) == (0.0, 0.0)
    assert (found.km_above_1, found.km_below_1, found.knm_above_10, found.cllr) == (None, None, None, None)
    assert "| 0.0%, 0.0% |  |  |  |  |" in dossier([narrow, second])


def test_other_distances_of_points_are_judged_as_such(validation: Validation) -> None:
    """A scan that was resampled is no scan of the model's instruments, whatever its file says."""
    first = more_firearms(validation, "first")
    assert first.models is not None
    [model] = first.models.models
    models = CalibrationModels.of(replace(model, population=replace(POPULATION, lateral_resolution_um=(6.0, 6.5))))
    evaluation = replace(first.results[0][1], lateral_resolution_um=(6.25, 6.25))
    coarser = replace(evaluation, conditions=Conditions(resample_um=(12.5,)))
    assert np.isfinite(log10_lrs_of(models, evaluation)).all()
    assert np.isnan(log10_lrs_of(models, coarser)).all()
