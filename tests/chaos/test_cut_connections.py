"""One connection in five is cut at a random moment: everything arrives, whole and once, and little of it twice."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, opened
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.sync.peers import lane_of, quarantined
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import POLICY, enrol_with_each_other, fill, scans_of
from tests.chaos.fault_proxy import FaultProxy, Moment
from tests.chaos.nodes.processes import Process
from tests.chaos.sizes import report, sized
from tests.exchange.running_nodes import free_port, metadata

pytestmark = pytest.mark.slow

SEED = 20
SHARE = 0.2
SCAN_BYTES = 5_000_000
LARGE_BYTES = 30_000_000
MOST_RECEIVED = 1.1
RS, MK = "ffp-rs", "ffp-mk"


class Line:
    """Serbia's node behind the proxy, and Macedonia's, which reads it through the proxy. Neither runs yet."""

    def __init__(self, folder: Path, share: float) -> None:
        self._share = share
        self._public, own_port, mk_port = free_port(), free_port(), free_port()
        rs_home, mk_home = folder / "rs", folder / "mk"
        # a node signs for the address under which it is asked, which is the proxy's
        create_node(rs_home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{self._public}", port=own_port)
        create_node(mk_home, jurisdiction=Jurisdiction.MK, url=f"http://127.0.0.1:{mk_port}", port=mk_port)
        self.rs, self.mk = Process(rs_home, own_port), Process(mk_home, mk_port)
        with opened(rs_home) as rs, opened(mk_home) as mk:
            enrol_with_each_other(rs, mk)
            sign_head(rs)

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        proxy = FaultProxy(self._public, self.rs.port, share=self._share, seed=SEED)
        try:
            with self.rs.running(), self.mk.running():
                yield proxy
        finally:
            proxy.close()


def test_with_a_fifth_of_all_connections_cut_everything_arrives_and_little_of_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFP_NODE_PULL_INTERVAL_S", "0.2")
    records = sized(100, 1000)
    line = Line(tmp_path, SHARE)
    with opened(line.rs.home) as rs:
        fill(rs, records, scans=scans_of(SCAN_BYTES))
        sign_head(rs)
    begun = time.monotonic()
    with line.running() as proxy:
        all_here = {"acquisitions": {"not-correlated": records}, "jobs": {}}
        line.mk.wait_for(lambda found: {name: found[name] for name in all_here} == all_here, seconds=60 + 2 * records)
        seconds = time.monotonic() - begun
        received = proxy.counts.to_reader
        line.mk.wait_for_peer(RS, lambda peer: peer["alarm"] is None)
        line.rs.wait_for_peer(MK, lambda peer: peer["acknowledged"] == records + POLICY)
        counts = proxy.counts
    with opened(line.rs.home) as rs, opened(line.mk.home) as mk:
        unique = _is_here_once(rs, mk, records)
    cuts = sum(counts.cuts.values())
    figures = {
        "records": records,
        "seed": SEED,
        "connections": counts.connections,
        "cut": cuts,
        "share of connections cut": round(cuts / counts.connections, 3),
        "by moment": {str(moment): counts.cuts[moment] for moment in Moment},
        "unique bytes": unique,
        "bytes received": received,
        "received / unique": round(received / unique, 4),
        "seconds": round(seconds, 1),
    }
    report("cut connections", figures)
    assert cuts >= SHARE * counts.connections / 2
    assert all(counts.cuts[moment] for moment in Moment), "each kind of cut happened"
    assert received <= MOST_RECEIVED * unique
    for node in (line.rs, line.mk):  # 10 GB, which would stay until three more runs were made
        shutil.rmtree(node.home)


def test_a_30_mb_scan_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Submitted as examiners do, fetched by the peer over a line of which every second connection is cut, and read
    there by an examiner."""
    monkeypatch.setenv("FFP_NODE_PULL_INTERVAL_S", "0.2")
    line = Line(tmp_path, 0.5)
    scan = scans_of(LARGE_BYTES)(0)
    assert len(scan) >= LARGE_BYTES
    with line.running() as proxy:
        sent = metadata() | {"level": "full", "audience": ["MK"]}
        files = {"metadata": (None, json.dumps(sent)), "scan": ("scan.x3p", scan)}
        answer = line.rs.http.post("/v1/records", headers=line.rs.examiner, files=files)
        assert answer.status_code == 201, answer.text
        through = {"correlated", "not-usable"}
        line.mk.wait_for(lambda found: bool(found["acquisitions"]) and set(found["acquisitions"]) <= through, 120)
        [acquisition] = line.mk.get(f"/v1/records/{answer.json()['statement_id']}")["acquisitions"]
        read = line.mk.http.get(f"/v1/blobs/{acquisition['sha256']}", headers=line.mk.examiner)
        assert acquisition["sha256"] == hashlib.sha256(scan).hexdigest()
        assert read.content == scan
        assert sum(proxy.counts.cuts.values()) > 0


def _is_here_once(rs: Node, mk: Node, records: int) -> int:
    """Every record and scan of the owner is here, as it was signed, once and nothing else; returns their bytes."""
    with rs.store.read() as session:
        sent, lane = _envelopes(session), lane_of(session, MK)
    with mk.store.read() as session:
        assert _envelopes(session) == sent
        peer = session.get_one(PeerRow, RS)
        assert (peer.cursor_count, peer.cursor_head) == (lane.count, lane.head)
        assert quarantined(session, RS) == 0
        assert session.scalar(select(func.count()).select_from(JobRow)) == 0
        scans = scans_at_rest(session)
    assert len(sent) == len(scans) == records
    assert {path.name for path in mk.settings.blobs.glob("??/*")} == set(scans)
    assert list(mk.settings.incoming.iterdir()) == []
    check = check_log(mk)
    assert (check.findings, check.scans) == ([], records), "each signature and each scan's digest, read again"
    return sum(scans.values()) + sum(map(len, sent.values()))


def _envelopes(session: Any) -> dict[str, bytes]:
    query = select(StatementRow.statement_id, StatementRow.envelope)
    return {
        row[0]: row[1] for row in session.execute(query.where(StatementRow.type == "record", StatementRow.issuer == RS))
    }
