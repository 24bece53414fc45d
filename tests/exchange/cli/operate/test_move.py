"""``ffp migrate --to`` as an operator gives it: killed, refused meanwhile, gone on with, and back."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.flows.move.killed import moved_until

databases = databases_fixture("postgresql")
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    return tmp_path / "node"


def test_killed_and_gone_on_with(home: Path, databases: Postgresql, ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    address = databases.new()
    assert moved_until(home, address, "log checked").killed
    for command in (("serve",), ("worker",), ("status",), ("user", "list"), ("migrate",), ("log", "check")):
        said = refusal(ffp(*command, "--home", home))
        assert "has not ended. Go on with it: ffp migrate --to 'postgresql:///" in said, command
    doctor = ffp("doctor", "--home", home)
    assert doctor.code == 2
    assert doctor.out.startswith("Cause: The move of the node's database from sqlite to postgresql:///")
    assert "Step:  Go on with it: ffp migrate --to 'postgresql:///" in doctor.out

    monkeypatch.setattr(sys, "stdin", io.StringIO(address + "\n"))
    there = ffp("migrate", "--to", "-", "--home", home, "--json")
    assert there.code == 0, there.err
    told = json.loads(there.out)
    assert (told["source"], told["log_size"], told["still_named"]) == ("sqlite", 1, None)
    assert told["rows"] > 0
    assert Path(told["set_aside"]).is_file()
    assert ffp("log", "check", "--home", home).code == 0

    back = ffp("migrate", "--to", "sqlite", "--home", home)
    assert back.code == 0, back.err
    assert "The node's database is sqlite now" in back.out
    assert "read again in both and alike" in back.out
    assert "The old database is marked as left" in back.out
    assert ffp("log", "check", "--home", home).code == 0


def test_given_up(home: Path, databases: Postgresql, ffp: Ffp) -> None:
    address = databases.new()
    assert moved_until(home, address, "log checked").killed
    said = ffp("migrate", "--to", address, "--give-up", "--home", home)
    assert said.code == 0, said.err
    assert said.out.startswith("The move is given up; the node is served from its database as before.")
    assert ffp("log", "check", "--home", home).code == 0
    assert "nothing is to be given up" in refusal(ffp("migrate", "--to", address, "--give-up", "--home", home))


def test_options_that_do_not_go_together(home: Path, ffp: Ffp) -> None:
    assert "--give-up needs --to" in ffp("migrate", "--give-up", "--home", home).err
    for other in (("--check",), ("--plan",), ("--yes",), ("--to-version", "1"), ("--backup", home.parent / "backups")):
        assert "change the database schema version" in ffp("migrate", *other, "--to", "sqlite", "--home", home).err
    assert not (home.parent / "backups").exists()
    assert "is sqlite already" in refusal(ffp("migrate", "--to", "sqlite", "--home", home))
