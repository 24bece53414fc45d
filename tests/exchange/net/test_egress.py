"""Where a node may connect to: the list, the addresses that were confirmed, and every client that keeps to them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx
import pytest

from exchange.errors import ConfigurationError, EgressRefused, MailUnavailable, ObjectStoreUnavailable
from exchange.net import tunnel
from exchange.net.address_book import AddressBook
from exchange.net.connection import http_client
from exchange.net.egress import AddressKind, Destination, Egress, Typed, address_kind
from exchange.net.mail import MailServer
from exchange.net.object_store import BucketPlace, ObjectStore
from exchange.net.probe import reach
from tests.exchange.net.names import Names, listening

PEER, SERVICE = "peer.test", "mail.test"
METADATA = "169.254.169.254"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> AddressBook:
    return AddressBook(tmp_path / "egress.json")


@pytest.fixture
def listed(book: AddressBook) -> Callable[..., Egress]:
    """A list with a peer and a service, both at one port."""

    def make(port: int = 443, networks: tuple[str, ...] = ()) -> Egress:
        ends = [Destination(PEER, port, "peer ffp-mk", of_peer=True), Destination(SERVICE, port, "smtp_host")]
        return Egress(book, [*map(ip_network, networks)], lambda _: ends)

    return make


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("8.8.8.8", AddressKind.PUBLIC),
        ("2001:4860:4860::8888", AddressKind.PUBLIC),
        ("10.1.2.3", AddressKind.PRIVATE),
        ("192.168.1.1", AddressKind.PRIVATE),
        ("100.64.0.1", AddressKind.PRIVATE),
        ("fd12::1", AddressKind.PRIVATE),
        ("fec0::1", AddressKind.PRIVATE),
        ("2002:0a01:0203::1", AddressKind.PRIVATE),
        ("2002:7f00:0001::1", AddressKind.LOOPBACK),
        ("2002:a9fe:a9fe::1", AddressKind.NEVER),
        ("64:ff9b::10.1.2.3", AddressKind.PRIVATE),
        ("192.0.0.192", AddressKind.NEVER),
        ("192.0.0.1", AddressKind.NEVER),
        ("127.0.0.1", AddressKind.LOOPBACK),
        ("::1", AddressKind.LOOPBACK),
        (METADATA, AddressKind.NEVER),
        ("fe80::1", AddressKind.NEVER),
        ("fd00:ec2::254", AddressKind.NEVER),
        ("fd20:ce::254", AddressKind.NEVER),
        ("100.100.100.200", AddressKind.NEVER),
        ("168.63.129.16", AddressKind.NEVER),
        ("0.0.0.0", AddressKind.NEVER),  # noqa: S104 - nothing is bound
        ("::", AddressKind.NEVER),
        ("224.0.0.1", AddressKind.NEVER),
    ],
)
def test_what_kind_of_address_it_is(address: str, place: AddressKind) -> None:
    assert address_kind(ip_address(address)) is place


@pytest.mark.parametrize("host", ["elsewhere.test", "127.0.0.1", "localhost"])
def test_who_is_not_in_the_list_is_not_even_resolved(names: Names, listed: Callable[..., Egress], host: str) -> None:
    names.leads[host] = ["8.8.8.8"]
    with pytest.raises(EgressRefused, match=f"ffp egress allow {host}"):
        listed().addresses(host, 443)
    with pytest.raises(EgressRefused, match="port 5432"):
        listed().addresses(PEER, 5432)
    assert names.asked == []


def test_a_name_that_leads_elsewhere_later_is_refused_and_told(
    names: Names, listed: Callable[..., Egress], book: AddressBook
) -> None:
    names.leads[PEER] = ["8.8.8.8"]
    assert listed().addresses(PEER, 443) == ["8.8.8.8"]
    names.leads[PEER] = ["9.9.9.9"]
    for _ in range(2):
        with pytest.raises(EgressRefused, match=rf"leads to 9\.9\.9\.9 .*ffp egress allow {PEER}"):
            listed().addresses(PEER, 443)
    known = book.of(PEER)
    assert known is not None
    assert (known.networks, known.refused) == (("8.8.8.8",), "9.9.9.9")
    names.leads[PEER] = ["9.9.9.9", "8.8.8.8"]
    assert listed().addresses(PEER, 443) == ["8.8.8.8"], "of several only the one that was confirmed"
    known = book.of(PEER)
    assert known is not None
    assert known.refused is None


def test_within_the_networks_of_the_settings_an_address_may_change(names: Names, listed: Callable[..., Egress]) -> None:
    vpn = listed(networks=("10.8.0.0/16", "127.0.0.0/8", "169.254.0.0/16"))
    for address in ("8.8.8.8", "10.8.0.7", "10.8.9.9", "127.0.0.1", METADATA):
        names.leads[PEER] = [address]
        assert vpn.addresses(PEER, 443) == [address]
    names.leads[PEER] = ["10.9.0.1"]
    with pytest.raises(EgressRefused):
        vpn.addresses(PEER, 443)


@pytest.mark.parametrize(
    ("host", "address", "taken"),
    [
        (PEER, "10.1.2.3", True),
        (PEER, "127.0.0.1", False),
        (PEER, "::ffff:127.0.0.1", False),
        (PEER, METADATA, False),
        (SERVICE, "127.0.0.1", True),
        (SERVICE, METADATA, False),
        (SERVICE, "fd00:ec2::254", False),
        (SERVICE, "::ffff:169.254.169.254", False),
    ],
)
def test_what_a_first_connection_confirms(
    names: Names, listed: Callable[..., Egress], book: AddressBook, host: str, address: str, taken: bool
) -> None:
    """Peers choose their own names: none of them leads to this machine by itself."""
    names.leads[host] = [address]
    if taken:
        assert listed().addresses(host, 443) == [address]
        assert book.all()[host].networks == (address,)
    else:
        with pytest.raises(EgressRefused):
            listed().addresses(host, 443)
        assert book.all()[host].networks == ()


def test_digits_lead_to_themselves_and_never_to_credentials(book: AddressBook) -> None:
    ends = [Destination(host, 80, "peer", of_peer=True) for host in ("127.0.0.1", METADATA, "::1", "localhost")]
    egress = Egress(book, [], lambda _: ends)
    assert egress.addresses("127.0.0.1", 80) == ["127.0.0.1"]
    assert egress.addresses("::1", 80) == ["::1"]
    assert "127.0.0.1" in egress.addresses("localhost", 80)
    with pytest.raises(EgressRefused):
        egress.addresses(METADATA, 80)


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", METADATA])
def test_a_name_that_is_typed_leads_to_no_inner_place_unless_the_settings_say_so(names: Names, address: str) -> None:
    names.leads[PEER] = [address]
    with pytest.raises(EgressRefused, match="egress_networks"):
        Typed(f"https://{PEER}").addresses(PEER, 443)
    assert Typed(f"https://{PEER}", [ip_network(address)]).addresses(PEER, 443) == [address]
    with pytest.raises(EgressRefused, match="not the address that was typed"):
        Typed(f"https://{PEER}").addresses(PEER, 80)


def test_nobody_resolves_a_second_time(names: Names, listed: Callable[..., Egress]) -> None:
    """Between the check and the connection no name can lead elsewhere; name and Host stay those of the address."""
    with listening(OK) as peer:
        egress = listed(peer.port, ("127.0.0.0/8",))
        names.leads[PEER] = ["127.0.0.1"]
        found = reach(f"http://{PEER}:{peer.port}/", guard=egress, timeout_s=5)
        assert found.status == 200
        assert names.asked == [PEER]
        assert f"Host: {PEER}:{peer.port}".encode() in peer.said[0]


def test_the_name_of_tls_stays(names: Names, listed: Callable[..., Egress]) -> None:
    with listening() as peer, http_client(5, listed(peer.port, ("127.0.0.0/8",))) as http:
        names.leads[PEER] = ["127.0.0.1"]
        with pytest.raises(httpx.HTTPError):
            http.get(f"https://{PEER}:{peer.port}/")
        assert PEER.encode() in peer.said[0], "the server name of the ClientHello"


def test_the_next_address_is_tried_when_one_is_silent(names: Names, listed: Callable[..., Egress]) -> None:
    with listening(OK) as peer:
        names.leads[PEER] = ["127.0.0.2", "127.0.0.1"]
        egress = listed(peer.port, ("127.0.0.0/8",))
        assert reach(f"http://{PEER}:{peer.port}/", guard=egress, timeout_s=5).status == 200


def test_no_redirect_is_followed_and_no_proxy_of_the_environment_asked(
    names: Names, listed: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(OK) as elsewhere:
        there = f"http://127.0.0.1:{elsewhere.port}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, there)
            monkeypatch.setenv(name.lower(), there)
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {there}/\r\nContent-Length: 0\r\n\r\n"
        with listening(moved.encode()) as peer:
            names.leads[PEER] = ["127.0.0.1"]
            egress = listed(peer.port, ("127.0.0.0/8",))
            assert reach(f"http://{PEER}:{peer.port}/", guard=egress, timeout_s=5).status == 307
            assert len(peer.said) == 1
        assert elsewhere.said == []


@pytest.mark.parametrize("at_once", [True, False])
def test_letters_go_where_the_list_says(names: Names, listed: Callable[..., Egress], at_once: bool) -> None:
    with listening(b"421 not now\r\n", speaks_first=not at_once) as server:
        names.leads[SERVICE] = ["127.0.0.1"]
        mail = MailServer(
            SERVICE, server.port, "a@lab.example", ssl.create_default_context(), at_once, None, None,
            listed(server.port),
        )  # fmt: skip
        with pytest.raises(MailUnavailable):
            mail.send("b@lab.example", "Something waits", "Sign in.")
        assert len(server.said) == 1
        assert names.asked == [SERVICE]
        assert not at_once or SERVICE.encode() in server.said[0], "the server name of the ClientHello"
        names.leads[SERVICE] = ["9.9.9.9"]
        with pytest.raises(MailUnavailable, match="ffp egress allow"):
            mail.send("b@lab.example", "Something waits", "Sign in.")


def bucket(url: str) -> BucketPlace:
    return BucketPlace("scans", "ffp-rs", url, "eu-1", "key", "secret", allow_http=url.startswith("http:"))


def test_the_object_store_is_reached_through_the_list(
    names: Names, listed: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client resolves by itself: it is given a tunnel, and asks no proxy of the environment."""
    with listening(OK) as proxy, listening() as store:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        names.leads[SERVICE] = ["127.0.0.1"]
        objects = ObjectStore(bucket(f"https://{SERVICE}:{store.port}"), listed(store.port))
        with pytest.raises(ObjectStoreUnavailable, match="does not answer"):
            objects.check()
        assert SERVICE.encode() in store.said[0], "the server name of the ClientHello"
        names.leads[SERVICE] = ["9.9.9.9"]
        with pytest.raises(ObjectStoreUnavailable, match="ffp egress allow"):
            objects.check()
        objects.close()
        assert proxy.said == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_redirect_of_the_object_store_is_not_followed_elsewhere(book: AddressBook, host: str) -> None:
    """Neither to another name nor to another port of the same."""
    with listening(OK) as elsewhere:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://{host}:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        with listening(moved.encode()) as store:
            egress = Egress(book, [], lambda _: [Destination("127.0.0.1", store.port, "objects_url")])
            objects = ObjectStore(bucket(f"http://127.0.0.1:{store.port}"), egress)
            with pytest.raises(ObjectStoreUnavailable):
                objects.check()
            objects.close()
            assert store.said
        assert elsewhere.said == []


