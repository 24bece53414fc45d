"""The list of those to whom this node may connect: derived from its settings and its peers, shown, and changed by the
operator alone. How it is enforced stands in `net.egress`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.net.address_book import Confirmed
from exchange.net.egress import AddressKind, Destination, address_kind, is_literal, resolve
from schemas.errors import shown

UNIT: Final = Path("/etc/systemd/system/ffp.service.d/egress.conf")
_NAME: Final = re.compile(r"\w[\w.-]{0,252}")
RESOLVERS: Final = Path("/etc/resolv.conf")


@dataclass(frozen=True)
class ListedName:
    """One name of the list: who is reached there, what was confirmed, and where it leads now; empty when it is not
    known now. ``strange`` is what of that would be refused."""

    host: str
    ports: tuple[int, ...]
    who: tuple[str, ...]
    confirmed: Confirmed | None
    leads_to: tuple[str, ...]
    strange: tuple[str, ...]
    of_peer: bool


def listing(node: Node) -> list[ListedName]:
    """Everything that this node may connect to, by name."""
    names: dict[str, list[Destination]] = {}
    for one in node.egress.destinations():
        names.setdefault(one.host, []).append(one)
    for host, confirmed in node.egress.book.all().items():
        if confirmed.by_hand:
            names.setdefault(host, [])
    return [_listed(node, host, names[host]) for host in sorted(names)]


def leads(node: Node, host: str, networks: list[str]) -> tuple[list[str], list[str]]:
    """What was confirmed for a name, and what would be: ``networks``, or where it leads now. Raises InvalidInput."""
    host = name_of(host)
    known = node.egress.book.of(host)
    try:
        found = [str(ip_network(one)) for one in networks] or list(map(str, resolve(host, 0)))
    except ValueError as error:
        raise InvalidInput(f"A network is written 10.8.0.0/16 or 2001:db8::/32: {error}.") from error
    except OSError as error:
        raise InvalidInput(f"The name {host} is not known ({error.strerror}). Nothing was changed.") from error
    return list(known.networks if known else ()), found


def name_of(typed: str) -> str:
    """The name of a machine, or its address in digits, as the list has it: of anything else no connection is ever made,
    and to allow it would do nothing. Raises InvalidInput."""
    name = typed.strip().lower()
    if not is_literal(name) and not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{shown(typed, 100)!r} is no name of a machine. Leave out http:// and the port, as in mail.example. "
            "Nothing was changed."
        )
    return name


def allow(node: Node, host: str, found: list[str]) -> None:
    """Confirm addresses or networks for a name, in place of what was confirmed before. One that no peer and no setting
    has is allowed by that, at any port."""
    host = name_of(host)
    by_hand = host not in {one.host for one in node.egress.destinations()}
    node.egress.book.confirm(host, found, why="the operator's word", by_hand=by_hand)


def forget_destination(node: Node, host: str) -> bool:
    """What was confirmed for a name. A peer or service is then confirmed anew at its next connection. Returns whether
    anything was."""
    name = host.strip().lower()
    known = node.egress.book.of(name) is not None
    node.egress.book.forget([name])
    return known


def unit(node: Node) -> str:
    """A drop-in for the units of systemd: the kernel lets their processes reach what was confirmed, this machine, the
    servers that resolve names, and nothing else."""
    networks = {*map(str, node.egress.networks), *_resolvers()}
    for listed in listing(node):
        if is_literal(listed.host):
            networks.add(listed.host)
        else:
            networks |= set(listed.confirmed.networks if listed.confirmed else ())
    allowed = sorted({str(ip_network(one)) for one in networks if not ip_network(one).is_loopback})
    lines = [
        "# Written by `ffp egress unit`; write it anew when peers or services change, then: systemctl daemon-reload",
        "# The kernel checks both directions: whoever asks this node directly, not through the proxy on this machine,",
        "# must stand in it too: name such networks in egress_networks.",
        "[Service]",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        *(f"IPAddressAllow={one}" for one in allowed),
    ]
    return "\n".join(lines) + "\n"


def egress_alarms(node: Node) -> list[str]:
    """Names of the list that were refused since they last led where they may."""
    refused = [(host, known) for host, known in sorted(node.egress.book.all().items()) if known.refused]
    here = {one.host for one in node.egress.destinations()} if refused else set()
    return [
        f"{host} led to {known.refused}, which was not confirmed for it, at {known.refused_at}; nothing was sent. Ask "
        f"whoever runs it, by telephone; if that is right: ffp egress allow {host}"
        for host, known in refused
        if host in here or known.by_hand
    ]


def unconfirmed(node: Node) -> list[str]:
    """Names of the list that the kernel would keep unreached: nothing was confirmed of them yet."""
    return [one.host for one in listing(node) if not is_literal(one.host) and not _confirmed(one)]


def _confirmed(one: ListedName) -> bool:
    return one.host == "localhost" or bool(one.confirmed and one.confirmed.networks)


def _resolvers() -> list[str]:
    """The servers that this machine asks for names (resolv.conf(5))."""
    lines = RESOLVERS.read_text(encoding="utf-8").splitlines() if RESOLVERS.is_file() else []
    words = [line.split() for line in lines]
    return [one[1] for one in words if len(one) > 1 and one[0] == "nameserver" and is_literal(one[1])]


def _listed(node: Node, host: str, here: list[Destination]) -> ListedName:
    try:
        found = [] if is_literal(host) else resolve(host, 0)
    except OSError:
        found = []
    known = node.egress.book.of(host)
    networks = [*node.egress.networks, *map(ip_network, known.networks if known else ())]
    strange = [one for one in found if known and known.networks and not any(one in network for network in networks)]
    strange += [] if known and known.networks else [one for one in found if address_kind(one) is AddressKind.NEVER]
    who = tuple(sorted({one.who for one in here})) or ("allowed by the operator",)
    ports = tuple(sorted({one.port for one in here}))
    of_peer = any(one.of_peer for one in here)
    return ListedName(host, ports, who, known, tuple(map(str, found)), tuple(map(str, strange)), of_peer)
