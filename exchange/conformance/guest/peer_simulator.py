"""A peer on a real socket that can lie: true keys, card, log and lane of an ``Owner``, and any bytes for an answer."""

from __future__ import annotations

import contextlib
import http.client
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.conformance.guest.owner import Owner
from exchange.errors import ExchangeError, RequestRefused
from exchange.flows.keys.events import key_chain
from exchange.flows.witness.cosign import answer_report
from exchange.flows.witness.mirror import answer_lane, answer_leaves, answer_statements
from exchange.log.tiles import parse_path
from exchange.net.message_signatures import VerifiedRequest, authority_of, sign_response, verify_request
from exchange.store.log.statement_rows import tile_hashes
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow
from exchange.trust.keys import raw_public, requester_id
from schemas import CONTRACT_VERSION, ContractError
from schemas.lane import LaneNews
from schemas.witness import parse_witness_report

_LONGEST_S = 20  # no lie goes on longer than this, however patient the reader is
MAX_LINE_BYTES = 64 * 1024
MAX_BODY_BYTES = 1 << 20  # more than any report has


@dataclass(frozen=True)
class SimulatedRequest:
    """One request as it came."""

    method: str
    target: str
    headers: http.client.HTTPMessage
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)
    """When it came, by the monotonic clock."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def offset(self) -> int:
        """Where the range begins that was asked for; 0 when none was."""
        return int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def number(self, name: str) -> int:
        return int(self.text(name))

    def text(self, name: str) -> str:
        return parse_qs(urlsplit(self.target).query)[name][0]


Reply = Callable[[SimulatedRequest], Iterator[bytes]]
"""What goes over the wire, piece by piece; the connection is closed after the last."""


class PeerSimulator:
    """Answers honestly until ``card``, ``lane``, ``news``, ``blob`` or ``witness`` is set to a lie."""

    def __init__(self, owner: Owner, port: int, host: str = "127.0.0.1") -> None:
        self.owner = owner
        self.reader_key: Ed25519PublicKey | None = None
        self.card: Reply = self.honest_card
        self.lane: Reply = self.honest_lane
        self.news: Reply = self.honest_news
        self.blob: Reply = self.honest_blob
        self.witness: Reply = self.honest_witness
        self.asked: list[SimulatedRequest] = []
        self.refused: list[str] = []
        """Requests that were no good: why, one line each."""
        self.closing = threading.Event()
        simulator = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the reader hung up
                    try:
                        asked = self.read()
                        simulator.asked.append(asked)
                        for piece in simulator._answer(asked):
                            self.wfile.write(piece)
                    except (ExchangeError, ContractError, ValueError, LookupError, http.client.HTTPException) as error:
                        simulator.refused.append(f"{type(error).__name__}: {error}")
                        self.wfile.write(respond(401 if isinstance(error, RequestRefused) else 422, b""))

            def read(self) -> SimulatedRequest:
                begun = self.rfile.readline(MAX_LINE_BYTES)
                if not begun:  # a reader in a hurry connects, has no time left, and asks nothing
                    raise ConnectionAbortedError
                method, target, _ = begun.decode("latin-1").split(" ")
                headers = http.client.parse_headers(self.rfile)
                length = min(int(headers.get("Content-Length") or 0), MAX_BODY_BYTES)
                body = self.rfile.read(length)
                if len(body) < length:
                    raise ConnectionAbortedError
                return SimulatedRequest(method, target, headers, body)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server((host, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def behave(self) -> None:
        self.card, self.lane, self.blob = self.honest_card, self.honest_lane, self.honest_blob
        self.witness, self.news = self.honest_witness, self.honest_news
        self.asked.clear()

    def _answer(self, asked: SimulatedRequest) -> Iterator[bytes]:
        match asked.path.split("/")[1:]:
            case ["v1", "node"]:
                return self.card(asked)
            case ["v1", "node", "keys"]:
                return iter([respond(200, key_chain(self.owner.node.history))])
            case ["v1", "log", "tile", *_]:
                return self.honest_tile(asked)
            case ["v1", "mirror", what]:
                return self.honest_mirror(asked, what)
            case ["v1", "lane"]:
                return self.lane(asked)
            case ["v1", "lane", "news"]:
                return self.news(asked)
            case ["v1", "witness"]:
                return self.witness(asked)
            case ["v1", "blobs", _]:
                return self.blob(asked)
        return iter([respond(404, b"")])

    def page(self, asked: SimulatedRequest) -> bytes:
        """The true page that was asked for."""
        head = bytes.fromhex(asked.text("head"))
        page = self.owner.honest_page(start=asked.number("start"), head=head, known_size=asked.number("known_size"))
        return page.model_dump_json().encode()

    def signed(
        self,
        asked: SimulatedRequest,
        body: bytes,
        *,
        key: Ed25519PrivateKey | None = None,
        status: int = 200,
        age_s: int = 0,
    ) -> dict[str, str]:
        """The signature's headers for an answer, after verifying the request as a node does."""
        verified = self.verified(asked)
        signer = key or self.owner.node.keys.transport
        name = requester_id(self.owner.node.node_id, raw_public(signer))
        now = int(time.time()) - age_s
        return sign_response(signer, name, status=status, body=body, request=verified.request, now=now)

    def verified(self, asked: SimulatedRequest) -> VerifiedRequest:
        """The request, if the reader signed it as it must. Raises RequestRefused and its kinds."""
        url = urlsplit(self.owner.node.settings.url + asked.target)
        return verify_request(
            method=asked.method,
            authority=authority_of(self.owner.node.settings.url),
            path=url.path,
            query=url.query,
            headers=asked.headers,
            body=asked.body or None,
            now=int(time.time()),
            key_for=lambda _: self.reader_key,
        )

    def honest_card(self, _asked: SimulatedRequest) -> Iterator[bytes]:
        yield respond(200, self.owner.node.card_envelope.raw)

    def honest_lane(self, asked: SimulatedRequest) -> Iterator[bytes]:
        body = self.page(asked)
        yield respond(200, body, self.signed(asked, body))

    def honest_news(self, asked: SimulatedRequest) -> Iterator[bytes]:
        """At once, whatever it is asked to wait: its lane may be given another face at any moment."""
        body = LaneNews(contract=CONTRACT_VERSION, news=True).model_dump_json().encode()
        yield respond(200, body, self.signed(asked, body))

    def honest_witness(self, asked: SimulatedRequest) -> Iterator[bytes]:
        report = parse_witness_report(asked.body)
        body = answer_report(self.owner.node, self._reader(), report).model_dump_json().encode()
        yield respond(200, body, self.signed(asked, body))

    def honest_tile(self, asked: SimulatedRequest) -> Iterator[bytes]:
        """Hashes of the log, for the witness that mirrors them; they lead to the signed head and need no signature."""
        self.verified(asked)
        tile = parse_path(asked.path.removeprefix("/v1/log/"))
        with self.owner.node.store.read() as session:
            hashes = tile_hashes(session, tile)
        if len(hashes) != tile.width:
            raise LookupError(f"the log does not reach as far as {asked.path}")
        yield respond(200, b"".join(hashes))

    def honest_mirror(self, asked: SimulatedRequest, what: str) -> Iterator[bytes]:
        """What is held here of the reader's own log, should it have lost its end."""
        node, reader, start = self.owner.node, self._reader(), asked.number("start")
        match what:
            case "leaves":
                body = answer_leaves(node, reader, start).model_dump_json().encode()
            case "statements":
                body = answer_statements(node, reader, start).model_dump_json().encode()
            case "lane":
                body = answer_lane(node, reader, start).model_dump_json().encode()
            case _:
                raise LookupError(f"nothing is mirrored under {asked.path}")
        yield respond(200, body, self.signed(asked, body))

    def _reader(self) -> PeerRow:
        with self.owner.node.store.read() as session:
            reader = find_peer(session, self.owner.reader)
        if reader is None:
            raise LookupError(f"{self.owner.reader} is not enrolled")
        return reader

    def honest_blob(self, asked: SimulatedRequest) -> Iterator[bytes]:
        """The scan, or the rest of it that was asked for; in pieces, as a network brings it."""
        whole = self.blob_of(asked)
        yield from blob_answer(asked.offset, whole[asked.offset :], whole)

    def blob_of(self, asked: SimulatedRequest) -> bytes:
        wanted = asked.path.rpartition("/")[2]
        found = [item.blob for item in self.owner.published if item.sha256 == wanted]
        if not found:
            raise LookupError(f"no scan {wanted}")
        return found[0]

    def dripping(self, beginning: bytes, drop: bytes) -> Iterator[bytes]:
        """Slow enough to be of no use, fast enough never to look dead."""
        deadline = time.monotonic() + _LONGEST_S
        yield beginning
        while time.monotonic() < deadline and not self.closing.wait(0.03):
            yield drop


def respond(status: int, body: bytes, headers: Mapping[str, str] | None = None, *, length: int | None = None) -> bytes:
    """A whole answer; ``length`` is what it claims to be long."""
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def blob_answer(offset: int, sent: bytes, whole: bytes, *, length: int | None = None) -> Iterator[bytes]:
    """What a node answers when asked for the scan from ``offset`` on, with ``sent`` in place of what it should be."""
    status = 206 if offset else 200
    part = {"Content-Range": f"bytes {offset}-{len(whole) - 1}/{len(whole)}"} if offset else {}
    yield respond(status, b"", part, length=len(sent) if length is None else length)
    for start in range(0, len(sent), 1 << 14):
        yield sent[start : start + (1 << 14)]
