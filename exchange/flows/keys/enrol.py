"""Enrol a peer: fetch its card, have two people compare the fingerprint or the registry name it, pin its keys, give it
what it may have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from exchange.errors import Conflict, InvalidInput, NotFound, PeerError, StatementInvalid
from exchange.flows.keys.trust_root import admitted
from exchange.flows.node.node import Node
from exchange.flows.statement.coordination import stated_here
from exchange.flows.statement.peer import peer_card
from exchange.flows.statement.sharing import share_anew
from exchange.flows.terms.first_line import FirstLine, check_no_line, state_first_line
from exchange.net.client import PeerAddress, PeerClient
from exchange.net.egress import Typed, end_of, is_literal
from exchange.store.log.statement_rows import key_events
from exchange.store.sync.peers import ASKED, add_peer, all_peers, find_peer, new_peer, put_on_lane
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.terms.terms_rows import terms_for
from exchange.trust.card import fingerprint, open_card, same_fingerprint
from exchange.trust.key_history import pinned_history
from schemas import ContractError, Envelope, KeyEvent, open_envelope
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class Introduction:
    """A card as somebody showed it. Nothing in it is believed before the fingerprint was compared, or the registry
    named it."""

    card: KeyEvent
    envelope: Envelope
    fingerprint: str
    typed: str | None = None
    """The address at which it was asked for; None for a card that came as a file."""
    reached: tuple[str, ...] = ()
    """What that address led to."""
    chain: bytes | None = None
    """All its key-events, of a node that has signed another address than its card's."""

    @property
    def url(self) -> str:
        """The address that it states: in its last key-event, as far as these are known."""
        return pinned_history(self.envelope.raw, self.chain).url

    @property
    def elsewhere(self) -> bool:
        """Whether it states another address than the one that was typed, at which nobody has looked yet."""
        return self.typed is not None and not same_address(self.typed, self.url)


def fetch_introduction(node: Node, url: str) -> Introduction:
    """Ask whoever answers at ``url`` for its card. Raises PeerUnreachable, EgressRefused, InvalidInput."""
    guard = Typed(url, node.egress.networks)
    client = PeerClient(
        node.node_id,
        node.keys.transport,
        guard=guard,
        timeout_s=node.settings.peer_timeout_s,
        certificate=node.settings.client_certificate,
    )
    try:
        introduction = replace(read_introduction(node, client.fetch_card(url)), typed=url, reached=guard.reached)
        if introduction.elsewhere:
            introduction = replace(introduction, chain=_chain_of(client, introduction, url))
    finally:
        client.close()
    return introduction


def _chain_of(client: PeerClient, introduction: Introduction, url: str) -> bytes | None:
    """The key-events of a node that may have moved since its card; None where they are none or not believed."""
    address = PeerAddress(introduction.card.issuer, url.rstrip("/"), introduction.card.delegation.transport)
    try:
        raw = client.fetch_keys(address)
        pinned_history(introduction.envelope.raw, raw)
    except (ContractError, StatementInvalid, PeerError):
        return None
    return raw


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


def check_address(introduction: Introduction, address: str | None) -> None:
    """Whether this node shall ask the peer at the address that its card states: the one that was typed, or ``address``,
    as the operator confirmed it. Raises InvalidInput, which shows both."""
    stated = introduction.url
    if introduction.elsewhere and address != stated:
        raise InvalidInput(
            f"You typed {introduction.typed}, and the card that came from there states {stated}. This node would ask "
            "the peer at the stated address from then on. Nothing was enrolled. Have the other side read its address "
            "out; if it is the stated one, confirm that.",
            code="address-differs",
        )


def same_address(one: str, other: str) -> bool:
    """Whether two addresses lead to the same place: case, the usual port and a slash at the end tell nothing."""
    parts = [urlsplit(url) for url in (one, other)]
    first, second = [(part.scheme, *end_of(part.geturl()), part.path.rstrip("/"), part.query) for part in parts]
    return first == second


