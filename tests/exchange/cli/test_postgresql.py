"""``ffp init --database-url``: the same node on PostgreSQL, its address a secret, and nothing left of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.flows.node.node import open_node
from tests.exchange.cli.conftest import Ffp, Said, refusal
from tests.exchange.databases import Postgresql, databases_fixture

databases = databases_fixture("postgresql")
Init = Callable[..., Said]


@pytest.fixture
def init(ffp: Ffp, tmp_path: Path) -> Init:
    """``init("name of the home", database_url)``."""

    def make(name: str, database_url: str | None, jurisdiction: str = "RS") -> Said:
        option = ("--database-url", database_url) if database_url else ()
        url = "http://127.0.0.1:8555"
        return ffp("init", "--home", tmp_path / name, "--jurisdiction", jurisdiction, "--url", url, *option)

    return make


def test_a_node_on_postgresql(ffp: Ffp, init: Init, databases: Postgresql, tmp_path: Path) -> None:
    address, home = databases.new(), tmp_path / "node"
    assert init("node", address).code == 0
    kept = home / "secrets" / "ffp_node_database_url"
    assert kept.read_text() == address + "\n"
    assert [path.stat().st_mode & 0o077 for path in (kept, kept.parent)] == [0, 0]
    assert "postgresql" not in (home / "config.toml").read_text()
    assert list(home.glob("node.db*")) == []
    assert ffp("user", "add", "examiner-1", "--role", "examiner", "--home", home).code == 0
    assert "examiner-1" in ffp("user", "list", "--home", home).out
    assert "1 statements" in ffp("status", "--home", home).out
    assert ffp("log", "check", "--home", home).code == 0


def test_an_address_from_the_environment_is_kept_too(
    init: Init, databases: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFP_NODE_DATABASE_URL", databases.new())
    assert init("node", None).code == 0
    monkeypatch.delenv("FFP_NODE_DATABASE_URL")
    open_node(tmp_path / "node").close()


def test_a_database_that_cannot_be_had_leaves_nothing_behind(init: Init, databases: Postgresql, tmp_path: Path) -> None:
    taken = databases.new()
    assert init("first", taken).code == 0
    for address, said in (
        (taken, "left as it is"),
        (taken.replace("/ffp_test", "/absent"), "does not exist"),
        ("postgresql+psycopg://ffp:geheim@127.0.0.1:1/ffp", "refused"),
        ("postgresql+psycopg://ffp:geheim@127.0.0.1:1", "database_url"),
    ):
        sentence = refusal(init("second", address))
        assert said in sentence
        assert "geheim" not in sentence
        assert not (tmp_path / "second").exists()
    assert init("second", databases.new()).code == 0


def test_a_home_does_not_open_the_database_of_another_node(
    ffp: Ffp, init: Init, databases: Postgresql, tmp_path: Path
) -> None:
    other = databases.new()
    assert init("rs", databases.new()).code == init("mk", other, "MK").code == 0
    (tmp_path / "rs" / "secrets" / "ffp_node_database_url").write_text(other)
    sentence = refusal(ffp("status", "--home", tmp_path / "rs"))
    assert "ffp-mk" in sentence
    assert "database_url" in sentence


def test_a_home_that_lost_the_address_says_what_is_missing(
    ffp: Ffp, init: Init, databases: Postgresql, tmp_path: Path
) -> None:
    assert init("node", databases.new()).code == 0
    (tmp_path / "node" / "secrets" / "ffp_node_database_url").unlink()
    assert "FFP_NODE_DATABASE_URL" in refusal(ffp("status", "--home", tmp_path / "node"))
