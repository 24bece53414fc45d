"""The form of a node's database: which one it has, and on to this release's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import column, func, select, table

from exchange.config import Settings, load_settings
from exchange.flows.node.node import store_of
from exchange.store.database.engine import Store
from exchange.store.node.lock import sole_server
from exchange.store.sync.evidence import EvidenceFolder
from exchange.store.tables.schema_version import SCHEMA_VERSION

EVIDENCE_IN_FILES = 6
"""From this form on the database has no bytes of what is not believed."""


def forms(home: Path) -> tuple[int, int]:
    """The form of the database, and the one that this release needs.

    Raises ConfigurationError when the database is of a later release, StoreUnavailable.
    """
    store = store_of(load_settings(home))
    try:
        return store.form(), SCHEMA_VERSION
    finally:
        store.close()


def migrate(home: Path, to: int | None = None, *, first: Callable[[], object] = lambda: None) -> None:
    """Bring the database to this release's form, or to another that it knows: all of it or nothing. ``first`` is called
    when nobody else serves the node any more. Raises ConfigurationError when the node runs.

    What an earlier release had set aside in the database is written to the home first, as far as its bounds go.
    """
    bring_up(load_settings(home), to, first=first)


def bring_up(settings: Settings, to: int | None = None, *, first: Callable[[], object] = lambda: None) -> None:
    """As ``migrate``, by settings that the caller answers for."""
    store = store_of(settings)
    try:
        with sole_server(settings.home):
            store.check_may_leave()
            first()
            _move_evidence(store, settings)
            store.migrate(to)
    finally:
        store.close()


def _move_evidence(store: Store, settings: Settings) -> None:
    """Doing it twice changes nothing."""
    if store.form() >= EVIDENCE_IN_FILES:
        return
    folder = EvidenceFolder(settings.quarantine)
    item = table("quarantine", *map(column, ("peer", "position", "envelope")))
    with store.read() as session:
        peers = session.scalars(select(item.c.peer).distinct()).all()
        for peer in peers:
            held = 0
            kept = select(item.c.position, item.c.envelope).where(item.c.peer == peer, func.length(item.c.envelope) > 0)
            kept = kept.order_by(item.c.position).limit(settings.peer_quarantine_items)
            for position, envelope in session.execute(kept):
                held += len(envelope)
                if held > settings.peer_quarantine_bytes:
                    break
                folder.keep(peer, position, envelope)
