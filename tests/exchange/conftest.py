"""Fixtures that import the application only when a test asks for a node: tests of pure modules start at once."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.vocabulary import Jurisdiction
from tests.conftest import POSTGRESQL

if TYPE_CHECKING:
    from tests.exchange.databases import Databases
    from tests.exchange.running_nodes import RunningNode

OPEN_A_DATABASE = ("exchange.flows.node.node", "exchange.store.database.sqlite")


@pytest.fixture(scope="session")
def node_shortcuts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from tests.exchange.running_nodes import shortcuts

    server = request.getfixturevalue("postgresql") if POSTGRESQL else None
    with shortcuts(tmp_path_factory.mktemp("tables"), server):
        yield


@pytest.fixture(scope="session", autouse=True)
def _nodes_take_shortcuts(request: pytest.FixtureRequest) -> None:
    """Only when a collected test can open a node or a database without ``start_node``."""
    if any(name in sys.modules for name in OPEN_A_DATABASE):
        request.getfixturevalue("node_shortcuts")


@pytest.fixture(scope="session", autouse=True)
def _logs_where_pytest_keeps_them() -> None:
    """Nodes in this process log to the logging module, not between the lines that a test reads from stdout."""
    import structlog

    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    logging.raiseExceptions = False  # a node that is still stopping may log when its test has ended


@pytest.fixture(autouse=True)
def _what_a_test_left_is_spare() -> Iterator[None]:
    yield
    if warm := sys.modules.get("tests.exchange.warm"):
        warm.SPARE.test_ended()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of PostgreSQL, one for all processes of this run."""
    from tests.exchange.databases import server_for_this_run

    folder = tmp_path_factory.getbasetemp()
    with server_for_this_run(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as address:
        yield address


@pytest.fixture(scope="module", params=["sqlite"])
def databases() -> Databases:
    """The engine of tests that name none."""
    from tests.exchange.databases import Sqlite

    return Sqlite()


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Synthetic scans by name, "1-1" to "3-2": firearm and shot."""
    import matcher
    from matcher.synthetic import breech_face

    folder = tmp_path_factory.mktemp("scans")
    found = {}
    for firearm in (1, 2, 3):
        for shot in (1, 2):
            path = folder / f"{firearm}-{shot}.x3p"
            matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="synthetic")
            found[f"{firearm}-{shot}"] = path
    return found


@pytest.fixture
def start_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases, node_shortcuts: None
) -> Iterator[Callable[..., RunningNode]]:
    """Starts nodes: ``start_node(Jurisdiction.RS)``; settings as keywords. Stops them afterwards."""
    from tests.exchange.running_nodes import node_starter

    with node_starter(tmp_path, monkeypatch, databases) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared(
    tmp_path_factory: pytest.TempPathFactory, node_shortcuts: None
) -> Iterator[Callable[..., RunningNode]]:
    """As ``start_node``, for nodes that all tests of a module use."""
    from tests.exchange.running_nodes import node_starter

    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("shared"), monkeypatch) as start,
    ):
        yield start


@pytest.fixture
def pair(start_node: Callable[..., RunningNode]) -> tuple[RunningNode, RunningNode]:
    """Serbia and North Macedonia, enrolled with each other."""
    from tests.exchange.running_nodes import enrol_each_other

    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    return rs, mk
