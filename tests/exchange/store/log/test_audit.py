"""Audit rows: gap-free whoever writes, many in one transaction, and never an answer without one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from exchange.errors import NotAudited
from exchange.log.audit_entry import Act, Actor, ActorKind, Deed
from exchange.store.database.engine import Store
from exchange.store.log.audit import (
    AuditFilter,
    add_deeds,
    audit_state,
    count_not_stated,
    entries_from,
    open_rows,
    search_entries,
)
from exchange.store.log.audit_trail import AuditTrail
from schemas.vocabulary import Role

ACTOR = Actor(ActorKind.PERSON, "examiner-1", Role.EXAMINER)
PEER = Actor(ActorKind.PEER, "ffp-mk", Role.NODE)
AB, CD = "ab" * 32, "cd" * 32


def deed(number: int) -> Deed:
    return Deed(ACTOR, Act.READ_RECORD, number, (f"{number:064x}",))


def test_rows_come_back_as_they_were_written(store: Store) -> None:
    with store.write() as session:
        assert (
            add_deeds(session, [deed(1), Deed(PEER, Act.GIVE_PAGE, 2, (CD, AB), "part", "correlation", "Article 5")])
            == 2
        )
    with store.read() as session:
        first, second = entries_from(session, 1)
    assert (first.entry.number, first.entry.subjects, first.entry.purpose) == (1, (f"{1:064x}",), None)
    assert second.entry.subjects == (CD, AB), "in their order"
    assert (second.entry.asked, second.entry.purpose, second.entry.legal_basis) == ("part", "correlation", "Article 5")
    assert first.entry.leaf() == first.leaf
    assert second.entry.leaf() == second.leaf
    assert first.entry.nonce != second.entry.nonce


def test_numbers_have_no_gap_also_after_a_transaction_that_failed(store: Store) -> None:
    with store.write() as session:
        add_deeds(session, [deed(1)])
    with suppress(ZeroDivisionError), store.write() as session:
        add_deeds(session, [deed(2)])
        raise ZeroDivisionError
    with store.write() as session:
        assert add_deeds(session, [deed(3)]) == 2


def test_many_at_once_are_numbered_without_a_gap_in_few_transactions(store: Store) -> None:
    """While the first holds the writer, the others gather."""
    trail = AuditTrail(store)
    commits: list[object] = []

    def count(session: Session) -> None:
        commits.append(session.get_bind())

    event.listen(Session, "after_commit", count)
    try:
        with ThreadPoolExecutor(24) as pool:
            with store.write() as session:
                session.execute(text("select 1"))  # only now the writer is taken
                writer = session.get_bind()
                waiting = [pool.submit(trail.note, deed(number)) for number in range(24)]
                while len(trail._gathered) < 23:  # all but the one that waits for the writer
                    time.sleep(0.01)
                assert not any(future.done() for future in waiting)
            for future in waiting:
                future.result(timeout=30)
    finally:
        event.remove(Session, "after_commit", count)
    with store.read() as session:
        found = list(entries_from(session, 1))
        assert audit_state(session).last == 24
    assert [kept.entry.number for kept in found] == list(range(1, 25))
    assert sorted(kept.entry.count for kept in found) == list(range(24))
    # others' nodes may live in this process
    assert commits.count(writer) == 3, "the test's own, the first who came, all others"


@pytest.mark.slow
def test_what_cannot_be_written_is_told_to_all_who_wait(store: Store) -> None:
    trail = AuditTrail(store)
    with store.write() as session:
        session.execute(text("alter table audit rename to elsewhere"))
    with ThreadPoolExecutor(8) as pool:
        failed = [pool.submit(trail.note, deed(number)) for number in range(8)]
        for future in failed:
            with pytest.raises(NotAudited, match="could not be written down"):
                future.result(timeout=30)
    with store.write() as session:
        session.execute(text("alter table elsewhere rename to audit"))
    trail.note(deed(9))
    with store.read() as session:
        assert [kept.entry.count for kept in entries_from(session, 1)] == [9]


def test_the_supervisors_filters(store: Store) -> None:
    with store.write() as session:
        add_deeds(session, [deed(1), deed(2), Deed(PEER, Act.GIVE_PAGE, 2, (CD, AB), purpose="correlation")])
        add_deeds(session, [Deed(ACTOR, Act.SEARCH_RECORDS, 0, purpose="detection")])
    with store.read() as session:
        today = date.fromisoformat(next(entries_from(session, 1)).entry.at[:10])

        def numbers(*, before: int | None = None, limit: int = 50, **wanted: object) -> list[int]:
            found = search_entries(session, AuditFilter(**wanted), before=before, limit=limit)  # type: ignore[arg-type]
            return [kept.entry.number for kept in found]

        assert numbers() == [4, 3, 2, 1]
        assert numbers(limit=2) == [4, 3]
        assert numbers(before=3) == [2, 1]
        assert numbers(actor="examiner-1") == [4, 2, 1]
        assert numbers(subject=AB) == [3]
        assert numbers(act=Act.SEARCH_RECORDS) == [4]
        assert numbers(day=today) == [4, 3, 2, 1]
        assert numbers(day=today - timedelta(days=1)) == []
        assert numbers(day=today + timedelta(days=1)) == []
        assert count_not_stated(session, AuditFilter()) == 2
        assert count_not_stated(session, AuditFilter(act=Act.SEARCH_RECORDS)) == 0
        waiting = open_rows(session)
    assert waiting is not None
    assert (waiting.first, waiting.last) == (1, 4)


def test_a_new_node_has_no_row(store: Store) -> None:
    with store.read() as session:
        assert open_rows(session) is None
        assert list(entries_from(session, 1)) == []
