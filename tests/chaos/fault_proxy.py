"""A TCP proxy on the loopback that cuts a share of the connections at random moments, and counts every byte.

The cut falls anywhere on the way: when the connection is made, after the request was forwarded and before anything of
the answer, among its headers, or somewhere in its body; with a reset that takes what is still in buffers along, or
with an end that looks like any other.
"""

from __future__ import annotations

import random
import re
import selectors
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

PIECE_BYTES = 64 * 1024
PATIENCE_S = 60  # longer than a node waits for another
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: close() sends RST (RFC 9293, 3.10.4)


class Moment(StrEnum):
    """Where a cut falls."""

    CONNECT = "at the connection"
    BEFORE_ANSWER = "before the answer"
    HEADERS = "among the headers"
    BODY = "in the body"


_MOMENTS = (Moment.CONNECT, Moment.BEFORE_ANSWER, Moment.HEADERS, *3 * (Moment.BODY,))


@dataclass(frozen=True)
class Cut:
    """``place`` is the share of the headers or of the body that still comes through."""

    moment: Moment
    place: float
    reset: bool


@dataclass
class Counts:
    """``to_reader`` holds every byte that was sent towards the asking node, whether or not it arrived."""

    connections: int = 0
    to_reader: int = 0
    to_owner: int = 0
    cuts: Counter[Moment] = field(default_factory=Counter)


class FaultProxy:
    """Listens on ``port`` of the loopback, and forwards to ``owner_port``. ``share`` of all connections are cut, from
    now on whenever it is set anew; the same seed gives the same cuts in the order of the connections."""

    def __init__(self, port: int, owner_port: int, *, share: float, seed: int) -> None:
        self.counts = Counts()
        self._owner_port = owner_port
        self.share = share
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):  # on some systems a listener cannot be shut down; closing it is enough there
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)

    def _accept(self) -> None:
        while True:
            try:
                reader, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                self.counts.connections += 1
                cut = self._next_cut()
            threading.Thread(target=self._serve, args=(reader, cut), daemon=True).start()

    def _next_cut(self) -> Cut | None:
        if self._dice.random() >= self.share:
            return None
        return Cut(self._dice.choice(_MOMENTS), self._dice.random(), self._dice.random() < 0.5)

    def _serve(self, reader: socket.socket, cut: Cut | None) -> None:
        with reader, suppress(OSError):  # either end may go at any time; the other learns of it by the end here
            if cut is not None and cut.moment is Moment.CONNECT:
                self._cut(reader, cut)
                return
            with (
                socket.create_connection(("127.0.0.1", self._owner_port), PATIENCE_S) as owner,
                selectors.DefaultSelector() as ready,
            ):
                answer = _Answer(cut)
                for end in (reader, owner):
                    end.settimeout(PATIENCE_S)
                    ready.register(end, selectors.EVENT_READ)
                # one thread for both ways: a socket on which another thread waits is not reset when it is closed
                while found := ready.select(PATIENCE_S):
                    for key, _ in found:
                        end = reader if key.fileobj is reader else owner
                        piece = end.recv(PIECE_BYTES)
                        if not piece:
                            return
                        if end is reader:
                            self._count(to_owner=len(piece))
                            owner.sendall(piece)
                            continue
                        passed = answer.pass_on(piece)
                        self._count(to_reader=len(passed))
                        reader.sendall(passed)
                        if cut is not None and answer.is_cut:
                            self._cut(reader, cut)
                            return

    def _count(self, *, to_reader: int = 0, to_owner: int = 0) -> None:
        with self._lock:
            self.counts.to_reader += to_reader
            self.counts.to_owner += to_owner

    def _cut(self, reader: socket.socket, cut: Cut) -> None:
        with self._lock:
            self.counts.cuts[cut.moment] += 1
        if cut.reset:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


class _Answer:
    """One answer on its way to the reader, as far as the cut lets it."""

    def __init__(self, cut: Cut | None) -> None:
        self._cut = cut
        self._begun = b""
        self._left: int | None = None
        self.is_cut = False

    def pass_on(self, piece: bytes) -> bytes:
        """What of this piece goes on. Nothing does before the headers say how long the answer is."""
        if self._cut is None:
            return piece
        if self._left is None:
            self._begun += piece
            self._left, piece = _limit(self._begun, self._cut), self._begun
            if self._left is None:
                return b""
        passed = piece[: self._left]
        self.is_cut = len(passed) < len(piece)
        self._left -= len(passed)
        return passed


def _limit(begun: bytes, cut: Cut) -> int | None:
    """How many bytes of an answer come through; None as long as its headers are not complete."""
    end = begun.find(b"\r\n\r\n") + 4
    if end < 4:
        return None
    found = _LENGTH.search(begun[:end])
    body = int(found[1]) if found else 0
    match cut.moment:
        case Moment.CONNECT | Moment.BEFORE_ANSWER:
            return 0
        case Moment.HEADERS:
            return int(cut.place * end)
        case Moment.BODY:
            return end + int(cut.place * body)
