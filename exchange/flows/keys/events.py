"""Key-events between nodes: show one's own, learn those of a peer, and act on what they say."""

from __future__ import annotations

import base64

from sqlalchemy.orm import Session

from exchange.errors import PeerMisbehaved, StatementInvalid
from exchange.flows.node.node import Node
from exchange.flows.scan.references import forget_superseded
from exchange.flows.statement.peer import peer_keys
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.sync.peers import find_peer, standing_alarm
from exchange.store.sync.refused import forget_told, refuse_statements
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.trust.key_history import KeyHistory, pinned_history
from schemas import CONTRACT_VERSION, ContractError
from schemas.key_chain import KeyChain


def key_chain(history: KeyHistory) -> bytes:
    """All key-events of a node, as it shows them to whoever asks: they hold nothing secret."""
    events = tuple(base64.b64encode(link.envelope.raw).decode() for link in history.links)
    return KeyChain(contract=CONTRACT_VERSION, events=events).model_dump_json().encode()


def learn_keys(node: Node, client: PeerClient, node_id: str) -> bool:
    """Ask a peer for its key-events, where something of it did not verify. Returns whether there was anything new.

    1. Ask at the pinned address. The answer is not signed: the identity signed each event in it.
    2. It must go on from what is known: no event is missing, none is another.
    3. In one transaction: the new keys, and what a compromise sets aside.

    Raises PeerUnreachable, PeerMisbehaved.
    """
    with node.store.read() as session:
        peer = find_peer(session, node_id)
    if peer is None or peer.state != PeerState.ENROLLED:
        return False
    known = peer_keys(peer)
    raw = client.fetch_keys(PeerAddress(node_id, peer.url, known.in_force.transport))
    try:
        told = pinned_history(peer.card, raw)
    except (StatementInvalid, ContractError) as error:
        raise PeerMisbehaved(f"{node_id} shows key-events that are not believed: {error}") from error
    check_goes_on(known, told)
    if len(told.links) == len(known.links):
        return False
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.key_chain != peer.key_chain:
            return True  # learned by somebody else meanwhile
        adopt_keys(session, row, told)
    drop_refused(node, known, told)
    return True


def check_goes_on(known: KeyHistory, told: KeyHistory) -> None:
    """Raises PeerMisbehaved when key-events that were seen before are gone or are others now."""
    issuer = known.card.issuer
    before = [link.statement_id for link in known.links]
    now = [link.statement_id for link in told.links]
    if now[: len(before)] == before:
        return
    if before[: len(now)] == now:
        raise PeerMisbehaved(
            f"{issuer} shows {len(now)} key-events and showed {len(before)} before: it was restored from an older "
            "backup, or somebody else answers in its place. Telephone its operator."
        )
    raise PeerMisbehaved(
        f"{issuer} shows other key-events than before: its identity key signed two that follow on one, and may be in "
        "wrong hands. Telephone its operator, and revoke it if that is so: `ffp peer revoke`."
    )


def adopt_keys(session: Session, peer: PeerRow, told: KeyHistory) -> None:
    """Go on with a peer's new keys, and set aside what its compromised ones signed. Needs a write transaction.

    Nothing that another peer claims is looked at here, so no other peer can stop it.
    """
    known = peer_keys(peer)
    peer.key_chain = key_chain(told)
    for link in told.links[len(known.links) :]:
        for refused in told.refused_by(link):
            match refused.role:
                case "statement":
                    refuse_statements(session, peer.node_id, refused.first, refused.end, link.statement_id)
                case "log":
                    forget_told(session, peer.node_id, refused.first, refused.end)
                case "witness" | "transport":
                    pass  # counts by today alone
    if peer.cosigned is not None and told.is_refused("log", max(peer.cosigned_size - 1, 0)):
        peer.cosigned = None  # its size stays, so that no smaller head is ever cosigned
    session.flush()
    peer.alarm = standing_alarm(session, peer.node_id)


def drop_refused(node: Node, known: KeyHistory, told: KeyHistory) -> None:
    """Take what new compromises set aside out of the galleries, after the transaction that did."""
    for link in told.links[len(known.links) :]:
        if link.event.compromised is not None:
            forget_superseded(node, link.statement_id)
