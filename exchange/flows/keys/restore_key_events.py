"""A database from before the last change of keys: the key-event lies beside the keys, and goes back into the log."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping

from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of, own_lines
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.sign_statement import put_on_lanes
from exchange.log import merkle
from exchange.log.cosignature import cosign, witness_name
from exchange.store.log.statement_rows import KEY_EVENT, append_own, find_node, keys_since, log_size, put_back_key_event
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.sync.refused import refuse_statements
from exchange.store.witness.cosignatures import LogStartState, log_start
from exchange.store.witness.rebuild_rows import is_lost, no_longer_lost
from exchange.trust.key_history import VerifiedKeyEvent
from exchange.trust.keys import LogKeys


def return_key_events(node: Node) -> bool:
    """Put the key-events that this database lost back, in their order. Returns whether there was one.

    A key-event is valid at one index alone. After a rebuild that leaf is there, and is nothing else; where no peer had
    seen it, the log ends just before it, and it is appended. Where the log lacks more than that, it stays away, and the
    node signs nothing: the keys from before the change belong to such a database.
    """
    with node.store.read() as session:
        if keys_since(session) >= node.history.last.index:
            return False
    with node.store.write() as session:
        since = keys_since(session)
        lacking = [link for link in node.history.links if link.index > since]
        done = list(itertools.takewhile(lambda link: _return(session, link), lacking))  # none is left out
        for link in done:
            put_on_lanes(session, link.statement_id, [peer.node_id for peer in all_peers(session)])
            for found in node.history.refused_by(link):
                if found.role == "statement":
                    refuse_statements(session, node.node_id, found.first, found.end, link.statement_id)
    return bool(done)


def cosign_again(node: Node) -> None:
    """At the start, with a database from before the last change of keys: the heads that it cosigned last are cosigned
    with the witness keys of today, since peers believe no others."""
    with node.store.read() as session:
        if keys_since(session) >= node.history.last.index:
            return
    anew = cosigned_anew(node, node.keys.witness)
    with node.store.write() as session:
        put_cosigned(session, anew)


def cosigned_anew(node: Node, pair: LogKeys) -> dict[str, tuple[bytes, bytes]]:
    """By peer: the head of its log that was cosigned last, as it was and with these witness keys. Peers then need to
    know one pair of witness keys alone."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.cosigned is not None]
    name, now = witness_name(node.node_id), int(time.time())
    anew = {}
    for peer in peers:
        before = peer.cosigned or b""
        due = own_lines(peer_keys(peer), head_of(before))
        anew[peer.node_id] = (before, cosign(before, name, pair.ed25519, pair.ml_dsa, now, own_lines=due))
    return anew


def put_cosigned(session: Session, anew: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Keep those that are still the last ones. Needs a write transaction."""
    for peer_id, (before, with_new_keys) in anew.items():
        row = find_peer(session, peer_id)
        if row is not None and row.cosigned == before:
            row.cosigned = with_new_keys


def _return(session: Session, link: VerifiedKeyEvent) -> bool:
    start = log_start(session)
    if is_lost(session, link.index):
        if find_node(session, 0, link.index) != merkle.leaf_hash(link.envelope.leaf_data):
            return False
        no_longer_lost(session, link.index)
        put_back_key_event(session, link.statement_id, link.event, link.envelope, link.index)
        return True
    settled = start is None or start.state == LogStartState.FREE
    if settled and log_size(session) == link.index:
        append_own(session, link.statement_id, link.event, KEY_EVENT, link.envelope)
        return True
    return False
