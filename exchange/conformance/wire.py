"""Requests byte for byte, so that nothing tidies up what the node is to be tried with; bounded in bytes and time."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from exchange.conformance.verdicts import NotKept
from exchange.errors import PROBLEM_TYPE, InvalidInput
from schemas.errors import shown

MAX_ANSWER_BYTES = 40 * 1024 * 1024
"""More than any page; larger scans are asked for in parts."""
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class WireAnswer:
    """An answer, read to its end."""

    asked: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def media_type(self) -> str:
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    @property
    def problem(self) -> dict[str, Any]:
        """The problem that it states. Raises NotKept when it is not in the form of RFC 9457."""
        if self.media_type != PROBLEM:
            raise NotKept(
                f"{self.asked}: {self.status} came as {self.media_type or 'nothing named'}, not as {PROBLEM}."
            )
        try:
            found = json.loads(self.body)
            whole = all(isinstance(found[name], str) and found[name] for name in ("type", "title", "detail"))
            if whole and found["status"] == self.status:
                return dict(found)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotKept(f"{self.asked}: the problem lacks type, title, status or detail, or is no JSON.") from error
        raise NotKept(
            f"{self.asked}: the problem's type, title or detail is empty, or its status is not {self.status}."
        )

    @property
    def code(self) -> str:
        """The stable end of the problem's type."""
        return str(self.problem["type"]).removeprefix(PROBLEM_TYPE)

    def expect(self, status: int, code: str | None = None) -> WireAnswer:
        """Raises NotKept unless this is the answer."""
        if self.status != status or (code is not None and self.code != code):
            said = self.code if self.media_type == PROBLEM else self.media_type or "nothing"
            raise NotKept(f"{self.asked}: {self.status} {said} in place of {status} {code or ''}".rstrip() + ".")
        return self


class Wire:
    """Connections to the tested node, one for each request. ``told`` are all answers so far."""

    def __init__(self, url: str, *, timeout_s: float = 30) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname or address.path.strip("/"):
            raise InvalidInput(f"{shown(url, 200)} is no node's address: write http://host:port or https://host:port.")
        self.url = url.rstrip("/")
        self.host, self._tls = address.hostname, address.scheme == "https"
        self._netloc, self._port = address.netloc, address.port or (443 if self._tls else 80)
        self._timeout_s = timeout_s
        self.told: list[WireAnswer] = []

    @property
    def tls(self) -> bool:
        return self._tls

    def negotiated(self) -> tuple[str, str, str]:
        """TLS version, cipher suite, and until when the certificate is good, after verifying it. Raises OSError."""
        with self._connection() as connection:
            if not isinstance(connection, ssl.SSLSocket):
                raise InvalidInput(f"{self.url} is no https address.")
            cipher = connection.cipher() or ("none",)
            certificate = connection.getpeercert() or {}
            return connection.version() or "none", cipher[0], str(certificate.get("notAfter", "unknown"))

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> WireAnswer:
        """Exactly these bytes. Raises OSError, http.client.HTTPException."""
        begun = time.monotonic()
        with self._connection() as connection:
            with contextlib.suppress(ConnectionError):  # refused before all was sent: the answer says why
                connection.sendall(self._head(method, target, headers, None if body is None else len(body)))
                connection.sendall(body or b"")
            return self._answer(connection, method, target, begun, self._timeout_s)

    def drip(self, target: str, *, length: int, every_s: float, most_s: float) -> WireAnswer:
        """Claim a body of ``length`` bytes and send one now and then, until the node answers or closes.

        Raises TimeoutError when it still waits after ``most_s``.
        """
        begun = time.monotonic()
        with self._connection() as connection:
            connection.sendall(self._head("POST", target, None, length))
            return self._answer(connection, "POST", target, begun, most_s, drop_every_s=every_s)

    def _answer(
        self,
        connection: socket.socket,
        method: str,
        target: str,
        begun: float,
        most_s: float,
        drop_every_s: float | None = None,
    ) -> WireAnswer:
        raw = bytearray()
        while True:
            left = begun + most_s - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{method} {target} was not answered to its end in {most_s:.0f} s")
            connection.settimeout(min(left, drop_every_s or left))
            try:
                piece = connection.recv(1 << 16)
            except TimeoutError:
                if drop_every_s and not raw:
                    with contextlib.suppress(ConnectionError):  # closed: the next turn reads why
                        connection.sendall(b"x")
                continue
            except ConnectionError:
                if not raw:
                    raise
                break
            if not piece:
                break
            raw += piece
            if len(raw) > MAX_ANSWER_BYTES:
                raise NotKept(f"{method} {target} was answered with more than {MAX_ANSWER_BYTES} bytes.")
        answer = http.client.HTTPResponse(_Raw(bytes(raw)), method=method)  # type: ignore[arg-type]  # all it needs of a socket
        answer.begin()
        told = WireAnswer(
            f"{method} {shown(target, 80)}", answer.status, answer.msg, answer.read(), time.monotonic() - begun
        )
        self.told.append(told)
        return told

    def _head(self, method: str, target: str, headers: Mapping[str, str] | None, length: int | None) -> bytes:
        given = {"Host": self._netloc, **(headers or {}), "Connection": "close"}
        if length is not None:
            given["Content-Length"] = str(length)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        with socket.create_connection((self.host, self._port), timeout=self._timeout_s) as connection:
            if not self._tls:
                yield connection
                return
            context = ssl.create_default_context()
            with context.wrap_socket(connection, server_hostname=self.host) as secured:
                yield secured


class _Raw:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._raw)
