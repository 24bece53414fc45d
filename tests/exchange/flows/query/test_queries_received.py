"""What a node takes of a peer's query, what it refuses, and that nothing of the scan is left when it has answered."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from exchange.errors import InvalidInput, PeerUnreachable, QuotaReached
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node, opened
from exchange.flows.query.answer import COULD_NOT, answer_query
from exchange.flows.query.ask import query_request
from exchange.flows.query.take import take_query
from exchange.flows.statement.peer import address_of
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.flows.statement.sign_statement import enter, say
from exchange.net.client import PeerClient
from exchange.net.message_signatures import sign_request
from exchange.net.multipart import Multipart
from exchange.store.query.queries import QueryState, add_query, find_query
from exchange.store.sync.peers import find_peer, lane_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.witness.cosignatures import disagreements, told_head
from exchange.trust.keys import raw_public, requester_id
from schemas import Acquisition, Maker, Query
from schemas.query_request import QueryRequest
from schemas.vocabulary import Jurisdiction, LawfulPurpose, Role, SignedInBy
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.running_nodes import RunningNode, node_starter
from tests.exchange.served import eventually
from tests.exchange.web.conftest import problem, tiny_scan
from tests.schemas.examples import acquisition_fields

pytestmark = pytest.mark.slow

INVESTIGATOR = Maker(pseudonym="investigator-1", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)


@dataclass(frozen=True)
class Sent:
    """A query that stands in the asker's log, and what would be posted."""

    statement_id: str
    request: QueryRequest
    scan: Path

    @property
    def form(self) -> Multipart:
        return Multipart(self.request.model_dump_json().encode(), self.scan)


class Asker:
    """Serbia's node, which serves nothing: it asks when the test says so, and says what the test wants."""

    def __init__(self, home: Path, *, fresh: bool = True) -> None:
        if fresh:
            create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
        self.node = open_node(home)
        self.client = PeerClient(self.node.node_id, self.node.keys.transport, guard=self.node.egress, timeout_s=30)

    def enrol_with(self, other: Node) -> None:
        for reader, read in ((self.node, other), (other, self.node)):
            allow_all(reader)
            introduction = read_introduction(reader, read.card_envelope.raw)
            enrol(reader, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)

    def query(self, scan: bytes, **changes: Any) -> Sent:
        path = self.node.settings.home / hashlib.sha256(scan).hexdigest()
        path.write_bytes(scan)
        blob = {"sha256": path.name, "size": len(scan), "media_type": "application/x-x3p"}
        fields: dict[str, Any] = {
            "to": "ffp-mk",
            "purpose": LawfulPurpose.INVESTIGATION,
            "legal_basis": "Article 1",
            "case_reference": "RS-2026-0001",
            "calibre": "9 mm Luger",
            "acquisition": Acquisition.model_validate(acquisition_fields(blob=blob)),
        }
        said = say(self.node, Query, INVESTIGATOR, **{**fields, **changes})
        with self.node.store.write() as session:
            enter(session, said, to=[])
            row = add_query(session, _row(said.statement_id, said.statement))
        sign_head(self.node)
        with self.node.store.read() as session:
            return Sent(said.statement_id, query_request(session, row), path)

    def send(self, sent: Sent) -> None:
        with self.node.store.read() as session:
            peer = session.get_one(PeerRow, "ffp-mk")
        self.client.send_query(address_of(peer), sent.form, within_s=60)

    def post(self, to: RunningNode, form: Multipart, **changes: Any) -> httpx.Response:
        """Any bytes at all, signed as any other."""
        body = b"".join(form.pieces())
        key = changes.pop("key", self.node.keys.transport)
        headers = sign_request(
            key,
            requester_id("ffp-rs", raw_public(key)),
            method="POST",
            url=f"{to.url}/v1/queries",
            body=changes.pop("signed", body),
            now=int(time.time()),
            fields={"Content-Type": form.content_type},
        )
        return to.http.post(f"{to.url}/v1/queries", content=body, headers=headers)

    def close(self) -> None:
        self.client.close()
        self.node.close()


