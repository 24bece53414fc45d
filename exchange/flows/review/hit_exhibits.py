"""The two exhibits of a hit as their records state them, and what the sides are called."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.flows.hits.history import Link
from exchange.flows.hits.vocabulary import Custody
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.store.sync.peers import all_peers


@dataclass(frozen=True)
class HitExhibit:
    """``seal`` is what its record states, until it leaves under another one; ``municipality`` where it was found;
    ``custody`` of one that travels, or has."""

    seal: str | None
    municipality: str | None
    custody: Custody | None


def exhibits_of_hit(node: Node, link: Link) -> dict[str, HitExhibit]:
    """By their records, without those that were withdrawn."""
    custody = {one.record: one for one in link.progress.custody}
    found = {}
    with node.store.read() as session:
        for row in link.records:
            if row is not None:
                stated = record_of(session, row.statement_id).exhibit
                found[row.statement_id] = HitExhibit(stated.seal, stated.municipality, custody.get(row.statement_id))
    return found


def jurisdictions_of_nodes(node: Node) -> dict[str, str]:
    """Of this node and of each that is, or was, its peer."""
    with node.store.read() as session:
        found = {peer.node_id: peer.jurisdiction for peer in all_peers(session)}
    return found | {node.node_id: str(node.settings.jurisdiction)}
