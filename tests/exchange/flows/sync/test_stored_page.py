"""What a pull leaves in the database of a page that was verified: each record once, in order, with what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.errors import PeerMisbehaved
from exchange.flows.node.node import Node
from exchange.flows.sync.progress import sync_status
from exchange.flows.sync.receive import receive_page
from exchange.flows.sync.verify_lane_page import Received
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AcquisitionRow, BreechFaceClassRow, RecordRow, StatementRow
from exchange.store.tables.work_tables import JobRow
from schemas import Record, parse_statement
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.owner import Owner, owner_of
from tests.exchange.open_policy import allow_all


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Network, Owner]]:
    """Serbia's node, which publishes, and Macedonia's, which reads it."""
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    allow_all(network.nodes[RS])
    yield network, owner_of(network.nodes[RS])
    network.close()


def test_a_page_is_stored_in_its_order_with_a_promise_for_each_scan(two: tuple[Network, Owner]) -> None:
    network, owner = two
    published = [owner.publish(blob=f"scan {number}".encode()) for number in range(5)]
    network.pull(MK, RS)
    mk = network.nodes[MK]
    assert _records(mk) == [item.statement_id for item in published]
    with mk.store.read() as session:
        sequences = session.scalars(select(RecordRow.sequence).order_by(RecordRow.sequence)).all()
        scans = session.execute(select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id)).scalars().all()
        jobs = session.scalars(select(JobRow).order_by(JobRow.job_id)).all()
        classes = session.execute(select(BreechFaceClassRow.statement_id, BreechFaceClassRow.breech_face_class)).all()
        logged = session.scalars(
            select(StatementRow.log_index)
            .where(StatementRow.issuer == RS, StatementRow.type == "record")
            .order_by(StatementRow.log_index)
        ).all()
    assert sequences == [1, 2, 3, 4, 5]
    assert [(scan.statement_id, scan.sha256) for scan in scans] == [(i.statement_id, i.sha256) for i in published]
    assert [(job.kind, int(job.subject)) for job in jobs] == [("fetch-scan", scan.acquisition_id) for scan in scans]
    assert set(map(tuple, classes)) == {(i.statement_id, name) for i in published for name in ("arched", "granular")}
    assert logged == [item.log_index for item in published]


@pytest.mark.slow
def test_a_record_and_its_amendment_on_one_page(two: tuple[Network, Owner]) -> None:
    network, owner = two
    first = owner.publish(blob=b"one")
    second = owner.publish(blob=b"two", supersedes=first.statement_id, first_version=first.statement_id)
    network.pull(MK, RS)
    with network.nodes[MK].store.read() as session:
        superseded = session.execute(select(RecordRow.statement_id, RecordRow.superseded_by)).all()
    assert set(map(tuple, superseded)) == {(first.statement_id, second.statement_id), (second.statement_id, None)}


def test_a_statement_that_stands_twice_on_a_page_is_stored_once(two: tuple[Network, Owner]) -> None:
    """Whoever signs a statement twice can log it twice, with a true proof for each: the first stands."""
    network, owner = two
    published = owner.publish(blob=b"one")
    mk = network.nodes[MK]
    record = parse_statement(published.envelope.payload)
    assert isinstance(record, Record)
    first = Received(0, published.statement_id, record, published.envelope, published.log_index)
    with mk.store.write() as session:
        rs = session.get_one(PeerRow, RS)
        assert receive_page(session, mk, rs, [first, replace(first, position=1, log_index=7)]) == []
    with mk.store.read() as session:
        assert session.scalars(select(StatementRow.log_index).where(StatementRow.type == "record")).all() == [2]
        assert len(session.scalars(select(JobRow)).all()) == 1


@pytest.mark.slow
def test_a_cursor_too_old_and_one_from_the_future_say_so(two: tuple[Network, Owner]) -> None:
    """Of a reader that was restored from a backup, and of an owner that was."""
    network, owner = two
    owner.publish(blob=b"one")
    network.pull(MK, RS)
    backup = {node: network.backup(node) for node in (RS, MK)}
    published = [owner.publish(blob=f"scan {number}".encode()).statement_id for number in range(3)]
    network.pull(MK, RS)
    network.pull(MK, RS)
    assert _lane(network) == (5, None)

    network.restart(MK, backup[MK])
    network.pull(MK, RS)
    acknowledged, read_again_at = _lane(network)
    assert acknowledged == 5, "a receipt is not taken back"
    assert read_again_at is not None
    assert _records(network.nodes[MK])[1:] == published, "all that was lost with the backup came again, once"

    network.restart(RS, backup[RS])
    with pytest.raises(PeerMisbehaved, match=r"cursor-from-the-future: .* restored from an older backup"):
        network.pull(MK, RS)
    assert len(_records(network.nodes[MK])) == 4


def _lane(network: Network) -> tuple[int, str | None]:
    """What Serbia's node says of what Macedonia's acknowledged, and when that last read it again."""
    [status] = sync_status(network.nodes[RS])
    return status.acknowledged, status.read_again_at


def _records(node: Node) -> list[str]:
    with node.store.read() as session:
        return list(session.scalars(select(RecordRow.statement_id).order_by(RecordRow.sequence)))
