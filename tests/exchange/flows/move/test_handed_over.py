"""The settings name the other database after a move; everything else in them stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.config import load_settings
from exchange.config_files import write_secret
from exchange.errors import ConfigurationError
from exchange.flows.move.handed_over import switch_settings
from exchange.flows.move.move_places import parse_place, place_name

PLAIN = '# whose\njurisdiction = "RS"\nnode_id = "ffp-rs"\nurl = "http://rs.test"\n'
SOCKET = "postgresql:///ffp?host=/var/run/postgresql"


def made(home: Path, more: str = "") -> Path:
    (home / "config.toml").write_text(PLAIN + more)
    return home


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("sqlite", "sqlite"),
        ("postgresql://ffp:geheim@db.test:5432/ffp?sslmode=verify-full", "postgresql://db.test/ffp"),
        ("postgresql+psycopg://owner@db.test/ffp", "postgresql://db.test/ffp"),
        ("postgres://db.test:5433/ffp", "postgresql://db.test:5433/ffp"),
        (SOCKET, "postgresql:///ffp?host=%2Fvar%2Frun%2Fpostgresql"),
    ],
)
def test_the_name_of_a_database_has_no_user_and_no_password(given: str, name: str) -> None:
    assert place_name(parse_place(given)) == name
    assert place_name(parse_place(name)) == name, "what a refusal says can be given"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "mysql://ffp:geheim@db/ffp",
        "/var/lib/ffp/node.db",
        "postgresql://ffp:geheim@db",
        "postgresql://db/ffp?user=ffp&password=geheim",
        "postgresql://db/ffp?geheim=1",
        "postgresql://db/ffp?connect_timeout=geheim",
        "postgresql:///ffp?host=/x&port=geheim",
        "postgresql+psycopg:/geheim",
    ],
)
def test_what_is_no_database(given: str) -> None:
    with pytest.raises(ConfigurationError, match="was given is neither") as told:
        parse_place(given)
    assert "geheim" not in str(told.value)


def test_to_postgresql(tmp_path: Path) -> None:
    home = made(tmp_path, "workers = 1\n")
    for _ in range(2):
        assert switch_settings(home, parse_place(SOCKET)) is None
        assert load_settings(home).database_url == parse_place(SOCKET)
    assert (home / "config.toml").read_text() == PLAIN + "workers = 1\n"
    secret = home / "secrets" / "ffp_node_database_url"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in secret.parent.iterdir()] == [secret.name]


def test_to_sqlite_from_a_line_and_a_secret_file(tmp_path: Path) -> None:
    home = made(tmp_path, 'database_url = "postgresql+psycopg://one.test/ffp" # of old\nworkers = 1\n')
    write_secret("database_url", "postgresql+psycopg://two.test/ffp", home)
    for _ in range(2):
        assert switch_settings(home, None) is None
        assert load_settings(home).database_url is None
    assert (home / "config.toml").read_text() == PLAIN + "workers = 1\n"


def test_a_line_that_no_program_changes(tmp_path: Path) -> None:
    home = made(tmp_path, 'database_url = """\npostgresql+psycopg://one.test/ffp"""\n')
    before = (home / "config.toml").read_text()
    with pytest.raises(ConfigurationError, match="not written in one line"):
        switch_settings(home, None)
    assert (home / "config.toml").read_text() == before


def test_what_only_the_operator_can_change_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, credentials = made(tmp_path), tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ffp_node_database_url").write_text("postgresql+psycopg://one.test/ffp\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    said = switch_settings(home, None)
    assert said is not None
    assert f"{credentials}/ffp_node_database_url, among the credentials of the service" in said
    assert switch_settings(home, parse_place(SOCKET)) is None, "a secret file of the home goes before"
    monkeypatch.setenv("FFP_NODE_DATABASE_URL", "postgresql+psycopg://one.test/ffp")
    said = switch_settings(home, parse_place(SOCKET))
    assert said is not None
    assert said.startswith("FFP_NODE_DATABASE_URL in the environment")
