"""What a peer measures of its queries says nothing of the records that it may neither search nor have: neither how long
an answer is, nor how long it takes, nor its status, nor its headers.

Two worlds differ in three records of North Macedonia that stay at home. In one they show marks that resemble the
query's; in the other the same scans are of a region that is compared with nothing. The log has the same size in both.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from scipy.stats import mannwhitneyu
from sqlalchemy import select

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.query.ask import Question, ask, send_query
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.sync.pull import pull
from exchange.net.message_signatures import sign_request
from exchange.store.entry.record_rows import counts_by_state
from exchange.store.node.jobs import JobKind
from exchange.store.query.queries import QueryState, find_query
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.trust.keys import raw_public, requester_id
from exchange.web.app import create_app
from schemas import Maker
from schemas.vocabulary import Jurisdiction, LawfulPurpose, QueryResult, Role, SignedInBy
from tests.exchange.flows.network import MK, RS, Network
from tests.observers.seen.wire import Exchange, Wire
from tests.observers.world import Inline, StepWorker, drawn
from tests.schemas.examples import acquisition_fields

pytestmark = [pytest.mark.slow, pytest.mark.alone]

QUERIES, FETCHES = 100, 200
"""Of each kind. The rank test then finds a difference where one kind is the slower one in 64 of 100 pairs, and for
fetches in 60."""
LEAST_P = 0.001
"""There are three comparisons: three runs in a thousand fail by chance."""
HIDDEN = 3
WHO = Maker(pseudonym="curious", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)
VARYING = {"date", "signature", "signature-input", "content-digest", "x-request-id"}
"""Headers that differ with each answer: their length is compared, not what they say."""


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the work itself takes time: a process of its own would hide small differences."""
    monkeypatch.setattr("exchange.flows.node.node.Compute", Inline)
    monkeypatch.setenv("FFP_NODE_QUERY_QUOTA", "10000")


class Asking:
    """Serbia's node, which asks, and North Macedonia's, which answers."""

    def __init__(self, network: Network) -> None:
        self.network, self.rs, self.mk = network, network.nodes[RS], network.nodes[MK]
        self.wire = Wire(lambda: None)
        self.wire.serve(httpx.URL(self.mk.settings.url).host, create_app(self.mk, works=False))
        self.asker, self.answerer = StepWorker(self.rs, self.wire), StepWorker(self.mk, self.wire)
        with self.rs.store.read() as session:
            [self.record] = session.scalars(select(AcquisitionRow.statement_id).where(AcquisitionRow.size > 0)).all()

    def query(self) -> tuple[float, float, list[object]]:
        """The seconds until the query is taken, and then until its answer is here; and what came over the wire."""
        self.wire.told.clear()
        question = Question(self.record, 0, LawfulPurpose.INVESTIGATION, "Test agreement, article 1")
        [asked] = ask(self.rs, WHO, question)
        sign_head(self.rs)
        with self.rs.store.read() as session:
            row = find_query(session, asked.query or "")
            assert row is not None
            number = row.number
        begun = time.perf_counter()
        send_query(self.rs, self.asker._client, number)
        taken = time.perf_counter()
        self.answerer.drain(JobKind.ANSWER_QUERY)
        sign_head(self.mk)  # alone: a batch of the audit log comes at a time of its own, and lengthens proofs
        pull(self.rs, self.asker._client, MK)
        ended = time.perf_counter()
        with self.rs.store.read() as session:
            row = find_query(session, asked.query or "")
        assert row is not None
        assert (row.state, row.result) == (QueryState.ANSWERED, QueryResult.NO_CANDIDATE)
        return taken - begun, ended - taken, [shape(one) for one in self.wire.told]

    def blob(self, sha256: str) -> tuple[float, list[object]]:
        url, key = f"{self.mk.settings.url}/v1/blobs/{sha256}", self.rs.keys.transport
        requester = requester_id(RS, raw_public(key))
        headers = sign_request(key, requester, method="GET", url=url, body=None, now=int(time.time()))
        self.wire.told.clear()
        with self.wire.client(RS) as client:
            begun = time.perf_counter()
            answer = client.get(url, headers=headers)
            took = time.perf_counter() - begun
        assert answer.status_code == 404
        return took, [shape(one) for one in self.wire.told]

    def close(self) -> None:
        self.wire.close()
        self.asker.close()
        self.answerer.close()