def _row(statement_id: str, query: Query) -> QueryRow:
    return QueryRow(
        statement_id=statement_id,
        asker=query.issuer,
        asked=query.to,
        roi=query.acquisition.roi,
        calibre=query.calibre,
        case_reference=query.case_reference,
        purpose=query.purpose,
        legal_basis=query.legal_basis,
        made_by="investigator-1",
        state=QueryState.ASKED,
        at="",
        due_at="",
    )


@pytest.fixture(scope="module")
def mk(start_shared: Callable[..., RunningNode]) -> RunningNode:
    return start_shared(Jurisdiction.MK, pull_interval_s=30)


@pytest.fixture(scope="module")
def rs(mk: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with closing(Asker(tmp_path_factory.mktemp("rs") / "node")) as asker:
        asker.enrol_with(mk.node)
        yield asker


def kept(node: Node) -> tuple[int, int, list[str], list[str]]:
    """What a query leaves behind: statements, queries, and files on their way in or waiting to be compared."""
    with node.store.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in (StatementRow, QueryRow)]
    folders = (node.settings.incoming, node.settings.queries)
    incoming, queries = (sorted(path.name for path in folder.glob("*")) for folder in folders)
    return counts[0], counts[1], incoming, queries


def row_of(node: Node, statement_id: str) -> QueryRow:
    with node.store.read() as session:
        row = find_query(session, statement_id)
    assert row is not None
    return row


def _jobs(node: Node) -> list[JobRow]:
    with node.store.read() as session:
        return list(session.scalars(select(JobRow).where(JobRow.kind == "answer-query")))


def wait_answered(node: RunningNode, statement_id: str) -> QueryRow:
    eventually(lambda: row_of(node.node, statement_id).state == QueryState.ANSWERED, 60)
    eventually(lambda: not list(node.node.settings.queries.iterdir()))
    return row_of(node.node, statement_id)


def test_a_query_is_stored_answered_and_its_scan_is_gone(mk: RunningNode, rs: Asker, scans: dict[str, Path]) -> None:
    sent = rs.query(scans["1-1"].read_bytes())
    rs.send(sent)
    row = wait_answered(mk, sent.statement_id)
    assert (row.result, row.detail) == ("no_candidate", None)
    digest = sent.scan.name
    left = [path for path in mk.node.settings.home.rglob("*") if digest in path.name or sent.statement_id in path.name]
    assert left == []
    with mk.node.store.read() as session:
        assert session.scalars(select(AcquisitionRow)).all() == [], "it is no record here"
        told = told_head(session, "ffp-rs", "ffp-rs")
    eventually(lambda: not _jobs(mk.node))
    assert told is not None, "the head that came with it is held against others"
    for folder in mk.node.settings.galleries.glob("*"):
        assert bytes.fromhex(sent.statement_id)[:24] not in b"".join(
            path.read_bytes() for path in folder.rglob("*") if path.is_file()
        )


def test_a_query_that_comes_again_is_taken_once(mk: RunningNode, rs: Asker) -> None:
    sent = rs.query(tiny_scan())
    rs.send(sent)
    wait_answered(mk, sent.statement_id)
    before = kept(mk.node)
    with mk.node.store.read() as session:
        lane = lane_of(session, "ffp-rs").count
    rs.send(sent)
    time.sleep(0.5)
    assert kept(mk.node) == before
    with mk.node.store.read() as session:
        assert lane_of(session, "ffp-rs").count == lane, "it is answered once"


