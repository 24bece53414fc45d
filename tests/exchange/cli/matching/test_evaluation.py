from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from exchange.cli.matching import evaluation

app = typer.Typer()
app.command("evaluate")(evaluation.evaluate)
app.command("validate")(evaluation.validate)


@pytest.mark.slow
def test_options_combine_and_stand_in_the_result(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    options = "--rotate 3 --crop 0.6 --noise 0.5 --noise-correlation 60 --resample 6.25,9 --against full --seed 4"
    options += " --cut-side 0.1 --shift 20"
    arguments = ["evaluate", str(folder), "--truth", str(folder / "truth.csv"), "--json", str(out), *options.split()]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "firearms drawn anew" in result.stdout
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["conditions"] == {
        "crop": 0.6,
        "cut_side": 0.1,
        "shift_um": 20.0,
        "rotate": 3,
        "resample_um": [6.25, 9.0],
        "noise": 0.5,
        "noise_correlation_um": 60.0,
        "render": None,
        "against": "full",
        "seed": 4,
    }
    assert (figures["n_km"], figures["n_knm"]) == (4, 8)
    assert figures["refused"] == {}


@pytest.mark.slow
def test_crops_of_each_other_are_listed_by_what_they_share(folder: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(folder), "--truth", str(folder / "truth.csv"), "--crop", "0.5"])
    assert result.exit_code == 0, result.output
    assert "crops share 30% to 50%" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--crop 2", "a crop keeps a share between 0 and 1"),
        ("--noise-correlation 60", "needs noise"),
        ("--resample 6.25;9", "numbers with commas"),
        ("--resample 0", "0.5 to 50 um"),
        ("--against full", "whole references need something"),
        ("--crop 0.01", "choose a milder one"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_the_next_step(folder: Path, options: str, said: str) -> None:
    arguments = ["evaluate", str(folder), "--truth", str(folder / "truth.csv"), *options.split()]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_dossier_needs_a_folder_to_be_written_to(folder: Path, tmp_path: Path) -> None:
    for out, said in ((tmp_path / "no" / "v.md", "make the folder"), (tmp_path / "v.json", "ends in .md")):
        result = CliRunner().invoke(app, ["validate", str(folder), "--out", str(out)])
        assert result.exit_code == 2
        assert said in result.stderr


def test_all_sets_are_looked_at_before_any_is_compared(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matcher.evaluate.validation.evaluate", lambda *_, **__: pytest.fail("compared first"))
    copy = tmp_path / "copy"
    copy.mkdir()
    one = next(folder.glob("*.x3p"))
    (copy / "s.x3p").write_bytes(one.read_bytes())
    (copy / "truth.csv").write_text("scan,firearm\ns,1\nt,1\nu,2\n", encoding="utf-8")
    for second, said in (
        (tmp_path / "absent", "absent/truth.csv cannot be read"),
        (folder, "is the same file as"),
        (copy, "share no scan"),
    ):
        result = CliRunner().invoke(app, ["validate", str(folder), str(second), "--out", str(tmp_path / "v.md")])
        assert result.exit_code == 2
        assert said in result.stderr
        assert "Traceback" not in result.output


@pytest.mark.slow
def test_the_dossier_is_written_with_its_json(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "validation.md"
    arguments = ["validate", str(folder), "--out", str(out), "--source", "drawn"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    page = out.read_text(encoding="utf-8")
    assert page.startswith("# Validation of the matcher")
    assert str(folder) not in page
    assert "| source | drawn |" in page
    plain = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    [drawn] = plain["sets"]
    assert len(drawn["trials"]) == 22
    assert drawn["data"]["licence"] == "not stated"
