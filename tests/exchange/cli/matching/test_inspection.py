"""``ffp inspect``, and masks on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matcher import Topography, write_topography
from matcher.read.origin import Origin
from matcher.synthetic import breech_face
from tests.exchange.cli.conftest import Ffp
from tests.matcher.mark.other_surfaces import ball


def written(folder: Path, name: str, topography: Topography) -> Path:
    path = folder / f"{name}.x3p"
    write_topography(topography, path, instrument="synthetic", creator="tests")
    return path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return written(tmp_path, "scan", breech_face.draw(4, 0))


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    pixels = np.zeros((560, 560), np.uint8)
    pixels[:, 280:] = 255
    Image.fromarray(pixels).save(path)
    return path


def test_a_report_for_people(ffp: Ffp, scan: Path) -> None:
    said = ffp("inspect", scan)
    assert said.code == 0
    for words in ("usable", "area of the mark", "roughness Sq, robust", "levelled and masked before"):
        assert words in said.out


def test_what_is_no_breech_face_is_in_doubt_with_the_reason(ffp: Ffp, tmp_path: Path) -> None:
    said = ffp("inspect", written(tmp_path, "ball", ball()))
    assert said.code == 0
    assert "in doubt" in said.out
    assert "Does not look like a breech face: it is bent like a ball" in " ".join(said.out.split())


def test_json_and_a_picture(ffp: Ffp, scan: Path, tmp_path: Path) -> None:
    png = tmp_path / "out.png"
    said = ffp("inspect", scan, "--json", "--png", png)
    assert said.code == 0
    report = json.loads(said.out)
    assert report["usable"] is True
    assert report["mark_area_mm2"] > 2.0
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_mask_is_used(ffp: Ffp, scan: Path, mask: Path) -> None:
    whole, half = (json.loads(ffp("inspect", scan, "--json", *more).out) for more in ((), ("--mask", mask)))
    assert half["outlined"] is True
    assert half["mark_area_mm2"] < 0.7 * whole["mark_area_mm2"]
    shares = [json.loads(ffp("compare", scan, scan, "--json", *more).out) for more in ((), ("--mask-b", mask))]
    assert shares[1]["n_cells"] < shares[0]["n_cells"]


def test_a_scan_that_is_not_usable_says_so_and_ends_with_1(ffp: Ffp, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    small = Topography(rng.standard_normal((40, 40)).astype(np.float32), (6.25, 6.25))
    said = ffp("inspect", written(tmp_path, "small", small))
    assert said.code == 1
    assert "Not usable" in said.out
    assert "mm2 are needed" in " ".join(said.out.split())


def test_what_cannot_be_read_is_one_sentence(ffp: Ffp, scan: Path, mask: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(other)
    for arguments, words in (
        ((tmp_path / "none.x3p",), "No such file"),
        ((scan, "--mask", other), "7 x 5 points and the scan 560 x 560"),
        ((scan, "--mask", scan), "no PNG, TIFF or JPEG"),
        ((scan, "--png", tmp_path / "no" / "folder.png"), "cannot be written"),
    ):
        said = ffp("inspect", *arguments)
        assert said.code == 2
        assert words in said.err
        assert said.err.count("\n") == 1
    said = ffp("compare", scan, scan, "--mask-a", other)
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_micrometres_that_claim_to_be_metres_are_said(ffp: Ffp, tmp_path: Path) -> None:
    drawn = breech_face.draw(4, 0)
    # the writer states metres: a million times too many of them are micrometres
    wrong = Topography(drawn.heights_um * np.float32(1e6), tuple(step * 1e6 for step in drawn.spacing_um))
    report = json.loads(ffp("inspect", written(tmp_path, "wrong", wrong), "--json").out)
    assert report["usable"] is True
    assert report["sampling_um"] == pytest.approx([6.25, 6.25])
    assert sum("micrometres" in warning for warning in report["warnings"]) == 2


def test_a_program_that_is_known_to_mirror_is_named(ffp: Ffp, tmp_path: Path) -> None:
    made = Origin(comment="Original data format: al3d")
    path = tmp_path / "made.x3p"
    write_topography(replace(breech_face.draw(4, 0), origin=made), path)
    report = json.loads(ffp("inspect", path, "--json").out)
    assert any(warning.startswith("Mirrored in y") for warning in report["warnings"])
    assert "ffp convert" in " ".join(ffp("inspect", path).out.split())
