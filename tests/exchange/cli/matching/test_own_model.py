"""``ffp calibrate --own`` and ``ffp truth export``: models of a node's own test fires."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.config import load_settings
from exchange.flows.node.node import opened
from exchange.flows.truth import own_words
from exchange.flows.truth.model_in_use import model_in_use
from exchange.store.tables.log import AuditRow
from matcher.likelihood.calibration_file import read_calibration
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.cli.matching.conftest import drawn_into
from tests.exchange.flows.truth.laboratory import laboratory

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_into(tmp_path_factory.mktemp("scans"), firearms=6)


@pytest.fixture
def home(tmp_path: Path, fired: Path) -> Path:
    """Two test fires of each of four pistols of 9 mm, and of two of .45."""
    with laboratory(tmp_path / "node") as own:
        for scan in sorted(fired.glob("*.x3p")):
            firearm = scan.stem.split("-")[0]
            own.register(scan, f"F-{firearm}", calibre="9x19" if firearm < "4" else ".45 ACP")
    return tmp_path / "node"


def test_models_of_own_test_fires(ffp: Ffp, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model.json"
    made = ffp("calibrate", "--own", "--home", home, "--out", out, "--whole-marks-only")
    assert made.code == 0, made
    assert "12 test fires of 6 firearms, 6 of them with two or more; 6 true pairs, 28 pairs of two firearms" in made.out
    for words in (
        ".45 ACP: pooled with the other calibres. 2 firearms with two test fires or more",
        "9 mm Luger: pooled with the other calibres. 4 firearms with two test fires or more",
        "Not installed",
    ):
        assert words in made.out
    [model] = read_calibration(out).models
    population = model.population
    assert (population.calibres, population.n_firearms, model.independent_km) == ((".45 ACP", "9 mm Luger"), 6, 6.0)
    assert population.description.startswith("6 firearms, 12 test fires registered 20")
    assert load_settings(home).calibration is None

    monkeypatch.setattr("exchange.flows.truth.own_model.LEAST_OF_GROUP", 4)
    installed = ffp("calibrate", "--own", "--home", home, "--whole-marks-only", "--install", "--as", "examiner-1")
    assert installed.code == 0, installed
    assert "scoring test fires" not in installed.err, "what is scored stays as it is"
    settings = load_settings(home)
    assert settings.calibration is not None
    assert tomllib.loads((home / "config.toml").read_text())["workers"] == 1, "other settings stay"
    of_9_mm, of_all = read_calibration(home / settings.calibration).models
    assert (of_9_mm.population.calibres, of_9_mm.independent_km) == (("9 mm Luger",), 4.0)
    assert of_all.population.n_firearms == 6
    with opened(home) as node:
        used = model_in_use(node)
        with node.store.read() as session:
            acts = [(row.actor, row.act) for row in session.scalars(select(AuditRow))]
    assert used is not None
    assert (used.n_firearms, used.of_this_release) == (6, True)
    assert ("examiner-1", "install-model") in acts


def test_what_there_is_too_little_of(ffp: Ffp, tmp_path: Path, fired: Path) -> None:
    with laboratory(tmp_path / "node") as own:
        for name in ("0-0", "0-1", "1-0"):
            own.register(fired / f"{name}.x3p", f"F-{name[0]}")
    said = ffp("calibrate", "--own", "--home", tmp_path / "node", "--out", tmp_path / "model.json")
    told = refusal(said)
    assert "3 test fires of breech faces are of 2 firearms, of which 1 fired two or more (1 true pair)" in told
    assert f"at least {own_words.LEAST_FIREARMS} such firearms" in told
    assert not (tmp_path / "model.json").exists()

    done = ffp("truth", "export", tmp_path / "truth", "--home", tmp_path / "node", "--as", "examiner-1")
    assert done.code == 0, done
    assert "3 of the breech face; 2 firearms; 3 scans are new" in done.out
    assert "1 firearms have one test fire of a region" in done.out
    folder = tmp_path / "truth" / "breech_face"
    assert ffp("evaluate", folder, "--truth", folder / "truth.csv").code == 0
    assert "holds other things" in refusal(ffp("truth", "export", folder, "--home", tmp_path / "node"))


def test_what_does_not_go_together_is_refused(ffp: Ffp, tmp_path: Path) -> None:
    assert "name none of them" in refusal(ffp("calibrate", tmp_path, "--own", "--out", tmp_path / "m.json"))
    assert "--install" in refusal(ffp("calibrate", "--own"))
    assert "goes with --own" in refusal(ffp("calibrate", tmp_path, "--install"))
    assert "--name and --description" in refusal(ffp("calibrate", tmp_path, "--truth", tmp_path / "truth.csv"))
