"""A worker that is at a job which is deleted meanwhile, and takes another one at the same time."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.node.node import Node
from exchange.flows.terms.erase import erase
from exchange.flows.terms.withdraw import withdraw
from exchange.patience import Patience
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.node.jobs import JobKind, promise
from exchange.store.tables.work_tables import JobRow
from exchange.worker.job_runner import JobRunner
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy, WithdrawalReason
from tests.exchange.flows.network import RS, Network

HEAD = Maker(pseudonym="head", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def test_a_record_may_be_withdrawn_while_it_is_correlated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The withdrawal deletes the job and promises another, which the same worker takes before it is done with the
    first: the worker ends both, and neither for the other."""
    network = Network(tmp_path)
    network.make(Jurisdiction.RS)
    node = network.nodes[RS]
    [record] = network.share(RS)
    with node.store.write() as session:
        promise(session, JobKind.CORRELATE, acquisitions_of(session, record)[0].acquisition_id)
    monkeypatch.setattr("exchange.worker.job_runner.IDLE_S", 0)
    runner = JobRunner(node, network.client(RS), "one", Patience(random.Random(1)), threading.Event())
    held = list[dict[int, int]]()

    def during_erasure(working: Node, tombstone: int) -> None:
        held.append(runner.held())
        erase(working, tombstone)

    def correlate(_node: Node, _acquisition: int) -> int:
        held.append(runner.held())
        withdraw(node, HEAD, record, WithdrawalReason.ENTERED_IN_ERROR)
        assert runner.drain(JobKind.ERASE)
        held.append(runner.held())
        return 0

    monkeypatch.setattr("exchange.worker.job_runner.correlate_acquisition", correlate)
    monkeypatch.setattr("exchange.worker.job_runner.erase", during_erasure)
    assert runner.drain(JobKind.CORRELATE)
    one, other, again = held
    assert (len(one), len(other), again, runner.held()) == (1, 2, one, {})
    with node.store.read() as session:
        assert session.scalars(select(JobRow)).all() == []
    network.close()
