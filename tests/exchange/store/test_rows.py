"""What the flows rely on when many write at once: no gap, nothing twice, on either engine."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce
from sqlalchemy.orm import Session

from exchange.errors import RequestReplayed
from exchange.log import merkle
from exchange.record_filter import RecordFilter
from exchange.store.database.engine import Store
from exchange.store.entry.record_rows import add_record
from exchange.store.entry.search import search_records
from exchange.store.log.statement_rows import append_own, log_size, node_reader
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind
from exchange.store.review.candidate_rows import NewCandidate, add_candidates
from exchange.store.sync.nonces import remember_nonce
from exchange.store.sync.peers import add_peer, failed_fetches, new_peer, put_on_lane
from exchange.store.tables.peer_tables import LaneItemRow, LaneRow
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow, StatementRow
from exchange.trust.keys import NodeKeys, create_keys, load_keys
from schemas import Envelope, Record, parse_statement
from schemas.lane import EMPTY_HEAD, next_head
from schemas.statements import statement_id
from tests.schemas.examples import encoded, record_fields

PEERS = ("ffp-mk", "ffp-xk")
Signed = tuple[str, Record, Envelope]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    folder: Path = tmp_path_factory.mktemp("rows") / "keys"
    create_keys(folder)
    return load_keys(folder)


def signed(keys: NodeKeys, number: int) -> Signed:
    payload = encoded(record_fields(issuer="ffp-rs", nonce=f"{number:064x}"))
    record = parse_statement(payload)
    assert isinstance(record, Record)
    return statement_id(payload), record, keys.statement.sign(payload)


def submit(session: Session, found: Signed) -> list[int]:
    """The rows of a submission."""
    name, record, envelope = found
    append_own(session, name, record, record.type, envelope)
    acquisitions = add_record(session, name, record, submitted_by="one", state="queued")
    for peer in PEERS:
        put_on_lane(session, peer, name)
    for acquisition in acquisitions:
        jobs.promise(session, JobKind.CORRELATE, acquisition)
    return acquisitions


def enrol_peers(session: Session) -> None:
    for peer in PEERS:
        row = new_peer(node_id=peer, jurisdiction="MK", url="", card=b"", legal_basis="Test")
        add_peer(session, row)


def at_once(does: Callable[[int], object], times: int) -> list[object]:
    """What each gave, or the error that it raised."""

    def one(number: int) -> object:
        try:
            return does(number)
        except RequestReplayed as error:
            return error

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(times)))


def test_log_lanes_and_sequence_have_no_gap(store: Store, keys: NodeKeys) -> None:
    with store.write() as session:
        enrol_peers(session)
    made = [signed(keys, number) for number in range(40)]

    def submit_one(number: int) -> None:
        with store.write() as session:
            submit(session, made[number])

    at_once(submit_one, 40)
    with store.read() as session:
        statements = session.scalars(select(StatementRow).order_by(StatementRow.log_index)).all()
        assert [row.log_index for row in statements] == list(range(40))
        leaves = {name: merkle.leaf_hash(envelope.leaf_data) for name, _, envelope in made}
        tree = merkle.root(log_size(session), node_reader(session))
        assert tree == _root([leaves[row.statement_id] for row in statements])
        assert sorted(session.scalars(select(RecordRow.sequence))) == list(range(1, 41))
        for peer in PEERS:
            items = session.scalars(select(LaneItemRow).where(LaneItemRow.peer == peer).order_by(LaneItemRow.position))
            assert [item.statement_id for item in items] == [row.statement_id for row in statements]
            heads = itertools.accumulate((row.statement_id for row in statements), next_head, initial=EMPTY_HEAD)
            lane = session.get_one(LaneRow, peer)
            assert (lane.count, lane.head) == (40, list(heads)[-1])
        newest = search_records(session, RecordFilter(), before=2**62, limit=3)
        assert [row.sequence for row in newest] == [40, 39, 38]


def _root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it stands there."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def test_a_nonce_is_taken_once(store: Store) -> None:
    def ask(_number: int) -> str:
        with store.write() as session:
            remember_nonce(session, "key", "nonce", expires=2**33, now=0, skew_s=30)
        return "taken"

    found = at_once(ask, 12)
    assert found.count("taken") == 1
    assert sum(isinstance(one, RequestReplayed) for one in found) == 11


def test_each_job_is_taken_by_one(store: Store) -> None:
    with store.write() as session:
        for subject in range(30):
            jobs.promise(session, JobKind.CORRELATE, subject)

    def take(_number: int) -> str | None:
        with store.write() as session:
            job = jobs.take(session, JobKind.CORRELATE, owner="here", lease_s=60)
        return job.subject if job else None

    found = at_once(take, 40)
    assert sorted(str(one) for one in found if one is not None) == sorted(str(number) for number in range(30))
    assert found.count(None) == 10


def test_a_pair_is_kept_once_with_its_best_score(store: Store, keys: NodeKeys) -> None:
    with store.write() as session:
        enrol_peers(session)
        ids = [submit(session, signed(keys, number))[0] for number in (1, 2)]
    with store.read() as session:
        a, b = (session.get_one(AcquisitionRow, one) for one in ids)

    def found(score: float, *, turned: bool) -> int:
        with store.write() as session:
            return add_candidates(session, [compared(b, a, score) if turned else compared(a, b, score)])

    added = [found(0.5, turned=False), found(0.5, turned=True), found(0.4, turned=False), found(0.6, turned=True)]
    assert added == [1, 0, 0, 1]
    with store.read() as session:
        (row,) = session.scalars(select(CandidateRow)).all()
        assert (row.score, row.acquisition_a) == (0.6, b.acquisition_id)


def test_a_pair_of_which_one_was_erased_meanwhile_is_left_out(store: Store, keys: NodeKeys) -> None:
    with store.write() as session:
        enrol_peers(session)
        ids = [submit(session, signed(keys, number))[0] for number in (1, 2, 3)]
    with store.read() as session:
        a, b, gone = (session.get_one(AcquisitionRow, one) for one in ids)
    with store.write() as session:
        session.delete(session.get_one(AcquisitionRow, gone.acquisition_id))
    with store.write() as session:
        assert add_candidates(session, [compared(a, gone, 0.9), compared(a, b, 0.5)]) == 1
    with store.read() as session:
        assert [row.score for row in session.scalars(select(CandidateRow))] == [0.5]


def compared(one: AcquisitionRow, other: AcquisitionRow, score: float) -> NewCandidate:
    return NewCandidate(
        a=one,
        b=other,
        cross_border=True,
        same_case=False,
        score=score,
        congruent_cells=1,
        cells=2,
        rotation_deg=None,
        matcher_version="3",
        comparison="{}",
        parameters="p",
    )


def test_an_explanation_is_packed_and_comes_back_whole(store: Store, keys: NodeKeys) -> None:
    told = json.dumps({"cells": [{"n": number, "where": "Žepče Жепче"} for number in range(200)]})
    with store.write() as session:
        enrol_peers(session)
        (one, *_), (other, *_) = (submit(session, signed(keys, number)) for number in (1, 2))
        rows = [session.get_one(AcquisitionRow, number) for number in (one, other)]
        add_candidates(session, [replace(compared(*rows, 0.5), comparison=told)])
    with store.read() as session:
        assert session.scalars(select(CandidateRow.comparison)).one() == told
        packed = session.scalars(select(func.length(type_coerce(CandidateRow.comparison, LargeBinary)))).one()
    assert 0 < packed < len(told.encode()) / 4


def test_work_on_something_else_than_a_scan_is_passed_over(store: Store, keys: NodeKeys) -> None:
    """The subject of another kind need not be a number."""
    with store.write() as session:
        enrol_peers(session)
        (acquisition, *_) = submit(session, signed(keys, 1))
        jobs.promise(session, JobKind.FETCH_SCAN, acquisition)
        session.flush()
        for job in session.scalars(select(jobs.JobRow)):
            job.error = "away"
        session.add(jobs.JobRow(kind="other", subject="no number", state="pending", not_before="", error="away"))
    with store.read() as session:
        ((job, row),) = failed_fetches(session, "ffp-rs")
        assert (job.kind, row.acquisition_id) == (JobKind.FETCH_SCAN, acquisition)


def test_work_on_a_scan_stands_on_the_account_of_who_issued_its_record(store: Store, keys: NodeKeys) -> None:
    with store.write() as session:
        enrol_peers(session)
        (acquisition, *_) = submit(session, signed(keys, 1))
        for kind in (JobKind.FETCH_SCAN, JobKind.CORRELATE):
            jobs.promise(session, kind, acquisition)
        jobs.promise(session, JobKind.STORE_OBJECT, acquisition)
        jobs.promise(session, JobKind.ERASE, 99)
    with store.read() as session:
        found = {job.kind: job.node_id for job in session.scalars(select(jobs.JobRow))}
    assert found == {"fetch-scan": "ffp-rs", "correlate": "ffp-rs", "store-object": "", "erase": ""}