def test_a_repeated_request_is_refused(mk: RunningNode, rs: Asker) -> None:
    """The same bytes with the same signature, by whoever listened."""
    form = rs.query(tiny_scan()).form
    body = b"".join(form.pieces())
    key = rs.node.keys.transport
    url = f"{mk.url}/v1/queries"
    fields, name = {"Content-Type": form.content_type}, requester_id("ffp-rs", raw_public(key))
    headers = sign_request(key, name, method="POST", url=url, body=body, now=int(time.time()), fields=fields)
    assert mk.http.post(url, content=body, headers=headers).status_code == 202
    problem(mk.http.post(url, content=body, headers=headers), 401, "request-replayed")


@pytest.mark.parametrize(
    ("scan", "because"), [(b"no scan at all", "not-an-image"), (None, "not usable"), (b"PK\x03\x04broken", "truncated")]
)
def test_what_cannot_be_compared_is_said_and_erased(
    mk: RunningNode, rs: Asker, scan: bytes | None, because: str
) -> None:
    sent = rs.query(scan or tiny_scan())
    rs.send(sent)
    row = wait_answered(mk, sent.statement_id)
    assert row.result == "not_searched"
    assert because in (row.detail or "")


def test_what_is_not_believed_leaves_nothing(mk: RunningNode, rs: Asker) -> None:
    sent, other = rs.query(tiny_scan()), rs.query(tiny_scan())
    eventually(lambda: not list(mk.node.settings.queries.glob("*")))
    before = kept(mk.node)
    forged = Multipart(sent.form.metadata, other.scan)
    moved = sent.request.model_copy(update={"inclusion": other.request.inclusion})
    headless = sent.request.model_copy(update={"checkpoint": sent.request.envelope})
    to_xk = rs.query(tiny_scan(), to="ffp-xk")
    answers = {
        "scan-differs": rs.post(mk, forged),
        "digest-differs": rs.post(mk, sent.form, signed=b"another body"),
        "proof-invalid": rs.post(mk, Multipart(moved.model_dump_json().encode(), sent.scan)),
        "checkpoint-invalid": rs.post(mk, Multipart(headless.model_dump_json().encode(), sent.scan)),
        "not-in-audience": rs.post(mk, to_xk.form),
        "not-json": rs.post(mk, Multipart(b"{", sent.scan)),
    }
    for code, response in answers.items():
        problem(response, 422, code)
    stranger = rs.post(mk, sent.form, key=Ed25519PrivateKey.generate())
    problem(stranger, 401, "key-unknown")
    unsigned = mk.http.post(
        f"{mk.url}/v1/queries",
        content=b"".join(sent.form.pieces()),
        headers={"Content-Type": sent.form.content_type},
    )
    problem(unsigned, 401, "signature-invalid")
    assert kept(mk.node) == before
    rs.send(sent)
    assert wait_answered(mk, sent.statement_id).result == "not_searched", "the node goes on"


