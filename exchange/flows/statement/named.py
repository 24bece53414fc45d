"""Whom a statement of this node's may name: a code that nobody knows is a slip of the pen, and would share nothing."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.store.sync.peers import all_peers
from schemas.jurisdiction import Jurisdiction


def check_named(node: Node, codes: Iterable[str], place: str) -> None:
    """Each jurisdiction among the names is known here: by its directory, or as that of a peer, whose own trust root may
    be newer. Names of groups pass. Raises InvalidInput, code "unknown-jurisdiction", that names the ``place``."""
    unknown = {code for code in codes if isinstance(code, Jurisdiction) and code not in node.jurisdictions}
    if not unknown:
        return
    with node.store.read() as session:
        unknown -= {Jurisdiction(peer.jurisdiction) for peer in all_peers(session)}
    if unknown:
        told = f"{', '.join(sorted(unknown))} is none of {', '.join(node.jurisdictions)}."
        raise InvalidInput(told, code="unknown-jurisdiction", problems=((place, told),))
