"""Names that lead where a test says, and listeners that note who came."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Names:
    """``leads``: name to addresses, as the resolver of this machine would answer. ``asked``: each time that it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.leads: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in self.leads:
            if str(host).endswith((".test", ".example")):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return self._real(host, port, *more, **named)
        self.asked.append(host)
        return [found for one in self.leads[host] for found in self._real(one, port, type=socket.SOCK_STREAM)]


class Listener:
    """On 127.0.0.1: what each connection said first. It answers with ``answer`` and hangs up."""

    def __init__(self, answer: bytes = b"") -> None:
        self.said: list[bytes] = []
        self.answer = answer
        self.port = 0


@contextmanager
def listening(answer: bytes = b"", *, speaks_first: bool = False) -> Iterator[Listener]:
    listener = Listener(answer)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(5)
            listener.said.append(b"" if speaks_first else self.request.recv(65_536))
            self.request.sendall(listener.answer)
            if speaks_first:
                self.request.recv(65_536)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        listener.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield listener
        server.shutdown()
