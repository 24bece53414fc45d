"""Whether a node can do its work at this moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from exchange.config import load_settings
from exchange.errors import ExchangeError, StoreUnavailable
from exchange.flows.log.mend import check_readable
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.flows.node.own_card import check_card
from exchange.store.node import workers


def readiness(node: Node) -> dict[str, str]:
    """Each part with "ok", or what is wrong with it. The keys were opened when the node was."""
    return {
        "keys": "ok",
        "settings": _state(partial(_check_settings, node)),
        "database": _state(node.store.check),
        "blobs": _state(node.blobs.check),
        "log": _state(partial(_check_log, node)),
    }


def _check_settings(node: Node) -> None:
    """As they stand now: with those that contradict the card this node would not start again."""
    check_card(load_settings(node.settings.home), node.history)


def _check_log(node: Node) -> None:
    check_readable(node)
    with node.store.read() as session:
        fault = last_head_fault(node.settings, session)
    if fault is not None:
        raise StoreUnavailable(fault.in_words)


def who_works(node: Node) -> str:
    """ "ok", or since when no worker has shown itself. A node without one takes what comes, signs nothing, and sends
    nothing."""
    with node.store.read() as session:
        living, seen = workers.alive(session), workers.last_seen(session)
    if living:
        return "ok"
    return f"No worker has shown itself since {seen}." if seen else "No worker has ever shown itself."


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except ExchangeError as error:
        return str(error)
    return "ok"