def test_who_has_not_its_password_goes_through_no_tunnel(names: Names, listed: Callable[..., Egress]) -> None:
    with listening(OK) as far:
        names.leads[SERVICE] = ["127.0.0.1"]
        objects = ObjectStore(bucket(f"https://{SERVICE}:{far.port}"), listed(far.port))
        place = objects._tunnel.url.rpartition("@")[2]  # what another program on this machine finds
        with pytest.raises(httpx.ProxyError, match="403"), httpx.Client(proxy=f"http://{place}") as http:
            http.get(f"https://{SERVICE}:{far.port}/")
        objects.close()
        assert far.said == []


def speak_slowly(line: socket.socket, *, until: float) -> None:
    while time.monotonic() < until:
        line.sendall(b"E")
        with contextlib.suppress(TimeoutError):
            line.recv(100)


@pytest.mark.slow
def test_who_says_nothing_whole_is_hung_up_on_in_time(
    listed: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then is not enough; and one more than there are places for is not let in."""
    monkeypatch.setattr(tunnel, "CONNECT_S", 1.0)
    monkeypatch.setattr(tunnel, "MOST_AT_ONCE", 1)
    made = tunnel.Tunnel(listed())
    place = "127.0.0.1", int(made.url.rpartition(":")[2])
    with socket.create_connection(place) as slow:
        slow.sendall(b"CONN")
        with socket.create_connection(place, 5) as other:
            assert other.recv(1) == b""
        began = time.monotonic()
        slow.settimeout(0.3)
        with pytest.raises(OSError, match=r"reset|pipe"):
            speak_slowly(slow, until=began + 10)
        assert time.monotonic() - began < 5
    made.close()


def test_a_damaged_file_allows_nothing(names: Names, listed: Callable[..., Egress], tmp_path: Path) -> None:
    (tmp_path / "egress.json").write_text('{"peer.test": {"networks": ["everywhere"]}}', encoding="utf-8")
    names.leads[PEER] = ["8.8.8.8"]
    with pytest.raises(ConfigurationError, match=r"egress\.json cannot be read"):
        listed().addresses(PEER, 443)


def test_processes_that_confirm_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "egress.json"
    named = {"why": "a test"}
    many = [
        threading.Thread(target=AddressBook(path).confirm, args=(f"{n}.test", ["8.8.8.8"]), kwargs=named)
        for n in range(16)
    ]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert len(AddressBook(path).all()) == 16
    assert path.stat().st_mode & 0o777 == 0o600
