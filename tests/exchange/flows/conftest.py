"""A reader of lanes without a server, enrolled with a peer that can lie."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select

from exchange.conformance.guest.peer_simulator import PeerSimulator
from exchange.flows.keys.enrol import enrol, fetch_introduction, read_introduction
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.statement import sharing
from exchange.flows.sync import serve_lane
from exchange.flows.sync.pull import pull
from exchange.net.client import PeerClient
from exchange.store.tables.peer_tables import PeerRow, QuarantineRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.trust.card import fingerprint
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.blind.blind_world import BlindWorld, three_exhibits
from tests.exchange.flows.network import Network, resting
from tests.exchange.flows.owner import make_owner
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.running_nodes import free_port

TIMEOUT_S = 2  # of the reader, so that a busy machine is not taken for a silent peer
OWNER = "ffp-rs"


@pytest.fixture
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """The nodes that the marker ``nodes`` names: Serbia, North Macedonia and Albania without one."""
    marker = request.node.get_closest_marker("nodes")
    with resting(tmp_path, *map(Jurisdiction, marker.args if marker else ("RS", "MK", "AL"))) as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    return three_exhibits(tmp_path_factory.mktemp("three"))


@pytest.fixture
def world(made: BlindWorld, tmp_path: Path) -> Iterator[BlindWorld]:
    with made.copied(tmp_path / "copy") as copy:
        yield copy


@pytest.fixture
def careless_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives what its rows release, whatever was signed: as a hostile node does, or one of a newer release."""
    monkeypatch.setattr(sharing, "_as_signed", lambda *_: True)
    monkeypatch.setattr(serve_lane, "may_pass", lambda *_: True)


@dataclass
class Reader:
    """North Macedonia's node, which pulls when the test says so."""

    node: Node
    client: PeerClient

    def pull(self) -> bool:
        return pull(self.node, self.client, OWNER)

    @property
    def peer(self) -> PeerRow:
        with self.node.store.read() as session:
            return session.get_one(PeerRow, OWNER)

    @property
    def holds(self) -> tuple[int, bytes, bytes | None, int, int]:
        """All that a pull may change: cursor, head, last head of the log, statements, quarantine."""
        with self.node.store.read() as session:
            peer = session.get_one(PeerRow, OWNER)
            statements = session.scalar(select(func.count()).select_from(StatementRow)) or 0
            poison = session.scalar(select(func.count()).select_from(QuarantineRow)) or 0
            return peer.cursor_count, peer.cursor_head, peer.checkpoint, statements, poison

    def acquisition(self, statement_id: str) -> AcquisitionRow:
        with self.node.store.read() as session:
            return session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == statement_id)).one()


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerSimulator]:
    """Serbia's node, or what pretends to be it. The reader is enrolled by the fixture ``reader``."""
    with simulated(tmp_path_factory.mktemp("liar") / "node") as simulator:
        yield simulator


@contextmanager
def simulated(home: Path, jurisdiction: Jurisdiction = Jurisdiction.RS) -> Iterator[PeerSimulator]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    owner = make_owner(home, jurisdiction=jurisdiction, url=url, port=port, with_reader=False)
    allow_all(owner.node)
    with closing(owner.node), closing(PeerSimulator(owner, port)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def reader(peer: PeerSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    home = tmp_path_factory.mktemp("reader") / "node"
    create_node(home, jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    with (home / "config.toml").open("a") as settings:
        settings.write(f"peer_timeout_s = {TIMEOUT_S}\nworkers = 1\n")
    node = open_node(home)
    client = PeerClient(node.node_id, node.keys.transport, guard=node.egress, timeout_s=TIMEOUT_S)
    enrol_with(peer, node)
    yield Reader(node, client)
    client.close()
    node.close()


def enrol_with(peer: PeerSimulator, node: Node) -> None:
    """Peer and node enrol each other, as two operators on the telephone would."""
    shown = fingerprint(peer.owner.node.card.identity)
    allow_all(node)
    enrol(node, fetch_introduction(node, peer.owner.node.settings.url), confirmed=shown, legal_basis=LEGAL_BASIS)
    own = read_introduction(peer.owner.node, node.card_envelope.raw)
    enrol(peer.owner.node, own, confirmed=own.fingerprint, legal_basis=LEGAL_BASIS)
    transport = base64.b64decode(node.card.delegation.transport)
    peer.reader_key = Ed25519PublicKey.from_public_bytes(transport)


def leftovers(node: Node) -> list[Path]:
    """Parts of scans that are on their way in."""
    return sorted(node.settings.incoming.iterdir())
