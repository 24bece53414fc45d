"""Real nodes that may connect to their peers and services, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from exchange.config import load_settings
from exchange.errors import ComputeFailed, EgressRefused, InvalidInput, PeerUnreachable, StoreUnavailable
from exchange.flows.keys.enrol import enrol, fetch_introduction, read_introduction, revoke_peer
from exchange.flows.node.cluster import Cluster, executor_on
from exchange.flows.node.destinations import egress_of, service_destinations
from exchange.flows.node.node import Node, create_node, open_node, store_of
from exchange.flows.operate import egress as flow
from exchange.flows.operate.doctor.services import examine_egress
from exchange.flows.operate.status import node_status
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.store.database.engine import Store
from exchange.store.sync.peers import find_peer
from exchange.trust.card import fingerprint
from schemas.vocabulary import Jurisdiction
from tests.exchange.net.names import Names, listening
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.running_nodes import RunningNode

NAME = "ffp-mk.test"
LOOPBACK = '["127.0.0.0/8"]'


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def made(home: Path, *, url: str = "http://127.0.0.1:9", lines: str = "", of: Jurisdiction = Jurisdiction.RS) -> Node:
    create_node(home, jurisdiction=of, url=url, port=9)
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write(lines + "\n")
    return open_node(home)


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Node]:
    """Makes Serbia's node, with a peer that was enrolled by a card in a file: as all were before there was a list."""

    def make(peer_url: str, lines: str = "") -> Node:
        rs = made(tmp_path / "rs", lines=lines)
        mk = made(tmp_path / "mk", url=peer_url, of=Jurisdiction.MK)
        introduction = read_introduction(rs, mk.card_envelope.raw)
        enrol(rs, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
        mk.close()
        return rs

    return make


def ask(node: Node) -> None:
    """One request to the peer, which needs not be there."""
    with node.store.read() as session:
        peer = address_of(session.merge(find_peer(session, "ffp-mk")))  # type: ignore[arg-type]  # it is enrolled
    client = PeerClient(node.node_id, node.keys.transport, guard=node.egress, timeout_s=2)
    try:
        client.fetch_keys(peer)
    finally:
        client.close()


@pytest.mark.slow
def test_a_card_that_states_another_address_is_shown_and_refused_unless_confirmed(
    start_node: Callable[..., RunningNode],
) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    typed, right = mk.url.replace("127.0.0.1", "localhost"), fingerprint(mk.node.card.identity)
    introduction = fetch_introduction(rs.node, typed)
    for address in (None, typed, "http://127.0.0.1:1"):
        with pytest.raises(InvalidInput, match=f"typed {typed}.*states {mk.url}.*Nothing was enrolled") as refused:
            enrol(rs.node, introduction, confirmed=right, legal_basis=LEGAL_BASIS, address=address)
        assert refused.value.code == "address-differs"
    with rs.node.store.read() as session:
        assert find_peer(session, "ffp-mk") is None
    peer = enrol(rs.node, introduction, confirmed=right, legal_basis=LEGAL_BASIS, address=mk.url)
    assert peer.url == mk.url, "what is stored is what was confirmed"


@pytest.mark.slow
def test_the_same_address_written_otherwise_is_the_same(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    introduction = fetch_introduction(rs.node, mk.url + "/")
    enrol(rs.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)


def test_what_a_name_leads_to_at_enrolment_is_confirmed_with_it(tmp_path: Path, names: Names) -> None:
    rs, mk = made(tmp_path / "rs"), made(tmp_path / "mk", url=f"https://{NAME}", of=Jurisdiction.MK)
    introduction = replace(
        read_introduction(rs, mk.card_envelope.raw), typed=f"https://{NAME}", reached=("198.51.100.7",)
    )
    enrol(rs, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    assert rs.egress.book.all()[NAME].networks == ("198.51.100.7",)
    names.leads[NAME] = ["9.9.9.9"]
    with pytest.raises(EgressRefused, match=r"9\.9\.9\.9"):
        rs.egress.addresses(NAME, 443)
    for one in (rs, mk):
        one.close()


def test_a_stated_name_that_leads_inside_is_not_enrolled_by_a_tick(tmp_path: Path, names: Names) -> None:
    """A peer states a name of its own choice, which leads to the neighbours of this node."""
    rs, mk = made(tmp_path / "rs"), made(tmp_path / "mk", url=f"http://{NAME}:5432", of=Jurisdiction.MK)
    names.leads[NAME] = ["10.0.0.5"]
    introduction = replace(read_introduction(rs, mk.card_envelope.raw), typed="https://good.test", reached=("8.8.8.8",))
    with pytest.raises(EgressRefused, match="egress_networks"):
        enrol(rs, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS, address=mk.settings.url)
    with rs.store.read() as session:
        assert find_peer(session, "ffp-mk") is None
    for one in (rs, mk):
        one.close()


def test_todays_peers_enter_the_list_and_one_that_leads_elsewhere_later_is_an_alarm(
    node: Callable[..., Node], names: Names
) -> None:
    with listening() as there:
        rs = node(f"http://{NAME}:{there.port}")
        names.leads[NAME] = ["10.0.0.5"]
        assert rs.egress.addresses(NAME, there.port) == ["10.0.0.5"], "what it leads to at the upgrade"
        names.leads[NAME] = ["9.9.9.9"]
        with pytest.raises(PeerUnreachable, match=r"9\.9\.9\.9"):
            ask(rs)
        assert there.said == []
        alarms = node_status(rs).alarms
        assert any(f"ffp egress allow {NAME}" in alarm and "9.9.9.9" in alarm for alarm in alarms)
        before, found = flow.leads(rs, NAME, [])
        assert (before, found) == (["10.0.0.5"], ["9.9.9.9"])
        flow.allow(rs, NAME, found)
        assert rs.egress.addresses(NAME, there.port) == ["9.9.9.9"]
        assert not any(NAME in alarm for alarm in node_status(rs).alarms)
        rs.close()


def test_a_vpn_and_loopback_work_where_the_list_says_so(node: Callable[..., Node], names: Names) -> None:
    with listening(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") as there:
        rs = node(f"http://{NAME}:{there.port}", f"egress_networks = {LOOPBACK}")
        names.leads[NAME] = ["127.0.0.1"]
        with pytest.raises(Exception, match="404"):
            ask(rs)
        assert len(there.said) == 1
        rs.close()


def test_a_revoked_peer_is_not_in_the_list(node: Callable[..., Node], names: Names) -> None:
    rs = node(f"https://{NAME}")
    names.leads[NAME] = ["8.8.8.8"]
    assert rs.egress.addresses(NAME, 443)
    revoke_peer(rs, "ffp-mk")
    with pytest.raises(EgressRefused, match="no address of a peer"):
        rs.egress.addresses(NAME, 443)
    rs.close()


SERVICES = """
oidc_issuer = "https://id.example/realms/x"
oidc_client_id = "ffp"
timestamp_url = "http://tsa.example/stamp"
timestamp_roots = "roots.pem"
smtp_host = "mail.example"
smtp_from = "a@lab.example"
objects_url = "s3://scans"
cluster_scheduler = "tcp://127.0.0.1:8786"
"""


def test_the_list_has_every_service_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_OBJECTS_KEY_ID", "key")
    monkeypatch.setenv("FFP_NODE_OBJECTS_SECRET", "secret")
    rs = made(tmp_path / "rs")
    rs.close()
    with (tmp_path / "rs" / "config.toml").open("a", encoding="utf-8") as config:
        config.write(SERVICES)
    settings = load_settings(tmp_path / "rs").model_copy(
        update={"database_url": SecretStr("postgresql+psycopg://ffp@/ffp?host=db1.example:5433&host=db2.example")}
    )
    assert {(one.host, one.port) for one in service_destinations(settings)} == {
        ("127.0.0.1", 9),
        ("id.example", 443),
        ("tsa.example", 80),
        ("mail.example", 587),
        ("s3.us-east-1.amazonaws.com", 443),
        ("127.0.0.1", 8786),
        ("db1.example", 5433),
        ("db2.example", 5432),
    }


def test_the_database_is_reached_at_its_confirmed_address(tmp_path: Path, names: Names) -> None:
    """Known before the database is: the list is a file in the home."""
    rs = made(tmp_path / "rs")
    with listening() as server:
        url = SecretStr(f"postgresql+psycopg://ffp@db.example:{server.port}/ffp")
        settings = rs.settings.model_copy(update={"database_url": url})
        names.leads["db.example"] = ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first
        store = store_of(settings)
        with pytest.raises(StoreUnavailable, match="does not answer"), store.read() as session:
            session.connection()
        assert server.said, "the name is known to this test's resolver alone, not to libpq's"
        names.leads["db.example"] = ["9.9.9.9"]
        with pytest.raises(StoreUnavailable, match=r"ffp egress allow db\.example"), store.read() as session:
            session.connection()
        store.close()
    rs.close()


def test_a_node_is_made_on_a_database_with_a_name(tmp_path: Path, names: Names) -> None:
    """Before there is a home to write the confirmed address into."""
    names.leads["db.example"] = ["127.0.0.1"]
    with listening() as server:
        url = f"postgresql+psycopg://ffp@db.example:{server.port}/ffp"
        with pytest.raises(StoreUnavailable, match="does not answer"):
            create_node(tmp_path / "new", jurisdiction=Jurisdiction.RS, url="http://a.test", port=9, database_url=url)
    assert server.said


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("postgresql+psycopg://ffp@/ffp?host=/var/run/postgresql", []),
        ("postgresql+psycopg://ffp@db.example/ffp?hostaddr=10.0.0.1", []),
        ("postgresql+psycopg://ffp@/ffp?host=a.example:1&host=b.example:2", [("a.example", 1), ("b.example", 2)]),
    ],
)
def test_which_databases_have_names(url: str, asked: list[tuple[str, int]]) -> None:
    seen: list[tuple[str, int]] = []

    def route(host: str, port: int) -> list[str]:
        seen.append((host, port))
        return ["127.0.0.1"]

    store = Store(make_url(url), route=route)
    with pytest.raises(StoreUnavailable), store.read() as session:
        session.connection()
    assert seen == asked
    store.close()


def test_the_cluster_is_reached_at_its_confirmed_address(tmp_path: Path, names: Names) -> None:
    rs = made(tmp_path / "rs")
    settings = rs.settings.model_copy(update={"cluster_scheduler": "tls://gpu.example:8786"})
    names.leads["gpu.example"] = ["10.0.0.5"]
    guard = egress_of(settings)
    assert guard.addresses("gpu.example", 8786) == ["10.0.0.5"]
    names.leads["gpu.example"] = ["9.9.9.9"]
    with (
        pytest.raises(ComputeFailed, match="ffp egress allow"),
        executor_on(Cluster("tls://gpu.example:8786", guard=guard)),
    ):
        pytest.fail("it is not asked")
    rs.close()


def test_the_kernel_is_told_the_list(
    node: Callable[..., Node], names: Names, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resolvers, unit_file = tmp_path / "resolv.conf", tmp_path / "egress.conf"
    resolvers.write_text("nameserver 10.0.0.53\nsearch lab.example\n", encoding="utf-8")
    monkeypatch.setattr(flow, "RESOLVERS", resolvers)
    monkeypatch.setattr("exchange.flows.operate.doctor.services.UNIT", unit_file)
    rs = node(f"https://{NAME}", 'egress_networks = ["10.8.0.0/16"]')
    names.leads[NAME] = ["8.8.8.8"]
    assert flow.unconfirmed(rs) == [NAME]
    rs.egress.addresses(NAME, 443)
    assert flow.unconfirmed(rs) == []
    text = flow.unit(rs)
    assert [line for line in text.splitlines() if line.startswith("IP")] == [
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "IPAddressAllow=10.0.0.53/32",
        "IPAddressAllow=10.8.0.0/16",
        "IPAddressAllow=8.8.8.8/32",
    ]
    assert list(examine_egress(rs)) == []
    unit_file.write_text(text, encoding="utf-8")
    assert list(examine_egress(rs)) == []
    flow.allow(rs, NAME, ["9.9.9.9"])
    assert [found.subject for found in examine_egress(rs)] == ["egress"]
    rs.close()
