"""Enrol a peer: fetch its card, have two people compare the fingerprint or the registry name it, pin its keys, give it
what it may have."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass

from exchange.errors import Conflict, InvalidInput, NotFound, StatementInvalid
from exchange.flows.node import Node
from exchange.flows.sharing import share_anew
from exchange.flows.trust_root import admitted
from exchange.net.client import PeerClient
from exchange.store.peers import (
    PeerState,
    add_peer,
    find_peer,
    new_peer,
    peer_by_key,
    put_on_lane,
)
from exchange.store.statements import key_events
from exchange.store.tables import PeerRow
from exchange.store.terms import terms_for
from exchange.trust.card import fingerprint, open_card, same_fingerprint
from exchange.trust.key_history import KeyHistory, begin_history, history_of
from exchange.trust.keys import ED25519, key_id
from schemas import ContractError, Envelope, KeyEvent, open_envelope
from schemas.key_chain import parse_key_chain


@dataclass(frozen=True)
class Introduction:
    """A card as somebody showed it. Nothing in it is believed before the fingerprint was compared, or the registry
    named it."""

    card: KeyEvent
    envelope: Envelope
    fingerprint: str


def fetch_introduction(node: Node, url: str) -> Introduction:
    """Ask whoever answers at ``url`` for its card. Raises PeerUnreachable, InvalidInput."""
    client = PeerClient(
        node.keys.transport,
        timeout_s=node.settings.peer_timeout_s,
        certificate=node.settings.client_certificate,
    )
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


def enrol(node: Node, introduction: Introduction, *, confirmed: str | None, legal_basis: str) -> PeerRow:
    """Pin the keys of a card that is believed, and put old records on the new lane.

    Where a trust root is installed its registry must name the card's identity. Where there is none ``confirmed`` is
    needed, the fingerprint as the other side read it out; where given it must agree. Raises InvalidInput when not,
    Conflict when the peer is enrolled with other keys.
    """
    registered = admitted(node, introduction.card)
    if confirmed is None and registered is None:
        raise InvalidInput("No trust root is installed here: have the other side read its fingerprint out.")
    if confirmed is not None and not same_fingerprint(confirmed, introduction.fingerprint):
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
    with node.store.write() as session:
        known = find_peer(session, card.issuer)
        if known is not None:
            if known.card == introduction.envelope.raw and known.state == PeerState.ENROLLED:
                return known
            raise Conflict(f"{card.issuer} was enrolled before, as {known.state}; a key is never replaced silently.")
        if peer_by_key(session, peer.transport_key_id) is not None:
            raise Conflict(f"Another peer has the transport key of {card.issuer}; one of the two is not who it says.")
        add_peer(session, peer)
        for event in key_events(session, node.node_id)[1:]:  # the card it has; first, so that all else can be verified
            put_on_lane(session, peer.node_id, event.statement_id)
        for statement_id in terms_for(session, peer, owner=node.node_id):
            put_on_lane(session, peer.node_id, statement_id)
        share_anew(session, peer, owner=node.node_id)
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
    return peer_keys(peer).card


def peer_keys(peer: PeerRow) -> KeyHistory:
    """The keys of an enrolled peer, as far as its key-events are known here."""
    return _keys(peer.card, peer.key_chain)


@functools.lru_cache(maxsize=64)
def _keys(card: bytes, chain: bytes | None) -> KeyHistory:
    return read_chain(card, chain) if chain is not None else begin_history(open_envelope(card))


def read_chain(card: bytes, chain: bytes) -> KeyHistory:
    """The key-events of the node whose card is pinned. Raises StatementInvalid, ContractError."""
    first, *later = (base64.b64decode(event) for event in parse_key_chain(chain).events)
    if first != card:
        raise StatementInvalid("The chain of key-events begins with another card than the one that is pinned.")
    return history_of(open_envelope(card), later)
