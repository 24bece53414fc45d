"""Who leads the workers of a node, what becomes of those that die, hang or end, and who is not let in."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from exchange.clock import stamp_in
from exchange.errors import ConfigurationError
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.node.worker_lease import LEASE_S, Presence
from exchange.flows.operate.promised_work import who_works
from exchange.store.node import jobs, workers
from exchange.store.node.jobs import JobKind, JobState, promise
from exchange.store.tables.work_tables import JobRow, WorkerRow
from schemas.vocabulary import Jurisdiction

pytestmark = pytest.mark.slow


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    create_node(tmp_path / "rs", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    opened = open_node(tmp_path / "rs")
    yield opened
    opened.close()


@pytest.fixture
def begun(node: Node) -> Callable[[], Presence]:
    def begin() -> Presence:
        presence = Presence(node)
        presence.begin()
        presence.beat({})
        return presence

    return begin


def change(node: Node, presence: Presence, **values: object) -> None:
    with node.store.write() as session:
        for name, value in values.items():
            setattr(session.get_one(WorkerRow, presence.worker_id), name, value)


def die(presence: Presence) -> None:
    """As a process that is killed: the kernel lets go of its file."""
    presence._file.drop()


def test_one_leads_and_another_does_when_that_one_ends(node: Node, begun: Callable[[], Presence]) -> None:
    first, second = begun(), begun()
    assert (first.leads, second.leads, second.alone) == (True, False, False)
    first.beat({})
    assert (first.leads, first.term, first.alone) == (True, 1, False)
    first.end()
    assert not first.leads
    second.beat({})
    assert (second.leads, second.term, second.alone) == (True, 1, True)


def test_one_that_was_killed_is_followed_at_once_and_its_work_is_due(node: Node, begun: Callable[[], Presence]) -> None:
    first, second = begun(), begun()
    with node.store.write() as session:
        promise(session, JobKind.ERASE, 1)
        assert jobs.take(session, JobKind.ERASE, owner=first.worker_id, lease_s=LEASE_S)
    second.beat({})
    assert job_of(node).state == JobState.RUNNING
    die(first)
    second.beat({})
    assert second.leads
    assert (job_of(node).state, job_of(node).ended, job_of(node).lease_until) == (JobState.PENDING, 1, None)
    assert job_of(node).not_before < stamp_in(2)


def test_one_that_hangs_is_followed_when_its_lease_is_over_and_leads_no_more(
    node: Node, begun: Callable[[], Presence]
) -> None:
    first, second = begun(), begun()
    with node.store.write() as session:
        promise(session, JobKind.ERASE, 1)
        job = jobs.take(session, JobKind.ERASE, owner=first.worker_id, lease_s=-1)
        assert job is not None
    change(node, first, alive_until=stamp_in(-1))
    second.beat({})
    assert second.leads
    assert job_of(node).state == JobState.PENDING
    first.beat({job.job_id: job.attempts})
    assert not first.leads
    assert job_of(node).state == JobState.PENDING, "what it held is another's by now"


def test_leases_that_ran_out_while_the_database_was_away_count_against_nobody(
    node: Node, begun: Callable[[], Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What kept one worker from showing itself kept all of them; they are given the time to come back."""
    first, second = begun(), begun()
    with node.store.write() as session:
        promise(session, JobKind.CORRELATE, 1)
        job = jobs.take(session, JobKind.CORRELATE, owner=first.worker_id, lease_s=-1)
        assert job is not None
    change(node, first, alive_until=stamp_in(-1))
    later = time.monotonic() + 600
    monkeypatch.setattr("exchange.flows.node.worker_lease.time.monotonic", lambda: later)
    second.beat({})
    assert job_of(node).state == JobState.RUNNING
    first.beat({job.job_id: job.attempts})
    assert (job_of(node).ended, (job_of(node).lease_until or "") > stamp_in(LEASE_S / 2)) == (0, True)

    with node.store.write() as session:
        session.get_one(JobRow, job.job_id).lease_until = stamp_in(-1)
    second.beat({})
    assert job_of(node).state == JobState.RUNNING
    later += LEASE_S
    second.beat({})
    assert (job_of(node).state, job_of(node).ended) == (JobState.PENDING, 1), "whoever does not come back is dead"


def test_a_lease_is_put_off_as_long_as_the_work_lasts(node: Node, begun: Callable[[], Presence]) -> None:
    first = begun()
    with node.store.write() as session:
        promise(session, JobKind.ERASE, 1)
        job = jobs.take(session, JobKind.ERASE, owner=first.worker_id, lease_s=-1)
        assert job is not None
    first.beat({job.job_id: job.attempts})
    assert job_of(node).state == JobState.RUNNING
    assert (job_of(node).lease_until or "") > stamp_in(LEASE_S / 2)


def test_one_that_led_before_the_database_was_set_back_begins_anew(node: Node, begun: Callable[[], Presence]) -> None:
    first = begun()
    with node.store.write() as session:
        session.delete(session.get_one(WorkerRow, first.worker_id))
    first.beat({})
    assert (first.leads, first.term) == (True, 2)


def test_who_worked_last_is_told(node: Node, begun: Callable[[], Presence]) -> None:
    assert who_works(node) == "No worker has ever shown itself."
    first = begun()
    assert who_works(node) == "ok"
    first.end()
    with node.store.read() as session:
        seen = workers.last_seen(session)
    assert who_works(node) == f"No worker has shown itself since {seen}."


@pytest.mark.sqlite
def test_of_sqlite_no_worker_on_another_machine(node: Node, begun: Callable[[], Presence]) -> None:
    first = begun()
    change(node, first, machine="another")
    with pytest.raises(ConfigurationError, match="across machines only PostgreSQL"):
        begun()
    die(first)
    assert begun().leads, "the database came from another machine, with its home"


def test_of_postgresql_no_worker_in_another_home(node: Node, begun: Callable[[], Presence]) -> None:
    first = begun()
    change(node, first, home="another")
    named = node.settings.model_copy(update={"database_url": SecretStr("postgresql+psycopg://ffp@/rs")})
    with pytest.raises(ConfigurationError, match="share one home"):
        Presence(dataclasses.replace(node, settings=named)).begin()
    change(node, first, alive_until=stamp_in(-1))
    Presence(dataclasses.replace(node, settings=named)).begin()


def job_of(node: Node) -> JobRow:
    with node.store.read() as session:
        return session.get_one(JobRow, 1)
