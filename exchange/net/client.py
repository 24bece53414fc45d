"""Requests to peers: each signed, each answer bounded in bytes and time and, but for blobs, verified against its
request."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.clock import apart
from exchange.errors import (
    PeerBusy,
    PeerMisbehaved,
    PeerUnreachable,
    RequestExpired,
    RequestRefused,
    SignatureInvalid,
)
from exchange.net.connection import OpenRequest, OpenRequests, http_client
from exchange.net.egress import Guard
from exchange.net.message_signatures import sign_request, verify_response
from exchange.net.multipart import Multipart
from exchange.net.news_lines import NewsAnswer
from exchange.net.probe import clock_ahead
from exchange.net.request_id import passed_on
from exchange.net.tracing import trace_passed_on
from exchange.trust.keys import raw_public, requester_id
from schemas.errors import ContractError, shown
from schemas.key_chain import MAX_CHAIN_BYTES
from schemas.lane import MAX_PAGE_BYTES, parse_lane_news
from schemas.mirror import MAX_MIRROR_BYTES
from schemas.strict_json import check_json
from schemas.versions import NEWEST
from schemas.witness import MAX_WITNESS_ANSWER_BYTES, MAX_WITNESSED_BYTES

MAX_CARD_BYTES = 64 * 1024
MAX_PROBLEM_BYTES = 16 * 1024
MAX_RECEIPT_BYTES = 4 * 1024
MAX_TILE_BYTES = 256 * 32
MOST_RETRY_S = 90_000
"""A peer is left alone for no longer than this, whatever it asks for: a quota is a day's."""
READS = "FFP-Contract"
"""The header in which a node says up to which version of the contract it reads."""
PAGE_TIMEOUTS = 4
"""A page may take this many timeouts in all: the largest, 8 MB, arrives in 120 s over a line of 560 kbit/s."""
RATE_WINDOW_S = 30.0
"""Over so long a transfer's rate is an average: a line that stands still for a moment is none that is slow."""


