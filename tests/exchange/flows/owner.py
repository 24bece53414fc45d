"""Owners of records for tests: with a reader in North Macedonia, and records that say much."""

from __future__ import annotations

from pathlib import Path

from exchange.conformance.guest.owner import Owner
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.store.sync.peers import add_peer, new_peer
from schemas.vocabulary import Jurisdiction
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.peer_cards import card_of
from tests.schemas.examples import record_fields

READER = "ffp-mk"


def owner_of(node: Node) -> Owner:
    """What this node publishes is for the reader."""
    return Owner(node, reader=READER, sample=record_fields())


def make_owner(
    home: Path,
    *,
    jurisdiction: Jurisdiction = Jurisdiction.RS,
    url: str = "http://127.0.0.1:9",
    port: int = 9,
    with_reader: bool = True,
    database_url: str | None = None,
) -> Owner:
    """A node, Serbia's if nothing is said; with a reader in North Macedonia on its list, or to be enrolled."""
    create_node(home, jurisdiction=jurisdiction, url=url, port=port, database_url=database_url)
    node = open_node(home)
    if with_reader:
        add_reader(node)
    sign_head(node)
    return owner_of(node)


def add_reader(node: Node) -> None:
    reader = new_peer(
        node_id=READER,
        jurisdiction="MK",
        url="http://127.0.0.1:9",
        card=card_of(READER),
        legal_basis=LEGAL_BASIS,
    )
    with node.store.write() as session:
        add_peer(session, reader)
