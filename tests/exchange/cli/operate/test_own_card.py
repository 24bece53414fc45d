"""Settings that contradict the node's card: the node does not start, and says which and what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from exchange.cli.operate.settings_origin import setting_faults
from exchange.errors import ConfigurationError, KeysDiffer, SettingsDiffer, SettingsRefused
from exchange.flows.node.node import create_node, open_node, opened
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.doctor.examine import examine
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.status import readiness
from exchange.store.log.statement_rows import log_size
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    return tmp_path / "node"


def rewrite(home: Path, **settings: str) -> None:
    config = home / "config.toml"
    text = config.read_text(encoding="utf-8")
    for name, value in settings.items():
        text, count = re.subn(rf'(?m)^{name} = ".*"$', f'{name} = "{value}"', text)
        assert count == 1
    config.write_text(text, encoding="utf-8")


CONTRADICTIONS = {
    "node id": ({"node_id": "ffp-rs-2"}, {"node_id"}),
    "node id and jurisdiction": ({"node_id": "ffp-mk", "jurisdiction": "MK"}, {"node_id", "jurisdiction"}),
    "address": ({"url": "https://rs.test"}, {"url"}),
    "all of them": (
        {"node_id": "ffp-mk", "jurisdiction": "MK", "url": "http://mk.test"},
        {"node_id", "jurisdiction", "url"},
    ),
}


@pytest.mark.parametrize(("changes", "named"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_contradicts_the_card_keeps_the_node_from_starting(
    home: Path, tmp_path: Path, changes: dict[str, str], named: set[str], ffp: Ffp
) -> None:
    with opened(home) as node, node.store.read() as session:
        before = log_size(session)
    rewrite(home, **changes)
    with pytest.raises(SettingsDiffer) as caught:
        open_node(home)
    assert {setting for setting, _, _ in caught.value.settings} == named
    for name in named:
        assert f"Set {name} to " in str(caught.value)
    with pytest.raises(SettingsDiffer):
        back_up(home, tmp_path / "backups")

    assert {fault.name for fault in setting_faults(home)} == named
    assert all(fault.origin and fault.origin.line for fault in setting_faults(home))
    assert ffp("config", "check", "--home", home).code == 2
    causes = examine(home).causes
    assert {found.cause for found in causes if found.gravity == 2} == {Cause.SETTINGS_DIFFER}
    assert ffp("doctor", "--home", home).code == 2
    for command in (("serve",), ("worker",), ("status",), ("token", "list"), ("key", "rotate")):
        assert ffp(*command, "--home", home).code != 0
    rewrite(home, node_id="ffp-rs", jurisdiction="RS", url="http://rs.test")
    with opened(home) as node, node.store.read() as session:
        assert log_size(session) == before
    assert setting_faults(home) == []


def test_the_environment_contradicts_the_card_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_URL", "http://other.test")
    with pytest.raises(SettingsDiffer):
        open_node(home)
    [fault] = setting_faults(home)
    assert fault.name == "url"
    assert "FFP_NODE_URL" in str(fault.origin)


def test_a_jurisdiction_that_the_node_id_contradicts_is_refused_as_a_setting(home: Path) -> None:
    rewrite(home, jurisdiction="MK")
    with pytest.raises(SettingsRefused, match="ffp-rs is no node of jurisdiction MK"):
        open_node(home)
    assert setting_faults(home)
    assert examine(home).causes[0].cause is Cause.SETTING_REFUSED


def test_no_node_is_made_whose_id_is_of_another_jurisdiction(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no node of jurisdiction"):
        create_node(tmp_path / "new", jurisdiction=Jurisdiction.RS, node_id="ffp-mk", url="http://rs.test", port=9)
    assert not (tmp_path / "new" / "config.toml").exists()


@pytest.mark.sqlite
def test_keys_of_another_node_are_told_apart_from_settings(home: Path, tmp_path: Path) -> None:
    create_node(tmp_path / "other", jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    (home / "node.db").unlink()
    (tmp_path / "other" / "node.db").rename(home / "node.db")
    with pytest.raises(KeysDiffer):
        open_node(home)


def test_a_node_that_runs_says_that_it_would_not_start_again(home: Path) -> None:
    with opened(home) as node:
        assert readiness(node)["settings"] == "ok"
        rewrite(home, url="https://rs.test")
        told = readiness(node)["settings"]
        assert "Set url to http://rs.test" in told
        assert "ffp key address" in told
        (home / "config.toml").write_text("url = [", encoding="utf-8")
        assert readiness(node)["settings"] != "ok"


def test_the_check_of_settings_is_for_programs_too(home: Path, ffp: Ffp) -> None:
    rewrite(home, url="https://rs.test")
    told = json.loads(ffp("config", "check", "--json", "--home", home).out)
    assert (told["good"], [fault["name"] for fault in told["faults"]]) == (False, ["url"])
