"""The form of a node's database: which one it has, and on to this release's."""

from __future__ import annotations

from pathlib import Path

from exchange.config import load_settings
from exchange.flows.node import store_of
from exchange.store.lock import sole_server
from exchange.store.tables import SCHEMA_VERSION


def pending(home: Path) -> int | None:
    """The form of the database when it is that of an earlier release, else None.

    Raises ConfigurationError when it is of a later one, StoreUnavailable.
    """
    store = store_of(load_settings(home))
    try:
        form = store.form()
    finally:
        store.close()
    return form if form < SCHEMA_VERSION else None


def migrate(home: Path) -> None:
    """Bring the database to this release's form, all of it or nothing. Raises ConfigurationError when the node runs."""
    store = store_of(load_settings(home))
    try:
        with sole_server(home):
            store.migrate()
    finally:
        store.close()
