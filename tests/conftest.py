"""What every test shares: where the real scans are, and nothing else."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.next_release import Release

settings.register_profile(
    "patient", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine draws slowly, which is no fault of what is tried."""
settings.load_profile("patient")


@pytest.fixture(scope="session")
def ffp_data() -> Path:
    """The folder of real scans, named by $FFP_DATA alone; a skip says so loudly, and in CI it is a failure."""
    named = os.environ.get("FFP_DATA")
    if not named:
        reason = "FFP_DATA is not set: the tests on real scans DID NOT RUN (point it at the folder that holds fadul/)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(named)
    if not (folder / "fadul").is_dir():
        pytest.fail(f"FFP_DATA={named} holds no folder fadul/")
    return folder.resolve()


@pytest.fixture(scope="session")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    from tests.next_release import make_next_release

    return make_next_release(tmp_path_factory.mktemp("next") / "100% next")


@pytest.fixture(autouse=True)
def _same_umask_and_folder() -> Iterator[None]:
    """``ffp`` narrows the one, and may leave the other, for its whole process, which for some tests is that of all."""
    before, folder = os.umask(0o022), Path.cwd()
    yield
    os.umask(before)
    os.chdir(folder)


POSTGRESQL = os.environ.get("FFP_TEST_ENGINE") == "postgresql"
"""Nodes whose test names no engine have their database there: so run the tests of the exchange once more."""
EXCHANGE = Path(__file__).parent / "exchange"
KNOW_NO_STORE = ("log", "net", "trust", "web/languages", "test_compute.py", "test_config.py", "test_policy.py")
"""What these tests are of may not import the store (contracts in pyproject.toml): no engine makes a difference."""


gc.disable()  # while tests are collected, of which nothing is given up


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """A node that a test abandons, as a killed one, leaves connections that Python warns of."""
    if POSTGRESQL:
        config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long is slow too, and what needs a server of PostgreSQL: the same code runs on SQLite among the quick."""
    for item in items:
        needs_a_server = "postgresql" in getattr(item, "fixturenames", ()) or "[postgresql" in item.nodeid
        if needs_a_server or item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)
    if POSTGRESQL:
        items[:] = [item for item in items if _may_differ_on_postgresql(item)]


def _may_differ_on_postgresql(item: pytest.Item) -> bool:
    """Whether a test may open a database, and is not of SQLite alone."""
    if not item.path.is_relative_to(EXCHANGE) or any(item.path.is_relative_to(EXCHANGE / of) for of in KNOW_NO_STORE):
        return False
    return "[sqlite" not in item.nodeid and not item.get_closest_marker("sqlite")
