"""Each client of the node, on real sockets: a name that leads elsewhere later, and a redirect, lead it nowhere.

Which clients there are is held against the code by tests/architecture/test_outgoing.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import make_url

from exchange.errors import EgressRefused, ExchangeError, StoreUnavailable
from exchange.flows.node.cluster import Cluster, count_workers
from exchange.net.address_book import AddressBook
from exchange.net.client import PeerClient
from exchange.net.egress import Destination, Egress
from exchange.net.mail import MailServer
from exchange.net.news_lines import NewsLines
from exchange.net.object_store import BucketPlace, ObjectStore
from exchange.net.oidc import Provider
from exchange.net.probe import reach
from exchange.net.time_authority import TimeAuthorityClient
from exchange.net.tracing import Tracing
from exchange.net.webhook import post
from exchange.store.database.engine import Store
from tests.exchange.net.names import Names, listening

NAME, FIRST = "reached.test", "203.0.113.9"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Client = Callable[[str, int, Egress], None]
"""One attempt to reach a host and port; the guard may refuse it, and whoever answers may be no good."""


def ask_peer(host: str, port: int, guard: Egress) -> None:
    client = PeerClient("ffp-rs", Ed25519PrivateKey.generate(), guard=guard, timeout_s=2)
    with contextlib.closing(client):
        client.fetch_card(f"http://{host}:{port}")


def wait_for_news(host: str, port: int, guard: Egress) -> None:
    async def ask() -> None:
        async with NewsLines(guard=guard, timeout_s=2) as lines:
            await lines.ask(f"http://{host}:{port}/v1/lane/news", {}, wait_s=0)

    asyncio.run(ask())


def sign_in(host: str, port: int, guard: Egress) -> None:
    Provider(f"http://{host}:{port}", "ffp", None, guard=guard, timeout_s=2).description()


def send_webhook(host: str, port: int, guard: Egress) -> None:
    post(f"http://{host}:{port}/", {}, b"{}", guard)


def ask_for_a_stamp(host: str, port: int, guard: Egress) -> None:
    client = TimeAuthorityClient(guard=guard, timeout_s=2)
    with contextlib.closing(client):
        client.ask(f"http://{host}:{port}/", b"request")


def probe(host: str, port: int, guard: Egress) -> None:
    reach(f"http://{host}:{port}/", guard=guard, timeout_s=2)


def trace(host: str, port: int, guard: Egress) -> None:
    tracing = Tracing(f"http://{host}:{port}/v1/traces", "ffp-rs", guard)
    with tracing.span("request"):
        pass
    tracing.close()


def send_mail(host: str, port: int, guard: Egress) -> None:
    trust = ssl.create_default_context()
    MailServer(host, port, "a@lab.example", trust, False, None, None, guard).check()


def ask_object_store(host: str, port: int, guard: Egress) -> None:
    place = BucketPlace("scans", "ffp-rs", f"http://{host}:{port}", "eu-1", "key", "secret", allow_http=True)
    with contextlib.closing(ObjectStore(place, guard)) as objects:
        objects.check()


def open_database(host: str, port: int, guard: Egress) -> None:
    def route(name: str, at: int) -> list[str]:
        try:
            return guard.addresses(name, at)
        except EgressRefused as error:
            raise StoreUnavailable(str(error)) from error

    url = make_url(f"postgresql+psycopg://ffp@{host}:{port}/ffp?connect_timeout=2&sslmode=disable")
    with contextlib.closing(Store(url, route=route, patience_s=2)) as store:
        store.standing()


def ask_cluster(host: str, port: int, guard: Egress) -> None:
    count_workers(Cluster(f"tcp://{host}:{port}", guard=guard))


HTTP: dict[str, Client] = {
    "peer": ask_peer,
    "news": wait_for_news,
    "sign-in": sign_in,
    "webhook": send_webhook,
    "time stamps": ask_for_a_stamp,
    "probe": probe,
    "traces": trace,
}
CLIENTS: dict[str, Client] = {
    **HTTP,
    "mail": send_mail,
    "object store": ask_object_store,
    "database": open_database,
    "cluster": ask_cluster,
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def listed(folder: Path, *ports: int, host: str = NAME) -> Egress:
    return Egress(
        AddressBook(folder / "egress.json"), [], lambda _: [Destination(host, port, "a test") for port in ports]
    )


def attempt(client: Client, host: str, port: int, guard: Egress) -> None:
    with contextlib.suppress(ExchangeError, OSError):
        client(host, port, guard)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_name_that_leads_elsewhere_later_is_not_followed(names: Names, tmp_path: Path, client: Client) -> None:
    """DNS rebinding: the name led to a public address when it was confirmed, and leads to this machine now."""
    with listening(OK) as inside:
        guard = listed(tmp_path, inside.port)
        names.leads[NAME] = [FIRST]
        assert guard.addresses(NAME, inside.port) == [FIRST]
        names.leads[NAME] = ["127.0.0.1"]
        names.asked.clear()
        attempt(client, NAME, inside.port, guard)
        assert inside.said == []
        assert names.asked, "the client came to the guard"
        known = guard.book.of(NAME)
        assert known is not None
        assert known.refused == "127.0.0.1"


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_host_that_nothing_names_is_not_reached(names: Names, tmp_path: Path, client: Client) -> None:
    with listening(OK) as inside:
        attempt(client, NAME, inside.port, listed(tmp_path, inside.port + 1))
        attempt(client, "127.0.0.1", inside.port, listed(tmp_path))
        assert inside.said == []
        assert names.asked == [], "it is not even looked up"


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_what_was_confirmed_is_reached_and_resolved_once_for_each_connection(
    names: Names, tmp_path: Path, client: Client
) -> None:
    """Else the tests above would pass with a client that reaches nobody."""
    with listening(OK, speaks_first=client is send_mail) as inside:
        names.leads[NAME] = ["127.0.0.1"]
        attempt(client, NAME, inside.port, listed(tmp_path, inside.port))
        assert inside.said
        assert len(names.asked) == len(inside.said)


@pytest.mark.parametrize("client", HTTP.values(), ids=HTTP)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Moved", "308 Moved"])
def test_no_redirect_is_followed_even_to_a_place_of_the_list(tmp_path: Path, client: Client, status: str) -> None:
    with listening(OK) as elsewhere:
        moved = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        with listening(moved.encode()) as asked:
            guard = listed(tmp_path, asked.port, elsewhere.port, host="127.0.0.1")
            attempt(client, "127.0.0.1", asked.port, guard)
            assert len(asked.said) == 1
        assert elsewhere.said == []
