"""A hostile peer names another node's transport key, or another node's log, as its own."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select

import exchange.flows.log.signed_checkpoint as checkpoint_flow
from exchange.errors import Conflict, InvalidInput, PeerMisbehaved, StatementInvalid
from exchange.flows.keys.enrol import enrol, read_introduction, revoke_peer
from exchange.flows.keys.events import learn_keys
from exchange.flows.keys.rotate import cosigned_up_to, replace_keys
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.last_head import state_no_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.status import node_status
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.peer_request import requesting_peer
from exchange.flows.sync.pull import pull
from exchange.flows.witness.cosign import cosign_head, meet
from exchange.flows.witness.mirror import mirror_log
from exchange.store.log.statement_rows import append_leaf, append_own, log_size
from exchange.store.sync.peers import find_peer, put_on_lane
from exchange.store.tables.log import CheckpointRow, CosignatureRow, LogNodeRow, LogStateRow
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.record_tables import StatementRow
from exchange.store.witness.mirror_rows import drop_mirror
from exchange.trust.card import make_card
from exchange.trust.key_history import KeyHistory, VerifiedKeyEvent, extend_history
from exchange.trust.keys import load_identity, raw_public, requester_id
from exchange.trust.possession import prove_possession
from schemas import statement_id, statement_payload
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import AL, MK, RS, XK, Network, resting
from tests.exchange.open_policy import LEGAL_BASIS
from tests.schemas.examples import encoded

pytestmark = pytest.mark.slow


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as network:
        for node in network.nodes.values():
            sign_head(node)
        for one in network.nodes:
            for other in set(network.nodes) - {one}:
                network.pull(one, other)
        for one in network.nodes:
            for other in set(network.nodes) - {one}:
                network.meet(one, other)
        yield network


def claim(
    network: Network,
    thief: str,
    key: str,
    prover: Ed25519PrivateKey | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hostile node names a transport key as its own, proved by ``prover`` or not at all, and puts the key-event on
    Serbia's lane. It runs its own software: nothing is checked there."""
    node, previous = network.nodes[thief], network.nodes[thief].history.last.statement_id
    signer = load_identity(node.settings.keys)
    with node.store.read() as session:
        size = log_size(session)
    fields = dataclasses.replace(node.keys, transport=prover or node.keys.transport)
    proof = prove_possession(fields, ("transport",), issuer=thief, identity=signer.public, previous=previous)
    event = node.card.model_copy(
        update={
            "event": "rotate",
            "nonce": hashlib.sha256(key.encode()).hexdigest(),
            "delegation": node.history.in_force.model_copy(update={"from_index": size, "transport": key}),
            "possession": proof.model_copy(update={} if prover else {"transport": None}),
            "previous": previous,
        }
    )
    payload = statement_payload(event)
    envelope = signer.sign(payload)
    with node.store.write() as session:
        append_own(session, statement_id(payload), event, event.type, envelope)
        put_on_lane(session, RS, statement_id(payload))
    link = VerifiedKeyEvent(statement_id(payload), envelope, event)
    network.nodes[thief] = dataclasses.replace(node, history=KeyHistory((*node.history.links, link)))
    monkeypatch.setattr(checkpoint_flow, "check_keys", lambda *_: None)
    while sign_head(network.nodes[thief]):
        pass
    monkeypatch.undo()


def turn(network: Network, reader: str, owner: str) -> None:
    """What the reader's worker does with a peer, until there is nothing more."""
    node, client = network.nodes[reader], network.client(reader)
    while True:
        try:
            more = pull(node, client, owner)
            mirror_log(node, client, owner)
            cosign_head(node, owner)
            if not more:
                meet(node, client, owner)
                return
        except PeerMisbehaved:
            if not learn_keys(node, client, owner):
                raise


def replaced(network: Network, node_id: str) -> None:
    """The victim replaces its stolen statement and transport keys, is started again and meets its peers."""
    node = network.nodes[node_id]
    roles = ("statement", "transport")
    replace_keys(
        node, load_identity(node.settings.keys), roles, compromised=True, from_index=min(1, cosigned_up_to(node))
    )
    network.restart(node_id)


def started(network: Network, node_id: str) -> None:
    for peer in sorted(set(network.nodes) - {node_id}):
        learn_keys(network.nodes[peer], network.client(peer), node_id)
        meet(network.nodes[node_id], network.client(node_id), peer)
    while sign_head(network.nodes[node_id]):
        pass


