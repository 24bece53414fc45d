"""``ffp migrate``: what it says, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from exchange.flows.node import open_node
from exchange.store.lock import sole_server
from exchange.store.tables import SCHEMA_VERSION, SchemaRow
from tests.exchange.cli.conftest import Ffp, refusal


@pytest.fixture
def home(ffp: Ffp, tmp_path: Path) -> Path:
    home = tmp_path / "node"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    return home


def set_form(home: Path, form: int) -> None:
    node = open_node(home)
    with node.store.write() as session:
        session.execute(update(SchemaRow).values(version_num=str(form)))
    node.close()


def test_a_database_of_this_release(ffp: Ffp, home: Path) -> None:
    for arguments in ((), ("--check",)):
        said = ffp("migrate", "--home", home, *arguments)
        assert (said.code, said.out) == (
            0,
            f"The database has form {SCHEMA_VERSION}, that of this release. Nothing is to be done.\n",
        )


def test_a_database_of_an_earlier_release(ffp: Ffp, home: Path) -> None:
    """Nothing but `ffp migrate` opens it, and that asks for a backup first."""
    set_form(home, SCHEMA_VERSION - 1)
    assert "run: ffp migrate" in refusal(ffp("status", "--home", home))
    checked = ffp("migrate", "--home", home, "--check")
    assert (checked.code, checked.err) == (1, "")
    assert f"form {SCHEMA_VERSION - 1}" in checked.out


def test_a_database_of_a_later_release(ffp: Ffp, home: Path) -> None:
    set_form(home, 999)
    for arguments in ((), ("--check",)):
        assert "999" in refusal(ffp("migrate", "--home", home, *arguments))


def test_a_node_that_runs_is_left_alone(ffp: Ffp, home: Path) -> None:
    set_form(home, SCHEMA_VERSION - 1)
    with sole_server(home):
        said = ffp("migrate", "--home", home)
    assert said.code == 2
    assert "served by another process" in said.err
    assert "backup" in said.err
