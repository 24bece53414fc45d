"""Backups of a node on PostgreSQL: by the server's own programs, into an empty database alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from exchange.errors import ConfigurationError, StoreUnavailable
from exchange.flows.node.node import create_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore
from exchange.store.operate import postgresql_dump
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Postgresql, databases_fixture

databases = databases_fixture("postgresql")
ADDRESS = make_url("postgresql+psycopg://ffp:geheim@db.test/ffp?sslmode=verify-full")
TELLS = """#!/bin/sh
echo "$* $PGPASSWORD" >> "$TOLD"
echo "no such server" >&2
exit 1
"""


def test_a_database_with_something_in_it_is_left_as_it_is(tmp_path: Path, databases: Postgresql) -> None:
    home, used = tmp_path / "node", databases.new()
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9, database_url=used)
    made = back_up(home, tmp_path / "backups")
    for address, said in ((used, "left as it is"), (None, "FFP_NODE_DATABASE_URL")):
        with pytest.raises(ConfigurationError, match=said):
            restore(made.folder, tmp_path / "again", Secrets(keys=home / "keys", database_url=address))
        assert list((tmp_path / "again").iterdir()) == []


def test_the_programs_of_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, or failing: a sentence; and no password on the command line, where others read it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="pg_dump is not installed"):
        postgresql_dump.dump(ADDRESS, "snapshot", tmp_path / "node.dump")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text(TELLS)
        (tmp_path / name).chmod(0o700)
    with pytest.raises(StoreUnavailable, match=r"pg_dump failed \(no such server\)"):
        postgresql_dump.dump(ADDRESS, "snapshot", tmp_path / "node.dump")
    with pytest.raises(StoreUnavailable, match="pg_restore failed"):
        postgresql_dump.load(ADDRESS, tmp_path / "node.dump")
    for line in (tmp_path / "told").read_text().splitlines():
        arguments, password = line.rsplit(" ", 1)
        assert password == "geheim"
        assert "geheim" not in arguments
        assert "//ffp@db.test" in arguments, "no other password either: it would count"
        assert "sslmode=verify-full" in arguments
        assert "--no-password" in arguments
