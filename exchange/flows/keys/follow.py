"""A peer that is reached at another address than before: its operator says so, and its key-events."""

from __future__ import annotations

from exchange.errors import Conflict, InvalidInput, NotFound, StatementInvalid
from exchange.flows.keys.enrol import check_distinct, same_address
from exchange.flows.keys.events import adopt_keys, check_goes_on, drop_refused
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import peer_keys
from exchange.net.client import PeerAddress, PeerClient
from exchange.net.egress import Typed, end_of, is_literal
from exchange.store.sync.peers import ASKED, find_peer, standing_alarm
from exchange.trust.key_history import pinned_history
from schemas import ContractError


def follow_peer(node: Node, node_id: str, url: str) -> str:
    """Ask a peer at another address from now on, which its operator read out. Return the address.

    1. Its key-events are asked for there. They are not signed by whoever answers: its identity signed each.
    2. They go on from what is known, and the last one states this address.
    3. No other peer is asked at it. It is pinned, with where its name leads, and the keys that the key-events bring.

    Raises NotFound, InvalidInput, Conflict, PeerUnreachable, PeerMisbehaved, EgressRefused.
    """
    with node.store.read() as session:
        peer = find_peer(session, node_id)
    if peer is None or peer.state not in ASKED:
        raise NotFound(f"There is no peer {node_id} that is asked for anything. See: ffp peer list")
    # 1.
    known, guard = peer_keys(peer), Typed(url, node.egress.networks)
    client = PeerClient(
        node.node_id,
        node.keys.transport,
        guard=guard,
        timeout_s=node.settings.peer_timeout_s,
        certificate=node.settings.client_certificate,
    )
    try:
        raw = client.fetch_keys(PeerAddress(node_id, url.rstrip("/"), known.in_force.transport))
    finally:
        client.close()
    # 2.
    try:
        told = pinned_history(peer.card, raw)
    except (StatementInvalid, ContractError) as error:
        raise InvalidInput(f"What answers at {url} is not {node_id}: {error} Nothing was changed.") from error
    check_goes_on(known, told)
    stated = told.url
    if not same_address(stated, url):
        raise InvalidInput(
            f"{node_id} signed that it is reached at {stated}, not at {url}. Nothing was changed. Its operator signs "
            "another address with: ffp key address",
            code="address-differs",
        )
    # 3.
    host, _ = end_of(stated)
    if not is_literal(host):
        node.egress.book.confirm(host, guard.reached, why=f"new address of {node_id}")
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.key_chain != peer.key_chain:
            raise Conflict(f"More became known of {node_id} meanwhile. Try again.")
        check_distinct(session, told.card, stated)
        row.url = stated
        adopt_keys(session, row, told)
        row.alarm = standing_alarm(session, node_id)
    drop_refused(node, known, told)
    return stated
