"""Where this node may connect to: peers and services of a list, at the addresses that were confirmed for their names.

1. Host and port are in the list: those of the settings, of enrolled peers, and what the operator allowed by hand.
2. The name is resolved, once. Nobody resolves it again: what was checked is what is connected to.
3. Of what it resolves to, those addresses are taken that are in ``egress_networks`` or were confirmed for this name.
4. A name without confirmed addresses gets those that it has now. This machine, and what no exchange is reached at
   (link-local addresses, such as those at which clouds hand out credentials), are not confirmed in passing.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Protocol
from urllib.parse import urlsplit

from exchange.errors import EgressRefused
from exchange.net.address_book import AddressBook

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_ADDRESSES: Final = 16
"""Of one name; each that is silent is waited for."""
_PORTS: Final = {"http": 80, "https": 443, "tls": 8786, "tcp": 8786}
_CREDENTIALS: Final = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds hand out credentials, beside 169.254.169.254 and its like: those of Amazon, Google, Alibaba, Azure."""


_PROTOCOLS: Final = (ip_network("192.0.0.0/24"),)
"""For protocols between machines; Oracle's cloud hands out credentials there."""
_NAT64: Final = ip_network("64:ff9b::/96")


class AddressKind(Enum):
    """What kind of address it is, for whoever connects to it."""

    PUBLIC = "a public address"
    PRIVATE = "an address of a private network"
    LOOPBACK = "this machine itself"
    NEVER = "an address at which no node and no service of an exchange is reached"


class Guard(Protocol):
    """Asked at each connection, in place of the resolver."""

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, at least one. Raises EgressRefused; OSError when the name
        is not known."""


@dataclass(frozen=True)
class Destination:
    """``who`` says why this node connects there. A peer chose its name itself; services were named by the operator."""

    host: str
    port: int
    who: str
    of_peer: bool = False


class Egress:
    """The list of one node. ``find`` is asked each time, since peers are enrolled and revoked while it runs: for all
    destinations or, of an end, for those that may be there."""

    def __init__(
        self,
        book: AddressBook,
        networks: Sequence[Network],
        find: Callable[[tuple[str, int] | None], Iterable[Destination]],
    ) -> None:
        self.book = book
        self.networks = tuple(networks)
        self._find = find

    def destinations(self) -> Iterable[Destination]:
        return self._find(None)

    def addresses(self, host: str, port: int) -> list[str]:
        host = host.lower()
        wanted = [one for one in self._find((host, port)) if (one.host, one.port) == (host, port)]
        confirmed = self.book.of(host)
        if not wanted and not (confirmed and confirmed.by_hand):
            raise EgressRefused(
                f"{host} port {port} is no address of a peer or of a service in the settings, so nothing was sent. If "
                f"it is needed: ffp egress allow {host}"
            )
        found = resolve(host, port)
        networks = (*self.networks, *map(ip_network, confirmed.networks if confirmed else ()))
        if is_literal(host):
            return _taken(host, [one for one in found if _of_itself(host, one) or within(one, networks)], found)
        if confirmed is None or not confirmed.networks:
            allowed = self._confirm_now(host, found, of_peer=any(one.of_peer for one in wanted))
        else:
            allowed = [one for one in found if within(one, networks)]
        if not allowed:
            self.book.note_refused(host, ", ".join(map(str, found)))
        elif confirmed is not None and confirmed.refused:
            self.book.note_refused(host, None)
        return _taken(host, allowed, found)

    def _confirm_now(self, host: str, found: list[Address], *, of_peer: bool) -> list[Address]:
        """The first connection to a name of the settings, or to a peer that was enrolled before there was a list."""
        usual = (
            {AddressKind.PUBLIC, AddressKind.PRIVATE}
            if of_peer
            else {AddressKind.PUBLIC, AddressKind.PRIVATE, AddressKind.LOOPBACK}
        )
        new = [one for one in found if address_kind(one) in usual or _of_itself(host, one)]
        if new:
            self.book.confirm(host, map(str, new), why="its first connection")
        return [*new, *(one for one in found if one not in new and within(one, self.networks))]


class Typed:
    """For what an operator has just typed: that host and port alone, before it is in any list.

    A name may lead to public addresses and to ``networks``; what is typed in digits, and localhost, to itself.
    ``reached`` has the addresses that it led to.
    """

    def __init__(self, url: str, networks: Sequence[Network] = ()) -> None:
        self._end, self._networks = end_of(url), tuple(networks)
        self.reached: tuple[str, ...] = ()

    def addresses(self, host: str, port: int) -> list[str]:
        if (host.lower(), port) != self._end:
            raise EgressRefused(f"{host} port {port} is not the address that was typed, so nothing was sent.")
        found = resolve(host, port)
        allowed = [
            one
            for one in found
            if address_kind(one) is AddressKind.PUBLIC or _of_itself(host.lower(), one) or within(one, self._networks)
        ]
        if not allowed:
            raise EgressRefused(
                f"{host} leads to {', '.join(map(str, found))}, {address_kind(found[0]).value}. Nothing was sent. If "
                "that is right, name its network in the setting egress_networks."
            )
        self.reached = tuple(map(str, allowed))
        return list(self.reached)


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks: the one decision about addresses that are not taken as such."""
    return any(address in network for network in networks)


def address_kind(address: Address) -> AddressKind:
    if address.is_loopback:
        return AddressKind.LOOPBACK
    inner = _carried(address)
    if inner is not None and address_kind(inner) is not AddressKind.PUBLIC:
        return address_kind(inner)
    never = address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
    if never or address in _CREDENTIALS or within(address, _PROTOCOLS):
        return AddressKind.NEVER
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    return AddressKind.PUBLIC if address.is_global and not is_site_local else AddressKind.PRIVATE


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address to which a gateway would pass on what is sent to an IPv6 address: 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo else None)


def resolve(host: str, port: int) -> list[Address]:
    """What a name leads to at this moment, or the address that it is. Raises OSError, EgressRefused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise EgressRefused(f"{host} is no name of a machine, so nothing was sent.") from error
    each = dict.fromkeys(_plain(ip_address(str(where[0]).partition("%")[0])) for *_, where in found)
    return list(each)[:MOST_ADDRESSES]


def end_of(url: str) -> tuple[str, int]:
    """Host and port of an address; port 0 for none that is known. Raises EgressRefused."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise EgressRefused(f"{url} is no address: {error}.") from error


def is_literal(host: str) -> bool:
    """Whether it is an address itself, so that nothing is to be confirmed of it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def connect(guard: Guard, host: str, port: int, timeout: float | None) -> socket.socket:
    """A connection to the first address that answers, of those that may be. Raises EgressRefused, OSError."""
    allowed = guard.addresses(host, port)
    for address in allowed[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((allowed[-1], port), timeout)


def _plain(address: Address) -> Address:
    """An IPv4 address in the clothes of IPv6 is that IPv4 address."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _of_itself(host: str, address: Address) -> bool:
    """What says itself where it leads: an address in digits, and localhost."""
    if host == "localhost":
        return address.is_loopback
    return is_literal(host) and address_kind(address) is not AddressKind.NEVER


def _taken(host: str, allowed: Sequence[Address], found: Sequence[Address]) -> list[str]:
    if not allowed:
        raise EgressRefused(
            f"{host} leads to {', '.join(map(str, found))} ({address_kind(found[0]).value}), which was not confirmed "
            f"for it. Nothing was sent. Ask whoever runs it, by telephone; if that is right: ffp egress allow {host}"
        )
    return list(map(str, allowed))
