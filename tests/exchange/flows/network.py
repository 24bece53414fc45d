"""Nodes in one process that talk without sockets: whoever asks whom is answered by the flows, or not at all.

A node can be copied (it then shows two histories), its database set back to an earlier copy, and any two be parted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select

from exchange.errors import Conflict, InvalidInput, NotFound, PeerMisbehaved, PeerUnreachable
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.keys.events import key_chain
from exchange.flows.keys.restore_key_events import cosign_again, return_key_events
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.sharing import share
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.sync.pull import pull
from exchange.flows.sync.serve_lane import may_fetch, read_lane
from exchange.flows.terms.erase import erase
from exchange.flows.witness.cosign import answer_report, cosign_head, meet
from exchange.flows.witness.mirror import answer_lane, answer_leaves, answer_statements, mirror_log
from exchange.flows.witness.rebuild import rebuild
from exchange.flows.witness.recover import recover
from exchange.flows.witness.witnessed import answer_witnessed
from exchange.log.checkpoint import Checkpoint
from exchange.log.tiles import parse_path
from exchange.net.client import PeerAddress, PeerClient
from exchange.record_filter import RecordFilter
from exchange.store.entry.exhibits import known_first_version
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.entry.search import search_records
from exchange.store.log.statement_rows import append_leaf, append_own, latest_checkpoint, log_size, tile_hashes
from exchange.store.node.jobs import JobKind, fail, finish, take
from exchange.store.sync.peers import all_peers, find_peer, lane_of
from exchange.store.tables.log import DisagreementRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.witness.cosignatures import disagreements
from schemas import Envelope, Record, parse_statement
from schemas.statements import statement_id
from schemas.versions import NEWEST
from schemas.vocabulary import Jurisdiction
from schemas.witness import parse_witness_report
from tests.exchange import databases as engines
from tests.exchange.databases import Databases
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.schemas.examples import acquisition_fields, encoded, record_fields

RS, MK, XK, AL = "ffp-rs", "ffp-mk", "ffp-xk", "ffp-al"


class Network:
    """Nodes by id. ``routes`` says who answers when one asks another, where it is not the node itself; ``tiles`` and
    ``lies`` what becomes of a node's tile, and of a page of its mirror, on the way."""

    def __init__(self, folder: Path, databases: Databases | None = None) -> None:
        self.folder = folder
        self.databases = databases or engines.UNNAMED
        self.nodes: dict[str, Node] = {}
        self.routes: dict[tuple[str, str], Node] = {}
        self.parted: set[frozenset[str]] = set()
        self.tiles: dict[tuple[str, str], Callable[[bytes], bytes]] = {}
        self.lies: dict[tuple[str, str], Callable[[Any], BaseModel]] = {}
        self.reads: dict[str, str] = {}
        """Up to which version of the contract a node says that it reads, where that is not this release's."""
        self.refusing: set[str] = set()
        """Nodes that refuse to tell how far their log is witnessed."""
        self.published = 0
        self.sharing = True
        """Whether a node has a policy that lets everybody have everything, from its first record on."""

    def make(self, *jurisdictions: Jurisdiction) -> None:
        """Nodes that are all enrolled with each other, as if each had run since before."""
        for jurisdiction in jurisdictions:
            home = self.folder / jurisdiction
            url = f"http://{jurisdiction.lower()}.test"
            create_node(home, jurisdiction=jurisdiction, url=url, port=9, database_url=self.databases.new())
            node = open_node(home)
            self.nodes[node.node_id] = node
        self.enrol_all()

    def enrol_all(self) -> None:
        for node in self.nodes.values():
            for other in self.nodes.values():
                if other is not node:
                    introduction = read_introduction(node, other.card_envelope.raw)
                    enrol(node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)

    def copied(self, folder: Path) -> Network:
        """The same nodes once more, with homes of their own; this network must be closed."""
        copy = Network(folder, self.databases)
        copy.published = self.published
        for node_id, node in self.nodes.items():
            home = folder / node.settings.home.name
            self.databases.copy(node.settings.home, home)
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

    def share(self, node_id: str, *audience: Jurisdiction, count: int = 1) -> list[str]:
        """Append records that these jurisdictions may have, with their rows and lanes, as a submission does."""
        node, names = self.nodes[node_id], []
        for _ in range(count):
            self.published += 1
            fields = record_fields(
                issuer=node_id, nonce=f"{self.published:064x}", audience=[str(one) for one in audience]
            )
            record, envelope = self.signed(node, fields)
            names.append(statement_id(envelope.payload))
            self.enter(node, record, envelope)
        sign_head(node)
        return names

    def leaves(self, node_id: str, count: int) -> None:
        """Grow the log by leaves alone."""
        node = self.nodes[node_id]
        with node.store.write() as session:
            for _ in range(count):
                self.published += 1
                append_leaf(session, hashlib.sha256(b"%d" % self.published).digest())
                session.flush()
        sign_head(node)

    def signed(self, node: Node, fields: dict[str, Any]) -> tuple[Record, Envelope]:
        payload = encoded({**fields, "jurisdiction": node.settings.jurisdiction})
        record = parse_statement(payload)
        assert isinstance(record, Record)
        return record, node.keys.statement.sign(payload)

    def enter(self, node: Node, record: Record, envelope: Envelope) -> None:
        name = statement_id(envelope.payload)
        self._share(node)
        with node.store.write() as session:
            append_own(session, name, record, record.type, envelope)
            add_record(session, name, record, submitted_by=record.made_by.pseudonym, state=AcquisitionState.QUEUED)
            share(session, name, record, history=node.history)

    def _share(self, node: Node) -> None:
        if self.sharing:
            allow_all(node)

    def record(self, owner: str, *, scan: bytes | None = None, **changes: object) -> str:
        """An own record, shared as policy says, its scan in the owner's folder; returns its statement id."""
        node = self.nodes[owner]
        self.published += 1
        content = scan if scan is not None else f"scan {self.published}".encode()
        blob = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "media_type": "application/x-x3p"}
        fields = record_fields(
            issuer=owner,
            jurisdiction=node.settings.jurisdiction,
            nonce=f"{self.published:064x}",
            made_by={"pseudonym": "examiner-1", "role": "examiner", "signed_in": "token"},
            case_reference=f"{node.settings.jurisdiction}-{self.published}",
            handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            acquisitions=[acquisition_fields(blob=blob)],
        )
        if isinstance(older := changes.get("supersedes"), str):
            with node.store.read() as session:
                fields["first_version"] = known_first_version(session, owner, older) or older
        payload = encoded({**fields, **changes})
        record, name = parse_statement(payload), statement_id(payload)
        assert isinstance(record, Record)
        envelope = node.keys.statement.sign(payload)
        self._share(node)
        with node.blobs.arrival(f"{name}.part", len(content)) as arrival, node.store.write() as session:
            arrival.write(content)
            append_own(session, name, record, record.type, envelope)
            add_record(session, name, record, submitted_by=record.made_by.pseudonym, state=AcquisitionState.QUEUED)
            share(session, name, record, history=node.history)
            node.blobs.keep(arrival, blob["sha256"])
        sign_head(node)
        return name

    def settle(self, *, rounds: int = 3) -> None:
        """Everybody signs, erases, pulls and fetches what is due, from everybody whom it reaches, until all is said."""
        for _ in range(rounds):
            before = [self._progress(node) for node in self.nodes.values()]
            for node in self.nodes.values():
                self.work(node.node_id)
            for reader in self.nodes:
                for owner in self.nodes:
                    if reader != owner and frozenset((reader, owner)) not in self.parted:
                        while pull(self.nodes[reader], self.client(reader), owner):
                            pass
            if [self._progress(node) for node in self.nodes.values()] == before:
                break

    def _progress(self, node: Node) -> object:
        """What every step that matters to somebody changes."""
        with node.store.read() as session:
            signed = latest_checkpoint(session)
            cursors = [(peer.node_id, peer.cursor_count, peer.checkpoint) for peer in all_peers(session)]
            lanes = [(peer, lane_of(session, peer).acknowledged_count) for peer, _, _ in cursors]
            jobs = session.scalar(select(func.count()).select_from(JobRow))
            return log_size(session), signed and signed.size, cursors, lanes, jobs

    def work(self, node_id: str) -> None:
        """What a worker does beside pulling: erase, fetch, sign. Nothing is correlated."""
        node = self.nodes[node_id]
        for kind, act in ((JobKind.ERASE, self._erase), (JobKind.FETCH_SCAN, self._fetch)):
            while True:
                with node.store.write() as session:
                    job = take(session, kind, owner="here", lease_s=60)
                if job is None:
                    break
                try:
                    act(node, int(job.subject))
                except (PeerUnreachable, PeerMisbehaved) as error:
                    with node.store.write() as session:
                        fail(session, job, f"{error.code}: {error}", max_attempts=100)
                else:
                    with node.store.write() as session:
                        finish(session, job)
        sign_head(node)

    def _erase(self, node: Node, tombstone_id: int) -> None:
        erase(node, tombstone_id)

    def _fetch(self, node: Node, acquisition_id: int) -> None:
        fetch_scan(node, self.client(node.node_id), acquisition_id)

    def holds(self, node_id: str) -> set[str]:
        """The records that may be shown on a node."""
        with self.nodes[node_id].store.read() as session:
            return {row.statement_id for row in search_records(session, RecordFilter(), before=None, limit=10_000)}

    def pull(self, reader: str, owner: str) -> None:
        """One round of the reader's worker: pull, mirror, cosign, but tell nobody yet."""
        pull(self.nodes[reader], self.client(reader), owner)
        mirror_log(self.nodes[reader], self.client(reader), owner)
        cosign_head(self.nodes[reader], owner)

    def meet(self, one: str, other: str) -> None:
        meet(self.nodes[one], self.client(one), other)

    def get_back(self, node_id: str, peer: str) -> None:
        """What a worker does of a node that was set back: meet, rebuild, recover."""
        self.meet(node_id, peer)
        rebuild(self.nodes[node_id], self.client(node_id))
        return_key_events(self.nodes[node_id])
        recover(self.nodes[node_id], self.client(node_id), peer)

    def round(self, reader: str, owner: str) -> None:
        self.pull(reader, owner)
        self.meet(reader, owner)

    def client(self, asker: str) -> PeerClient:
        return _Direct(self, asker)  # type: ignore[return-value]  # all of it that these flows use

    def twin(self, node_id: str) -> Node:
        """A second node with the same keys and the same past, which its peers cannot tell from the first."""
        node = self.nodes[node_id]
        home = self.folder / f"twin-{len(self.routes)}-{node_id}"
        self.databases.copy(node.settings.home, home)
        return open_node(home)

    def backup(self, node_id: str) -> object:
        """The database as it is."""
        return self.databases.backup(self.nodes[node_id].settings.home)

    def restart(self, node_id: str, database: object = None) -> Node:
        """Stop the node and start it again, with another database if one is given."""
        node = self.nodes[node_id]
        home = node.settings.home
        node.close()
        if database is not None:
            self.databases.restore(home, database)
        self.nodes[node_id] = open_node(home)
        begin_log_start(self.nodes[node_id])
        cosign_again(self.nodes[node_id])
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


