"""Whom a node connects to: the services that its settings name, and its peers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from typing import Final

from sqlalchemy import make_url

from exchange.config import Settings
from exchange.errors import EgressRefused, StoreUnavailable
from exchange.net.address_book import AddressBook
from exchange.net.egress import Destination, Egress, end_of
from exchange.store.database.engine import Store
from exchange.store.database.postgresql import Route
from exchange.store.review.webhook_rows import all_webhooks
from exchange.store.sync.peers import peer_addresses

DATABASE: Final = "database_url"


def egress_of(settings: Settings, store: Store | None = None) -> Egress:
    """The list of a node; without its database that of its services alone, which processes of workers are given."""
    networks = [ip_network(one) for one in settings.egress_networks]
    return Egress(AddressBook(settings.egress_file), networks, partial(_destinations, settings, store))


def _destinations(settings: Settings, store: Store | None, end: tuple[str, int] | None) -> list[Destination]:
    return [*service_destinations(settings), *(_of_database(store, end) if store is not None else ())]


def _of_database(store: Store, end: tuple[str, int] | None) -> Iterator[Destination]:
    yield from peer_destinations(store, end)
    with store.read() as session:
        found = [(row.webhook_id, row.url) for row in all_webhooks(session) if row.stopped_at is None]
    for number, url in found:
        yield Destination(*end_of(url), who=f"webhook {number}")


def service_destinations(settings: Settings) -> Iterator[Destination]:
    """Everything that the settings name, and this node's own address, which `ffp doctor` asks."""
    urls = {
        "url": settings.url,
        "oidc_issuer": settings.oidc_issuer,
        "timestamp_url": settings.timestamp_url,
        "tracing_url": settings.tracing_url,
        "cluster_scheduler": settings.cluster_scheduler,
        "objects_url": objects_endpoint(settings) if settings.objects_url else None,
    }
    for name, url in urls.items():
        if url is not None:
            yield Destination(*end_of(url), who=name)
    if settings.smtp_host is not None:
        yield Destination(settings.smtp_host.lower(), settings.smtp_port, who="smtp_host")
    if settings.database_url is not None:
        for host, port in database_ends(settings.database_url.get_secret_value()):
            yield Destination(host.lower(), port, who=DATABASE)


def peer_destinations(store: Store, end: tuple[str, int] | None = None) -> Iterator[Destination]:
    """Every peer that is still asked for something, or those that may be at one host and port."""
    with store.read() as session:
        found = peer_addresses(session, end)
    for node_id, url in found:
        yield Destination(*end_of(url), who=f"peer {node_id}", of_peer=True)


def objects_endpoint(settings: Settings) -> str:
    """Amazon's, of the region, where the settings name none."""
    return settings.objects_endpoint or f"https://s3.{settings.objects_region}.amazonaws.com"


def database_ends(address: str) -> Iterator[tuple[str, int]]:
    """Hosts and ports of a database; none of one that is reached by a socket of this machine."""
    url = make_url(address)
    named = url.query.get("host", url.host or "")
    hosts = [part for one in ([named] if isinstance(named, str) else named) for part in one.split(",")]
    for host in hosts:
        name, _, port = host.partition(":") if host.count(":") == 1 else (host, "", "")
        if name and not name.startswith("/"):
            yield name, int(port or url.port or 5432)


def route_of(settings: Settings) -> Route:
    """Where the database may be reached, asked at each connection to it."""
    egress = egress_of(settings)

    def route(host: str, port: int) -> list[str]:
        try:
            return egress.addresses(host, port)
        except EgressRefused as error:
            raise StoreUnavailable(f"The database is not asked: {error}") from error
        except OSError as error:
            raise StoreUnavailable(f"The database's {host} is not known ({error}); nothing was stored.") from error

    return route
