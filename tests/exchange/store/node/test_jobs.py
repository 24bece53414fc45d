"""The outbox: leased, tried again with growing patience, set aside in the end, never lost."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select, update

from exchange.clock import now, stamp, stamp_in
from exchange.store.database.engine import Store
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.tables.work_tables import JobRow

KIND = JobKind.CORRELATE


def promise(store: Store, *subjects: int, kind: JobKind = KIND) -> None:
    with store.write() as session:
        for subject in subjects:
            jobs.promise(session, kind, subject)


def take(store: Store, *, owner: str = "one", lease_s: float = 60) -> JobRow | None:
    with store.write() as session:
        return jobs.take(session, KIND, owner=owner, lease_s=lease_s)


def taken(store: Store, *, owner: str = "one", lease_s: float = 60) -> JobRow:
    job = take(store, owner=owner, lease_s=lease_s)
    assert job is not None
    return job


def change(store: Store, **values: object) -> None:
    with store.write() as session:
        session.execute(update(JobRow).values(**values))


def only(store: Store) -> JobRow:
    with store.read() as session:
        return session.scalars(select(JobRow)).one()


def fail(store: Store, job: JobRow, error: str, *, max_attempts: int) -> bool:
    with store.write() as session:
        return jobs.fail(session, job, error, max_attempts=max_attempts)


def test_the_oldest_first_and_each_once(store: Store) -> None:
    promise(store, 7, 3, 5)
    assert [taken(store).subject for _ in range(3)] == ["7", "3", "5"]
    assert take(store) is None


def promise_for(store: Store, node_id: str, *subjects: int) -> None:
    with store.write() as session:
        jobs.promise_new(session, KIND, subjects, node_id=node_id)


def turn(store: Store, after: str, *, at_most: int | None = None) -> JobRow | None:
    with store.write() as session:
        return jobs.take(session, KIND, owner="one", lease_s=60, after=after, at_most=at_most)


def test_nodes_take_turns_however_much_one_of_them_has(store: Store) -> None:
    promise_for(store, "ffp-greedy", *range(100))
    promise_for(store, "ffp-al", 200)
    promise_for(store, "ffp-mk", 300, 301)
    done, after = [], ""
    for _ in range(6):
        job = turn(store, after)
        assert job is not None
        after = job.node_id
        done.append(job.subject)
    assert done == ["200", "0", "300", "1", "301", "2"]


def test_a_node_is_given_so_many_places_and_no_more(store: Store) -> None:
    promise_for(store, "ffp-greedy", *range(100))
    assert [turn(store, "", at_most=2) is not None for _ in range(3)] == [True, True, False]
    promise_for(store, "ffp-al", 200)
    with store.read() as session:
        assert jobs.waiting_nodes(session, KIND, owner="one", at_most=2) == ["ffp-al"]
        assert jobs.waiting_nodes(session, KIND, owner="other", at_most=2) == ["ffp-al", "ffp-greedy"]


def test_what_failed_waits_behind_what_is_due_longer(store: Store) -> None:
    promise(store, 1, 2)
    fail(store, taken(store), "away", max_attempts=9)
    change(store, not_before=stamp())
    with store.write() as session:
        session.execute(update(JobRow).where(JobRow.subject == "2").values(not_before="2020"))
    assert taken(store).subject == "2"


def test_each_kind_has_its_own(store: Store) -> None:
    promise(store, 1, kind=JobKind.FETCH_SCAN)
    assert take(store) is None
    with store.read() as session:
        assert jobs.due_kinds(session) == {JobKind.FETCH_SCAN}


def test_a_kind_gives_way_to_another_but_not_for_ever(store: Store) -> None:
    def waits() -> bool:
        with store.read() as session:
            return jobs.gives_way(session, JobKind.PROBE, to=KIND, for_s=60)

    promise(store, 1, kind=JobKind.PROBE)
    assert not waits()
    promise(store, 1)
    assert waits()
    held = taken(store)
    assert waits(), "it is under way"
    with store.write() as session:
        jobs.wait(session, held, "its peer is away", pause_s=60)
    assert not waits(), "it is not due"
    promise(store, 2)
    assert waits()
    change(store, not_before=stamp_in(-61))
    assert not waits()


def test_a_queue_stands_when_nobody_is_at_it_and_not_when_much_is_in_it(store: Store) -> None:
    def overdue() -> int:
        with store.read() as session:
            found = jobs.overdue(session, 900)
        return 0 if found is None else found[0]

    promise(store, 1, 2, 3)
    assert overdue() == 0
    change(store, not_before=stamp_in(-1000))
    assert overdue() == 3
    taken(store)
    assert overdue() == 0, "a long queue that somebody works off"
    promise(store, 4, kind=JobKind.ERASE)
    change(store, not_before=stamp_in(-1000))
    assert overdue() == 1, "of another kind"


def test_a_probe_that_gives_way_is_not_overdue(store: Store) -> None:
    promise(store, 1, kind=JobKind.PROBE)
    for due_s, count in ((-1000, None), (-jobs.PROBES_WAIT_S, None), (-jobs.PROBES_WAIT_S - 1000, 1)):
        change(store, not_before=stamp_in(due_s))
        with store.read() as session:
            found = jobs.overdue(session, 900)
        assert (found and found[0]) == count, due_s


def test_a_promise_is_made_once(store: Store) -> None:
    promise(store, 1, 1)
    job = taken(store)
    promise(store, 1)
    assert take(store) is None
    assert (only(store).job_id, only(store).attempts) == (job.job_id, 1)


def test_done_is_gone_and_may_be_promised_anew(store: Store) -> None:
    promise(store, 1)
    job = taken(store)
    for first in (True, False):
        with store.write() as session:
            assert jobs.finish(session, job) is first
    assert take(store) is None
    promise(store, 1)
    assert taken(store).attempts == 1


def test_a_lease_that_ran_out_is_put_back_and_ended_by_who_took_it_then(store: Store) -> None:
    promise(store, 1)
    first = taken(store, owner="hung", lease_s=-1)
    assert _broken_off(store, max_attempts=4) is False
    change(store, not_before=stamp())
    second = taken(store, owner="quick")
    assert (second.job_id, second.attempts, second.ended) == (first.job_id, 2, 1)
    assert fail(store, first, "late", max_attempts=1) is False
    with store.write() as session:
        assert jobs.finish(session, first) is False
    assert (only(store).state, only(store).owner) == (JobState.RUNNING, "quick")
    with store.write() as session:
        assert jobs.finish(session, second) is True
    with store.read() as session:
        assert jobs.counts(session) == {}


def test_a_lease_is_renewed_by_who_holds_it_alone(store: Store) -> None:
    promise(store, 1)
    job = taken(store, owner="one", lease_s=-1)
    for owner, attempt, over in (("other", 1, True), ("one", 2, True), ("one", 1, False)):
        with store.write() as session:
            jobs.renew(session, owner, {job.job_id: attempt, 99: 1}, lease_s=60)
        with store.read() as session:
            assert bool(jobs.abandoned(session)) is over


def test_failures_wait_longer_each_time_and_end_aside(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now().replace(microsecond=0)
    monkeypatch.setattr("exchange.clock.now", lambda: moment)
    promise(store, 1)
    waits: list[float] = []
    for attempt in range(1, 5):
        change(store, not_before=stamp())
        job = taken(store)
        assert job.attempts == attempt
        assert fail(store, job, f"attempt {attempt}", max_attempts=4) is (attempt == 4)
        waits.append((datetime.fromisoformat(only(store).not_before) - moment).total_seconds())
        assert take(store) is None
    assert waits[:3] == [1, 2, 4]
    assert (only(store).state, only(store).error) == (JobState.DEAD, "attempt 4")
    change(store, not_before=stamp())
    assert take(store) is None
    with store.read() as session:
        assert jobs.counts(session) == {JobState.DEAD: 1}


def test_what_could_not_be_tried_is_no_attempt(store: Store) -> None:
    """However often, and it counts not on top of what failed by itself."""
    promise(store, 1)
    assert fail(store, taken(store), "its own fault", max_attempts=2) is False
    for _ in range(20):
        change(store, not_before=stamp())
        job = taken(store)
        assert job.attempts == 2
        with store.write() as session:
            jobs.wait(session, job, "compute-away: the cluster", pause_s=30)
        assert (only(store).state, only(store).attempts) == (JobState.PENDING, 1)
        assert take(store) is None
        assert (datetime.fromisoformat(only(store).not_before) - now()).total_seconds() == pytest.approx(30, abs=5)
    change(store, not_before=stamp())
    assert fail(store, taken(store), "its own fault", max_attempts=2) is True


def test_whoever_lost_a_job_does_not_put_it_back(store: Store) -> None:
    promise(store, 1)
    lost = taken(store, lease_s=-1)
    _broken_off(store, max_attempts=9)
    change(store, not_before=stamp())
    mine = taken(store, owner="two")
    with store.write() as session:
        jobs.wait(session, lost, "late", pause_s=1)
    assert (only(store).state, only(store).owner, only(store).attempts) == (JobState.RUNNING, "two", mine.attempts)


def test_those_that_wait_for_others_are_told_by_kind(store: Store) -> None:
    promise(store, 1, 2, 3)
    for error in ("compute-away: the cluster does not answer", "compute-failed: it died", "store-full: no room"):
        job = taken(store)
        with store.write() as session:
            jobs.wait(session, job, error, pause_s=60)
    with store.read() as session:
        assert jobs.waiting_for_others(session) == {"correlate": (2, "store-full: no room")}


def test_patience_has_an_end(store: Store) -> None:
    promise(store, 1)
    change(store, attempts=59)
    job = taken(store)
    assert fail(store, job, "still", max_attempts=100) is False
    wait = datetime.fromisoformat(only(store).not_before) - now()
    assert wait.total_seconds() == pytest.approx(jobs.LONGEST_DELAY_S, abs=5)


def test_a_dead_job_lives_again_when_promised(store: Store) -> None:
    promise(store, 1)
    job = taken(store)
    assert fail(store, job, "no", max_attempts=1)
    promise(store, 1)
    again = taken(store)
    assert (again.job_id, again.attempts) == (job.job_id, 1)


def test_work_that_failed_often_is_not_set_aside_because_the_node_ended_once(store: Store) -> None:
    """A peer was away, then this node was killed while it fetched: that scan must not be forgotten."""
    promise(store, 1)
    for _ in range(3):
        change(store, not_before=stamp())
        fail(store, taken(store), "the peer is away", max_attempts=4)
    change(store, not_before=stamp())
    taken(store, lease_s=-1)
    assert _broken_off(store, max_attempts=4) is False
    assert (only(store).state, only(store).attempts, only(store).ended) == (JobState.PENDING, 4, 1)


def test_work_that_ends_the_node_each_time_is_set_aside(store: Store) -> None:
    promise(store, 1)
    for time in range(1, 5):
        change(store, not_before=stamp())
        taken(store, lease_s=-1)
        assert _broken_off(store, max_attempts=4) is (time == 4)
    assert only(store).state == JobState.DEAD
    promise(store, 1)
    assert (taken(store).ended, only(store).attempts) == (0, 1)


def _broken_off(store: Store, *, max_attempts: int) -> bool:
    """What a worker does with the one job that nobody holds any more."""
    with store.write() as session:
        [job] = jobs.abandoned(session)
        return jobs.broken_off(job, "the node ended", max_attempts=max_attempts)


def test_a_failure_of_what_is_gone_changes_nothing(store: Store) -> None:
    promise(store, 1)
    job = taken(store)
    with store.write() as session:
        jobs.forget(session, KIND, 1)
    assert fail(store, job, "late", max_attempts=1) is False


def test_what_a_dead_worker_held_is_found_at_once_and_no_other(store: Store) -> None:
    promise(store, 1, 2, 3)
    held = [taken(store, owner="dead").job_id, taken(store, owner="dead").job_id]
    taken(store, owner="alive")
    with store.write() as session:
        assert jobs.abandoned(session) == []
        jobs.let_go(session, "dead")
    with store.read() as session:
        assert [job.job_id for job in jobs.abandoned(session)] == held


def test_a_long_error_is_cut(store: Store) -> None:
    promise(store, 1)
    fail(store, taken(store), "x" * 10_000, max_attempts=3)
    assert only(store).error == "x" * 1000
