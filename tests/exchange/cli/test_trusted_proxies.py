"""``X-Forwarded-For`` is believed from the addresses in the setting ``trusted_proxies``, and from nobody else."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from exchange.cli.serving.http_server import HttpServer
from exchange.flows.node.node import create_node, opened
from schemas.vocabulary import Jurisdiction

CLAIMED = "203.0.113.7"


class Silent:
    def ready(self) -> None: ...
    def not_ready(self, why: str) -> None: ...
    def alive(self) -> None: ...
    def stopping(self) -> None: ...


def seen_as(home: Path, came_from: str, claimed: bytes = CLAIMED.encode()) -> str:
    """The address that the application sees of a request that claims another one."""
    found: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["client"][0])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    with opened(home) as node:
        server = HttpServer(node, app, Silent(), beat_s=None, may_leave=False)
        server.config.load()
        scope = {"type": "http", "client": (came_from, 1), "headers": [(b"x-forwarded-for", claimed)]}
        asyncio.run(server.config.loaded_app(scope, receive, send))
    return found[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    return tmp_path / "node"


@pytest.mark.parametrize("came_from", ["127.0.0.1", "::1", "198.51.100.1"])
def test_by_default_nobody_is_believed(home: Path, monkeypatch: pytest.MonkeyPatch, came_from: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen_as(home, came_from) == came_from


def test_a_configured_proxy_is_believed_and_no_other_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_TRUSTED_PROXIES", '["127.0.0.1", "10.8.0.0/16"]')
    assert seen_as(home, "127.0.0.1") == seen_as(home, "10.8.3.4") == CLAIMED
    assert seen_as(home, "198.51.100.1") == "198.51.100.1"
    assert seen_as(home, "127.0.0.1", b"192.0.2.99, " + CLAIMED.encode()) == CLAIMED, "the last proxy says it"


def test_no_server_is_made_without_deciding_whom_it_believes() -> None:
    """uvicorn believes every program on this machine by default."""
    assert uvicorn.Config(lambda *_: None).proxy_headers is True
    made = [
        (path, call)
        for path in (Path(__file__).parents[3] / "exchange").rglob("*.py")
        for call in re.findall(r"uvicorn\.(?:Config|run)\((.*?)\n    *\)", path.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert made
    assert all("proxy_headers=" in call for _, call in made)
