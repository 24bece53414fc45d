"""Enrol a peer: fetch its card, have two people compare the fingerprint, pin its keys, give it what it may have."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.errors import Conflict, InvalidInput, NotFound, StatementInvalid
from exchange.flows.node import Node
from exchange.flows.sharing import entitled
from exchange.net.client import PeerClient
from exchange.store.peers import (
    PeerState,
    add_peer,
    all_peers,
    extend_lane,
    find_peer,
    lane_of,
    new_peer,
    peer_by_key,
    quarantined,
)
from exchange.store.statements import log_size
from exchange.store.tables import PeerRow
from exchange.trust.card import fingerprint, open_card, same_fingerprint
from exchange.trust.keys import ED25519, key_id
from schemas import ContractError, Envelope, KeyEvent, open_envelope


@dataclass(frozen=True)
class Introduction:
    """A card as somebody showed it. Nothing in it is believed before the fingerprint was compared."""

    card: KeyEvent
    envelope: Envelope
    fingerprint: str


@dataclass(frozen=True)
class PeerStatus:
    """What is where between this node and one peer, in the words of the sync status."""

    row: PeerRow
    fingerprint: str
    to_send: int
    acknowledged: int
    quarantined: int


def fetch_introduction(node: Node, url: str) -> Introduction:
    """Ask whoever answers at ``url`` for its card. Raises PeerUnreachable, InvalidInput."""
    client = PeerClient(node.keys.transport, timeout_s=node.settings.peer_timeout_s)
    try:
        raw = client.fetch_card(url)
    finally:
        client.close()
    return read_introduction(node, raw)


def read_introduction(node: Node, raw: bytes) -> Introduction:
    """Read a card as it came, from the network or from a file. Raises InvalidInput."""
    try:
        envelope = open_envelope(raw)
        card = open_card(envelope)
    except (ContractError, StatementInvalid) as error:
        raise InvalidInput(f"That is no node's card: {error}") from error
    if card.issuer == node.node_id:
        raise InvalidInput("That is this node itself.")
    return Introduction(card, envelope, fingerprint(card.identity))


def enrol(node: Node, introduction: Introduction, *, confirmed: str, legal_basis: str) -> PeerRow:
    """Pin the keys of a card whose fingerprint was confirmed out of band, and put old records on the new lane.

    ``confirmed`` is the fingerprint as the other side read it out. Raises InvalidInput when it differs, Conflict
    when the peer is enrolled with other keys.
    """
    if not same_fingerprint(confirmed, introduction.fingerprint):
        raise InvalidInput(
            "The fingerprints differ: whoever answers at that address is not who you telephoned. Nothing was enrolled.",
            code="fingerprint-differs",
        )
    if not legal_basis.strip():
        raise InvalidInput("State the legal basis of this exchange: the treaty or law, and its article.")
    card = introduction.card
    peer = new_peer(
        node_id=card.issuer,
        jurisdiction=card.jurisdiction,
        url=card.url,
        card=introduction.envelope.raw,
        transport_key_id=key_id(ED25519, card.delegation.transport),
        legal_basis=legal_basis.strip(),
    )
    # what is old is read and decided before anything is locked: for thousands of records that takes seconds
    with node.store.read() as session:
        size = log_size(session)
        old = entitled(session, peer, owner=node.node_id)
    with node.store.write() as session:
        known = find_peer(session, card.issuer)
        if known is not None:
            if known.card == introduction.envelope.raw and known.state == PeerState.ENROLLED:
                return known
            raise Conflict(f"{card.issuer} was enrolled before, as {known.state}; a key is never replaced silently.")
        if peer_by_key(session, peer.transport_key_id) is not None:
            raise Conflict(f"Another peer has the transport key of {card.issuer}; one of the two is not who it says.")
        add_peer(session, peer)
        extend_lane(session, peer.node_id, [*old, *entitled(session, peer, owner=node.node_id, from_index=size)])
    return peer


def revoke(node: Node, node_id: str) -> None:
    """Answer and ask a peer no more. What it has it keeps until withdrawn; its keys stay known, for the evidence."""
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is None:
            raise NotFound(f"There is no peer {node_id}. See: ffp peer list")
        peer.state = PeerState.REVOKED


def peer_card(peer: PeerRow) -> KeyEvent:
    """The pinned card of an enrolled peer."""
    return open_card(open_envelope(peer.card))


def sync_status(node: Node) -> list[PeerStatus]:
    with node.store.read() as session:
        return [
            PeerStatus(
                row=peer,
                fingerprint=fingerprint(peer_card(peer).identity),
                to_send=lane_of(session, peer.node_id).count,
                acknowledged=lane_of(session, peer.node_id).acknowledged_count,
                quarantined=quarantined(session, peer.node_id),
            )
            for peer in all_peers(session)
        ]
