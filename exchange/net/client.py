"""Requests to peers: each signed, each answer bounded and, but for blobs, verified against its request."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.errors import PeerMisbehaved, PeerUnreachable, RequestRefused
from exchange.net.message_signatures import sign_request, verify_response
from exchange.trust.keys import ED25519, key_id, raw_public
from schemas.lane import MAX_PAGE_BYTES

MAX_CARD_BYTES = 64 * 1024
MAX_PROBLEM_BYTES = 16 * 1024
PIECE_BYTES = 1 << 16


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


class PeerClient:
    """One node's requests to all its peers, past any proxy of the environment: nodes reach each other directly."""

    def __init__(self, transport: Ed25519PrivateKey, *, timeout_s: float) -> None:
        self._key = transport
        self._key_id = key_id(ED25519, raw_public(transport))
        self._http = httpx.Client(
            timeout=timeout_s, trust_env=False, verify=ssl.create_default_context(), follow_redirects=False
        )

    def close(self) -> None:
        self._http.close()

    def fetch_card(self, url: str) -> bytes:
        """The unverified card of whoever answers at ``url``; only its fingerprint makes it somebody's."""
        with self._answer(f"{url.rstrip('/')}/v1/node", {}) as answer:
            return _bounded(answer, MAX_CARD_BYTES)

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int) -> bytes:
        """The next page of this node's lane at a peer: verified to be the peer's answer to this very request.

        Raises PeerUnreachable, PeerMisbehaved.
        """
        url = f"{peer.url}/v1/lane?start={start}&head={head.hex()}&known_size={known_size}"
        signed = self._signed(url)
        with self._answer(url, signed) as answer:
            body = _bounded(answer, MAX_PAGE_BYTES)
            try:
                verify_response(
                    peer.public_key,
                    status=answer.status_code,
                    headers=answer.headers,
                    body=body,
                    request_method="GET",
                    request_url=url,
                    request_headers=signed,
                    now=int(time.time()),
                )
            except RequestRefused as error:
                raise PeerMisbehaved(f"{peer.node_id} did not sign its answer as it must: {error}") from error
            return body

    @contextlib.contextmanager
    def fetch_blob(self, peer: PeerAddress, sha256: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes of a scan from ``offset`` on, as (where they really begin, pieces). Not signed: the digest is
        in the record, and the caller checks it."""
        url = f"{peer.url}/v1/blobs/{sha256}"
        resume = {"Range": f"bytes={offset}-", "If-Range": f'"{sha256}"'} if offset else {}
        with self._answer(url, {**self._signed(url), **resume}) as answer:
            begins = offset if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0
            yield begins, _pieces(answer, peer.node_id)

    def _signed(self, url: str) -> dict[str, str]:
        try:
            return sign_request(self._key, self._key_id, method="GET", url=url, body=None, now=int(time.time()))
        except httpx.InvalidURL as error:
            raise PeerMisbehaved(f"{url} is not an address: {error}.") from error

    @contextlib.contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        try:
            # identity: digests and limits are of the bytes as they travel, whatever a proxy would like to compress
            with self._http.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as answer:
                if answer.status_code >= 400:
                    _raise_problem(answer)
                if answer.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                    raise PeerMisbehaved(f"{url} answered with the status {answer.status_code}.")
                yield answer
        except httpx.HTTPError as error:
            raise PeerUnreachable(f"{url} does not answer ({type(error).__name__}: {error}).") from error
        except httpx.InvalidURL as error:
            raise PeerMisbehaved(f"{url} is not an address: {error}.") from error


def _bounded(answer: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes(PIECE_BYTES):
        body += piece
        if len(body) > limit:
            raise PeerMisbehaved(f"{answer.url} sends more than {limit} bytes.")
    return bytes(body)


def _pieces(answer: httpx.Response, node_id: str) -> Iterator[bytes]:
    try:
        yield from answer.iter_bytes(PIECE_BYTES)
    except httpx.HTTPError as error:
        raise PeerUnreachable(f"{node_id} broke off ({type(error).__name__}); the rest is fetched later.") from error


def _raise_problem(answer: httpx.Response) -> None:
    body = _bounded(answer, MAX_PROBLEM_BYTES)
    try:
        problem = json.loads(body)
        said = f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        said = f"no explanation ({hashlib.sha256(body).hexdigest()[:12]})"
    message = f"{answer.url.host} refused with {answer.status_code}, {said[:500]}"
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise PeerUnreachable(message)
    raise PeerMisbehaved(message)
