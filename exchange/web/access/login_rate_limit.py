"""How often one address may try to get in within a minute, and how many passwords are looked at at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from exchange.errors import TooMany
from exchange.flows.node.node import Node

_R = TypeVar("_R")

TRIES_A_MINUTE = 20
PASSWORDS_AT_ONCE = 4
"""Each takes 64 MiB and a core for a moment, as it is meant to: whoever is signed in already goes on meanwhile."""


class Tries:
    """An account's own lock does not stop who tries many accounts, and no lock at all who tries tokens."""

    def __init__(self, name: str, processes: int = 1) -> None:
        """Tries are counted by ``name``, for all ``processes`` that serve the node; of the passwords that are looked at
        at once each of them has its part."""
        self._name = name
        self._turns = CapacityLimiter(max(1, PASSWORDS_AT_ONCE // processes))

    def take(self, request: Request) -> None:
        """Raises TooMany."""
        node: Node = request.app.state.node
        wait_s = node.limits.wait_s(f"{self._name} {_whose(request)}", TRIES_A_MINUTE, 60)
        if wait_s:
            raise TooMany("Too many tries from here within a minute. Wait a minute.", retry_after_s=math.ceil(wait_s))

    async def in_turn(self, verify: Callable[[], _R]) -> _R:
        """What a password costs, in a thread; the others wait without one."""
        return await to_thread.run_sync(verify, limiter=self._turns)


def _whose(request: Request) -> str:
    """An address; of IPv6 the network that one customer is given, who has 2^64 addresses in it."""
    host = request.client.host if request.client else "nobody"
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(address)
