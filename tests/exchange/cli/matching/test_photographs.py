from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from exchange.cli.matching import compare, evaluation
from matcher import Lighting, write_topography
from matcher.synthetic import breech_face
from matcher.synthetic.render import render

app = typer.Typer()
app.command("compare")(compare.compare)
app.command("evaluate")(evaluation.evaluate)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A photograph of one shot, lit from four o'clock, and the topography of another shot of that firearm."""
    folder = tmp_path_factory.mktemp("photographs")
    brightness = render(breech_face.draw(1, 0), Lighting.parse("side:4")).brightness
    mark = np.isfinite(brightness)
    pixels = np.stack([np.where(mark, brightness, 0.0) * 255.0, mark * 255.0], axis=-1)
    Image.fromarray(np.rint(pixels).astype(np.uint8)).save(folder / "a.png")
    write_topography(breech_face.draw(1, 1), folder / "b.x3p", instrument="synthetic")
    return str(folder / "a.png"), str(folder / "b.x3p")


def test_a_photograph_is_compared_with_a_topography_and_drawn(pair: tuple[str, str], tmp_path: Path) -> None:
    png = tmp_path / "pair.png"
    options = ["--um-per-pixel", "6.25", "--lighting", "side:4", "--json", "--png", str(png)]
    result = CliRunner().invoke(app, ["compare", *pair, *options])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["score"] > 0.5
    with Image.open(png) as drawn:
        assert drawn.size[0] > 1000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --um-per-pixel"),
        (["--um-per-pixel", "6250"], "micrometres per pixel"),
        (["--um-per-pixel", "6.25", "--lighting", "side:13"], "clock hour"),
        (["--um-per-pixel", "25"], "too coarse"),
    ],
)
def test_what_is_missing_or_wrong_is_said(pair: tuple[str, str], options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["compare", *pair, *options])
    assert result.exit_code == 2
    assert said in result.output


def test_against_needs_to_know_how_to_draw(tmp_path: Path) -> None:
    arguments = ["evaluate", str(tmp_path), "--truth", str(tmp_path / "t.csv"), "--against", "topography"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "how they are drawn" in result.output
