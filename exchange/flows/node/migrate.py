"""Bring a node's database to another schema version, with nobody serving the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from exchange.config import Settings, load_settings
from exchange.flows.node.node import store_of
from exchange.store.node.lock import sole_server
from exchange.store.tables.schema_version import SCHEMA_VERSION


def migrate(home: Path, to: int = SCHEMA_VERSION, *, first: Callable[[], object] = lambda: None) -> None:
    """Bring the database to a schema version that this release knows: all of it or nothing. ``first`` is called when
    nobody else serves the node any more. Raises ConfigurationError when the node runs."""
    bring_up(load_settings(home), to, first=first)


def bring_up(settings: Settings, to: int = SCHEMA_VERSION, *, first: Callable[[], object] = lambda: None) -> None:
    """As ``migrate``, by settings that the caller answers for."""
    store = store_of(settings)
    try:
        with sole_server(settings.home):
            store.check_may_leave()
            first()
            store.migrate(to)
    finally:
        store.close()
