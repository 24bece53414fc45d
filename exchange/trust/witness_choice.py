"""Who witnesses a node's log: every peer in a small federation, a dozen nodes of the registry in a larger one.

A function of the registry alone, so that all who hold one round name the same dozen. ``choose_witnesses("ffp-rs",
nodes)`` is a set of twelve node ids, or None where every peer is a witness.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.trust.registry import RegisteredNode

DOZEN: Final = 12
EVERY_PEER_UP_TO: Final = DOZEN + 1
"""Nodes of a registry: with so many each node's dozen would be all others anyway."""
_DOMAIN: Final = b"ffp-exchange witness of a log, version 1\n"


def choose_witnesses(log: str, nodes: Sequence[RegisteredNode]) -> frozenset[str] | None:
    """The witnesses of the log of the node ``log``; None where every peer is one.

    1. Each jurisdiction ranks its nodes by a hash over the log's node and theirs (rendezvous hashing).
    2. The jurisdictions take turns, in an order by such a hash too: first each one's first, then each one's second.
    3. The first twelve are the witnesses.

    No number of a round goes in: a node that comes or goes changes at most one witness of each log. A node does not
    witness its own log.
    """
    if len(nodes) <= EVERY_PEER_UP_TO:
        return None
    ranked: dict[str, list[str]] = defaultdict(list)
    for node in sorted(nodes, key=lambda node: _rank(log, node.node_id)):
        if node.node_id != log:
            ranked[node.jurisdiction].append(node.node_id)
    turns = sorted(
        (place, _rank(log, jurisdiction), node_id)
        for jurisdiction, ranking in ranked.items()
        for place, node_id in enumerate(ranking)
    )
    return frozenset(node_id for _, _, node_id in turns[:DOZEN])


def majority(witnesses: frozenset[str]) -> int:
    """So many that any two majorities have a witness in common: no two histories have one each, unless a witness
    cosigned both."""
    return len(witnesses) // 2 + 1


def _rank(log: str, other: str) -> bytes:
    """Node ids are lower case and jurisdictions upper case, and neither has a newline: no two pairs are one text."""
    return hashlib.sha256(_DOMAIN + f"{log}\n{other}\n".encode()).digest()
