from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from exchange.cli.matching import compare, evaluation
from matcher import write_topography
from tests.matcher.synthetic import pin_and_shear

app = typer.Typer()
app.command("compare")(compare.compare)
app.command("evaluate")(evaluation.evaluate)


def test_compare_says_score_registration_cells_and_seconds(folder: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(folder / "0-0.x3p"), str(folder / "0-1.x3p")])
    assert result.exit_code == 0, result.output
    for words in ("score", "congruent cells", "rotation", "shift", "ms", "it does not identify"):
        assert words in result.output
    assert "%" in result.output  # the overlap, which is no certainty
    assert "match" not in result.output.replace("matcher", "")


def test_compare_writes_json_and_the_picture(folder: Path, tmp_path: Path) -> None:
    png = tmp_path / "pair.png"
    arguments = ["compare", str(folder / "0-0.x3p"), str(folder / "0-1.x3p"), "--json", "--png", str(png)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["score"] > 0.5
    assert answer["n_congruent"] <= answer["n_cells"] == len(answer["cells"])
    assert answer["seconds"]["compare"] > 0.0
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_evaluate_prints_the_figures_and_writes_them(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    arguments = ["evaluate", str(folder), "--truth", str(folder / "truth.csv"), "--json", str(out), "--rotate", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "overlaps" in result.stdout
    figures = json.loads(out.read_text(encoding="utf-8"))
    needed = {"n_scans", "n_km", "n_knm", "auc", "eer", "km_min", "knm_max", "overlaps", "variance_ratio", "rank1"}
    assert needed | {"map", "recall_at_10", "cpu_s", "controls", "pairs"} <= figures.keys()
    stages = {"clean_per_scan", "prefilter_per_pair", "fine_per_pair", "cells_per_pair", "full_per_pair"}
    assert stages <= figures["cpu_s"].keys()
    assert (figures["n_km"], figures["n_knm"], figures["conditions"]["rotate"]) == (2, 4, 1)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and then nothing"])
def test_a_bad_scan_is_one_sentence_that_names_it(folder: Path, tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.x3p"
    if content is not None:
        bad.write_bytes(content)
    result = CliRunner().invoke(app, ["compare", str(folder / "0-0.x3p"), str(bad)])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "bad.x3p" in result.stderr
    assert "Traceback" not in result.output


def test_a_truth_that_names_a_missing_scan_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("scan,firearm\n0-0,0\n0-1,0\nabsent,1\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["evaluate", str(folder), "--truth", str(truth)])
    assert result.exit_code == 2
    assert "absent.x3p" in result.stderr


def test_a_result_that_cannot_be_written_is_said_so(folder: Path, tmp_path: Path) -> None:
    scans = [str(folder / "0-0.x3p"), str(folder / "0-1.x3p")]
    result = CliRunner().invoke(app, ["compare", *scans, "--png", str(tmp_path / "no folder" / "pair.png")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_the_commands_load_nothing_heavy_before_they_run() -> None:
    code = "import sys, exchange.cli.matching.compare; print('numpy' in sys.modules or 'cv2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("region", "said"), [("firing pin impression", "congruent cells"), ("aperture shear", "congruent segments")]
)
def test_other_regions_are_compared_and_drawn(tmp_path: Path, region: str, said: str) -> None:
    draw = pin_and_shear.draw_shear if region == "aperture shear" else pin_and_shear.draw_impression
    paths = [tmp_path / f"{shot}.x3p" for shot in range(2)]
    for shot, path in enumerate(paths):
        write_topography(draw(3, shot), path, instrument="synthetic")
    picture = tmp_path / "pair.png"
    result = CliRunner().invoke(app, ["compare", "--region", region, *map(str, paths), "--png", str(picture)])
    assert result.exit_code == 0, result.output
    assert said in result.output
    assert "it does not identify" in result.output
    assert "not validated" in " ".join(result.output.split())
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(
        app, ["compare", "--region", region, *map(str, paths), "--calibration", str(tmp_path / "none.json")]
    )
    assert refused.exit_code == 2
    assert "no likelihood ratio is validated" in refused.output


def test_a_region_that_the_scan_does_not_show_is_said(folder: Path) -> None:
    scans = [str(folder / "0-0.x3p"), str(folder / "0-1.x3p")]
    result = CliRunner().invoke(app, ["compare", "--region", "aperture shear", *scans])
    assert result.exit_code == 2
    assert "not usable" in result.output
