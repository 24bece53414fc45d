"""Whether a node is whole, after whatever happened to it: its log, its lane, and what the other made of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from exchange.flows.integrity.log_check import check_log
from exchange.flows.node.last_head import NONE_YET
from exchange.flows.node.node import Node, opened
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.log.statement_rows import all_checkpoints, latest_checkpoint, log_size, node_reader
from exchange.store.node.jobs import JobState
from exchange.store.sync.peers import all_peers, lane_of, quarantined
from exchange.store.tables.log import DisagreementRow
from exchange.store.tables.peer_tables import LaneItemRow, PeerRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow, SubmissionRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.witness.cosignatures import LogStartState, log_start
from schemas.lane import EMPTY_HEAD, next_head


def checkpoints_seen(home: Path) -> dict[str, bytes]:
    """The last signed head of each peer's log that the node verified and stored, whether it runs or not."""
    with opened(home) as node, node.store.read() as session:
        return {peer.node_id: peer.checkpoint for peer in all_peers(session) if peer.checkpoint is not None}


def interrupted_in(home: Path) -> dict[str, int]:
    """What a dead node was in the midst of; read before it is started again, since a start clears that away."""
    with opened(home) as node, node.store.read() as session:
        running = session.scalars(select(JobRow.kind).where(JobRow.state == JobState.RUNNING)).all()
        latest, size = latest_checkpoint(session), log_size(session)
    signed = latest.size if latest else 0
    incoming = [path for path in (home / "incoming").iterdir() if path.is_file()]
    parts = [path for path in incoming if path.suffix == ".part"]  # empty where the peer did not answer
    found = Counter({f"work of the kind {kind}": count for kind, count in Counter(running).items()})
    found["files that were arriving"] = len(incoming) - len(parts)
    found["scans of the peer that were arriving"] = sum(path.stat().st_size > 0 for path in parts)
    found["statements logged, and no head over them yet"] = int(size > signed)
    found["a head signed and stored, and not yet written down"] = int(signed > _remembered(home / "last-head"))
    return dict(+found)


def assert_whole(node: Node, other: Node, *, receipts: Iterable[dict[str, Any] | None], seen: set[Checkpoint]) -> None:
    """The node's log and lane are complete and say what everybody was told; the other has all of it, once.

    1. Each receipt names a record that is there, at that place of the log; there are no others.
    2. The log has no gap, and every hash, signature and scan at rest is what was signed.
    3. Every head that this node signed, or that anybody saw, is one of the log as it is.
    4. The lane has each record once, in the order of the log, under a running head that adds up.
    5. The other has each record once, byte for byte, at its place; the cursor stands at the lane's end.
    6. Nothing is in quarantine, no heads disagree, nothing waits, nothing is left over.
    """
    given = [receipt for receipt in receipts if receipt is not None]
    with node.store.read() as session:
        # 1.
        own = session.scalars(
            select(StatementRow).where(StatementRow.issuer == node.node_id).order_by(StatementRow.log_index)
        ).all()
        records = [row for row in own if row.type == "record"]
        shared = [row for row in own if row.type in ("policy", "record")]
        logged = {row.statement_id: row.log_index for row in records}
        assert {receipt["statement_id"]: receipt["log_index"] for receipt in given} == logged
        assert len(given) == len(logged) == session.scalar(select(func.count()).select_from(SubmissionRow))

        # 2.
        size, read = log_size(session), node_reader(session)
        assert [row.log_index for row in own] == list(range(size))

        # 3.
        signed = {Checkpoint(node.card.log_origin, row.size, row.root) for row in all_checkpoints(session)}
        assert seen <= signed, "nobody saw a head that the node does not know of"
        for head in signed:
            assert merkle.root(head.size, read) == head.root
        assert max(head.size for head in signed) == size

        # 4.
        lane = lane_of(session, other.node_id)
        items = session.scalars(
            select(LaneItemRow).where(LaneItemRow.peer == other.node_id).order_by(LaneItemRow.position)
        ).all()
        assert [item.position for item in items] == list(range(lane.count))
        assert [item.statement_id for item in items] == [row.statement_id for row in shared]
        running = EMPTY_HEAD
        for item in items:
            running = next_head(running, item.statement_id)
            assert item.head == running
        assert (lane.head, lane.acknowledged_count, lane.read_again_at) == (running, lane.count, None)
        envelopes = {row.statement_id: (row.log_index, row.envelope) for row in shared}

    # 5.
    with other.store.read() as session:
        received = session.scalars(select(StatementRow).where(StatementRow.issuer == node.node_id)).all()
        assert {row.statement_id: (row.log_index, row.envelope) for row in received} == envelopes
        assert len(received) == len(envelopes)
        assert session.scalar(
            select(func.count()).select_from(RecordRow).where(RecordRow.issuer == node.node_id)
        ) == len(records)
        peer = session.get_one(PeerRow, node.node_id)
        assert (peer.cursor_count, peer.cursor_head) == (len(envelopes), running)
        assert quarantined(session, node.node_id) == 0

    # 6.
    with node.store.read() as session:
        assert session.scalar(select(func.count()).select_from(DisagreementRow)) == 0
        assert session.scalar(select(func.count()).select_from(JobRow)) == 0
        start = log_start(session)
        assert start is None or start.state == LogStartState.FREE
        named = set(session.scalars(select(AcquisitionRow.sha256)))
    assert {path.name for path in node.settings.blobs.glob("??/*")} == named
    assert list(node.settings.incoming.iterdir()) == []
    check = check_log(node)
    assert check.findings == []
    assert check.scans == len(named)


def _remembered(path: Path) -> int:
    """The size of the last head that was written down beside the database."""
    text = path.read_text(encoding="utf-8")
    return 0 if text == NONE_YET else parse_text(text).size
