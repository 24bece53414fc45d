"""Whether a node can do its work at this moment."""

from __future__ import annotations

from collections.abc import Callable

from exchange.errors import ExchangeError
from exchange.flows.node import Node


def readiness(node: Node) -> dict[str, str]:
    """Each part with "ok", or what is wrong with it. The keys were opened when the node was."""
    return {"keys": "ok", "database": _state(node.store.check), "blobs": _state(node.blobs.check)}


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except ExchangeError as error:
        return str(error)
    return "ok"
