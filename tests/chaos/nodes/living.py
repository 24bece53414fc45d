"""Nodes in one process that die in the middle of their work, on lines that break, under a clock of their own."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
from sqlalchemy.orm import Session

from exchange.compute import Compute
from exchange.errors import PeerMisbehaved, PeerUnreachable, SigningStopped, StoreUnavailable
from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node, open_node
from exchange.net.client import PeerAddress
from exchange.store.database.engine import Store
from exchange.store.log.statement_rows import keys_since
from exchange.store.node.jobs import JobKind
from exchange.store.scan.blobs import Arrival, BlobFolder
from exchange.web.mail_text import letters_of
from exchange.worker import Worker
from schemas import AnyStatement, open_envelope, parse_statement
from schemas.lane import LanePage, parse_lane_page
from tests.exchange.flows.network import Network, _Direct

P = ParamSpec("P")
T = TypeVar("T")


class Crash(BaseException):
    """A node ends here, as if its plug were pulled. No flow may catch it."""

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.node_id = node_id


@dataclass
class Fuse:
    """Burns through after so many steps at which a node may die: each end of a write transaction, before and after it
    is committed, and each scan that is kept or erased."""

    node_id: str
    left: int | None = None

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Crash(self.node_id)


class MortalStore(Store):
    def __init__(self, database: Path, fuse: Fuse) -> None:
        super().__init__(database)
        self._fuse = fuse

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            yield session
            self._fuse.step()
        self._fuse.step()


class MortalBlobs(BlobFolder):
    def __init__(self, node: Node, fuse: Fuse) -> None:
        super().__init__(node.settings.blobs, node.settings.incoming, min_free_bytes=node.settings.min_free_bytes)
        self._fuse = fuse

    def keep(self, arrival: Arrival, sha256: str) -> Path:
        path = super().keep(arrival, sha256)
        self._fuse.step()
        return path

    def remove(self, sha256: str) -> None:
        super().remove(sha256)
        self._fuse.step()


class Here(Compute):
    """Work of a few bytes, done in this process."""

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


class Clock:
    """Time passes when a test says so, and a millisecond each time that somebody looks."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.moment = datetime(2026, 12, 1, 12, 0, 7, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def pass_by(self, span: timedelta) -> None:
        self.moment += span

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("exchange.clock", "exchange.flows.statement.sharing", "exchange.flows.terms.withdraw"):
            monkeypatch.setattr(f"{module}.now", self.now)
        monkeypatch.setattr("exchange.worker.peer_rounds.monotonic", lambda: self.now().timestamp())


class NoClient:
    """Stands where the worker makes its own clients; ``Hands`` gives it others."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass


class Hands(Worker):
    """A node's worker, one step at a time, over the lines of a network in this process."""

    def __init__(self, network: LivingNetwork, node: Node) -> None:
        super().__init__(node, letters_of(node))
        self._jobs._client = self._rounds._client = network.client(node.node_id)

    def start_up(self) -> None:
        clear_leftovers(self._node)
        self.show_up()
        self._duties.recover()

    def show_up(self) -> None:
        self._presence.begin()
        self.show()

    def beat(self) -> None:
        """What a worker does every few seconds: what one held who died since is done by the next."""
        self.show()

    def die(self) -> None:
        """As a process dies: nothing is written down."""
        self._presence._file.drop()

    def sweep(self) -> bool:
        """Returns whether it was done, by now or before."""
        self._duties.sweep()
        return self._duties._swept

    def pull_from(self, peer: str) -> bool:
        with self.tried_again_later():
            return self._rounds.pull(peer)
        return False

    @contextmanager
    def tried_again_later(self) -> Iterator[None]:
        """A loop of the worker tries again what the node cannot do before its database has the last signed head and its
        keys."""
        try:
            yield
        except SigningStopped:
            with self._node.store.read() as session:
                assert last_head_fault(self._node.settings, session) is not None
        except StoreUnavailable:
            with self._node.store.read() as session:
                assert keys_since(session) < self._node.history.last.index

    def drain(self, kind: JobKind) -> None:
        busy = True
        while busy:
            self._jobs._look_again = 0.0  # here no time passes between a promise and the look at it
            busy = self._jobs.drain(kind)


@dataclass(frozen=True)
class Served:
    """A page of a lane as it went out; None stands for a place without content."""

    owner: str
    reader: str
    start: int
    items: tuple[tuple[str, AnyStatement | None], ...]


@dataclass
class Watch:
    """Is told of everything that is served, in the moment in which it is."""

    statement: Callable[[str, str, str, AnyStatement], None]
    """Owner, reader, id, and what was served."""
    scan: Callable[[str, str, str, bool], None]
    """Owner, reader, SHA-256, and whether it was served or refused."""
    pages: list[Served] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