@contextmanager
def resting(folder: Path, *jurisdictions: Jurisdiction, databases: Databases | None = None) -> Iterator[Network]:
    """Nodes that work when the test says so; closed whatever happens."""
    with closing(Network(folder, databases)) as network:
        network.make(*jurisdictions)
        yield network


class _Direct:
    """Stands for the client of one node: the same calls, the same errors, no socket."""

    def __init__(self, network: Network, asker: str) -> None:
        self._network, self._asker = network, asker

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int, wait_s: int = 0) -> bytes:
        with _refusals():
            node, asker = self._network.answering(self._asker, peer.node_id)
            reads = self._network.reads.get(self._asker, NEWEST)
            page = read_lane(node, asker, start=start, head=head, known_size=known_size, reads=reads)
            return page.model_dump_json().encode()

    def ahead_s(self, _url: str) -> float | None:
        """They have one clock, and say nothing of it."""

    def fetch_keys(self, peer: PeerAddress) -> bytes:
        node, _ = self._network.answering(self._asker, peer.node_id)
        return key_chain(node.history)

    @contextmanager
    def fetch_blob(
        self, peer: PeerAddress, sha256: str, *, offset: int, within_s: float
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        with _refusals():
            node, asker = self._network.answering(self._asker, peer.node_id)
            may_fetch(node, asker, sha256)
            content = node.blobs.path(sha256).read_bytes()
        yield offset, iter([content[offset:]])

    def send_report(self, peer: PeerAddress, report: bytes) -> bytes:
        with _refusals():
            node, asker = self._network.answering(self._asker, peer.node_id)
            return answer_report(node, asker, parse_witness_report(report)).model_dump_json().encode()

    def fetch_witnessed(self, peer: PeerAddress, *, size: int, asks: Sequence[int]) -> bytes:
        with _refusals():
            if peer.node_id in self._network.refusing:
                raise PeerMisbehaved(f"{peer.node_id} refused with 404")
            node, _ = self._network.answering(self._asker, peer.node_id)
            answer: BaseModel = answer_witnessed(node, size, asks)
        changed = self._network.lies.get((peer.node_id, "witnessed"))
        return (changed(answer) if changed else answer).model_dump_json().encode()

    def fetch_tile(self, peer: PeerAddress, path: str) -> bytes:
        node, _ = self._network.answering(self._asker, peer.node_id)
        tile = parse_path(path)
        with node.store.read() as session:
            found = b"".join(tile_hashes(session, tile))
        changed = self._network.tiles.get((peer.node_id, path))
        return changed(found) if changed else found

    def fetch_mirror(self, peer: PeerAddress, what: str, *, start: int) -> bytes:
        node, asker = self._network.answering(self._asker, peer.node_id)
        answers = {"leaves": answer_leaves, "statements": answer_statements, "lane": answer_lane}
        page = answers[what](node, asker, start)
        changed = self._network.lies.get((peer.node_id, what))
        return (changed(page) if changed else page).model_dump_json().encode()


@contextmanager
def _refusals() -> Iterator[None]:
    """What a client says of a refusal of 409 or 422."""
    try:
        yield
    except (Conflict, InvalidInput, NotFound) as error:
        raise PeerMisbehaved(f"refused, {error.code}: {error}") from error
