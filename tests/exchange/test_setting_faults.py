"""Where a faulty setting stands, and the nearest one that exists. The rest is tried on whole nodes (test_config.py,
test_thirty_faults.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.config import load_settings
from exchange.errors import SettingsRefused

CONFIG = """jurisdiction = "RS"
node_id = "ffp-rs"
url = "http://127.0.0.1:8440"
# port = 1
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def refused(home: Path) -> SettingsRefused:
    with pytest.raises(SettingsRefused) as found:
        load_settings(home)
    return found.value


def add(home: Path, *lines: str) -> None:
    (home / "config.toml").write_text("\n".join((CONFIG.rstrip(), *lines)) + "\n")


@pytest.mark.parametrize(
    "line", ["port = 0.5", '"port" = "http"', "port=99999", "  port   = -1", "'port' = []"], ids=range(5)
)
def test_the_line_is_that_of_the_setting_and_not_of_a_comment(home: Path, line: str) -> None:
    add(home, line)
    error = refused(home)
    assert "line 5 of" in str(error)
    assert "Correct port in line 5" in error.faults[0].step


def test_a_table_has_its_line_too(home: Path) -> None:
    add(home, "", "[mail]", 'host = "localhost"')
    assert "line 6 of" in str(refused(home))


def test_what_is_like_no_setting_has_no_nearest(home: Path) -> None:
    add(home, "xyzzy = 1")
    error = refused(home)
    assert "nearest" not in str(error)
    assert "Take xyzzy out of line 5" in error.faults[0].step


def test_the_environment_counts_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(home, "port = 8440")
    monkeypatch.setenv("ffp_node_port", "many")
    assert "environment variable ffp_node_port" in refused(home).faults[0].step


def test_a_secret_file_counts_before_the_file(home: Path) -> None:
    add(home, "port = 8440")
    (home / "secrets").mkdir()
    (home / "secrets" / "ffp_node_port").write_text("many")
    error = refused(home)
    assert f"secret file {home}/secrets/ffp_node_port" in error.faults[0].step
    assert "many" not in f"{error} {error.faults[0].step}", "it may be a secret"


def test_each_faulty_setting_is_named(home: Path) -> None:
    add(home, "workers = 0", "wurkers = 1")
    error = refused(home)
    assert "line 5" in str(error)
    assert "line 6" in str(error)


def test_what_is_missing(home: Path) -> None:
    (home / "config.toml").write_text('jurisdiction = "RS"\n')
    error = refused(home)
    assert "node_id: is missing" in str(error)