@pytest.mark.parametrize("proof", ["none", "of another key", "of the stolen key"])
def test_a_claim_to_a_key_keeps_no_stolen_key_in_force(
    three: Network, proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rs, stolen = three.nodes[RS], three.nodes[XK].keys
    replaced(three, XK)
    new = three.nodes[XK].keys.transport  # its public half: GET /v1/node/keys, for everybody
    prover = {"none": None, "of another key": stolen.transport, "of the stolen key": new}[proof]
    claim(three, MK, raw_public(new), prover, monkeypatch)
    turn(three, RS, MK)
    started(three, XK)
    turn(three, RS, XK)

    known = peer_keys(three.peer(RS, XK))
    assert [link.event.event for link in known.links] == ["delegate", "compromise"]
    assert known.in_force.statement != stolen.statement.public
    mine = requesting_peer(rs, requester_id(XK, raw_public(new)))
    assert mine is not None
    assert mine.node_id == XK
    assert three.peer(RS, XK).alarm is None, "nothing is blamed on the victim"
    assert requesting_peer(rs, requester_id(XK, raw_public(stolen.transport))) is None
    claimed = requesting_peer(rs, requester_id(MK, raw_public(new)))
    assert (claimed is not None) == (proof == "of the stolen key")
    assert (three.peer(RS, MK).alarm is None) == (proof == "of the stolen key"), "the claim is set aside, and named"
    assert claimed is None or claimed.node_id == MK, "who has the key speaks for itself alone"


@pytest.mark.parametrize("proof", ["none", "of the stolen key"])
def test_a_claim_to_a_key_keeps_nobody_from_being_enrolled(
    three: Network, tmp_path: Path, proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_node(tmp_path / "new", jurisdiction=Jurisdiction.AL, url="http://al.test", port=9)
    newcomer = open_node(tmp_path / "new")
    key = newcomer.keys.transport
    claim(three, MK, raw_public(key), None if proof == "none" else key, monkeypatch)
    turn(three, RS, MK)
    introduction = read_introduction(three.nodes[RS], newcomer.card_envelope.raw)
    enrol(three.nodes[RS], introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    mine = requesting_peer(three.nodes[RS], newcomer.requester_id)
    assert mine is not None
    assert mine.node_id == AL
    newcomer.close()


def test_two_enrolled_peers_have_neither_one_identity_nor_one_address(three: Network, tmp_path: Path) -> None:
    """A peer that was revoked counts for nothing."""
    rs, xk = three.nodes[RS], three.nodes[XK]
    create_node(tmp_path / "new", jurisdiction=Jurisdiction.AL, url="HTTP://xk.test:80".lower(), port=9)
    newcomer = open_node(tmp_path / "new")
    other_name = make_card(
        load_identity(xk.settings.keys), xk.keys, node_id="ffp-xk-2", jurisdiction=Jurisdiction.XK, url="http://2.test"
    )
    for card, code in ((newcomer.card_envelope.raw, "address-taken"), (other_name.raw, "identity-taken")):
        introduction = read_introduction(rs, card)
        with pytest.raises(Conflict) as caught:
            enrol(rs, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
        assert caught.value.code == code
        assert "ffp peer revoke" in str(caught.value)
    revoke_peer(rs, XK)
    for card in (newcomer.card_envelope.raw, other_name.raw):
        introduction = read_introduction(rs, card)
        enrol(rs, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    newcomer.close()


def test_a_node_states_no_address_of_the_node_that_enrols_it(three: Network, tmp_path: Path) -> None:
    create_node(tmp_path / "new", jurisdiction=Jurisdiction.AL, url="http://rs.test", port=9)
    newcomer = open_node(tmp_path / "new")
    introduction = read_introduction(three.nodes[RS], newcomer.card_envelope.raw)
    with pytest.raises(InvalidInput, match="address of this node"):
        enrol(three.nodes[RS], introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    newcomer.close()


def borrowed(node: Node, owner: Node) -> bytes:
    """A card of one node that names the log of another."""
    fields = node.card.model_dump(mode="json") | {"log_origin": owner.card.log_origin}
    return load_identity(node.settings.keys).sign(encoded(fields)).raw


def test_a_card_that_names_another_nodes_log_is_refused(three: Network) -> None:
    rs, mk, xk = (three.nodes[name] for name in (RS, MK, XK))
    with pytest.raises(InvalidInput, match="the log of ffp-mk is named"):
        read_introduction(rs, borrowed(mk, xk))
    fields = mk.card.model_dump(mode="json") | {
        "log_origin": xk.card.log_origin,
        "event": "rotate",
        "previous": mk.history.last.statement_id,
        "delegation": mk.history.in_force.model_copy(update={"from_index": 1}).model_dump(),
    }
    with pytest.raises(StatementInvalid) as caught:
        extend_history(mk.history, load_identity(mk.settings.keys).sign(encoded(fields)).raw)
    assert caught.value.code == "invalid-field"


def test_a_stored_card_that_names_another_nodes_log_is_an_alarm(three: Network) -> None:
    """Sealed by the node itself, as an earlier release stored it."""
    rs = three.nodes[RS]
    with rs.store.write() as session:
        row = find_peer(session, MK)
        assert row is not None
        row.card, row.key_chain = borrowed(three.nodes[MK], three.nodes[XK]), None
    assert three.peer(RS, MK).state == PeerState.ALTERED
    assert not pull(rs, three.client(RS), MK)
    alarms = [alarm for alarm in node_status(rs).alarms if alarm.startswith("ffp-mk: ")]
    assert len(alarms) == 1
    assert "the log of ffp-mk is named ffp-mk.ffp-exchange/log" in alarms[0]
    assert "ffp peer revoke ffp-mk" in alarms[0]


def test_the_log_of_another_node_is_not_cosigned(three: Network) -> None:
    """Under the name of its own log North Macedonia shows Kosovo*'s, forked: leaf 0 is another card."""
    rs, mk, xk = (three.nodes[name] for name in (RS, MK, XK))
    before = three.peer(RS, MK).cosigned
    three.publish(XK, 3)
    with xk.store.read() as session:
        own = select(StatementRow.leaf).where(StatementRow.issuer == XK).order_by(StatementRow.log_index)
        leaves = session.scalars(own).all()
    with rs.store.write() as session:  # as if Serbia had seen nothing of that log yet
        row = find_peer(session, MK)
        assert row is not None
        row.checkpoint, row.cosigned, row.cosigned_size = None, None, 0
        drop_mirror(session, MK)
    with mk.store.write() as session:
        session.execute(delete(CosignatureRow))
        session.execute(delete(LogNodeRow))
        session.execute(delete(CheckpointRow))
        session.get_one(LogStateRow, 1).size = 0
        session.flush()
        for leaf in [*leaves, bytes(32)]:
            append_leaf(session, leaf)
            session.flush()
    state_no_head(mk.settings.last_head)
    while sign_head(mk):
        pass
    assert before is not None
    with pytest.raises(PeerMisbehaved, match="another leaf at index 0"):
        three.pull(RS, MK)
    assert three.peer(RS, MK).cosigned is None
