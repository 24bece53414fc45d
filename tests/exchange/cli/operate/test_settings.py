"""``ffp config``: every fault at once with its place, and where each setting comes from; no secret is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.config import Settings
from exchange.config_files import write_config
from tests.exchange.cli.conftest import Ffp, refusal

VALUES: dict[str, str | int] = {"jurisdiction": "RS", "node_id": "ffp-rs", "url": "http://127.0.0.1:8440", "port": 8440}
SECRET = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    write_config(VALUES, tmp_path)
    return tmp_path


def extend(home: Path, *lines: str) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def faults(ffp: Ffp, home: Path) -> list[dict[str, Any]]:
    said = ffp("config", "check", "--json", "--home", home)
    told = json.loads(said.out)
    assert said.code == (0 if told["good"] else 2)
    assert told["good"] == (told["faults"] == [])
    in_words = ffp("config", "check", "--home", home)
    assert in_words.code == said.code
    for fault in told["faults"]:
        assert fault["what"] in in_words.out
    found: list[dict[str, Any]] = told["faults"]
    return found


def test_good_settings(ffp: Ffp, home: Path) -> None:
    assert faults(ffp, home) == []
    assert "4 settings are given" in ffp("config", "check", "--home", home).out


def test_all_faults_at_once_each_with_its_line_and_what_was_meant(
    ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend(
        home, "# a comment", "pull_intervall_s = 5", "workers = 900", f'smtp_password = "{SECRET}"', "[egres]", "a = 1"
    )
    monkeypatch.setenv("FFP_NODE_LOG_FORMAT", SECRET)
    monkeypatch.setenv("FFP_NODE_SESION_IDLE_S", "5")
    found = {fault["name"]: fault for fault in faults(ffp, home)}
    assert {name: fault["line"] for name, fault in found.items()} == {
        "pull_intervall_s": 6,
        "workers": 7,
        "smtp_password": 8,
        "egres": 9,
        "log_format": None,
        "sesion_idle_s": None,
    }
    assert found["pull_intervall_s"]["nearest"] == "pull_interval_s"
    assert found["sesion_idle_s"]["nearest"] == "session_idle_s"
    assert found["sesion_idle_s"]["origin"] == "environment variable FFP_NODE_SESION_IDLE_S"
    assert found["workers"]["allowed"] == "1 to 256"
    assert found["log_format"]["allowed"] == "json, console"
    assert SECRET not in ffp("config", "check", "--home", home).out
    assert f"line 7 of {home / 'config.toml'}: workers: " in ffp("config", "check", "--home", home).out


@pytest.mark.parametrize(
    ("line", "named", "place"),
    [
        ("colour = ", "not TOML", 5),
        ("oidc_only = true", "oidc_only needs an oidc_issuer", 5),
        ('calibration = "none.json"', "cannot be read: No such file", 5),
        ('smtp_host = "mail.example"', "smtp_from no address", 5),
        ('timestamp_url = "http://tsa.example/"', "timestamp_roots names no PEM file", 5),
        ('home = "/elsewhere"', "No file names the home", 5),
        ('egress_networks = ["everywhere"]', "egress_networks", 5),
    ],
)
def test_what_serve_would_refuse(ffp: Ffp, home: Path, line: str, named: str, place: int) -> None:
    extend(home, line)
    [fault] = faults(ffp, home)
    assert named in fault["what"]
    assert fault["line"] == place


def test_a_list_that_is_no_json_is_a_sentence_and_no_trace(
    ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFP_NODE_EGRESS_NETWORKS", "10.8.0.0/16")
    [fault] = faults(ffp, home)
    assert (fault["name"], fault["origin"]) == ("egress_networks", "environment variable FFP_NODE_EGRESS_NETWORKS")
    assert "egress_networks" in refusal(ffp("status", "--home", home))


def shown(ffp: Ffp, home: Path) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(ffp("config", "show", "--origin", "--json", "--home", home).out)}


def test_each_setting_with_its_origin_and_secrets_masked(
    ffp: Ffp, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend(home, "port = 1", "workers = 3")
    (home / "config.toml").write_text((home / "config.toml").read_text().replace("port = 8440\n", ""))
    (home / "secrets").mkdir()
    (home / "secrets" / "ffp_node_smtp_password").write_text(SECRET)
    monkeypatch.setenv("FFP_NODE_WORKERS", "2")
    monkeypatch.setenv("FFP_NODE_DATABASE_URL", f"postgresql+psycopg://ffp:{SECRET.replace(' ', '')}@db/ffp")
    found = shown(ffp, home)
    assert set(found) == set(Settings.model_fields)
    assert (found["port"]["value"], found["port"]["origin"]) == (1, f"line 4 of {home / 'config.toml'}")
    assert found["workers"] == {
        "name": "workers",
        "value": 2,
        "origin": "environment variable FFP_NODE_WORKERS",
        "overridden": [f"line 5 of {home / 'config.toml'}"],
    }
    assert found["smtp_password"]["value"] == "********"
    assert found["smtp_password"]["origin"] == f"secret file {home / 'secrets' / 'ffp_node_smtp_password'}"
    assert (found["language"]["value"], found["language"]["origin"]) == ("en", "default")
    assert found["key_passphrase"]["value"] is None
    plain = ffp("config", "show", "--home", home).out
    assert "workers\t2\n" in plain
    assert "horse" not in plain + ffp("config", "show", "--origin", "--json", "--home", home).out


PAIR = ("[[calibre_pairs]]", 'one = "7.62x39"', 'other = "{other}"', 'reason = "rebarrelled"')


def test_pairs_of_calibres_are_shown_as_they_are_understood(ffp: Ffp, home: Path) -> None:
    extend(home, *(line.format(other="5,45 х 39") for line in PAIR))
    assert shown(ffp, home)["calibre_pairs"]["value"] == [
        {"one": "7.62x39", "other": "5.45x39", "reason": "rebarrelled"}
    ]
    assert "one = 7.62x39, other = 5.45x39, reason = rebarrelled" in ffp("config", "show", "--home", home).out
    assert faults(ffp, home) == []


def test_a_pair_that_is_none_is_told_with_its_line(ffp: Ffp, home: Path) -> None:
    extend(home, *(line.format(other="9 mm") for line in PAIR))
    [fault] = faults(ffp, home)
    assert (fault["name"], fault["line"]) == ("calibre_pairs", 5)
    assert "0.other: The calibre '9 mm' is ambiguous: it may be 9 mm Luger" in fault["what"]


def test_where_the_home_comes_from(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(ffp, home)["home"]["origin"] == "--home"
    monkeypatch.setenv("FFP_NODE_HOME", str(home))
    assert "home\t" + str(home) + "\tenvironment variable FFP_NODE_HOME" in ffp("config", "show", "--origin").out


def test_what_cannot_start_is_not_shown(ffp: Ffp, home: Path) -> None:
    extend(home, "workers = 900")
    assert "workers" in refusal(ffp("config", "show", "--home", home))
