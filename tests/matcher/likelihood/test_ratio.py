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

from matcher.likelihood.calibration_file import CalibrationModels, read_calibration
from matcher.likelihood.calibration_model import (
    PARTS_OF_MARKS,
    WHOLE_MARKS,
    CalibrationModel,
    CalibrationRefused,
    ReferencePopulation,
)
from matcher.likelihood.mark_limits import MarkExtent, MarkLimits, limits_of
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
    marks=WHOLE_MARKS,
    limits=MarkLimits(smaller_mm2=2.0, share=0.6, one_sidedness=(0.5, 0.8), directedness=0.25),
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
OF_PARTS = dataclasses.replace(
    MODEL,
    log10_lrs=(0.0, 0.2, 1.25),
    lower=0.0,
    population=dataclasses.replace(POPULATION, marks=PARTS_OF_MARKS, limits=MarkLimits(0.5, 0.0, None, 0.2)),
)
MODELS = CalibrationModels.of(MODEL, OF_PARTS)
WHOLE = MarkExtent(area_mm2=3.0, one_sidedness=0.3, directedness=0.4)
INSIDE = PairConditions(
    region=RegionOfInterest.BREECH_FACE,
    modality=Modality.TOPOGRAPHY,
    calibres=(Calibre.LUGER_9MM, Calibre.LUGER_9MM),
    lateral_resolutions_um=(6.25, 6.25, 3.125, 3.125),
    matcher_version="1",
    parameters_digest="a" * 64,
    marks=(WHOLE, WHOLE),
)


def judged(score: float) -> LikelihoodRatio:
    answer = likelihood_ratio(MODELS, score, INSIDE)
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
    assert judged(0.85).model_digest == MODELS.digest


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_higher_score_never_gives_a_lower_lr_and_none_leaves_the_bounds(one: float, other: float) -> None:
    low, high = MODEL.log10_lr(min(one, other)), MODEL.log10_lr(max(one, other))
    assert MODEL.lower <= low <= high <= MODEL.upper


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_an_error_of_the_caller(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        likelihood_ratio(MODELS, score, INSIDE)


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
        ({"marks": None}, "wait to be correlated anew"),
        ({"marks": (WHOLE, dataclasses.replace(WHOLE, area_mm2=0.4))}, "shows 0.40 mm2; the model was made from marks"),
        ({"marks": (dataclasses.replace(WHOLE, directedness=0.1), WHOLE)}, "little direction (0.10)"),
    ],
)
def test_outside_the_reference_population_there_is_no_validated_lr(change: dict[str, Any], words: str) -> None:
    answer = likelihood_ratio(MODELS, 0.85, dataclasses.replace(INSIDE, **change))
    assert isinstance(answer, NoValidatedLR)
    assert words in answer.reason
    assert answer.reason.endswith(".")


def test_a_population_that_does_not_say_its_resolution_or_calibres_judges_nothing() -> None:
    for change, words in (
        ({"lateral_resolution_um": None}, "lateral resolution"),
        ({"calibres": ()}, "no stated"),
        ({"limits": None}, "how much the marks show"),
    ):
        vague = dataclasses.replace(MODEL, population=dataclasses.replace(POPULATION, **change))
        answer = likelihood_ratio(CalibrationModels.of(vague), 0.85, INSIDE)
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


