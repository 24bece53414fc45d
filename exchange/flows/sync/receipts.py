"""Sign for what was read of a peer's lane: daily, and at once when something of it was set aside, or speaks of a hit.

A receipt states its time. For what two nodes say of a hit that is the time that both have: when the other side signed
that it had read it (``exchange.store.hits.joined_pairs.countersigned``)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.flows.hits.pairs import note_said, settle_pairs
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.store.log.statement_rows import count_since
from exchange.store.sync.peers import find_peer, last_refusals, last_set_aside_at, told_set_aside
from exchange.store.tables.peer_tables import PeerRow
from schemas import Receipt, Refusal
from schemas.kinds import OF_A_HIT
from schemas.sharing import MAX_REFUSALS

SPEAK_OF_HITS = ("hit", *sorted(OF_A_HIT), "retraction")
SOONEST_S = 60
"""Two receipts for one lane are at least this far apart, however much of it is set aside."""


def give_receipt(node: Node, node_id: str) -> bool:
    """Put a receipt for all that was read so far on the peer's lane, if one is due; returns whether it was.

    It adds up: every place was accepted, came without an envelope, or was set aside with a reason. A lane on which
    nothing but receipts came since gets none, so that two nodes do not sign for each other's receipts for ever.
    """
    with node.store.read() as session:
        peer = find_peer(session, node_id)
        if peer is None or not _due(session, node, peer):
            return False
        count, refused = told_set_aside(session, node_id), last_refusals(session, node_id, MAX_REFUSALS)
    said = say(
        node,
        Receipt,
        THE_NODE,
        owner=node_id,
        count=peer.cursor_count,
        head=peer.cursor_head.hex(),
        accepted=peer.cursor_count - peer.withheld - count,
        withheld=peer.withheld,
        set_aside=count,
        refused=tuple(Refusal(position=at, statement_id=name, reason=reason) for at, name, reason in refused),
        stated_at=stamp(),
    )
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.receipt_at != peer.receipt_at:
            return False
        enter(session, said, to=[node_id])
        note_said(session, said.statement_id, said.statement)
        row.receipt_count, row.receipt_at = peer.cursor_count, stamp()
    settle_pairs(node)
    return True


def _due(session: Session, node: Node, peer: PeerRow) -> bool:
    since = peer.receipt_at or peer.enrolled_at
    if peer.receipt_at is not None and since > stamp_in(-SOONEST_S):
        return False
    if (last_set_aside_at(session, peer.node_id) or "") > since:
        return True
    if any(count_since(session, peer.node_id, kind, since) for kind in SPEAK_OF_HITS):
        return True
    receipts = count_since(session, peer.node_id, "receipt", since)
    return since < stamp_in(-node.settings.receipt_interval_s) and peer.cursor_count - peer.receipt_count > receipts