@dataclass(frozen=True)
class PeerAddress:
    """Where a peer is and which key must have signed its answers: both pinned at enrolment."""

    node_id: str
    url: str
    transport: str
    """Raw Ed25519 public key in Base64."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.transport))


@dataclass(frozen=True)
class NewsQuestion:
    """Signed, and to be asked at once: a peer takes no request that was signed long ago."""

    peer: PeerAddress
    url: str
    headers: dict[str, str]
    wait_s: int
    """The answer is a page of the lane: it says that there may be news, and is fetched again."""


class PeerClient:
    """One node's requests to all its peers, where ``guard`` lets them go, past any proxy of the environment.

    ``timeout_s`` is the longest that a peer may be silent; ``certificate`` is shown to proxies that ask for one;
    ``least_rate`` is how many bytes a second a scan must bring, ``most_rate`` how many are taken, ``scans_a_second``
    how many scans of one peer. Each request has a connection of its own, so that nothing of one answer is ever taken
    for the next.
    """

    def __init__(
        self,
        node_id: str,
        transport: Ed25519PrivateKey,
        *,
        guard: Guard,
        timeout_s: float,
        certificate: Path | None = None,
        least_rate: float = 0,
        most_rate: float = float("inf"),
        scans_a_second: float = float("inf"),
    ) -> None:
        self._key = transport
        self._key_id = requester_id(node_id, raw_public(transport))
        self._timeout_s, self._least_rate, self._most_rate = timeout_s, least_rate, most_rate
        self._ahead_s: dict[str, float] = {}
        self._scans_a_second = scans_a_second
        self._next_at: dict[str, float] = {}
        self._turn = threading.Lock()
        self._lines = OpenRequests()
        self._http = http_client(timeout_s, guard, certificate)

    def ahead_s(self, url: str) -> float | None:
        """How far the clock at this address was ahead of this one when it last answered; None when it never told."""
        return self._ahead_s.get(httpx.URL(url).netloc.decode("ascii"))

    def hang_up(self) -> None:
        """Break off every request that is under way, with PeerUnreachable, and begin no other. For any thread."""
        self._lines.hang_up()

    def close(self) -> None:
        """For when nothing is under way any more."""
        self._http.close()

    def fetch_card(self, url: str) -> bytes:
        """The unverified card of whoever answers at ``url``; only its fingerprint makes it somebody's."""
        with self._answer(f"{url.rstrip('/')}/v1/node", {}, within_s=self._timeout_s) as (answer, line):
            return _bounded(answer, line, MAX_CARD_BYTES)

    def fetch_keys(self, peer: PeerAddress) -> bytes:
        """The key-events of a peer, unverified: its identity signed each, and the transport key may be a new one.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        with self._answer(f"{peer.url}/v1/node/keys", {}, within_s=self._timeout_s) as (answer, line):
            return _bounded(answer, line, MAX_CHAIN_BYTES)

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int) -> bytes:
        """The next page of this node's lane at a peer: verified to be the peer's answer to this very request.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/lane?start={start}&head={head.hex()}&known_size={known_size}"
        return self._signed_answer(peer, url, most=MAX_PAGE_BYTES, within_s=PAGE_TIMEOUTS * self._timeout_s)

    def news_question(
        self, peer: PeerAddress, *, start: int, head: bytes, known_size: int | None, wait_s: int
    ) -> NewsQuestion:
        """Whether anything follows ``start`` on this node's lane at a peer, who may wait for it so long. For a witness,
        who knows the log up to ``known_size``, each new head is news too. Raises PeerMisbehaved."""
        url = f"{peer.url}/v1/lane/news?start={start}&head={head.hex()}&wait={wait_s}"
        if known_size is not None:
            url += f"&known_size={known_size}"
        headers = {**self._signed(url), "Accept-Encoding": "identity"}
        return NewsQuestion(peer, url, headers, wait_s)

    def is_news(self, asked: NewsQuestion, answer: NewsAnswer) -> bool:
        """What a peer's answer says, verified to be its own to this very question. Raises PeerMisbehaved."""
        self._verify(asked.peer, "GET", asked.url, asked.headers, answer.status, answer.headers, answer.body)
        try:
            return parse_lane_news(answer.body).news
        except ContractError as error:
            raise PeerMisbehaved(
                f"{asked.peer.node_id} says whether there is news in no known form: {error}"
            ) from error

    def send_report(self, peer: PeerAddress, report: bytes) -> bytes:
        """What the peer answers to a witness's report: verified to be the peer's answer to this very request.

        When it has returned, the peer has stored what it was told. Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/witness"
        return self._signed_answer(peer, url, body=report, most=MAX_WITNESS_ANSWER_BYTES, within_s=self._timeout_s)

    def fetch_witnessed(self, peer: PeerAddress, *, size: int, asks: Sequence[int]) -> bytes:
        """How far a peer's log is witnessed beyond the head of ``size`` that was verified here, and that it goes on
        from each of ``asks``: verified to be the peer's answer to this very request.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/log/witnessed?size={size}"
        if asks:
            url += f"&asks={','.join(map(str, asks))}"
        return self._signed_answer(peer, url, most=MAX_WITNESSED_BYTES, within_s=self._timeout_s)

    def fetch_tile(self, peer: PeerAddress, path: str) -> bytes:
        """A tile of a peer's log. Not signed: what it must lead to is the head that the caller verified.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/log/{path}"
        with self._answer(url, self._signed(url), within_s=self._timeout_s) as (answer, line):
            return _bounded(answer, line, MAX_TILE_BYTES)

    def fetch_mirror(self, peer: PeerAddress, what: str, *, start: int) -> bytes:
        """A page of what a peer holds of this node's own, "leaves", "statements" or "lane": verified to be the peer's
        answer to this very request. Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/mirror/{what}?start={start}"
        return self._signed_answer(peer, url, most=MAX_MIRROR_BYTES, within_s=PAGE_TIMEOUTS * self._timeout_s)

    def send_query(self, peer: PeerAddress, query: Multipart, *, within_s: float) -> None:
        """Ask a peer to search for the scan of a query. When it has returned, the peer has stored the query.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        self._signed_answer(peer, f"{peer.url}/v1/queries", body=query, most=MAX_RECEIPT_BYTES, within_s=within_s)

    def _signed_answer(
        self, peer: PeerAddress, url: str, *, body: bytes | Multipart | None = None, most: int, within_s: float
    ) -> bytes:
        signed = self._signed(url, body)
        with self._answer(url, signed, body=body, within_s=within_s) as (answer, line):
            answered = _bounded(answer, line, most)
            self._verify(peer, _method(body), url, signed, answer.status_code, answer.headers, answered)
            return answered

    @staticmethod
    def _verify(
        peer: PeerAddress,
        method: str,
        url: str,
        signed: dict[str, str],
        status: int,
        headers: httpx.Headers,
        answered: bytes,
    ) -> None:
        """That an answer is the peer's own, to the request that was ``signed``. Raises PeerMisbehaved."""
        try:
            verify_response(
                peer.public_key,
                status=status,
                headers=headers,
                body=answered,
                request_method=method,
                request_url=url,
                request_headers=signed,
                now=int(time.time()),
            )
        except RequestExpired as error:
            raise PeerMisbehaved(
                f"The clock of {peer.node_id} is {apart(error.ahead_s)} this node's; its answer was {error}."
            ) from error
        except RequestRefused as error:
            raise PeerMisbehaved(f"{peer.node_id} did not sign its answer as it must: {error}") from error

    @contextlib.contextmanager
    def fetch_blob(
        self, peer: PeerAddress, sha256: str, *, offset: int, within_s: float
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes of a scan from ``offset`` on, as (where they really begin, pieces): there, or at 0 when the peer
        cannot resume. Not signed: the digest is in the record, and the caller checks it.

        Raises PeerUnreachable, also after ``within_s`` seconds and below the least rate, with what came until then in
        the caller's hands; PeerMisbehaved.
        """
        self._wait_turn(peer.node_id)
        url = f"{peer.url}/v1/blobs/{sha256}"
        resume = {"Range": f"bytes={offset}-", "If-Range": f'"{sha256}"'} if offset else {}
        headers = self._signed(url, fields=resume)
        with self._answer(url, headers, within_s=within_s, head_s=self._timeout_s) as (answer, line):
            begins = 0
            if answer.status_code == httpx.codes.PARTIAL_CONTENT:
                part = answer.headers.get("content-range", "")
                if not offset or not part.startswith(f"bytes {offset}-"):
                    raise PeerMisbehaved(f"{peer.node_id} sent another part of the scan than was asked for.")
                begins = offset
            yield begins, paced(_pieces(answer, line), self._least_rate, self._most_rate, peer.node_id)

    def _wait_turn(self, node_id: str) -> None:
        """Small scans, one after the other, cost others' time too: to be read, stored and prepared."""
        with self._turn:
            begins = max(time.monotonic(), self._next_at.get(node_id, 0.0))
            self._next_at[node_id] = begins + 1 / self._scans_a_second
        time.sleep(max(0.0, begins - time.monotonic()))

    def _signed(
        self, url: str, body: bytes | Multipart | None = None, *, fields: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The headers by which the peer decides, signed."""
        covered = {**(fields or {}), READS: NEWEST}
        whole, digest = (None, body.sha256()) if isinstance(body, Multipart) else (body, None)
        if body is not None:
            covered["Content-Type"] = body.content_type if isinstance(body, Multipart) else "application/json"
        try:
            return sign_request(
                self._key,
                self._key_id,
                method=_method(body),
                url=url,
                body=whole,
                now=int(time.time()),
                fields=covered,
                body_sha256=digest,
            )
        except (httpx.InvalidURL, SignatureInvalid) as error:
            raise PeerMisbehaved(f"{url} is not an address: {error}.") from error

    @contextlib.contextmanager
    def _answer(
        self,
        url: str,
        headers: dict[str, str],
        *,
        body: bytes | Multipart | None = None,
        within_s: float,
        head_s: float | None = None,
    ) -> Iterator[tuple[httpx.Response, OpenRequest]]:
        """``within_s`` for the whole of it, of that ``head_s`` until the status and the headers are there."""
        with self._lines.line(within_s=within_s) as line:
            # identity: digests and limits are of the bytes as they travel, whatever a proxy would like to compress
            headers = {**headers, **passed_on(), **trace_passed_on(), "Accept-Encoding": "identity"}
            content: bytes | Iterator[bytes] | None = None
            match body:
                case Multipart():
                    headers["Content-Length"] = str(body.size)
                    content = body.pieces()
                case bytes():
                    content = body
            asked = time.time()
            sent = self._http.stream(
                _method(body), url, headers=headers, content=content, extensions={"trace": line.trace}
            )
            try:
                with contextlib.ExitStack() as opened:
                    with line.within(min(within_s, head_s or within_s)):
                        answer = opened.enter_context(sent)
                    if (ahead_s := clock_ahead(answer.headers, asked, time.time())) is not None:
                        self._ahead_s[answer.url.netloc.decode("ascii")] = ahead_s
                    if answer.status_code >= 400:
                        raise _refusal(answer, line)
                    if answer.status_code not in (httpx.codes.OK, httpx.codes.ACCEPTED, httpx.codes.PARTIAL_CONTENT):
                        raise PeerMisbehaved(f"{url} answered with the status {answer.status_code}.")
                    if answer.headers.get("content-encoding", "identity") != "identity":
                        raise PeerMisbehaved(f"{url} answered in an encoding that was not asked for.")
                    yield answer, line
            except httpx.HTTPError as error:
                raise _unreachable(url, line, error) from error
            except httpx.InvalidURL as error:
                raise PeerMisbehaved(f"{url} is not an address: {error}.") from error


def _method(body: bytes | Multipart | None) -> str:
    return "GET" if body is None else "POST"


def _pieces(answer: httpx.Response, line: OpenRequest) -> Iterator[bytes]:
    """The body as it travels, piece by piece as it comes, so that nothing is lost when the line breaks.

    Never unpacked: 64 kB of packed zeros, packed twice, would fill the memory.
    """
    url = str(answer.url)
    try:
        yield from answer.iter_raw()
    except httpx.HTTPError as error:
        raise _unreachable(url, line, error) from error
    if line.fate is not None:  # the end of a body without a length looks like any other
        raise PeerUnreachable(f"{url} {line.fate}.")


def paced(pieces: Iterator[bytes], least_rate: float, most_rate: float, node_id: str) -> Iterator[bytes]:
    """The pieces of a transfer as they come, ``most_rate`` bytes a second at the most: who floods takes the line and
    the processor from others. Raises PeerUnreachable once they came slower than ``least_rate`` bytes a second over a
    whole window: who drips holds this node's hands for as long as it likes."""
    begun, came = time.monotonic(), 0
    for piece in pieces:
        yield piece
        came, took = came + len(piece), time.monotonic() - begun
        if came > most_rate * took:
            time.sleep(came / most_rate - took)
        if took < RATE_WINDOW_S:
            continue
        if came < least_rate * took:
            raise PeerUnreachable(
                f"{node_id} sent {came / took:.0f} bytes a second over {took:.0f} s, and {least_rate:.0f} is the "
                "least; what came is kept, and the rest is fetched later."
            )
        begun, came = time.monotonic(), 0


def _bounded(answer: httpx.Response, line: OpenRequest, limit: int) -> bytes:
    body = bytearray()
    for piece in _pieces(answer, line):
        body += piece
        if len(body) > limit:
            raise PeerMisbehaved(f"{answer.url} sends more than {limit} bytes.")
    return bytes(body)


def _unreachable(url: str, line: OpenRequest, error: httpx.HTTPError) -> PeerUnreachable:
    fate = line.fate or f"does not answer, or broke off ({type(error).__name__}: {shown(str(error), 200)})"
    return PeerUnreachable(f"{url} {fate}.")


def _refusal(answer: httpx.Response, line: OpenRequest) -> PeerUnreachable | PeerMisbehaved:
    """What the peer said, in its own words as far as they are fit to be shown."""
    body = bytearray()
    for piece in _pieces(answer, line):
        body += piece
        if len(body) > MAX_PROBLEM_BYTES:  # some proxy's page; its status says enough
            break
    message = f"{answer.url.host} refused with {answer.status_code}, {_said(bytes(body))}"
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        wait = answer.headers.get("retry-after", "")
        kind = PeerBusy if answer.status_code == httpx.codes.TOO_MANY_REQUESTS else PeerUnreachable
        return kind(message, retry_after_s=min(int(wait[:9]), MOST_RETRY_S) if wait[:9].isdecimal() else 0)
    return PeerMisbehaved(message)


def _said(body: bytes) -> str:
    try:
        check_json(body, max_bytes=MAX_PROBLEM_BYTES)
        problem = json.loads(body)
        return shown(f"{problem['title']}: {problem['detail']}", 500)
    except (ContractError, KeyError, TypeError):
        return "without an explanation in the form of this exchange."
