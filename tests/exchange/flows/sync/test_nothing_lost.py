"""Nothing is lost and nothing comes twice, however often the reading node is killed while it reads."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

import matcher
from exchange.demo.demo_processes import DemoNode, make_node
from exchange.flows.keys.enrol import enrol, fetch_introduction, read_introduction
from exchange.flows.node.node import Node, open_node
from exchange.flows.statement.heads import open_head
from exchange.flows.statement.peer import peer_keys
from exchange.log import merkle
from exchange.store.log.statement_rows import node_reader
from exchange.store.sync.peers import lane_of, quarantined
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.work_tables import JobRow
from exchange.trust.card import fingerprint
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.running_nodes import RunningNode

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

SEED = 21
DICE = random.Random(SEED)
DONE_S = 240
POLICY = 1
"""The policy statement stands in the log and on the lane before the records."""
SHARED_WITH_MK = {"level": "full", "audience": ["MK"]}


@pytest.fixture
def mk(tmp_path: Path, databases: Databases) -> Iterator[DemoNode]:
    """North Macedonia's node: `ffp serve` in a process of its own, which may be killed."""
    made = make_node(Jurisdiction.MK, tmp_path, database_url=databases.new())
    yield made
    made.stop()


def _holds_some(mk: DemoNode) -> None:
    """The first records have come, their scans are on their way."""
    deadline = time.monotonic() + DONE_S
    while _held(mk)[0] <= POLICY:
        assert time.monotonic() < deadline, mk.log_end()
        time.sleep(0.02)


def _any_moment(_mk: DemoNode) -> None:
    """A moment that nobody chose: the node's start and its recovery are among them."""
    time.sleep(DICE.uniform(1.0, 5.0))


@pytest.mark.slow
@pytest.mark.parametrize(("records", "kills", "wait"), [(5, 1, _holds_some), (24, 5, _any_moment)])
def test_a_node_that_is_killed_while_it_reads_has_everything_once_in_the_end(
    start_node: Callable[..., RunningNode],
    mk: DemoNode,
    tmp_path: Path,
    records: int,
    kills: int,
    wait: Callable[[DemoNode], None],
) -> None:
    """Killed with SIGKILL. In the end: every record and every scan, once; no gap; one log."""
    rs = start_node(Jurisdiction.RS)
    _enrol(rs, mk)
    submitting = threading.Thread(target=_submit, args=(rs, tmp_path, records))
    submitting.start()
    held: list[tuple[int, int]] = []
    for _ in range(kills):
        mk.start()
        wait(mk)
        _kill(mk)
        held.append(_held(mk))
    mk.start()
    mk.wait_ready()
    submitting.join()
    _wait_done(rs, mk, records)
    mk.stop()
    print(f"seed {SEED}: records and scans here when it was killed: {held}")
    _check_everything_is_there_once(rs.node, mk, records)


def _enrol(rs: RunningNode, mk: DemoNode) -> None:
    node = open_node(mk.home)
    shown = fingerprint(rs.node.card.identity)
    enrol(node, fetch_introduction(node, rs.url), confirmed=shown, legal_basis=LEGAL_BASIS)
    for one in (node, rs.node):
        allow_all(one)
    own = read_introduction(rs.node, node.card_envelope.raw)
    enrol(rs.node, own, confirmed=mk.fingerprint, legal_basis=LEGAL_BASIS)
    node.close()


def _submit(rs: RunningNode, folder: Path, records: int) -> None:
    surface = breech_face.draw(1, 1)
    for number in range(records):
        path = folder / f"{number}.x3p"
        matcher.write_topography(surface, path, instrument=f"synthetic {number}")  # so each scan has its own digest
        assert rs.submit(path, **SHARED_WITH_MK, case_reference=f"RS-{number}").status_code == 201


def _kill(mk: DemoNode) -> None:
    assert mk.process is not None
    os.kill(mk.process.pid, signal.SIGKILL)
    mk.process.wait()
    mk.process = None


def _held(mk: DemoNode) -> tuple[int, int]:
    node = open_node(mk.home)
    with node.store.read() as session:
        count = session.get_one(PeerRow, "ffp-rs").cursor_count
    node.close()
    return count, _scans(node)


def _scans(node: Node) -> int:
    return sum(1 for _ in node.settings.blobs.glob("??/*"))


def _wait_done(rs: RunningNode, mk: DemoNode, records: int) -> None:
    deadline = time.monotonic() + DONE_S
    while True:
        acknowledged = next(item for item in rs.get("/v1/peers", Role.OPERATOR).json())["acknowledged"]
        status = _asked(mk, "/v1/status", Role.EXAMINER)
        done = (
            acknowledged == records + POLICY
            and status["acquisitions"] == {"correlated": records}
            and not status["jobs"]
        )
        if done and _asked(mk, "/v1/peers", Role.OPERATOR)[0]["alarm"] is None:  # it ends with the next page
            return
        assert time.monotonic() < deadline, (acknowledged, status, mk.log_end())
        time.sleep(0.2)


def _asked(mk: DemoNode, path: str, role: Role) -> Any:
    headers = {"Authorization": f"Bearer {mk.tokens[role]}"}
    return httpx.get(mk.url + path, headers=headers, timeout=30, trust_env=False).json()


def _check_everything_is_there_once(rs: Node, mk: DemoNode, records: int) -> None:
    node = open_node(mk.home)
    with rs.store.read() as session:
        sent = {row.statement_id: row.envelope for row in _records(session, rs.node_id)}
        lane = lane_of(session, node.node_id)
        read = node_reader(session)
        roots = {size: merkle.root(size, read) for size in range(1, records + POLICY + 2)}
    with node.store.read() as session:
        received = _records(session, rs.node_id)
        peer = session.get_one(PeerRow, rs.node_id)
        scans = session.scalars(select(AcquisitionRow)).all()
        assert {row.statement_id: row.envelope for row in received} == sent, "each record, byte for byte"
        assert [row.log_index for row in received] == list(range(1 + POLICY, records + POLICY + 1)), (
            "no gap in the owner's log"
        )
        assert (peer.cursor_count, peer.cursor_head) == (records + POLICY, lane.head), "both ends of the lane agree"
        assert quarantined(session, rs.node_id) == 0
        assert peer.alarm is None
        assert session.scalars(select(JobRow)).all() == []
        assert len({scan.sha256 for scan in scans}) == len(scans) == records
        for scan in scans:
            assert node.blobs.path(scan.sha256).read_bytes() == rs.blobs.path(scan.sha256).read_bytes()
        head = open_head(peer.checkpoint or b"", peer_keys(peer))
    assert roots[head.size] == head.root, "the head that was seen last is one of the log as it is"
    assert head.size == records + POLICY + 1
    assert _scans(node) == records, "and no scan that no record names"
    assert list(node.settings.incoming.iterdir()) == []
    node.close()


def _records(session: Any, issuer: str) -> list[StatementRow]:
    query = select(StatementRow).where(StatementRow.issuer == issuer, StatementRow.type == "record")
    return list(session.scalars(query.order_by(StatementRow.log_index)))
