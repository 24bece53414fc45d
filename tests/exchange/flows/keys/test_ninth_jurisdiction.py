"""A ninth jurisdiction comes with a round of the trust root: its node is made, enrolled, and gets records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from exchange.errors import ConfigurationError, InvalidInput
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.keys.trust_root import install_rounds, install_trust
from exchange.flows.node.jurisdictions import TRUST_ROOT, installed_jurisdictions
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.status import node_status
from exchange.flows.statement.named import check_named
from exchange.flows.terms.policy_change import preview_policy
from exchange.flows.terms.terms import grant, state_policy
from exchange.jurisdictions.jurisdiction_entry import entries_in
from exchange.jurisdictions.own_file import OWN_FILE, add_own_entries
from exchange.trust.registry import RegisteredNode, Trust
from schemas import Group, KeyEvent, LegalBasis, Maker
from schemas.jurisdiction import Jurisdiction
from schemas.vocabulary import ExhibitKind, Role, SharingRule, SignedInBy
from tests.exchange.flows.network import RS, Network
from tests.exchange.jurisdictions.croatia import HR, croatia
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.trust.rounds import Capitals

pytestmark = pytest.mark.slow

CROATIA = "ffp-hr"
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def entry(card: KeyEvent) -> RegisteredNode:
    return RegisteredNode(node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity)


def made(folder: Path, code: Jurisdiction) -> Node:
    create_node(folder / code, jurisdiction=code, url=f"http://{code.lower()}.test", port=9)
    return open_node(folder / code)


def install(node: Node, trust: Trust) -> None:
    install_trust(node.settings, trust, confirmed=trust.fingerprint)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Serbia and Croatia. Round 1 names the jurisdiction, so that its node can be made; round 2 names the node."""
    capitals = Capitals()
    with closing(Network(tmp_path)) as found:
        found.nodes[RS] = rs = made(tmp_path, Jurisdiction.RS)
        one = capitals.round(nodes=[entry(rs.card)], jurisdictions=croatia())
        install_rounds(tmp_path / HR / TRUST_ROOT, one, confirmed=one.fingerprint)
        found.nodes[CROATIA] = hr = made(tmp_path, HR)
        two = capitals.round(one, nodes=[entry(rs.card), entry(hr.card)], jurisdictions=croatia())
        for node in (rs, hr):
            install(node, two)
        for node, other in ((rs, hr), (hr, rs)):
            enrol(node, read_introduction(node, other.card_envelope.raw), confirmed=None, legal_basis=LEGAL_BASIS)
        yield found


def test_a_record_goes_across_and_back(network: Network) -> None:
    line = LegalBasis(
        jurisdiction=HR,
        kinds=tuple(ExhibitKind),
        rule=SharingRule.ALLOWED,
        article=LEGAL_BASIS,
        review_by=date(2099, 12, 31),
    )
    state_policy(network.nodes[RS], HEAD, (), (line,))
    there = network.record(RS, audience=["HR"])
    back = network.record(CROATIA, audience=["RS"])
    network.settle()
    assert network.holds(CROATIA) == network.holds(RS) == {there, back}


def test_nodes_know_its_name_at_once_and_have_no_alarm(network: Network) -> None:
    for node in network.nodes.values():
        assert node.jurisdictions.name("HR", "sr-Latn") == "Hrvatska"
        assert node.jurisdictions.source == "round 2 of the trust root"
        assert not [alarm for alarm in node_status(node).alarms if "HR" in alarm]


