"""Lines to peers: one connection a request, cut when it takes too long or when this node stops.

A limit on each read would not do: whoever sends one byte now and then keeps a reader for ever.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpcore
import httpx

from exchange.errors import ConfigurationError, PeerUnreachable
from exchange.net.egress import Guard

CONNECT_WITHIN_S = 5.0
"""The longest to wait for a connection: who is away must not delay the others."""
MOST_HEAD_BYTES = 128 * 1024
"""So much may come until the status and the headers are there, of which h11 takes 100 kB. Interim answers (1xx) without
end would else keep a processor busy until the time is over."""
STOPPING = "was not waited for: this node is stopping"


class OpenRequest:
    """One request under way. ``cut`` may be called from any thread, and ends whatever waits on the connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._stream: _Bounded | None = None
        self.fate: str | None = None
        """Why the line was cut, to follow the peer's name; None as long as it was not."""

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """For httpx's extension ``trace``: learn of the connection as soon as it stands, before TLS and headers; and
        bound what comes until the headers are there."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
        if self._stream is not None and event.startswith("http11.receive_response_headers."):
            self._stream.left = MOST_HEAD_BYTES if event.endswith(".started") else None
        if event == "connection.connect_tcp.complete":
            # a descriptor of its own, since TLS takes the first one over
            own = info["return_value"].get_extra_info("socket").dup()
            with self._lock:
                self._socket = own
                if self.fate is not None:
                    _shut(own)

    def cut(self, fate: str) -> None:
        with self._lock:
            self.fate = self.fate or fate
            if self._socket is not None:
                _shut(self._socket)

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut when the block takes longer, whatever has arrived by then."""
        watch = threading.Timer(seconds, self.cut, (f"took longer than {round(seconds, 1):g} s",))
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


class OpenRequests:
    """All requests of one client that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[OpenRequest] = set()
        self._hung_up = False

    @contextlib.contextmanager
    def line(self, *, within_s: float) -> Iterator[OpenRequest]:
        """A line that is cut after ``within_s`` seconds, whatever has arrived by then.

        Raises PeerUnreachable at once when ``hang_up`` was called.
        """
        line = OpenRequest()
        with self._lock:
            if self._hung_up:
                raise PeerUnreachable(f"The peer {STOPPING}.")
            self._open.add(line)
        try:
            with line.within(within_s):
                yield line
        finally:
            with self._lock:
                self._open.discard(line)
            line.close()

    def hang_up(self) -> None:
        """Cut all lines, and let there be no new ones: whoever waits for a peer comes back at once."""
        with self._lock:
            self._hung_up = True
            waiting = list(self._open)
        for line in waiting:
            line.cut(STOPPING)


def tls_context(certificate: Path | None = None) -> ssl.SSLContext:
    """Who is believed: the system's roots; and what is shown to whoever asks: the chain and key of a PEM file.

    Raises ConfigurationError when that file cannot be used.
    """
    context = ssl.create_default_context()
    if certificate is None:
        return context
    try:
        context.load_cert_chain(certificate, password=_no_passphrase)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"peer_certificate: {certificate} does not hold a certificate and its key, not encrypted, in PEM "
            f"({error.reason or error})."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"peer_certificate: {certificate} cannot be read: {error.strerror}.") from error
    return context


def _no_passphrase() -> str:
    """OpenSSL would ask on the terminal, and a service has none."""
    return ""


def http_client(timeout_s: float, guard: Guard, certificate: Path | None = None) -> httpx.Client:
    """For requests to other machines: where ``guard`` lets them go, past any proxy of the environment, a connection for
    each, no redirects. Raises EgressRefused at the request."""
    return httpx.Client(
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_WITHIN_S)),
        trust_env=False,
        transport=_GuardedTransport(guard, tls_context(certificate)),
        follow_redirects=False,
    )


class _GuardedTransport(httpx.HTTPTransport):
    """That of httpx, with connections that are checked first. Name of TLS and ``Host`` stay those of the URL."""

    def __init__(self, guard: Guard, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=None,  # else ten, and an eleventh peer would wait for another's answer
            max_keepalive_connections=0,
            network_backend=_GuardedConnections(guard),
        )


class _GuardedConnections(httpcore.SyncBackend):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """To an address that was checked, never to a name: nobody resolves it a second time."""
        try:
            allowed = self._guard.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in allowed[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Bounded(super().connect_tcp(address, port, timeout, local_address, socket_options))
        return _Bounded(super().connect_tcp(allowed[-1], port, timeout, local_address, socket_options))


class _Bounded(httpcore.NetworkStream):
    """A connection on which, where ``left`` is a number, no more than so many bytes come."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self.left: int | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.left is None:
            return self._stream.read(max_bytes, timeout)
        if self.left <= 0:
            raise httpcore.ReadError(f"more than {MOST_HEAD_BYTES} bytes came, and no whole head of an answer")
        piece = self._stream.read(max_bytes, timeout)
        self.left -= len(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer was faster
        connection.shutdown(socket.SHUT_RDWR)
