"""A node with everything that its flows need, opened once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange.compute import Compute
from exchange.config import Settings, first_settings, load_settings, write_config
from exchange.errors import ConfigurationError
from exchange.flows.galleries import Galleries
from exchange.flows.worth import load_calibration
from exchange.store.blobs import BlobFolder
from exchange.store.engine import Store
from exchange.store.statements import append_own, first_key_event
from exchange.trust.card import make_card, open_card
from exchange.trust.keys import NodeKeys, create_keys, load_identity, load_keys
from matcher.calibration_model import CalibrationModel
from schemas import Envelope, KeyEvent, open_envelope
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class Node:
    """One open node. ``card`` is its own key-event, ``card_envelope`` the bytes that peers fetch."""

    settings: Settings
    store: Store
    blobs: BlobFolder
    keys: NodeKeys
    compute: Compute
    galleries: Galleries
    calibration: CalibrationModel | None
    card: KeyEvent
    card_envelope: Envelope

    @property
    def node_id(self) -> str:
        return self.settings.node_id

    def close(self) -> None:
        self.compute.close()
        self.galleries.close()
        self.store.close()


def create_node(home: Path, *, jurisdiction: Jurisdiction, url: str, node_id: str | None = None, port: int) -> KeyEvent:
    """Make a new node in an empty folder and return its card.

    1. Refuse a home that holds a node.
    2. Make the folders, the settings and the keys.
    3. Make the database, with the card as the first leaf of the log.
    Raises ConfigurationError.
    """
    if (home / "config.toml").exists():
        raise ConfigurationError(f"There is a node in {home} already; it is left as it is.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    values: dict[str, str | int] = {
        "jurisdiction": jurisdiction.value,
        "node_id": node_id or f"ffp-{jurisdiction.value.lower()}",
        "url": url.rstrip("/"),
        "port": port,
    }
    settings = first_settings(home, values)
    for folder in (settings.blobs, settings.incoming, settings.prepared):
        folder.mkdir(mode=0o700, exist_ok=True)
    create_keys(settings.keys)
    envelope = make_card(
        load_identity(settings.keys),
        load_keys(settings.keys),
        node_id=settings.node_id,
        jurisdiction=settings.jurisdiction,
        url=settings.url,
        log_origin=settings.log_origin,
    )
    card = open_card(envelope)
    store = Store(settings.database)
    store.create()
    with store.write() as session:
        append_own(session, statement_id(envelope.payload), card, card.type, envelope)
    store.close()
    write_config(values, home)  # last: a home with settings is a whole node
    return card


@contextmanager
def opened(home: Path) -> Iterator[Node]:
    """``open_node`` for the length of a block: closed at its end, however it ends."""
    node = open_node(home)
    try:
        yield node
    finally:
        node.close()


def open_node(home: Path) -> Node:
    """Open an initialised node. Raises ConfigurationError naming what is missing and how to mend it."""
    settings = load_settings(home)
    keys = load_keys(settings.keys)
    calibration = load_calibration(settings)
    if not settings.database.is_file():
        raise ConfigurationError(f"{settings.database} is missing; restore it from the backup.")
    store = Store(settings.database)
    try:
        store.check()
        with store.read() as session:
            envelope = open_envelope(first_key_event(session, settings.node_id).envelope)
    except BaseException:
        store.close()
        raise
    return Node(
        settings=settings,
        store=store,
        blobs=BlobFolder(settings.blobs, settings.incoming, min_free_bytes=settings.min_free_bytes),
        keys=keys,
        compute=Compute(settings.workers, settings.compute_timeout_s),
        galleries=Galleries(settings.galleries),
        calibration=calibration,
        card=open_card(envelope),
        card_envelope=envelope,
    )
