from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from matcher.likelihood.calibration_file import read_calibration
from matcher.likelihood.calibration_model import PART_WITH_WHOLE, PARTS_OF_MARKS, WHOLE_MARKS
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.cli.matching.conftest import drawn_into

SAID = ("--name", "drawn", "--description", "four drawn firearms")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_into(tmp_path_factory.mktemp("scans"), firearms=4)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["weapon1,weapon2,hypothesis,ccf"]
    rows += [f"{a},{b},{int(a == b)},{0.9 if a == b else 0.1 + 0.01 * a}" for a in range(6) for b in range(a, 6)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "table.csv"


@pytest.mark.slow
def test_a_model_made_from_scans_judges_a_comparison(ffp: Ffp, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    made = ffp("calibrate", folder, "--truth", folder / "truth.csv", "--out", out, *SAID, "--calibre", "9x19")
    assert made.code == 0, made
    for words in ("Cllr", "bounds", "independent firearms", "9 mm Luger", "directedness"):
        assert words in made.out
    whole, part, parts = read_calibration(out).models
    assert [one.population.marks for one in (whole, part, parts)] == [WHOLE_MARKS, PART_WITH_WHOLE, PARTS_OF_MARKS]
    assert (whole.population.n_firearms, whole.population.n_km, whole.population.n_knm) == (4, 8, 48)
    assert -0.7 < whole.lower < 0.0 < whole.upper < 0.85  # log10 of 5 and of 7: four firearms, six pairs of them
    assert part.lower < 0.0 == parts.lower, "two parts may show different areas"
    limits = [one.population.limits for one in (whole, part, parts)]
    assert limits[0].smaller_mm2 > limits[1].smaller_mm2 > limits[2].smaller_mm2 > 0.0

    pair = ("compare", folder / "0-0.x3p", folder / "0-1.x3p", "--calibration", out)
    shown = ffp(*pair, "--calibre", "9 mm Para")
    for words in ("likelihood ratio", "bounds", "for one firearm", "reference population", "drawn"):
        assert words in shown.out
    assert "match" not in shown.out.replace("matcher", "")
    answer = json.loads(ffp(*pair, "--calibre", "9 mm Para", "--json").out)["likelihood_ratio"]
    assert answer["lower"] <= answer["log10_lr"] <= answer["upper"]
    assert answer["log10_lr"] > 0.0
    assert answer["population"]["name"] == "drawn"


@pytest.mark.slow
def test_for_whole_marks_alone(ffp: Ffp, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    said = (*SAID, "--calibre", "9x19", "--whole-marks-only")
    assert ffp("calibrate", folder, "--truth", folder / "truth.csv", "--out", out, *said).code == 0
    [whole] = read_calibration(out).models
    assert whole.population.marks == WHOLE_MARKS


@pytest.mark.slow
def test_without_the_calibre_no_likelihood_ratio_is_given(ffp: Ffp, folder: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    assert ffp("calibrate", "--scores", table, "--column", "ccf", "--out", out, *SAID).code == 0
    pair = ("compare", folder / "0-0.x3p", folder / "1-0.x3p", "--calibration", out)
    assert "no validated LR" in ffp(*pair).out
    answer = json.loads(ffp(*pair, "--json").out)
    assert answer["likelihood_ratio"] == {"no_validated_lr": "The calibre of an exhibit is not known."}
    assert "likelihood_ratio" not in json.loads(ffp(*pair[:3], "--json").out)


@pytest.mark.slow
def test_a_table_of_another_program_judges_none_of_our_scores(
    ffp: Ffp, folder: Path, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model.json"
    said = ("--calibre", "9x19", "--region", "aperture_shear")
    assert ffp("calibrate", "--scores", table, "--column", "ccf", "--out", out, *SAID, *said).code == 0
    assert read_calibration(out).widest.population.matcher_version == "another program"
    shown = ffp("compare", folder / "0-0.x3p", folder / "0-1.x3p", "--calibration", out, "--calibre", "9x19")
    assert "no validated LR" in shown.out


def test_what_cannot_be_calibrated_is_one_sentence(ffp: Ffp, folder: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    scores = ("calibrate", "--scores", table, "--column", "ccf", "--out", out, *SAID)
    assert "name a folder" in refusal(ffp("calibrate", "--out", out, *SAID))
    assert "name a folder" in refusal(ffp(*scores, "--truth", folder / "truth.csv"))
    assert "nonsense" in refusal(ffp(*scores, "--calibre", "nonsense"))
    assert "region" in refusal(ffp(*scores, "--region", "nose"))
    assert "region" in refusal(ffp(*scores, "--region", "unknown"))
    assert "cmc" in refusal(ffp(*scores, "--column", "cmc"))
    unwritten = ffp(*scores, "--out", tmp_path / "no folder" / "model.json")
    assert unwritten.code == 2
    assert "make the folder" in refusal(unwritten)
    assert not out.exists()


def test_what_can_be_told_is_told_before_all_pairs_are_compared(
    ffp: Ffp, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compared(*_: object, **__: object) -> None:
        pytest.fail("pairs were compared first")

    monkeypatch.setattr("matcher.evaluate.reference_models.make_models", compared)
    monkeypatch.setattr("matcher.evaluate.run_evaluation.evaluate", compared)
    out, truth = tmp_path / "model.json", folder / "truth.csv"
    scans = ("calibrate", folder, "--truth", truth, "--out", out)
    assert "make the folder" in refusal(ffp(*scans, "--out", tmp_path / "no folder" / "model.json", *SAID))
    assert "it is a folder" in refusal(ffp(*scans, "--out", tmp_path, *SAID))
    assert "description must be one line" in refusal(ffp(*scans, "--name", "drawn", "--description", "d" * 121))
    assert "calibres that are known" in refusal(ffp(*scans, *SAID, "--calibre", "unknown"))
    assert "compared as breech faces" in refusal(ffp(*scans, *SAID, "--region", "firing_pin_impression"))
    absent = tmp_path / "no folder" / "figures.json"
    assert "make the folder" in refusal(ffp("evaluate", folder, "--truth", truth, "--json", absent))
    assert "it is a folder" in refusal(ffp("evaluate", folder, "--truth", truth, "--json", tmp_path))


@pytest.mark.slow
def test_a_model_without_a_calibre_says_that_it_judges_nothing(ffp: Ffp, table: Path, tmp_path: Path) -> None:
    made = ffp("calibrate", "--scores", table, "--column", "ccf", "--out", tmp_path / "model.json", *SAID)
    assert made.code == 0
    assert "judges no pair" in made.out.splitlines()[-2]


def test_a_model_that_cannot_be_read_is_one_sentence(ffp: Ffp, folder: Path, tmp_path: Path) -> None:
    pair = ("compare", folder / "0-0.x3p", folder / "0-1.x3p")
    assert "model.json" in refusal(ffp(*pair, "--calibration", tmp_path / "model.json"))
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    assert "refused" in refusal(ffp(*pair, "--calibration", tmp_path / "model.json"))


def test_without_lir_it_says_what_to_install(ffp: Ffp, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lir", None)
    assert "ffp extras add evaluation" in refusal(ffp("calibrate", "--scores", table, "--out", "model.json", *SAID))


@pytest.mark.slow
def test_words_in_brackets_are_words(ffp: Ffp, folder: Path, table: Path, tmp_path: Path) -> None:
    """Tables read [/x] as the end of a style, and [red] as the begin of one."""
    out = tmp_path / "model.json"
    said = ("--name", "set [/b]", "--description", "four [red] firearms", "--calibre", "9x19")
    for of in ((folder, "--truth", folder / "truth.csv", "--whole-marks-only"), ("--scores", table, "--column", "ccf")):
        made = ffp("calibrate", *of, "--out", out, *said)
        assert made.code == 0, made
        assert "set [/b]: four [red] firearms" in " ".join(made.out.replace("│", " ").split())
    scan = tmp_path / "scan [red].x3p"
    scan.write_bytes((folder / "0-0.x3p").read_bytes())
    ffp("calibrate", folder, "--truth", folder / "truth.csv", "--whole-marks-only", "--out", out, *said)
    shown = ffp("compare", scan, folder / "0-1.x3p", "--calibration", out, "--calibre", "9x19")
    assert shown.code == 0, shown
    for words in ("scan [red].x3p", "set [/b]"):
        assert words in shown.out
    assert "scan [red].x3p" in ffp("inspect", scan).out
