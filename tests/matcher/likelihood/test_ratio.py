from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.likelihood.calibration_model import (
    CalibrationModel,
    CalibrationRefused,
    ReferencePopulation,
    read_calibration,
)
from matcher.likelihood.ratio import LikelihoodRatio, NoValidatedLR, PairConditions, likelihood_ratio, verbal_equivalent
from schemas import Calibre
from schemas.vocabulary import Modality, RegionOfInterest

POPULATION = ReferencePopulation(
    name="drawn",
    description="drawn marks of ten firearms",
    region=RegionOfInterest.BREECH_FACE,
    modality=Modality.TOPOGRAPHY,
    calibres=(Calibre.LUGER_9MM, Calibre.MAKAROV_9MM),
    lateral_resolution_um=(3.0, 6.5),
    n_firearms=10,
    n_scans=40,
    n_km=63,
    n_knm=717,
    matcher_version="1",
    parameters_digest="a" * 64,
    made_on="2026-01-02",
)
MODEL = CalibrationModel(
    scores=(0.5, 0.8, 0.9),
    log10_lrs=(-1.0, 0.2, 1.25),
    lower=-1.0,
    upper=1.25,
    independent_km=10.0,
    independent_knm=20.5,
    cllr=0.09,
    cllr_min=0.01,
    calibrator="by hand",
    population=POPULATION,
)
INSIDE = PairConditions(
    region=RegionOfInterest.BREECH_FACE,
    modality=Modality.TOPOGRAPHY,
    calibres=(Calibre.LUGER_9MM, Calibre.LUGER_9MM),
    lateral_resolutions_um=(6.25, 6.25, 3.125, 3.125),
    matcher_version="1",
    parameters_digest="a" * 64,
)


def judged(score: float) -> LikelihoodRatio:
    answer = likelihood_ratio(MODEL, score, INSIDE)
    assert isinstance(answer, LikelihoodRatio)
    return answer


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(CalibrationRefused) as refusal:
        read_calibration(path)
    return str(refusal.value)


def test_between_knots_the_map_is_straight_and_beyond_them_it_stays() -> None:
    assert judged(0.65).log10_lr == pytest.approx(-0.4)
    assert judged(0.85).log10_lr == pytest.approx(0.725)
    assert (judged(0.4).log10_lr, judged(0.4).capped) == (-1.0, "lower")
    assert (judged(7.0).log10_lr, judged(7.0).capped) == (1.25, "upper")
    assert judged(0.85).capped is None
    assert (judged(0.85).lower, judged(0.85).upper) == (-1.0, 1.25)
    assert judged(0.85).population == POPULATION
    assert judged(0.85).model_digest == MODEL.digest


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_higher_score_never_gives_a_lower_lr_and_none_leaves_the_bounds(one: float, other: float) -> None:
    low, high = MODEL.log10_lr(min(one, other)), MODEL.log10_lr(max(one, other))
    assert MODEL.lower <= low <= high <= MODEL.upper


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_an_error_of_the_caller(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        likelihood_ratio(MODEL, score, INSIDE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": RegionOfInterest.APERTURE_SHEAR}, "region aperture_shear"),
        ({"modality": Modality.REFLECTANCE}, "modality reflectance"),
        ({"calibres": (Calibre.LUGER_9MM, Calibre.TOKAREV_7_62)}, "7.62 mm Tokarev is not among"),
        ({"calibres": (Calibre.UNKNOWN, Calibre.LUGER_9MM)}, "not known"),
        ({"calibres": (Calibre.LUGER_9MM, Calibre.NOT_EXAMINED)}, "not known"),
        ({"lateral_resolutions_um": (6.25, 12.5)}, "12.5 um is outside the model's 3 to 6.5 um"),
        ({"lateral_resolutions_um": (2.99, 6.25)}, "2.99 um is outside"),
        ({"matcher_version": "2"}, "matcher version 2"),
        ({"parameters_digest": "b" * 64}, "other parameters"),
    ],
)
def test_outside_the_reference_population_there_is_no_validated_lr(change: dict[str, Any], words: str) -> None:
    answer = likelihood_ratio(MODEL, 0.85, dataclasses.replace(INSIDE, **change))
    assert isinstance(answer, NoValidatedLR)
    assert words in answer.reason
    assert answer.reason.endswith(".")


def test_a_population_that_does_not_say_its_resolution_or_calibres_judges_nothing() -> None:
    for change, words in (({"lateral_resolution_um": None}, "lateral resolution"), ({"calibres": ()}, "no stated")):
        vague = dataclasses.replace(MODEL, population=dataclasses.replace(POPULATION, **change))
        answer = likelihood_ratio(vague, 0.85, INSIDE)
        assert isinstance(answer, NoValidatedLR)
        assert words in answer.reason


