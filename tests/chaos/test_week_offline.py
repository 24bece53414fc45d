"""A node that was offline for a week finds ten thousand records waiting, and catches up."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.sync.pull import pull
from exchange.flows.witness.cosign import cosign_head, meet
from exchange.flows.witness.mirror import mirror_log
from exchange.net.client import PeerClient
from exchange.store.log.statement_rows import all_checkpoints
from exchange.store.sync.peers import lane_of, quarantined
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import enrol_with_each_other, fill, fill_over_days
from tests.chaos.nodes.processes import Process
from tests.chaos.shares import Shares, sampled
from tests.chaos.sizes import is_full, report, sized
from tests.exchange.running_nodes import free_port

pytestmark = [pytest.mark.long, pytest.mark.alone]

DAYS = 7
LEAST_A_SECOND = 200
"""Of records verified and stored, on two cores: one for the reader and one for the owner that answers it. By processor
time everywhere; by the clock too where the machine has nothing else to do."""
RS, MK = "ffp-rs", "ffp-mk"


@dataclass(frozen=True)
class CaughtUp:
    """What catching up cost: the reader's processor time, the owner's, and how long both took."""

    pages: int
    seconds: float
    reader_s: float
    owner_s: float
    shares: Shares


def test_a_node_that_was_offline_for_a_week_catches_up(tmp_path: Path) -> None:
    """The owner is served by a process of its own and answers over the loopback; the reader pulls as its worker does.
    The scans, which come after the records, are left out."""
    records = sized(1000, 10_000)
    port = free_port()
    rs_home, mk_home = tmp_path / "rs", tmp_path / "mk"
    create_node(rs_home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    create_node(mk_home, jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    with opened(rs_home) as rs, opened(mk_home) as mk:
        enrol_with_each_other(rs, mk)
        fill(rs, 1)
        sign_head(rs)
    owner = Process(rs_home, port)
    with owner.running(), opened(mk_home) as mk:
        _catch_up(mk, owner)
        assert _held(mk) == 1, "the day before it went offline"
    with opened(rs_home) as rs:
        fill_over_days(rs, records, days=DAYS)

    with owner.running(), opened(mk_home) as mk:
        _let_settle(owner)
        load = os.getloadavg()[0]
        begin_log_start(mk)
        took = _catch_up(mk, owner)
        assert _held(mk) == 1 + records
    with opened(rs_home) as rs, opened(mk_home) as mk:
        heads = _is_complete(rs, mk, records)
    figures = {
        "records": records,
        "days": DAYS,
        "heads signed meanwhile": heads,
        "pages": took.pages,
        "load of the machine before": round(load, 1),
        "seconds": round(took.seconds, 2),
        "records a second": round(records / took.seconds),
        "reader's CPU ms a record": round(1000 * took.reader_s / records, 2),
        "owner's CPU ms a record": round(1000 * took.owner_s / records, 2),
        "shares of the reader's CPU": took.shares.rounded(),
    }
    report("a week offline", figures)
    # reader and owner take turns, so that together they say how fast it goes on a machine that does nothing else
    assert records / (took.reader_s + took.owner_s) >= LEAST_A_SECOND, figures
    if is_full() and load <= (os.cpu_count() or 1):
        assert records / took.seconds >= LEAST_A_SECOND, figures
    assert 0 < (took.shares.of("signatures") or 0) < 1


def _catch_up(mk: Node, owner: Process) -> CaughtUp:
    """What the worker does with one peer until its lane is read."""
    client = PeerClient(mk.node_id, mk.keys.transport, guard=mk.egress, timeout_s=mk.settings.peer_timeout_s)
    begun, reader_before, owner_before = time.monotonic(), time.process_time(), owner.cpu_s()
    pages, more = 0, True
    with sampled() as shares:
        while more:
            more = pull(mk, client, RS)
            mirror_log(mk, client, RS)
            cosign_head(mk, RS)
            pages += 1
        meet(mk, client, RS)
    seconds = time.monotonic() - begun
    client.close()
    return CaughtUp(pages, seconds, time.process_time() - reader_before, owner.cpu_s() - owner_before, shares)


def _let_settle(owner: Process) -> None:
    """A started node reads all that is at rest once: that must not be counted for its answers."""
    used = -1.0
    while owner.cpu_s() - used > 0.05:
        used = owner.cpu_s()
        time.sleep(1)


def _held(mk: Node) -> int:
    records = select(func.count()).select_from(StatementRow).where(StatementRow.type == "record")
    with mk.store.read() as session:
        return session.scalar(records) or 0


def _is_complete(rs: Node, mk: Node, records: int) -> int:
    """Every record is here once, and so is the promise to fetch its scan; returns how many heads its log signed."""
    query = select(StatementRow.statement_id, StatementRow.log_index, StatementRow.envelope)
    query = query.where(StatementRow.type == "record").order_by(StatementRow.log_index)
    with rs.store.read() as session:
        sent, lane, heads = session.execute(query).all(), lane_of(session, MK), len(all_checkpoints(session))
    with mk.store.read() as session:
        peer = session.get_one(PeerRow, RS)
        assert session.execute(query).all() == sent
        assert len(sent) == records + 1
        assert (peer.cursor_count, peer.cursor_head, peer.alarm) == (lane.count, lane.head, None)
        assert quarantined(session, RS) == 0
        assert session.scalar(select(func.count()).select_from(JobRow)) == records + 1
    return heads
