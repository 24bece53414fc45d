"""Who answers at the node's port and at its address: this node, another one, a foreign program, or nobody."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from exchange.addresses import near
from exchange.config import Settings
from exchange.errors import ExchangeError, PeerUnreachable, StatementInvalid
from exchange.flows.node.destinations import egress_of
from exchange.flows.node.node import store_of
from exchange.flows.node.own_card import own_history
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.net.client import MAX_CARD_BYTES
from exchange.net.egress import Guard, Typed
from exchange.net.probe import reach
from exchange.processes import listener_on, listeners_on, lock_holders, named
from exchange.trust.card import open_card
from schemas import ContractError, KeyEvent, open_envelope

HERE_S = 5.0
"""How long the node on this machine may take to say that it runs."""
_SERVING = "serve.lock"
_OK = 200


@dataclass(frozen=True)
class AnsweringNode:
    """Who answers at an address. ``card`` is None of what is no node."""

    card: KeyEvent | None


def examine_port(settings: Settings) -> tuple[bool, list[Finding]]:
    """Whether this node runs; and what is wrong at the port that it listens on, or would.

    1. Who answers there: this node says by itself what it lacks, another node shows another card.
    2. Nobody answers: whether a process holds the home all the same, and whether the port is free.
    """
    url = f"http://{near(settings.host)}:{settings.port}"
    # 1.
    try:
        ready = reach(f"{url}/readyz", guard=Typed(url), timeout_s=HERE_S)
        other = _other(settings, who_answers(url, Typed(url)))
    except PeerUnreachable:
        # 2.
        return False, list(_nobody(settings))
    lacks = _lacks(ready.body)
    if other is not None and (other.card is not None or lacks is None):
        return False, [_taken(settings, other)]
    if ready.status == _OK:
        return True, []
    return True, [finding(Cause.NODE_NOT_READY, f"The node runs and is not ready. {' '.join(lacks or [])}")]


def _lacks(body: bytes) -> list[str] | None:
    """What a node says that it lacks, at ``/readyz``; None of what no node says."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    if not isinstance(told, dict) or not {"status", "database", "log"} <= told.keys():
        return None
    return [f"{part}: {state}" for part, state in told.items() if part != "status" and state != "ok"]


def examine_address(settings: Settings, *, served: bool) -> Iterator[Finding]:
    """Who answers where peers ask for this node. Whether anybody does is asked with the peers, of a node that runs."""
    try:
        answer = who_answers(settings.url, egress_of(settings))
    except ExchangeError:
        return
    other = _other(settings, answer)
    if other is not None and other.card is not None:
        what = f"Another node, {_name(settings, other.card)}, answers at this node's address {settings.url}."
        yield finding(Cause.ADDRESS_OF_ANOTHER_NODE, what, home=settings.home)
    elif other is None and answer.card is not None and not served and not lock_holders(settings.home / _SERVING):
        what = f"This node does not run here, and yet it answers at its address {settings.url}: it runs elsewhere."
        yield finding(Cause.RUNS_ELSEWHERE, what)


def who_answers(url: str, guard: Guard) -> AnsweringNode:
    """Raises PeerUnreachable when nobody does, or not in HTTP."""
    answer = reach(f"{url}/v1/node", guard=guard, timeout_s=HERE_S, most_bytes=MAX_CARD_BYTES)
    if answer.status != _OK:
        return AnsweringNode(None)
    try:
        return AnsweringNode(open_card(open_envelope(answer.body)))
    except (ContractError, StatementInvalid):
        return AnsweringNode(None)


def _other(settings: Settings, answer: AnsweringNode) -> AnsweringNode | None:
    """What is not this node. One of the same name with another identity is another node."""
    if answer.card is None or answer.card.issuer != settings.node_id:
        return answer
    identity = _own_identity(settings)
    return answer if identity is not None and identity != answer.card.identity else None


def _own_identity(settings: Settings) -> object | None:
    """None where the database does not say: that is found elsewhere."""
    try:
        store = store_of(settings)
        try:
            with store.read() as session:
                return own_history(session).card.identity
        finally:
            store.close()
    except ExchangeError:
        return None


def _nobody(settings: Settings) -> Iterator[Finding]:
    where = f"port {settings.port} on {settings.host}"
    holders = lock_holders(settings.home / _SERVING)
    error = _binding(settings)
    others = listeners_on(settings.port)
    if error is not None and error.errno == errno.EADDRINUSE and not set(others) & set(holders):
        yield _taken(settings, AnsweringNode(None))
    elif holders:
        who = ", ".join(map(named, holders))
        what = f"{who} holds this node's folder, and nothing answers at {where}."
        yield finding(Cause.NODE_SILENT, what, pid=holders[0])
    elif error is not None and error.errno == errno.EACCES:
        what = f"The node's user may not listen on {where}: ports below 1024 are the system's."
        yield finding(Cause.PORT_REFUSED, what, home=settings.home)
    elif error is not None and error.errno == errno.EADDRNOTAVAIL:
        what = (
            f"The address {settings.host} of the setting host is not one of this machine: the node cannot listen there."
        )
        then = f'Set host = "127.0.0.1" in {settings.home}/config.toml, behind the proxy'
        yield finding(Cause.PORT_REFUSED, what, then=then)


def _taken(settings: Settings, other: AnsweringNode) -> Finding:
    pid = listener_on(settings.port)
    where = f"port {settings.port} on {settings.host}"
    stop = f"Stop it (kill {pid})" if pid is not None else f"Find it (ss -ltnp sport = :{settings.port}) and stop it"
    who = f", {named(pid)}," if pid is not None else ""
    if other.card is not None:
        what = (
            f"Another node, {_name(settings, other.card)}, answers at {where}{who.rstrip(',')}: this one cannot start."
        )
        return finding(Cause.PORT_OF_ANOTHER_NODE, what, stop=stop, home=settings.home)
    what = f"A program that is no node{who or ''} has {where}: this node cannot start."
    return finding(Cause.PORT_TAKEN, what, stop=stop, home=settings.home)


def _name(settings: Settings, card: KeyEvent) -> str:
    return f"{card.issuer} with another identity" if card.issuer == settings.node_id else card.issuer


def _binding(settings: Settings) -> OSError | None:
    """Why the port cannot be had. It is let go at once, and nothing listens meanwhile."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error
    return None
