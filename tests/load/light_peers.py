"""Many peers of one node in this process: each has keys, a card and an empty lane, and waits for the node's news as a
node does. They cost next to nothing, so that what the node costs with two hundred of them can be seen."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import PeerUnreachable
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import Node
from exchange.net.client import PeerAddress, PeerClient
from exchange.net.egress import Typed
from exchange.net.message_signatures import authority_of, sign_response, verify_request
from exchange.net.news_lines import NewsLines
from exchange.trust.card import fingerprint, make_card
from exchange.trust.keys import create_keys, load_identity, load_keys, raw_public, requester_id
from schemas import CONTRACT_VERSION
from schemas.jurisdiction import FIRST_JURISDICTIONS, Jurisdiction
from schemas.lane import EMPTY_HEAD, LaneNews, LanePage, parse_lane_page
from schemas.witness import WitnessAnswer
from tests.exchange.open_policy import allow_all

LEGAL_BASIS = "synthetic, a test of many peers"


@dataclass
class LightPeer:
    """``waits`` says whether the node's question for news stands here."""

    node_id: str
    url: str
    listener: socket.socket
    transport: Ed25519PrivateKey
    card: bytes
    news: asyncio.Event = field(default_factory=asyncio.Event)
    waits: bool = False
    heard: int = 0
    """How many statements it read of the node."""


class LightPeers:
    """Runs until ``close``. ``question_bytes``: of the last question for news that came."""

    def __init__(self, folder: Path, count: int) -> None:
        codes = [code for code in FIRST_JURISDICTIONS if code != Jurisdiction.RS]
        self.peers = [_made(folder / str(number), codes[number % len(codes)], number) for number in range(count)]
        self.question_bytes = 0
        self.asked: Counter[str] = Counter()
        self._node: PeerAddress | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._listen())

    def enrol_with(self, node: Node) -> None:
        """Each with the node, at the node's end; the peers know it by its card."""
        card = node.card
        self._node = PeerAddress(card.issuer, card.url, card.delegation.transport)
        allow_all(node)
        for peer in self.peers:
            introduction = read_introduction(node, peer.card)
            enrol(
                node,
                introduction,
                confirmed=fingerprint(introduction.card.identity),
                legal_basis=LEGAL_BASIS,
                address=peer.url,
            )

    def wait_for_news(self, wait_s: int) -> None:
        """From now on each waits for news of the node, so long at a time, and reads what there is."""
        for peer in self.peers:
            asyncio.run_coroutine_threadsafe(self._attend(peer, wait_s), self._loop)

    def tell(self, peer: LightPeer) -> None:
        """Say to the node that this peer has news, though it has none."""
        self._loop.call_soon_threadsafe(peer.news.set)

    def answer_to_a_question(self, *, wait_s: int) -> int:
        """Ask the node whether it has news, and hear that it has none: of how many bytes its answer is."""
        node, peer = self._node, self.peers[0]
        assert node is not None
        client = PeerClient(peer.node_id, peer.transport, guard=Typed(node.url, ()), timeout_s=20)
        asked = client.news_question(node, start=0, head=EMPTY_HEAD, known_size=None, wait_s=wait_s)
        url = urlsplit(asked.url)
        headers = {**asked.headers, "Host": url.netloc, "Connection": "close"}
        lines = [f"GET {url.path}?{url.query} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        with socket.create_connection((url.hostname, url.port), timeout=20 + wait_s) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = b"".join(iter(lambda: line.recv(4096), b""))
        client.close()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise AssertionError(answer)
        return len(answer)

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._servers = [
            await asyncio.start_server(partial(self._serve, peer), sock=peer.listener) for peer in self.peers
        ]

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, peer: LightPeer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            path = urlsplit(target).path
            self.asked[path] += 1
            answer = await self._answer(peer, method, target, headers, body)
            if path == "/v1/lane/news":
                self.question_bytes = len(head)
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def _answer(self, peer: LightPeer, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        url, node = urlsplit(peer.url + target), self._node
        assert node is not None
        asked = parse_qs(url.query)
        if url.path == "/v1/lane/news":
            peer.waits = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(int(asked["wait"][0])):
                    await peer.news.wait()
            peer.waits = False
            said = LaneNews(contract=CONTRACT_VERSION, news=peer.news.is_set()).model_dump_json()
            peer.news.clear()
        elif url.path == "/v1/lane":
            said = _empty_page(node.node_id, int(asked["start"][0]), asked["head"][0]).model_dump_json()
        elif url.path == "/v1/witness":
            said = WitnessAnswer(
                contract=CONTRACT_VERSION, cosigned=None, shown=None, seen=(), forked=(), yours=(), proofs=()
            ).model_dump_json()
        else:
            return _response(404, b"", {})
        verified = verify_request(
            method=method,
            authority=authority_of(peer.url),
            path=url.path,
            query=url.query,
            headers=headers,
            body=body or None,
            now=int(headers["signature-input"].partition("created=")[2].partition(";")[0]),
            key_for=lambda _: node.public_key,
        )
        signed = sign_response(
            peer.transport,
            requester_id(peer.node_id, raw_public(peer.transport)),
            status=200,
            body=said.encode(),
            request=verified.request,
            now=int(time.time()),
        )
        return _response(200, said.encode(), signed)

    async def _attend(self, peer: LightPeer, wait_s: int) -> None:
        node = self._node
        assert node is not None
        client = PeerClient(peer.node_id, peer.transport, guard=Typed(node.url, ()), timeout_s=20)
        start, head = 0, EMPTY_HEAD
        async with NewsLines(guard=Typed(node.url, ()), timeout_s=20) as lines:
            while True:
                try:
                    asked = client.news_question(node, start=start, head=head, known_size=None, wait_s=wait_s)
                    answer = await lines.ask(asked.url, asked.headers, wait_s=wait_s)
                    if answer.status == 200 and client.is_news(asked, answer):
                        raw = await asyncio.to_thread(client.fetch_lane, node, start=start, head=head, known_size=0)
                        page = parse_lane_page(raw)
                        start, head = start + len(page.items), bytes.fromhex(page.head)
                        peer.heard += len(page.items)
                except PeerUnreachable:
                    await asyncio.sleep(1)


def _made(folder: Path, jurisdiction: Jurisdiction, number: int) -> LightPeer:
    create_keys(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    node_id, url = f"ffp-{jurisdiction.lower()}-{number}", f"http://127.0.0.1:{listener.getsockname()[1]}"
    keys, identity = load_keys(folder), load_identity(folder)
    card = make_card(identity, keys, node_id=node_id, jurisdiction=jurisdiction, url=url)
    return LightPeer(node_id, url, listener, keys.transport, card.raw)


def _empty_page(lane: str, start: int, head: str) -> LanePage:
    return LanePage(
        contract=CONTRACT_VERSION,
        lane=lane,
        start=start,
        count=start,
        head=head,
        checkpoint=None,
        consistency=(),
        items=(),
    )


def _response(status: int, body: bytes, headers: dict[str, str]) -> bytes:
    lines = {**headers, "Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} .\r\n{head}\r\n".encode() + body