class LivingNetwork(Network):
    watch: Watch

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fuses: dict[str, Fuse] = {}
        self.hands: dict[str, Hands] = {}
        self.crashes = 0
        self.lost_answers: set[tuple[str, str]] = set()
        """Who asked whom, and will not hear the next answer although it is given."""
        self.cut_scans: set[tuple[str, str]] = set()

    def take_over(self, template: Network) -> None:
        """The template's nodes, copied and started."""
        copied = template.copied(self.folder)
        self.published = copied.published
        for node_id, node in copied.nodes.items():
            self.fuses[node_id] = Fuse(node_id)
            node.close()
            self.nodes[node_id] = self._opened(node.settings.home, node_id)
        for node_id, node in self.nodes.items():
            self.hands[node_id] = Hands(self, node)
            self.hands[node_id].show_up()

    def _opened(self, home: Path, node_id: str) -> Node:
        node, fuse = open_node(home), self.fuses[node_id]
        node.store.close()
        return replace(
            node,
            store=MortalStore(node.settings.database, fuse),
            blobs=MortalBlobs(node, fuse),
            compute=Here(1, node.settings.compute_timeout_s),
            background=Here(1, node.settings.compute_timeout_s),
        )

    def restart(self, node_id: str, database: object = None) -> Node:
        self.fuses[node_id].left = None
        super().restart(node_id, database)
        stand_in = self.nodes[node_id]
        self.nodes[node_id] = self._opened(stand_in.settings.home, node_id)
        stand_in.close()
        self.hands[node_id].die()
        self.hands[node_id] = Hands(self, self.nodes[node_id])
        self.hands[node_id].start_up()
        return self.nodes[node_id]

    def client(self, asker: str) -> Any:
        return Line(self, asker)


class Line(_Direct):
    """What one node hears of the others: watched, and now and then broken."""

    _network: LivingNetwork

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int, wait_s: int = 0) -> bytes:
        with self._line(peer), self._refused(peer):
            body = super().fetch_lane(peer, start=start, head=head, known_size=known_size)
            self._watch(peer.node_id, parse_lane_page(body))
        self._break(peer)
        return body

    @contextmanager
    def fetch_blob(
        self, peer: PeerAddress, sha256: str, *, offset: int, within_s: float
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        fetched = super().fetch_blob(peer, sha256, offset=offset, within_s=within_s)
        try:
            with self._line(peer), fetched as (begins, pieces):
                content = b"".join(pieces)
        except PeerMisbehaved:
            self._network.watch.scan(peer.node_id, self._asker, sha256, False)
            raise
        self._network.watch.scan(peer.node_id, self._asker, sha256, True)
        yield begins, self._pieces(peer, content)

    def send_report(self, peer: PeerAddress, report: bytes) -> bytes:
        with self._line(peer), self._refused(peer):
            answer = super().send_report(peer, report)
        self._break(peer)
        return answer

    def fetch_keys(self, peer: PeerAddress) -> bytes:
        with self._line(peer):
            return super().fetch_keys(peer)

    def fetch_tile(self, peer: PeerAddress, path: str) -> bytes:
        with self._line(peer):
            return super().fetch_tile(peer, path)

    def fetch_mirror(self, peer: PeerAddress, what: str, *, start: int) -> bytes:
        with self._line(peer):
            return super().fetch_mirror(peer, what, start=start)

    @contextmanager
    def _line(self, peer: PeerAddress) -> Iterator[None]:
        try:
            yield
        except Crash as crash:
            if crash.node_id != peer.node_id:
                raise
            self._network.crashes += 1
            self._network.restart(peer.node_id)
            raise PeerUnreachable(f"{peer.node_id} hung up.") from crash

    @contextmanager
    def _refused(self, peer: PeerAddress) -> Iterator[None]:
        """No lane and no report of an honest node is ever refused, but for signatures with keys not known yet."""
        try:
            yield
        except PeerMisbehaved as error:
            if "cosignature-refused" not in str(error):
                self._network.watch.refusals.append(f"{peer.node_id} to {self._asker}: {error}")
            raise

    def _break(self, peer: PeerAddress) -> None:
        if (self._asker, peer.node_id) in self._network.lost_answers:
            self._network.lost_answers.discard((self._asker, peer.node_id))
            raise PeerUnreachable(f"What {peer.node_id} answered did not arrive.")

    def _pieces(self, peer: PeerAddress, content: bytes) -> Iterator[bytes]:
        half = len(content) // 2
        yield content[:half]
        if (self._asker, peer.node_id) in self._network.cut_scans:
            self._network.cut_scans.discard((self._asker, peer.node_id))
            raise PeerUnreachable(f"{peer.node_id} hung up in the middle of a scan.")
        yield content[half:]

    def _watch(self, owner: str, page: LanePage) -> None:
        items = []
        for item in page.items:
            said = None
            if item.envelope is not None:
                said = parse_statement(open_envelope(base64.b64decode(item.envelope)).payload)
                self._network.watch.statement(owner, self._asker, item.statement_id, said)
            items.append((item.statement_id, said))
        self._network.watch.pages.append(Served(owner, self._asker, page.start, tuple(items)))


def fast_folder() -> tempfile.TemporaryDirectory[str]:
    """In memory where there is such a place: nothing here depends on a disk that is slow to write through."""
    memory = Path("/dev/shm")  # noqa: S108 - the node's own modes protect it
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
