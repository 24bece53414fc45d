"""What a candidate is worth: by the node's model within its population, else a reason; a faulty model is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import matcher
from exchange.errors import ConfigurationError
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.node import create_node, open_node
from exchange.store.review.candidate_rows import StoredCandidate
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import WHOLE_MARKS, CalibrationModel, ReferencePopulation
from matcher.likelihood.mark_limits import MarkLimits
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode

POPULATION = ReferencePopulation(
    name="drawn",
    description="drawn marks of ten firearms",
    region="breech_face",
    modality="topography",
    calibres=("9 mm Luger",),
    lateral_resolution_um=(3.0, 15.0),
    n_firearms=10,
    n_scans=40,
    n_km=63,
    n_knm=717,
    matcher_version=matcher.MATCHER_VERSION,
    parameters_digest=matcher.DEFAULT_PARAMETERS.digest,
    made_on="2026-01-02",
    marks=WHOLE_MARKS,
    limits=MarkLimits(smaller_mm2=1.0, share=0.2, one_sidedness=None, directedness=0.1),
)
MODEL = CalibrationModel(
    scores=(0.2, 0.6),
    log10_lrs=(-1.0, 1.25),
    lower=-1.0,
    upper=1.25,
    independent_km=10.0,
    independent_knm=20.5,
    cllr=0.09,
    cllr_min=0.01,
    calibrator="by hand",
    population=POPULATION,
)
MODELS = CalibrationModels.of(MODEL)


def found(
    *,
    score: float = 0.4,
    roi: str = "breech_face",
    modality: str = "topography",
    calibre: str = "9 mm Luger",
    spacing_um: float | None = 6.25,
    parameters: str = POPULATION.parameters_digest,
    mark_mm2: float | None = 3.0,
) -> StoredCandidate:
    """A pair of which the second scan is as given."""
    scans = [
        AcquisitionRow(
            roi=roi,
            modality=kind,
            spacing_y_um=um,
            spacing_x_um=um,
            mark_mm2=mm2,
            mark_one_sidedness=0.3,
            mark_directedness=0.4,
        )
        for kind, um, mm2 in (("topography", 6.25, 3.0), (modality, spacing_um, mark_mm2))
    ]
    row = CandidateRow(score=score, parameters=parameters, matcher_version=POPULATION.matcher_version)
    return StoredCandidate(row, RecordRow(calibre="9 mm Luger"), RecordRow(calibre=calibre), *scans)


def test_inside_the_population() -> None:
    ratio = worth_of(MODELS, found()).likelihood_ratio
    assert ratio is not None
    assert ratio["log10_lr"] == pytest.approx(0.125)
    assert (ratio["lower"], ratio["upper"], ratio["capped"]) == (-1.0, 1.25, None)
    assert ratio["model_digest"] == MODELS.digest
    capped = worth_of(MODELS, found(score=1.4)).likelihood_ratio
    assert capped is not None
    assert (capped["log10_lr"], capped["capped"]) == (1.25, "upper")


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (found(roi="firing_pin_impression"), "breech faces only"),
        (found(roi="aperture_shear"), "breech faces only"),
        (found(modality="reflectance"), "breech faces only"),
        (found(calibre="7.62x39"), "calibre 7.62x39"),
        (found(calibre="unknown"), "not known"),
        (found(spacing_um=1.5), "lateral resolution of 1.5 um"),
        (found(parameters="b" * 64), "other parameters"),
        (found(mark_mm2=0.5), "shows 0.50 mm2"),
        (found(mark_mm2=None), "correlated anew"),
    ],
)
def test_outside_the_population(pair: StoredCandidate, reason: str) -> None:
    worth = worth_of(MODELS, pair)
    assert worth.likelihood_ratio is None
    assert reason in str(worth.no_validated_lr)


def test_a_model_of_another_region_is_not_applied() -> None:
    """However well it fits: nothing of the kind has been validated."""
    model = replace(MODEL, population=replace(POPULATION, region="aperture_shear"))
    assert worth_of(CalibrationModels.of(model), found(roi="aperture_shear")).likelihood_ratio is None
    assert worth_of(CalibrationModels.of(model), found()).likelihood_ratio is None


def test_without_a_model() -> None:
    assert worth_of(None, found()).no_validated_lr == "This node has no calibration model."


@pytest.mark.slow
def test_a_candidate_says_what_it_is_worth(
    start_node: Callable[..., RunningNode], scans: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "model.json"
    path.write_text(MODELS.to_json(), encoding="utf-8")
    rs = start_node(Jurisdiction.RS, calibration=path)
    for name, calibre in (("1-1", "9x19"), ("1-2", "9x19"), ("2-1", "unknown")):
        exhibit = {"kind": "crime_scene", "calibre": calibre}
        receipt = rs.submit(scans[name], case_reference=f"RS-{name}", exhibit=exhibit).json()
    rs.wait_correlated(3)
    unknown = rs.get(f"/v1/records/{receipt['statement_id']}/candidates").json()["items"]
    assert {item["no_validated_lr"] for item in unknown} == {"The calibre of an exhibit is not known."}
    [stated] = rs.get("/v1/records", params={"case_reference": "RS-1-1"}).json()["items"]
    listed = rs.get(f"/v1/records/{stated['statement_id']}/candidates").json()["items"]
    [best] = [item for item in listed if item["other"]["case_reference"] == "RS-1-2"]
    assert best["no_validated_lr"] is None
    ratio = best["likelihood_ratio"]
    assert ratio["log10_lr"] == MODEL.log10_lr(best["score"])
    assert ratio["population"]["name"] == "drawn"
    assert rs.get(f"/v1/candidates/{best['candidate_id']}").json()["likelihood_ratio"] == ratio


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("{}", "lacks"), (MODELS.to_json().replace("63", "64"), "digest")],
)
def test_a_node_does_not_open_with_a_model_of_no_use(tmp_path: Path, content: str | None, message: str) -> None:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (home / "config.toml").open("a") as settings:
        settings.write('calibration = "model.json"\n')
    if content is not None:
        (home / "model.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        open_node(home)