def enrol(
    node: Node,
    introduction: Introduction,
    *,
    confirmed: str | None,
    legal_basis: str,
    address: str | None = None,
    first_line: FirstLine | None = None,
) -> PeerRow:
    """Pin the keys of a card that is believed, and where its name leads, and put old records on the new lane.

    Where the card states another address than the one that was typed, ``address`` is the stated one, confirmed.

    Where a trust root is installed its registry must name the card's identity. Where there is none ``confirmed`` is
    needed, the fingerprint as the other side read it out; where given it must agree.

    ``first_line``: what the policy lets the peer have, stated once the peer is enrolled. With None nothing is shared
    with it until the head states a line.

    Raises InvalidInput when the fingerprints differ; Conflict when the peer is enrolled with other keys, or when the
    policy has a line for its jurisdiction already.
    """
    if first_line is not None:
        check_no_line(node, introduction.card.jurisdiction)
    check_address(introduction, address)
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
    if same_address(introduction.url, node.settings.url):
        raise InvalidInput(
            f"{card.issuer} states {introduction.url}, the address of this node. Have its operator correct it."
        )
    peer = new_peer(
        node_id=card.issuer,
        jurisdiction=card.jurisdiction,
        url=introduction.url,
        card=introduction.envelope.raw,
        key_chain=introduction.chain,
        legal_basis=legal_basis.strip(),
    )
    _confirm_name(node, introduction)
    peer = _enter(node, introduction, peer)
    if first_line is not None:
        state_first_line(node, Jurisdiction(peer.jurisdiction), peer.legal_basis, first_line)
    return peer


def _enter(node: Node, introduction: Introduction, peer: PeerRow) -> PeerRow:
    """Store the peer, or return it as it is known with the same card."""
    card = introduction.card
    with node.store.write() as session:
        known = find_peer(session, card.issuer)
        if known is not None:
            if known.card == introduction.envelope.raw and known.state == PeerState.ENROLLED:
                return known
            raise Conflict(f"{card.issuer} was enrolled before, as {known.state}; a key is never replaced silently.")
        check_distinct(session, card, introduction.url)
        add_peer(session, peer)
        for event in key_events(session, node.node_id)[1:]:  # the card it has; first, so that all else can be verified
            put_on_lane(session, peer.node_id, event.statement_id)
        for statement_id in terms_for(session, peer, owner=node.node_id):
            put_on_lane(session, peer.node_id, statement_id)
        for statement_id in stated_here(session, node.node_id):
            put_on_lane(session, peer.node_id, statement_id)
        share_anew(session, peer, owner=node.node_id)
    return peer


def check_distinct(session: Session, card: KeyEvent, url: str) -> None:
    """Two enrolled peers have neither one identity nor one address. Rows of revoked peers count for nothing, and so do
    addresses that key-events claim and nobody confirmed.

    Raises Conflict, code "identity-taken" or "address-taken"."""
    for peer in all_peers(session):
        if peer.state not in ASKED or peer.node_id == card.issuer:
            continue
        if peer_card(peer).identity == card.identity:
            raise Conflict(
                f"{peer.node_id} has the identity key of {card.issuer}. Each node has one of its own: telephone both "
                f"operators, and revoke the peer that is not what it says: ffp peer revoke {peer.node_id}",
                code="identity-taken",
            )
        if same_address(peer.url, url):
            raise Conflict(
                f"{peer.node_id} states the address {url} too. Have both operators read out their address. If "
                f"{peer.node_id} is not reached there, revoke it (ffp peer revoke {peer.node_id}) and enrol "
                f"{card.issuer} again.",
                code="address-taken",
            )


def _confirm_name(node: Node, introduction: Introduction) -> None:
    """Write down where the name of the stated address leads. That of a card which came as a file is confirmed by the
    first connection. Raises EgressRefused, InvalidInput."""
    host, port = end_of(introduction.url)
    if introduction.typed is None or is_literal(host):
        return
    reached = introduction.reached
    if introduction.elsewhere:
        try:
            reached = tuple(Typed(introduction.url, node.egress.networks).addresses(host, port))
        except OSError as error:
            raise InvalidInput(f"The name {host} of the stated address is not known. Nothing was enrolled.") from error
    node.egress.book.confirm(host, reached, why=f"enrolment of {introduction.card.issuer}")


def revoke_peer(node: Node, node_id: str) -> None:
    """Answer and ask a peer no more. What it has it keeps until withdrawn; its keys stay known, for the evidence."""
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is None:
            raise NotFound(f"There is no peer {node_id}. See: ffp peer list")
        peer.state = PeerState.REVOKED
