"""A trust root in a node's home: it admits peers, and what it says against peers that are enrolled is an alarm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import now
from exchange.errors import ConfigurationError, InvalidInput, RootInvalid
from exchange.flows.keys.enrol import enrol, read_introduction, revoke_peer
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.node.installed_trust import installed_trust
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.status import node_status
from exchange.flows.witness.bundle import verify_bundle
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from exchange.trust.card import fingerprint
from exchange.trust.registry import RegisteredNode, Trust
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.owner import owner_of
from tests.exchange.flows.witness.bundles import made
from tests.exchange.flows.witness.test_bundle import data
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.trust.rounds import LONG_AGO, Capitals, new_signer

pytestmark = pytest.mark.slow

CODES = (Jurisdiction.RS, Jurisdiction.MK)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    """Serbia and North Macedonia, that do not know each other."""
    found = []
    for code in CODES:
        create_node(tmp_path / code, jurisdiction=code, url=f"http://{code.lower()}.test", port=9)
        found.append(open_node(tmp_path / code))
    yield found[0], found[1]
    for node in found:
        node.close()


def entry(node: Node, **changes: Any) -> RegisteredNode:
    card = node.card
    fields = {"node_id": card.issuer, "jurisdiction": card.jurisdiction, "url": card.url, "identity": card.identity}
    return RegisteredNode(**{**fields, **changes})


def install(node: Node, trust: Trust) -> None:
    install_trust(node.settings, trust, confirmed=trust.fingerprint)


def enrolled(node: Node, other: Node, *, confirmed: str | None = None) -> str:
    introduction = read_introduction(node, other.card_envelope.raw)
    return enrol(node, introduction, confirmed=confirmed, legal_basis=LEGAL_BASIS).state


def refused(node: Node, other: Node, *, confirmed: str | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        enrolled(node, other, confirmed=confirmed)
    with node.store.read() as session:
        assert list(all_peers(session)) == [], "nothing was enrolled"
    return caught.value.code


def test_without_a_trust_root_people_compare_fingerprints(nodes: tuple[Node, Node]) -> None:
    rs, mk = nodes
    assert installed_trust(rs.settings) is None
    assert node_status(rs).alarms == []
    assert refused(rs, mk) == "invalid-input"
    assert refused(rs, mk, confirmed="1" * 40) == "fingerprint-differs"
    assert enrolled(rs, mk, confirmed=fingerprint(mk.card.identity)) == PeerState.ENROLLED


def test_the_registry_admits_a_peer_without_a_telephone(nodes: tuple[Node, Node]) -> None:
    rs, mk = nodes
    install(rs, Capitals().round(nodes=[entry(rs), entry(mk)]))
    assert refused(rs, mk, confirmed="1" * 40) == "fingerprint-differs", "what was typed must be right all the same"
    assert enrolled(rs, mk) == PeerState.ENROLLED
    assert node_status(rs).alarms == []


def test_whom_the_registry_does_not_name_no_fingerprint_admits(nodes: tuple[Node, Node]) -> None:
    rs, mk = nodes
    right = fingerprint(mk.card.identity)
    capitals = Capitals()
    one = capitals.round(nodes=[entry(rs)])
    install(rs, one)
    assert refused(rs, mk, confirmed=right) == "not-in-registry"
    two = capitals.round(one, nodes=[entry(rs), entry(mk, identity=new_signer().keys.public)])
    install(rs, two)
    assert refused(rs, mk, confirmed=right) == "identity-differs"
    three = capitals.round(two, nodes=[entry(rs), entry(mk)], expires=LONG_AGO)
    install(rs, three)
    assert refused(rs, mk, confirmed=right) == "root-expired"
    install(rs, capitals.round(three, nodes=[entry(rs), entry(mk)]))
    assert enrolled(rs, mk) == PeerState.ENROLLED


def test_the_first_round_is_compared_by_telephone_and_later_ones_go_on_from_it(nodes: tuple[Node, Node]) -> None:
    rs, mk = nodes
    capitals = Capitals()
    one = capitals.round(nodes=[entry(rs), entry(mk)])
    for wrong in (None, "", "1" * 40, Capitals().round().fingerprint):
        with pytest.raises(InvalidInput, match="Nothing was installed"):
            install_trust(rs.settings, one, confirmed=wrong)
    assert not rs.settings.trust_root.exists()
    install_trust(rs.settings, one, confirmed=one.fingerprint.replace(" ", "-"))
    two = capitals.round(one)
    install_trust(rs.settings, two, confirmed=None)
    held = installed_trust(rs.settings)
    assert held is not None
    assert (held.version, held.fingerprint) == (2, two.fingerprint)


def test_an_older_or_another_round_is_not_installed(nodes: tuple[Node, Node]) -> None:
    rs, _ = nodes
    capitals = Capitals()
    one = capitals.round()
    two = capitals.round(one)
    install(rs, two)
    for offered, code in ((one, "rollback"), (capitals.round(one, expires=LONG_AGO), "another-history")):
        with pytest.raises(RootInvalid) as caught:
            install(rs, offered)
        assert caught.value.code == code
    held = installed_trust(rs.settings)
    assert held is not None
    assert held.fingerprint == two.fingerprint


def test_what_cannot_be_believed_admits_nobody_and_stops_nothing(nodes: tuple[Node, Node]) -> None:
    """Absent and unreadable are two answers: only without any root does a fingerprint admit."""
    rs, mk = nodes
    install(rs, Capitals().round(nodes=[entry(rs), entry(mk)]))
    path = rs.settings.trust_root / "1.root.json"
    path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
    with pytest.raises(ConfigurationError, match="backup"):
        enrolled(rs, mk, confirmed=fingerprint(mk.card.identity))
    [alarm] = node_status(rs).alarms
    assert "too-few-signatures" in alarm
    path.unlink()
    with pytest.raises(ConfigurationError, match="No new peer"):
        enrolled(rs, mk, confirmed=fingerprint(mk.card.identity))
    shutil.rmtree(rs.settings.trust_root)
    rs.settings.trust_root.symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="No new peer"):
        enrolled(rs, mk, confirmed=fingerprint(mk.card.identity))
    rs.settings.trust_root.unlink()
    assert enrolled(rs, mk, confirmed=fingerprint(mk.card.identity)) == PeerState.ENROLLED


def test_expiry_is_told_sixty_days_before(nodes: tuple[Node, Node]) -> None:
    rs, _ = nodes
    capitals = Capitals()
    trust = capitals.round(nodes=[entry(rs)], expires=now() + timedelta(days=61))
    install(rs, trust)
    assert node_status(rs).alarms == []
    soon = now() + timedelta(days=59)
    install(rs, capitals.round(trust, nodes=[entry(rs)], expires=soon))
    [alarm] = node_status(rs).alarms
    assert f"expires on {soon:%Y-%m-%d}" in alarm


def test_a_node_that_is_not_in_the_registry_is_told_so(nodes: tuple[Node, Node]) -> None:
    rs, mk = nodes
    install(rs, Capitals().round(nodes=[entry(mk)]))
    [alarm] = node_status(rs).alarms
    assert "This node is not in the registry" in alarm


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, *CODES) as made:
        yield made


def test_root_expired_enrolled_peers_go_on(network: Network, tmp_path: Path) -> None:
    """With an alarm, and nobody new comes in; what was signed before still verifies."""
    rs, mk = network.nodes[RS], network.nodes[MK]
    install(rs, Capitals().round(nodes=[entry(rs), entry(mk)], expires=LONG_AGO))
    network.publish(MK, 3)
    network.round(RS, MK)
    head = network.head(MK)
    assert head is not None
    assert network.cosigned(RS, MK) == head
    [alarm] = node_status(rs).alarms
    assert "expired on 2020-01-01" in alarm
    assert "enrolled peers go on" in alarm
    create_node(tmp_path / "al", jurisdiction=Jurisdiction.AL, url="http://al.test", port=9)
    newcomer = open_node(tmp_path / "al")
    with pytest.raises(InvalidInput) as caught:
        enrolled(rs, newcomer, confirmed=fingerprint(newcomer.card.identity))
    assert caught.value.code == "root-expired"
    newcomer.close()


def test_root_expired_history_still_verifies(nodes: tuple[Node, Node]) -> None:
    """A record's bundle, years after, against the identity that the registry of its time names."""
    rs, _ = nodes
    capitals = Capitals()
    one = capitals.round(nodes=[entry(rs)], expires=LONG_AGO)
    two = capitals.round(one, expires=LONG_AGO)
    install(rs, two)
    owner = owner_of(rs)
    owner.publish()
    trust = installed_trust(rs.settings)
    assert trust is not None
    [then] = trust.registries[0].nodes
    assert trust.registry.nodes == ()
    found = verify_bundle(data(made(owner, 0)), confirmed=fingerprint(then.identity))
    assert found.card.issuer == "ffp-rs"


def test_a_removed_peer_is_an_alarm_and_goes_on(network: Network) -> None:
    rs, mk = network.nodes[RS], network.nodes[MK]
    capitals = Capitals()
    one = capitals.round(nodes=[entry(rs)])
    install(rs, one)
    network.publish(MK)
    network.round(RS, MK)
    assert network.cosigned(RS, MK) == network.head(MK)
    [alarm] = node_status(rs).alarms
    assert "ffp-mk is not in the registry" in alarm
    install(rs, capitals.round(one, nodes=[entry(rs), entry(mk, identity=new_signer().keys.public)]))
    [alarm] = node_status(rs).alarms
    assert "ffp-mk has another identity" in alarm
    revoke_peer(rs, MK)
    assert node_status(rs).alarms == [], "who was revoked is nobody's concern"
