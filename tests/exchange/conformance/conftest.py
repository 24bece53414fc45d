"""Nodes on real sockets that can be broken on purpose, and a visit of the suite to each."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.conformance.check import Check, CheckResult, Verdict, run_checks
from exchange.conformance.checks.check_card import CHECKS as CARD
from exchange.conformance.guest.guest import Guest, guest_at
from exchange.conformance.visit import Visit
from exchange.conformance.wire import Wire
from exchange.flows.keys.enrol import enrol, fetch_introduction
from exchange.web.app import create_app
from schemas.vocabulary import Jurisdiction
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.running_nodes import RunningNode, free_port, node_starter

PATIENCE_S = 60
IMPATIENCE_S = 8


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def having(self, **headers: str) -> Answer:
        """With these header fields; those that are empty are taken away."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={name: value for name, value in {**self.headers, **named}.items() if value})


Spoil = Callable[[Asked, Answer], Answer]
"""The node's answer, with one thing made wrong."""


@dataclass
class Spoiled:
    """An application that passes everything on to a true one; ``spoil`` changes what comes back."""

    app: ASGIApp
    spoil: Spoil | None = None
    bend: Callable[[Scope], None] | None = None
    """Changes the request before the true application sees it."""
    seen: list[Asked] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers)
        if self.bend is not None:
            self.bend(scope)
        if self.spoil is None:
            await self.app(scope, receive, send)
            return
        collect: list[Message] = []

        async def gather(message: Message) -> None:
            collect.append(message)

        await self.app(scope, receive, gather)
        await _sent(self.spoil(asked, _answer(collect)), send)


def _answer(collected: list[Message]) -> Answer:
    body = b"".join(message.get("body", b"") for message in collected[1:])
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in collected[0]["headers"]}
    return Answer(collected[0]["status"], headers, body)


async def _sent(answer: Answer, send: Callable[[Message], Awaitable[None]]) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})


@dataclass
class House:
    """A node, what can be made wrong with it, and the visit."""

    node: RunningNode
    spoiled: Spoiled
    visit: Visit

    def failing(self, checks: tuple[Check, ...]) -> set[str]:
        failing = {
            it.check.name: it.evidence for it in run_checks(self.visit, checks) if it.verdict is Verdict.NOT_KEPT
        }
        print(failing)  # a check that fails and should not says why
        return set(failing)

    @contextmanager
    def broken(self, spoil: Spoil | None = None, bend: Callable[[Scope], None] | None = None) -> Iterator[None]:
        self.spoiled.spoil, self.spoiled.bend = spoil, bend
        try:
            yield
        finally:
            self.spoiled.spoil = self.spoiled.bend = None


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Serbia's node; the card was read, and nobody is enrolled."""
    apps: list[Spoiled] = []

    def app(node: Any) -> Any:
        apps.append(Spoiled(create_app(node)))
        return apps[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.exchange.running_nodes.create_app", app)
        with node_starter(folder, patch) as start:
            node = start(Jurisdiction.RS, peer_timeout_s=1, pull_interval_s=0.1)
            visit = Visit(Wire(node.url), patience_s=PATIENCE_S, slow_body_s=10)
            assert verdicts(list(run_checks(visit, CARD))) == {Verdict.KEPT, Verdict.NOT_TRIED}
            yield House(node, apps[0], visit)


@contextmanager
def enrolled(home: House, *, patience_s: float = PATIENCE_S) -> Iterator[Guest]:
    """A guest of North Macedonia's, enrolled as the operator of the node would."""
    visit = home.visit
    with guest_at(
        visit.wire,
        visit.believed_keys,
        jurisdiction=Jurisdiction.MK,
        listen=("127.0.0.1", free_port()),
        patience_s=patience_s,
    ) as guest:
        admit(home.node, guest)
        guest.wait_enrolled(10)
        visit.enrolled = guest
        yield guest
        visit.enrolled = None


def admit(node: RunningNode, guest: Guest) -> None:
    introduction = fetch_introduction(node.node, guest.node.settings.url)
    enrol(node.node, introduction, confirmed=guest.fingerprint, legal_basis=LEGAL_BASIS)


def verdicts(findings: list[CheckResult]) -> set[Verdict]:
    return {found.verdict for found in findings}
