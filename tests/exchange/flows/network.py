"""Nodes in one process that talk without sockets: whoever asks whom is answered by the flows, or not at all.

A node can be copied (it then shows two histories), its database set back to an earlier copy, and any two be parted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import Conflict, InvalidInput, PeerMisbehaved, PeerUnreachable
from exchange.flows.checkpoint import sign_head
from exchange.flows.enrol import enrol, read_introduction
from exchange.flows.lane import read_lane
from exchange.flows.log_start import begin_log_start
from exchange.flows.node import Node, create_node, open_node
from exchange.flows.pull import pull
from exchange.flows.views import head_of
from exchange.flows.witness import answer_report, cosign_head, meet
from exchange.log.checkpoint import Checkpoint
from exchange.net.client import PeerAddress, PeerClient
from exchange.store.peers import find_peer
from exchange.store.statements import append_own, latest_checkpoint, log_size
from exchange.store.tables import DisagreementRow, PeerRow
from exchange.store.witness import disagreements
from schemas import parse_statement
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction
from schemas.witness import parse_witness_report
from tests.exchange.conftest import LEGAL_BASIS
from tests.schemas.examples import encoded, record_fields

RS, MK, XK, AL = "ffp-rs", "ffp-mk", "ffp-xk", "ffp-al"


class Network:
    """Nodes by id. ``routes`` says who answers when one asks another, where it is not the node itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: dict[str, Node] = {}
        self.routes: dict[tuple[str, str], Node] = {}
        self.parted: set[frozenset[str]] = set()
        self.published = 0

    def make(self, *jurisdictions: Jurisdiction) -> None:
        """Nodes that are all enrolled with each other, as if each had run since before."""
        for jurisdiction in jurisdictions:
            home = self.folder / jurisdiction
            create_node(home, jurisdiction=jurisdiction, url=f"http://{jurisdiction.lower()}.test", port=9)
            node = open_node(home)
            self.nodes[node.node_id] = node
        for node in self.nodes.values():
            for other in self.nodes.values():
                if other is not node:
                    introduction = read_introduction(node, other.card_envelope.raw)
                    enrol(node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)

    def copied(self, folder: Path) -> Network:
        """The same nodes once more, with homes of their own; this network must be closed."""
        copy = Network(folder)
        copy.published = self.published
        for node_id, node in self.nodes.items():
            home = folder / node.settings.home.name
            shutil.copytree(node.settings.home, home)
            copy.nodes[node_id] = open_node(home)
        return copy

    def publish(self, node_id: str | Node, count: int = 1) -> None:
        """Append to the log, and sign the head if the node may."""
        node = self.nodes[node_id] if isinstance(node_id, str) else node_id
        for _ in range(count):
            self.published += 1
            payload = encoded(record_fields(issuer=node.node_id, nonce=f"{self.published:064x}"))
            envelope = node.keys.statement.sign(payload)
            with node.store.write() as session:
                append_own(session, statement_id(payload), parse_statement(payload), "record", envelope)
        sign_head(node)

    def pull(self, reader: str, owner: str) -> None:
        """One round of the reader's worker: pull, cosign, but tell nobody yet."""
        pull(self.nodes[reader], self.client(reader), owner)
        cosign_head(self.nodes[reader], owner)

    def meet(self, one: str, other: str) -> None:
        meet(self.nodes[one], self.client(one), other)

    def round(self, reader: str, owner: str) -> None:
        self.pull(reader, owner)
        self.meet(reader, owner)

    def client(self, asker: str) -> PeerClient:
        return _Direct(self, asker)  # type: ignore[return-value]  # all of it that these flows use

    def twin(self, node_id: str) -> Node:
        """A second node with the same keys and the same past, which its peers cannot tell from the first."""
        node = self.nodes[node_id]
        home = self.folder / f"twin-{len(self.routes)}-{node_id}"
        shutil.copytree(node.settings.home, home)
        return open_node(home)

    def backup(self, node_id: str) -> bytes:
        """The database as it is, with what its log of writes holds."""
        node = self.nodes[node_id]
        with node.store.write() as session:
            session.connection().exec_driver_sql("SELECT 1")
        path = self.folder / f"backup-{node_id}.db"
        path.unlink(missing_ok=True)
        with node.store.read() as session:
            connection = session.connection().connection.driver_connection
            connection.commit()
            connection.execute("VACUUM INTO ?", (str(path),))
        return path.read_bytes()

    def restart(self, node_id: str, database: bytes | None = None) -> Node:
        """Stop the node and start it again, with another database if one is given."""
        node = self.nodes[node_id]
        home = node.settings.home
        node.close()
        if database is not None:
            for file in home.glob("node.db*"):
                file.unlink()
            (home / "node.db").write_bytes(database)
        self.nodes[node_id] = open_node(home)
        begin_log_start(self.nodes[node_id])
        return self.nodes[node_id]

    def answering(self, asker: str, asked: str) -> tuple[Node, PeerRow]:
        if frozenset((asker, asked)) in self.parted:
            raise PeerUnreachable(f"{asked} is not reached from {asker}.")
        node = self.routes.get((asker, asked), self.nodes[asked])
        with node.store.read() as session:
            peer = find_peer(session, asker)
        assert peer is not None
        return node, peer

    def head(self, node_id: str | Node) -> Checkpoint | None:
        """The last head that the node signed."""
        node = self.nodes[node_id] if isinstance(node_id, str) else node_id
        with node.store.read() as session:
            latest = latest_checkpoint(session)
        return head_of(latest.note) if latest else None

    def size(self, node_id: str) -> int:
        with self.nodes[node_id].store.read() as session:
            return log_size(session)

    def peer(self, node_id: str, peer: str) -> PeerRow:
        with self.nodes[node_id].store.read() as session:
            return session.get_one(PeerRow, peer)

    def cosigned(self, witness: str, log: str) -> Checkpoint | None:
        note = self.peer(witness, log).cosigned
        return head_of(note) if note else None

    def evidence(self, node_id: str, log: str) -> list[DisagreementRow]:
        with self.nodes[node_id].store.read() as session:
            return list(disagreements(session, log))

    def close(self) -> None:
        for node in (*self.nodes.values(), *self.routes.values()):
            node.close()


class _Direct:
    """Stands for the client of one node: the same calls, the same errors, no socket."""

    def __init__(self, network: Network, asker: str) -> None:
        self._network, self._asker = network, asker

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int) -> bytes:
        with _refusals():
            node, asker = self._network.answering(self._asker, peer.node_id)
            return read_lane(node, asker, start=start, head=head, known_size=known_size).model_dump_json().encode()

    def send_report(self, peer: PeerAddress, report: bytes) -> bytes:
        with _refusals():
            node, asker = self._network.answering(self._asker, peer.node_id)
            return answer_report(node, asker, parse_witness_report(report)).model_dump_json().encode()


@contextmanager
def _refusals() -> Iterator[None]:
    """What a client says of a refusal of 409 or 422."""
    try:
        yield
    except (Conflict, InvalidInput) as error:
        raise PeerMisbehaved(f"refused, {error.code}: {error}") from error