@pytest.mark.sqlite
def test_two_histories_under_two_queries_are_found_out(
    mk: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks one peer with a log that it shows to nobody else signs two heads of one size."""
    with node_starter(tmp_path, monkeypatch) as start:
        asked = start(Jurisdiction.MK)
        asker = Asker(tmp_path / "rs")
        asker.enrol_with(asked.node)
        shutil.copytree(tmp_path / "rs", tmp_path / "fork")
        forked = Asker(tmp_path / "fork", fresh=False)
        with closing(asker), closing(forked):
            asker.send(asker.query(tiny_scan()))
            problem(forked.post(asked, forked.query(tiny_scan()).form), 422, "place-taken")
        with asked.node.store.read() as session:
            [evidence] = disagreements(session, "ffp-rs")
        assert evidence.proven


def test_a_peer_asks_no_more_than_its_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with node_starter(tmp_path, monkeypatch) as start, closing(Asker(tmp_path / "rs")) as asker:
        asked = start(Jurisdiction.MK, query_quota=2)
        asker.enrol_with(asked.node)
        for _ in range(2):
            asker.send(asker.query(tiny_scan()))
        third = asker.query(tiny_scan())
        refused = asker.post(asked, third.form)
        problem(refused, 429, "quota-reached")
        assert 86_000 < int(refused.headers["retry-after"]) <= 86_402
        with pytest.raises(PeerUnreachable) as caught:
            asker.send(third)
        assert caught.value.retry_after_s > 86_000, "the asker leaves the peer alone for so long"
        with asked.node.store.write() as session:
            for row in session.scalars(select(QueryRow)):
                row.at = "2026-01-01T00:00:00.000Z"
        asker.send(third)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[tuple[Node, Asker]]:
    """North Macedonia's node, which does nothing by itself."""
    create_node(tmp_path / "mk", jurisdiction=Jurisdiction.MK, url="http://mk.test", port=9)
    with opened(tmp_path / "mk") as node, closing(Asker(tmp_path / "rs")) as asker:
        asker.enrol_with(node)
        yield node, asker


def take(node: Node, sent: Sent, *, scans: int = 1) -> int:
    """As the route takes it; returns the query's number."""
    with node.store.read() as session:
        peer = find_peer(session, "ffp-rs")
    assert peer is not None
    with node.blobs.arrival("arriving", 10**6) as arrival:
        arrival.write(sent.scan.read_bytes())
        received = ReceivedScan("scan", arrival, arrival.finish())
        take_query(node, peer, sent.request.model_dump_json().encode(), [received] * scans)
    return row_of(node, sent.statement_id).number


def test_in_the_end_a_query_is_answered_and_erased_also_when_it_always_failed(quiet: tuple[Node, Asker]) -> None:
    node, asker = quiet
    sent = asker.query(tiny_scan())
    number = take(node, sent)
    part = node.query_scans.beside(sent.statement_id, "0123.456.part")
    part.write_bytes(b"left by a process that died")
    answer_query(node, number, give_up=True)
    row = row_of(node, sent.statement_id)
    assert (row.result, row.detail) == ("not_searched", COULD_NOT)
    assert list(node.settings.queries.iterdir()) == []
    answer_query(node, number)
    assert row_of(node, sent.statement_id).answer == row.answer, "answered once"


def test_of_a_peer_that_was_expelled_meanwhile_nothing_is_kept(quiet: tuple[Node, Asker]) -> None:
    node, asker = quiet
    sent = asker.query(tiny_scan())
    number = take(node, sent)
    with node.store.write() as session:
        session.get_one(PeerRow, "ffp-rs").state = "revoked"
        lane = lane_of(session, "ffp-rs").count
    answer_query(node, number)
    assert row_of(node, sent.statement_id).state == QueryState.GIVEN_UP
    assert list(node.settings.queries.iterdir()) == []
    with node.store.read() as session:
        assert lane_of(session, "ffp-rs").count == lane


def test_what_a_crash_left_of_answered_queries_goes_at_the_next_start(quiet: tuple[Node, Asker]) -> None:
    node, asker = quiet
    waiting = asker.query(tiny_scan())
    take(node, waiting)
    for stray in ("ab" * 32, "cd" * 32 + ".0123.0"):
        (node.settings.queries / stray).write_bytes(b"stray")
    node.query_scans.sweep({waiting.statement_id})
    assert [path.name for path in node.settings.queries.iterdir()] == [waiting.statement_id]


def test_a_query_comes_with_one_scan(quiet: tuple[Node, Asker]) -> None:
    node, asker = quiet
    with pytest.raises(InvalidInput, match="not the one"):
        take(node, asker.query(tiny_scan()), scans=2)
    assert kept(node)[1] == 0


def test_the_quota_holds_against_two_at_once(quiet: tuple[Node, Asker]) -> None:
    """What was let in at the door is counted once more where it is stored."""
    node, asker = quiet
    strict = replace(node, settings=node.settings.model_copy(update={"query_quota": 1}))
    take(strict, asker.query(tiny_scan()))
    with pytest.raises(QuotaReached):
        take(strict, asker.query(tiny_scan()))
    assert len(list(node.settings.queries.iterdir())) == 1
