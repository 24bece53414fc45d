"""A node is moved to PostgreSQL and back: the same rows, the same head, and never two databases that could be served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from exchange.config import load_settings
from exchange.errors import ConfigurationError, DatabaseMoved, MoveUnfinished, StoreUnavailable
from exchange.flows.integrity.log_check import check_log
from exchange.flows.move.move import give_up, move_database
from exchange.flows.move.places import name_of, parse_place
from exchange.flows.node.node import Node, open_node, opened, store_of
from exchange.store.move.copying import content_of
from exchange.store.move.rows import moved_tables
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.flows.network import MK, RS, Network, resting

databases = databases_fixture("postgresql")
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Two nodes on SQLite that have exchanged records; the one of Serbia is closed."""
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        for node_id in (RS, MK):
            for _ in range(3):
                made.record(node_id)
        made.settle()
        made.nodes[RS].close()
        yield made


@pytest.fixture
def home(network: Network) -> Path:
    return network.nodes[RS].settings.home


def place(databases: Postgresql) -> SecretStr:
    found = parse_place(databases.new())
    assert found is not None
    return found


def rows_of(node: Node) -> dict[str, tuple[int, str]]:
    """Of each table: how many rows, and a digest over them."""
    with node.store.read() as session:
        found = {
            table.name: content_of(session.connection(), table, lambda *_: None, 0)
            for table in moved_tables()
            if table.name != "log_check"
        }
    return {name: (content.rows, content.sha256) for name, content in found.items()}


def test_to_postgresql_and_back(network: Network, home: Path, databases: Postgresql) -> None:
    (home / "config.toml").write_text((home / "config.toml").read_text() + "# a remark\nworkers = 1\n")
    with opened(home) as node:
        before, head = rows_of(node), network.head(node)
    assert before["record"][0] >= 3
    address = place(databases)
    moved = move_database(home, address)
    assert (moved.source, moved.target, moved.head_size) == ("sqlite", name_of(address), head.size)
    assert moved.rows == sum(rows for rows, _ in before.values()), "log_check had no row"
    assert moved.set_aside is not None
    assert moved.set_aside.exists()
    assert not (home / "node.db").exists()
    assert load_settings(home).database_url == address
    with opened(home) as node:
        assert (rows_of(node), network.head(node)) == (before, head)
        assert check_log(node).findings == []
    network.nodes[RS] = open_node(home)
    network.record(RS)  # numbers are given behind those that were moved
    network.record(MK)
    network.settle()
    with opened(home) as node:
        before, head = rows_of(node), network.head(node)
    network.nodes[RS].close()

    back = move_database(home, None)
    assert (back.source, back.target, back.set_aside) == (name_of(address), "sqlite", None)
    assert "# a remark\nworkers = 1\n" in (home / "config.toml").read_text()
    network.nodes[RS] = open_node(home)
    assert load_settings(home).database_url is None
    assert (rows_of(network.nodes[RS]), network.head(RS)) == (before, head)
    network.record(RS)
    network.settle()
    assert check_log(network.nodes[RS]).findings == []
    assert network.evidence(MK, RS) == []