def at(content: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    """Where a field of the file, of its first model, that one's population or its limits stands."""
    model = content["models"][0]
    group, _, name = place.replace("/", "file.").rpartition(".")
    groups = {"file": content, "": model, "population": model["population"], "limits": model["population"]["limits"]}
    return groups[group], name


def test_a_file_says_all_of_its_models(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(MODELS.to_json(), encoding="utf-8")
    assert read_calibration(path) == MODELS
    assert CalibrationModels.of(dataclasses.replace(MODEL, cllr=0.091), OF_PARTS).digest != MODELS.digest


def test_the_first_model_that_a_pair_is_inside_of_judges_it() -> None:
    half = dataclasses.replace(WHOLE, area_mm2=1.5, one_sidedness=1.1)
    for marks, by in (((WHOLE, WHOLE), MODEL), ((half, WHOLE), OF_PARTS), ((half, half), OF_PARTS)):
        answer = likelihood_ratio(MODELS, 0.1, dataclasses.replace(INSIDE, marks=marks))
        assert isinstance(answer, LikelihoodRatio)
        assert (answer.log10_lr, answer.population) == (by.lower, by.population)


def test_a_low_score_of_parts_is_worth_nothing_and_not_capped() -> None:
    half = dataclasses.replace(WHOLE, area_mm2=1.5, one_sidedness=1.1)
    for score, value, capped in ((0.1, 0.0, None), (0.99, 1.25, "upper")):
        answer = likelihood_ratio(MODELS, score, dataclasses.replace(INSIDE, marks=(half, half)))
        assert isinstance(answer, LikelihoodRatio)
        assert (answer.log10_lr, answer.capped) == (value, capped)


def test_which_limit_is_passed() -> None:
    limits = POPULATION.limits
    assert limits is not None
    for marks, words in (
        ((WHOLE, WHOLE), None),
        ((WHOLE, dataclasses.replace(WHOLE, area_mm2=1.99)), "1.99 mm2"),
        ((WHOLE, dataclasses.replace(WHOLE, area_mm2=5.1)), "0.59 of the area"),
        ((WHOLE, dataclasses.replace(WHOLE, directedness=0.24)), "0.24"),
        ((dataclasses.replace(WHOLE, one_sidedness=0.81), WHOLE), "one side of its centre (0.81)"),
        ((dataclasses.replace(WHOLE, one_sidedness=0.6),) * 2, "one side of its centre (0.60)"),
        ((dataclasses.replace(WHOLE, one_sidedness=0.7), WHOLE), None),
    ):
        passed = limits.passed_by(marks)
        assert (passed is None) if words is None else words in str(passed)


def test_limits_leave_out_the_share_that_is_asked_for() -> None:
    marks = [dataclasses.replace(WHOLE, area_mm2=1.0 + place / 100.0) for place in range(100)]
    pairs = [(mark, WHOLE) for mark in marks]
    limits = limits_of(pairs, 0.05)
    assert sum(limits.passed_by(pair) is not None for pair in pairs) == 5
    kept = limits_of(pairs, 0.0, of_parts=True)
    assert all(kept.passed_by(pair) is None for pair in pairs)
    assert (kept.one_sidedness, kept.share) == (None, 0.0)


def test_a_file_whose_content_was_changed_is_refused(tmp_path: Path) -> None:
    altered = MODELS.to_json().replace('"cllr": 0.09', '"cllr": 0.08')
    assert altered != MODELS.to_json()
    assert "damaged" in refused(tmp_path / "m", altered.encode())
    without = json.loads(MODELS.to_json())
    del without["digest"]
    assert "lacks digest" in refused(tmp_path / "m", json.dumps(without).encode())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/format", "ffp-calibration-3"),
        ("/format", 2),
        ("/models", []),
        ("/models", {}),
        ("/models", [None]),
        ("/models", [1] * 9),
        ("upper", 1.4),
        ("lower", -1.1),
        ("independent_km", 10.5),
        ("independent_knm", 45.5),
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
        ("population.marks", ""),
        ("population.limits", []),
        ("population.limits", {"smaller_mm2": 1.0}),
        ("limits.smaller_mm2", -1.0),
        ("limits.smaller_mm2", 1),
        ("limits.share", 1.5),
        ("limits.one_sidedness", [0.5]),
        ("limits.one_sidedness", [0.5, "0.8"]),
        ("limits.directedness", None),
    ],
)
def test_every_field_is_checked(tmp_path: Path, place: str, value: object) -> None:
    content = json.loads(MODELS.to_json())
    group, name = at(content, place)
    group[name] = value
    message = refused(tmp_path / "m", json.dumps(content).encode())
    assert "damaged" not in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "place",
    [
        "/format",
        "/models",
        "/digest",
        *sorted(dataclasses.asdict(MODEL)),
        "population.name",
        "population.limits",
        "limits.share",
    ],
)
def test_every_field_is_needed(tmp_path: Path, place: str) -> None:
    content = json.loads(MODELS.to_json())
    group, name = at(content, place)
    del group[name]
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
        MODELS.to_json().replace('"cllr": 0.09', '"cllr": 0.09, "cllr": 0.09').encode(),
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    assert len(refused(tmp_path / "m", content).splitlines()) == 1


@given(st.integers(0, len(MODELS.to_json()) - 1), st.integers(0, 255))
def test_one_altered_byte_never_gives_another_model(tmp_path_factory: pytest.TempPathFactory, at: int, to: int) -> None:
    path = tmp_path_factory.getbasetemp() / "altered.json"
    content = bytearray(MODELS.to_json().encode())
    content[at] = to
    path.write_bytes(content)
    try:
        assert read_calibration(path) == MODELS  # an altered space, or an unaltered byte
    except CalibrationRefused:
        assert bytes(content) != MODELS.to_json().encode()


def test_a_model_is_applied_without_the_libraries_that_make_one(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(MODELS.to_json(), encoding="utf-8")
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('lir', 'sklearn', 'matplotlib', 'pandas')));"
        "from pathlib import Path; from matcher.likelihood.calibration_file import read_calibration;"
        "print(read_calibration(Path(sys.argv[1])).models[0].log10_lr(0.8))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.json")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "0.2"