def test_a_policy_tells_its_name_and_refuses_a_code_that_nobody_knows(network: Network) -> None:
    rs = network.nodes[RS]
    change = preview_policy(rs, HEAD, (Group(name="group-west", members=(HR,)),), None)
    assert "The group group-west is new, with Croatia." in change.changes
    with pytest.raises(InvalidInput, match="QQ is none of AL, BA, HR, MD") as refused:
        preview_policy(rs, HEAD, (Group(name="group-west", members=(HR, Jurisdiction("QQ"))),), None)
    assert refused.value.code == "unknown-jurisdiction"
    record = network.record(RS, audience=[])
    grant(rs, HEAD, record, HR, "Agreement, Article 5")
    with pytest.raises(InvalidInput, match="QQ is none of"):
        grant(rs, HEAD, record, Jurisdiction("QQ"), "Agreement, Article 5")


def test_what_the_next_round_leaves_out_is_its_code_and_an_alarm(tmp_path: Path) -> None:
    capitals = Capitals()
    one = capitals.round(jurisdictions=croatia())
    install_rounds(tmp_path / HR / TRUST_ROOT, one, confirmed=one.fingerprint)
    with closing(made(tmp_path, HR)) as node:
        assert node.jurisdictions.name(HR) == "Croatia"
        install(node, capitals.round(one))
        assert node.jurisdictions.name(HR) == "HR"
        assert any("No name is known of HR" in alarm for alarm in node_status(node).alarms)


def test_a_peer_of_a_newer_round_is_named_by_its_code(network: Network, tmp_path: Path) -> None:
    """As where the own trust root is older: no error, and its jurisdiction may be named."""
    add_own_entries(tmp_path / "ME", croatia())
    me = network.nodes["ffp-me"] = made(tmp_path, Jurisdiction.ME)
    card = read_introduction(me, network.nodes[CROATIA].card_envelope.raw)
    enrol(me, card, confirmed=card.fingerprint, legal_basis=LEGAL_BASIS)
    (tmp_path / "ME" / OWN_FILE).unlink()
    assert me.jurisdictions.name(HR) == "HR"
    check_named(me, [HR, "group-west"], "audience")
    assert node_status(me).alarms == []


def test_without_a_trust_root_the_nodes_own_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"HR is none of AL, BA, MD.*ffp jurisdiction add FILE --home"):
        made(tmp_path, HR)
    assert not (tmp_path / HR).exists()
    add_own_entries(tmp_path / HR, croatia())
    with closing(made(tmp_path, HR)) as node:
        assert node.jurisdictions.name(HR, "mk") == "Хрватска"
        assert node.jurisdictions.source == OWN_FILE


def test_a_trust_root_goes_before_the_nodes_own_file(tmp_path: Path) -> None:
    add_own_entries(tmp_path / HR, croatia())
    with closing(made(tmp_path, HR)) as node:
        install(node, Capitals().round())
        assert node.jurisdictions.name(HR) == "HR"
        alarms = node_status(node).alarms
        assert any(f"{OWN_FILE} names HR, and is not read" in alarm for alarm in alarms)


def test_a_file_that_cannot_be_read_stops_the_start_and_not_a_node_that_runs(tmp_path: Path) -> None:
    with closing(made(tmp_path, Jurisdiction.RS)) as node:
        (tmp_path / "RS" / OWN_FILE).write_text('{"HR": {}}')
        assert node.jurisdictions.name(HR) == "HR"
        assert any("holds no jurisdictions" in alarm for alarm in node_status(node).alarms)
    with pytest.raises(ConfigurationError, match="Correct or remove the file"):
        open_node(tmp_path / "RS")


def test_the_release_knows_its_own_better_than_a_file(tmp_path: Path) -> None:
    renamed = entries_in({"MD": {"names": {"en": "Moldova"}, "languages": ["ro"], "clock": "UTC"}}, "a test")
    with pytest.raises(InvalidInput, match="names MD, which this release knows: only a round of the trust root"):
        add_own_entries(tmp_path, renamed)
    assert not (tmp_path / OWN_FILE).exists()
    (tmp_path / OWN_FILE).write_text('{"MD": {"names": {"en": "Moldova"}, "languages": ["ro"], "clock": "UTC"}}')
    assert installed_jurisdictions(tmp_path).name("MD") == "Republic of Moldova"
