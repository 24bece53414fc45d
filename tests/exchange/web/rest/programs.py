"""Programs with tokens at nodes in this process: the routes as they are served, without a socket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
from starlette.testclient import TestClient

from exchange.flows.node.node import Node
from exchange.store.access.users import add_user
from exchange.web.app import create_app
from schemas import Maker


class Programs:
    """``tokens``: of each node's people, by node and pseudonym."""

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str], str] = {}
        self.clients: dict[str, TestClient] = {}

    def get(self, node: str, who: Maker, path: str, **asked: Any) -> httpx.Response:
        return self._send("GET", node, who, path, params=asked)

    def read(self, node: str, who: Maker, path: str, **asked: Any) -> Any:
        """The answer to what must be there."""
        answer = self.get(node, who, path, **asked)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def post(self, node: str, who: Maker, path: str, body: Any = None) -> httpx.Response:
        return self._send("POST", node, who, path, json=body)

    def _send(self, method: str, node: str, who: Maker, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[node, who.pseudonym]}"}
        answer: httpx.Response = self.clients[node].request(method, f"/v1{path}", headers=headers, **more)
        return answer


@contextmanager
def programs_at(nodes: Sequence[Node], people: Sequence[Maker], *, known: bool = False) -> Iterator[Programs]:
    """All these people at all these nodes; ``known``: the nodes have them, and their tokens are given later."""
    made = Programs()
    with ExitStack() as opened:
        for node in nodes:
            client = TestClient(create_app(node, works=False), base_url=node.settings.url)
            made.clients[node.node_id] = opened.enter_context(client)
            for who in () if known else people:
                with node.store.write() as session:
                    made.tokens[node.node_id, who.pseudonym] = add_user(session, who.pseudonym, who.role)
        yield made
