"""``ffp instrument``: a check by its exit code, the list, the series as table, CSV, JSON and chart."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import matcher
from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from matcher.synthetic.breech_face import draw
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.flows.kept_checks import keep_check
from tests.matcher.instrument.altered_scan import altered

STATED = ("--specimen", "SRM 2461-7", "--maker", "NanoFocus", "--model", "usurf", "--serial", "12")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "examiner-1", Role.EXAMINER)
        add_user(session, "investigator-1", Role.INVESTIGATOR)
    return home


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, **changes: float) -> Path:
        path = tmp_path / f"{name}.x3p"
        matcher.write_topography(altered(draw(3, 1), noise_um=0.02, **changes), path)  # type: ignore[arg-type]
        return path

    return make


@pytest.mark.slow
def test_a_check_says_what_came_of_it_and_what_to_do(ffp: Ffp, home: Path, scan: Callable[..., Path]) -> None:
    first = ffp("instrument", "check", scan("a"), *STATED, "--home", home)
    assert (first.code, first.out.splitlines()[0]) == (0, "Check 1, NanoFocus usurf, 12: SRM 2461-7")
    assert "The first scan of a series" in first.out
    passed = ffp("instrument", "check", scan("b", seed=1), *STATED, "--as", "examiner-1", "--home", home)
    assert (passed.code, "Passed." in passed.out) == (0, True)
    assert "Lengths along x, ratio to the first scan: 100.00" in passed.out
    failed = ffp("instrument", "check", scan("c", scale_y=0.99), *STATED, "--json", "--home", home)
    assert failed.code == 1
    said = json.loads(failed.out)
    assert (said["outcome"], said["told"][0]["measure"]) == ("failed", "scale_y")
    assert said["values"]["scale_y"]["value"] == pytest.approx(0.99, abs=0.0005)
    known = refusal(ffp("instrument", "check", scan("c", scale_y=0.99), *STATED, "--home", home))
    assert "scan the specimen again" in known
    shown = json.loads(ffp("instrument", "series", "2", "--json", "--home", home).out)
    assert [one["made_by"] for one in shown["checks"]] == ["console", "examiner-1", "console"]


@pytest.mark.slow
def test_what_cannot_be_checked_is_refused_in_one_sentence(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no scan")
    assert "no topography" in refusal(ffp("instrument", "check", tmp_path / "bad", *STATED, "--home", home))
    assert "No such file" in refusal(ffp("instrument", "check", tmp_path / "gone", *STATED, "--home", home))
    shear = ("--region", "aperture_shear")
    assert "only breech_face or firing" in refusal(
        ffp("instrument", "check", tmp_path / "bad", *STATED, *shear, "--home", home)
    )
    assert "--reason" in refusal(
        ffp("instrument", "check", tmp_path / "bad", *STATED, "--new-reference", "--home", home)
    )
    assert "examiner or operator" in refusal(
        ffp("instrument", "check", tmp_path / "bad", *STATED, "--as", "investigator-1", "--home", home)
    )
    assert "No instrument was checked here yet" in ffp("instrument", "list", "--home", home).out


def test_the_series_is_a_table_a_sheet_and_a_chart(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    with opened(home) as node, node.store.write() as session:
        keep_check(session, "reference", specimen="A & B <case>")
        for ratio in (1.001, 1.002, 1.03):
            keep_check(session, "passed", specimen="A & B <case>", height_ratio=ratio, scale_x=1.0)
    listed = ffp("instrument", "list", "--home", home).out
    assert listed.startswith("1\tTest Profiler, 12, 1.0\tA & B <case>\t")
    table = ffp("instrument", "series", "3", "--home", home).out.splitlines()
    assert [line.split("\t")[4] for line in table] == ["-", "100.10 %", "100.20 %", "103.00 %"]
    sheet = list(csv.DictReader(ffp("instrument", "series", "3", "--csv", "--home", home).out.splitlines()))
    assert [row["height_ratio"] for row in sheet] == ["", "1.001", "1.002", "1.03"]
    assert sheet[1]["height_ratio_uncertainty"] == "0.001"
    chart = tmp_path / "chart.svg"
    assert ffp("instrument", "series", "3", "--chart", chart, "--home", home).code == 0
    drawn = ET.fromstring(chart.read_text(encoding="utf-8"))  # noqa: S314 - made here
    assert "Test Profiler, 12: A & B <case>" in "".join(drawn.itertext())
    assert "instrument check 99" in refusal(ffp("instrument", "series", "99", "--home", home))