@pytest.mark.parametrize(
    ("lr", "words"),
    [
        (1.0, "neither"),
        (1.99, "neither"),
        (0.51, "neither"),
        (2.01, "weak support for one firearm rather than two"),
        (9.99, "weak support for one firearm"),
        (10.01, "moderate support for one firearm"),
        (100.1, "moderately strong support for one firearm"),
        (1001.0, "strong support for one firearm"),
        (10_010.0, "very strong support for one firearm"),
        (1_001_000.0, "extremely strong support for one firearm"),
        (0.49, "weak support for two firearms rather than one"),
        (0.05, "moderate support for two firearms"),
        (0.0000001, "extremely strong support for two firearms"),
    ],
)
def test_the_verbal_equivalent_follows_the_scale(lr: float, words: str) -> None:
    assert words in verbal_equivalent(math.log10(lr))
    assert verbal_equivalent(math.log10(lr)).startswith(words.split()[0].replace("neither", "the"))


def test_a_model_file_says_all_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(MODEL.to_json(), encoding="utf-8")
    again = read_calibration(path)
    assert again == MODEL
    assert again.digest == MODEL.digest
    assert dataclasses.replace(MODEL, cllr=0.091).digest != MODEL.digest


def test_a_file_whose_content_was_changed_is_refused(tmp_path: Path) -> None:
    altered = MODEL.to_json().replace('"upper": 1.25', '"upper": 1.35')
    assert altered != MODEL.to_json()
    assert "damaged" in refused(tmp_path / "m", altered.encode())
    without = json.loads(MODEL.to_json())
    del without["digest"]
    assert "lacks digest" in refused(tmp_path / "m", json.dumps(without).encode())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("format", "ffp-calibration-2"),
        ("scores", [0.5, 0.5, 0.9]),
        ("scores", [0.5, 0.9]),
        ("scores", [0.5]),
        ("scores", "0.5"),
        ("scores", list(range(600))),
        ("log10_lrs", [-1.0, 1.3, 1.2]),
        ("log10_lrs", [-1.0, 0.0, 1.26]),
        ("log10_lrs", [-1.1, 0.0, 1.2]),
        ("log10_lrs", [0.5, 0.5, 0.5]),
        ("lower", 0.1),
        ("upper", -0.1),
        ("upper", 12.0),
        ("upper", "1.25"),
        ("upper", None),
        ("independent_km", 0.0),
        ("cllr", -0.1),
        ("calibrator", "two\nlines"),
        ("unknown", 1),
        ("population.unknown", 1),
        ("population.name", ""),
        ("population.name", "a\u202eb"),
        ("population.description", "x" * 121),
        ("population.region", "unknown"),
        ("population.modality", 1),
        ("population.calibres", [["9 mm Luger"]]),
        ("population.calibres", "9 mm Luger"),
        ("population", None),
        ("population", []),
        ("population.calibres", ["unknown"]),
        ("population.lateral_resolution_um", [6.5, 3.0]),
        ("population.lateral_resolution_um", [0.0, 3.0]),
        ("population.lateral_resolution_um", [3.0]),
        ("population.n_firearms", 0),
        ("population.n_firearms", 10.5),
        ("population.n_km", True),
        ("population.parameters_digest", "A" * 64),
        ("population.made_on", "2026-13-01"),
        ("population.made_on", 20260101),
        ("population.made_on", "20260102"),
    ],
)
def test_every_field_is_checked(tmp_path: Path, place: str, value: object) -> None:
    content = json.loads(MODEL.to_json())
    group, _, name = place.rpartition(".")
    (content[group] if group else content)[name] = value
    message = refused(tmp_path / "m", json.dumps(content).encode())
    assert "damaged" not in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "place", [*sorted(json.loads(MODEL.to_json()).keys() - {"digest", "format"}), "population.name"]
)
def test_every_field_is_needed(tmp_path: Path, place: str) -> None:
    content = json.loads(MODEL.to_json())
    group, _, name = place.rpartition(".")
    del (content[group] if group else content)[name]
    assert f"lacks {name}" in refused(tmp_path / "m", json.dumps(content).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"scores": NaN}',
        b'{"scores": [1e999, 2]}',
        b'{"a": 1, "a": 2}',
        b"[" * 100,
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b" " * 200_000,
        MODEL.to_json().replace('"cllr": 0.09', '"cllr": 0.09, "cllr": 0.09').encode(),
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    assert len(refused(tmp_path / "m", content).splitlines()) == 1


@given(st.integers(0, len(MODEL.to_json()) - 1), st.integers(0, 255))
def test_one_altered_byte_never_gives_another_model(tmp_path_factory: pytest.TempPathFactory, at: int, to: int) -> None:
    path = tmp_path_factory.getbasetemp() / "altered.json"
    content = bytearray(MODEL.to_json().encode())
    content[at] = to
    path.write_bytes(content)
    try:
        assert read_calibration(path) == MODEL  # an altered space, or an unaltered byte
    except CalibrationRefused:
        assert bytes(content) != MODEL.to_json().encode()


def test_a_model_is_applied_without_the_libraries_that_make_one(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(MODEL.to_json(), encoding="utf-8")
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('lir', 'sklearn', 'matplotlib', 'pandas')));"
        "from pathlib import Path; from matcher.likelihood.calibration_model import read_calibration;"
        "print(read_calibration(Path(sys.argv[1])).log10_lr(0.8))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.json")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "0.2"
