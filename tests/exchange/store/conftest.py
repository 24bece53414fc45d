"""An empty database of a node, on each engine in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from exchange.store.database.engine import Store
from tests.exchange.databases import Databases, databases_fixture

databases = databases_fixture("sqlite", "postgresql")


@pytest.fixture
def store_at() -> Iterator[Callable[[Path | URL], Store]]:
    """Opens stores, and closes them afterwards."""
    opened: list[Store] = []

    def open_store(place: Path | URL) -> Store:
        opened.append(Store(place))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def place(tmp_path: Path, databases: Databases) -> Path | URL:
    """Where the tables of a node are, and nothing in them."""
    return databases.prepared(tmp_path)


@pytest.fixture
def store(place: Path | URL, store_at: Callable[[Path | URL], Store]) -> Store:
    return store_at(place)
