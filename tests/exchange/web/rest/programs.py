"""Programs with tokens, and people at the pages, at nodes in this process: the routes as they are served, without a
socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from exchange.flows.node.node import Node
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.access.user_rows import add_user
from exchange.web.app import create_app
from schemas import Maker
from schemas.vocabulary import SignedInBy


class Programs:
    """``tokens``: of each node's people, by node and pseudonym; ``sessions``: of those who looked at its pages."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.tokens: dict[tuple[str, str], str] = {}
        self.sessions: dict[tuple[str, str], str] = {}
        self.clients: dict[str, httpx.AsyncClient] = {}
        self._portal = portal

    def get(self, node: str, who: Maker, path: str, **asked: Any) -> httpx.Response:
        return self._send("GET", node, who, path, params=asked)

    def read(self, node: str, who: Maker, path: str, **asked: Any) -> Any:
        """The answer to what must be there."""
        answer = self.get(node, who, path, **asked)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def post(self, node: str, who: Maker, path: str, body: Any = None) -> httpx.Response:
        return self._send("POST", node, who, path, json=body)

    def page(self, node: Node, who: Maker, path: str) -> httpx.Response:
        """As somebody who is signed in to the pages is shown it."""
        return self._at_pages("GET", node, who, path)

    def send(self, node: Node, who: Maker, path: str, fields: Mapping[str, str]) -> httpx.Response:
        """A form of a page, with the fields that it has."""
        return self._at_pages("POST", node, who, path, data=dict(fields))

    def _at_pages(self, method: str, node: Node, who: Maker, path: str, **more: Any) -> httpx.Response:
        known = node.node_id, who.pseudonym
        if known not in self.sessions:
            with node.store.write() as session:
                by = SignedInBy.PASSWORD_AND_TOTP
                self.sessions[known] = begin_session(session, who.pseudonym, by, most_s=3600)
        cookie = {"Cookie": f"ffp={self.sessions[known]}"}
        return self._portal.call(partial(self.clients[node.node_id].request, method, path, headers=cookie, **more))

    def _send(self, method: str, node: str, who: Maker, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[node, who.pseudonym]}"}
        return self._portal.call(partial(self.clients[node].request, method, f"/v1{path}", headers=headers, **more))


@contextmanager
def programs_at(nodes: Sequence[Node], people: Sequence[Maker], *, known: bool = False) -> Iterator[Programs]:
    """All these people at all these nodes; ``known``: the nodes have them, and their tokens are given later."""
    with start_blocking_portal() as portal, ExitStack() as opened:
        made = Programs(portal)
        for node in nodes:
            app = create_app(node, works=False)
            opened.enter_context(portal.wrap_async_context_manager(app.router.lifespan_context(app)))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=node.settings.url, timeout=60)
            made.clients[node.node_id] = opened.enter_context(portal.wrap_async_context_manager(client))
            for who in () if known else people:
                with node.store.write() as session:
                    made.tokens[node.node_id, who.pseudonym] = add_user(session, who.pseudonym, who.role)
        yield made
