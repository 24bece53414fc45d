"""``ffp convert``: what an instrument wrote becomes an x3p with the same surface, and no file is lost by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from exchange.cli.matching import compare
from matcher import read_topography
from tests.matcher.read.formats.conftest import al3d, plux, sur
from tests.matcher.read.x3p.conftest import build

app = typer.Typer()
app.command()(compare.convert)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "content", [al3d(), sur(), sur(streams=1), plux(), build()], ids=["al3d", "sur", "dsc", "plux", "x3p"]
)
def test_the_same_surface(tmp_path: Path, content: bytes) -> None:
    scan, x3p = tmp_path / "scan.bin", tmp_path / "out.x3p"
    scan.write_bytes(content)
    result = run(scan, x3p)
    assert result.exit_code == 0, result.output
    read, written = read_topography(scan), read_topography(x3p)
    np.testing.assert_allclose(written.heights_um, read.heights_um, atol=1e-6)
    assert written.spacing_um == pytest.approx(read.spacing_um, rel=1e-12)
    assert written.instrument == read.instrument
    assert written.warnings == ()
    assert "points" in result.stdout
    assert result.stderr.splitlines() == [f"{scan}: {warning}" for warning in read.warnings]


def test_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    scan, x3p = tmp_path / "scan.bin", tmp_path / "out.x3p"
    scan.write_bytes(al3d())
    x3p.write_bytes(b"dear")
    result = run(scan, x3p)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert x3p.read_bytes() == b"dear"
    assert run(scan, x3p, "--force").exit_code == 0
    assert read_topography(x3p).instrument == "Alicona"


@pytest.mark.parametrize("content", [b"", b"no scan", al3d()[:1000]])
def test_what_cannot_be_read_leaves_no_file(tmp_path: Path, content: bytes) -> None:
    scan, x3p = tmp_path / "scan.bin", tmp_path / "out.x3p"
    scan.write_bytes(content)
    result = run(scan, x3p)
    assert result.exit_code == 2
    assert str(scan) in result.stderr
    assert not x3p.exists()


def test_a_missing_scan_and_a_missing_folder(tmp_path: Path) -> None:
    assert "No such file" in run(tmp_path / "absent", tmp_path / "out.x3p").stderr
    (tmp_path / "scan").write_bytes(al3d())
    assert "cannot be written" in run(tmp_path / "scan", tmp_path / "absent" / "out.x3p").stderr


def test_dates_and_instrument_are_kept(tmp_path: Path) -> None:
    scan, x3p = tmp_path / "scan.bin", tmp_path / "out.x3p"
    scan.write_bytes(build())
    said = run(scan, x3p).stdout
    read = read_topography(scan).origin
    assert read_topography(x3p).origin == read
    for word in ("measured 2024-05-06T07:08:09+00:00", "calibrated", "creator somebody", "serial number 1"):
        assert word in said
    assert "not made up" not in said


def test_what_the_file_does_not_say_is_named(tmp_path: Path) -> None:
    scan, x3p = tmp_path / "scan.bin", tmp_path / "out.x3p"
    scan.write_bytes(al3d())
    [unknown] = [line for line in run(scan, x3p).stdout.splitlines() if line.startswith("Not in the file")]
    for name in ("measured", "calibrated", "serial number"):
        assert name in unknown
    assert read_topography(x3p).origin.measured is None
