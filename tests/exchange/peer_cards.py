"""Cards for rows of peers that no test meets."""

from __future__ import annotations

import functools

from exchange.trust.card import make_card
from schemas.vocabulary import Jurisdiction
from tests.schemas.examples import IDENTITY, WORKING


@functools.cache
def card_of(node_id: str, url: str = "http://127.0.0.1:9") -> bytes:
    """Return a card that a node believes, signed with the published keys of the examples."""
    jurisdiction = Jurisdiction(node_id[4:6].upper())
    return make_card(IDENTITY, WORKING, node_id=node_id, jurisdiction=jurisdiction, url=url).raw