def shape(exchange: Exchange) -> object:
    """Status, length, and headers of an answer."""
    answer = exchange.answer
    said = sorted((name, len(value) if name in VARYING else value) for name, value in answer.headers.items())
    return exchange.request.url.path[:9], answer.status_code, len(answer.content), said


@contextmanager
def two_nodes(folder: Path, hidden_roi: str) -> Iterator[Asking]:
    with ExitStack() as opened:
        network = opened.enter_context(closing(Network(folder)))
        network.make(Jurisdiction.RS, Jurisdiction.MK)

        def record(owner: str, scan: bytes, roi: str, level: str, *audience: str) -> None:
            blob = {"sha256": hashlib.sha256(scan).hexdigest(), "size": len(scan), "media_type": "application/x-x3p"}
            shown = [acquisition_fields(blob=blob, roi=roi)]
            network.record(owner, scan=scan, acquisitions=shown, level=level, audience=list(audience))

        record(RS, drawn(1, 1), "breech_face", "search", "MK")
        record(MK, drawn(2, 1), "breech_face", "search", "RS")
        for scan in hidden_scans():
            record(MK, scan, hidden_roi, "none")
        asking = opened.enter_context(closing(Asking(network)))
        with asking.mk.store.read() as session:
            scans = session.scalars(select(AcquisitionRow.acquisition_id)).all()
        for acquisition in scans:
            correlate_acquisition(asking.mk, acquisition)
        with asking.mk.store.read() as session:
            assert counts_by_state(session)["correlated"] == (1 + HIDDEN if hidden_roi == "breech_face" else 1)
        yield asking


def hidden_scans() -> list[bytes]:
    return [drawn(1, shot) for shot in range(11, 11 + HIDDEN)]


def judge(name: str, one: list[float], other: list[float]) -> None:
    found = mannwhitneyu(one, other)
    slower = found.statistic / (len(one) * len(other))
    print(f"{name}: p = {found.pvalue:.3f}, with the records the slower one in {slower:.0%} of pairs")
    assert found.pvalue >= LEAST_P, name


def alternately(count: int, *ways: Callable[[], None]) -> None:
    """In turns, each as often first as last: whatever else the machine does meanwhile meets all of them alike."""
    for number in range(count):
        for way in ways if number % 2 else ways[::-1]:
            way()


@pytest.mark.timeout(1800)
def test_no_answer_to_a_query_says_whether_there_is_a_record_that_stays_at_home(tmp_path: Path) -> None:
    with two_nodes(tmp_path / "with", "breech_face") as one, two_nodes(tmp_path / "without", "chamber_mark") as other:
        found: dict[Asking, list[tuple[float, float, list[object]]]] = {one: [], other: []}
        alternately(QUERIES, lambda: found[one].append(one.query()), lambda: found[other].append(other.query()))
    for (_, _, shown), (_, _, shown_without) in zip(found[one], found[other], strict=True):
        assert shown == shown_without
    for name, place in (("taken", 0), ("answered", 1)):
        judge(name, *([item[place] for item in found[world]] for world in (one, other)))


def test_no_refusal_of_a_scan_says_whether_it_is_here(tmp_path: Path) -> None:
    digests = [hashlib.sha256(scan).hexdigest() for scan in hidden_scans()]
    here: list[tuple[float, list[object]]] = []
    unknown: list[tuple[float, list[object]]] = []
    with two_nodes(tmp_path / "nodes", "breech_face") as asking:
        alternately(
            FETCHES,
            lambda: here.append(asking.blob(digests[len(here) % HIDDEN])),
            lambda: unknown.append(asking.blob(secrets.token_hex(32))),
        )
    assert [shown for _, shown in here] == [shown for _, shown in unknown]
    judge("refused", [took for took, _ in here], [took for took, _ in unknown])
