"""All versions of a record are one exhibit, in whatever order they come, on each engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from exchange.store.database.engine import Store
from exchange.store.entry.exhibits import exhibit_name, exhibit_of, exhibits_of, too_many_versions, versions_of_exhibits
from exchange.store.entry.records import add_record, add_records, versions_of
from exchange.store.log.statements import add_statement
from exchange.store.review.reviews import add_task, exhibits_seen_by, mark_exhibits
from exchange.store.tables.records import RecordRow, StatementRow
from exchange.store.tables.reviews import ExhibitsSeenRow, VerificationTaskRow
from exchange.store.terms.withdrawals import erase_rows
from schemas import Record, parse_statement, statement_id
from tests.exchange.databases import Sqlite
from tests.schemas.examples import ISSUER, STATEMENT, encoded, record_fields

OTHER = "ffp-mk/other"


def version(number: int, supersedes: str | None, issuer: str = ISSUER) -> tuple[str, Record, bytes]:
    payload = encoded(record_fields(issuer=issuer, nonce=f"{number:064x}", supersedes=supersedes))
    record = parse_statement(payload)
    assert isinstance(record, Record)
    return statement_id(payload), record, payload


def keep(session: Session, place: int, one: tuple[str, Record, bytes]) -> None:
    name, record, payload = one
    add_statement(session, name, record, "record", STATEMENT.sign(payload), place)
    add_record(session, name, record, submitted_by=None, state="queued")


def task_of(exhibit: str) -> VerificationTaskRow:
    low, high = exhibits_of(exhibit, OTHER)
    return VerificationTaskRow(
        task_id="t", basis="screen", scan_low="l", scan_high="h", statement_a="a", statement_b="b", pair="{}",
        exhibit_low=low, exhibit_high=high, created_at="", due_at="",
    )  # fmt: skip


def chain() -> list[tuple[str, Record, bytes]]:
    versions: list[tuple[str, Record, bytes]] = []
    for number in range(3):
        versions.append(version(number, versions[-1][0] if versions else None))
    return versions


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_versions_are_one_exhibit_in_whatever_order_they_come(store: Store, order: tuple[int, ...]) -> None:
    """What was seen of the version that came first, and what waits of it, is of the exhibit."""
    versions = chain()
    first = exhibit_name(ISSUER, versions[0][0])
    for place, number in enumerate(order):
        with store.write() as session:
            keep(session, number, versions[number])
            if place == 0:
                named = session.get_one(RecordRow, versions[number][0]).exhibit
                mark_exhibits(session, "one", [exhibits_of(named, OTHER)])
                add_task(session, task_of(named))
    with store.read() as session:
        assert set(session.scalars(select(RecordRow.exhibit))) == {first}
        assert {exhibit_of(session, ISSUER, name) for name, _, _ in versions} == {first}
        assert versions_of_exhibits(session, [first]) == dict.fromkeys((name for name, _, _ in versions), first)
        assert set(exhibits_seen_by(session, "one", [exhibits_of(first, OTHER)])) == {exhibits_of(first, OTHER)}
        task = session.get_one(VerificationTaskRow, "t")
        assert (task.exhibit_low, task.exhibit_high) == exhibits_of(first, OTHER)


def test_two_that_turn_out_to_be_one_keep_one_mark(store: Store) -> None:
    versions = chain()
    with store.write() as session:
        for number in (0, 2):
            keep(session, number, versions[number])
            named = session.get_one(RecordRow, versions[number][0]).exhibit
            mark_exhibits(session, "one", [exhibits_of(named, OTHER)])
    with store.write() as session:
        keep(session, 1, versions[1])
    with store.read() as session:
        assert len(session.scalars(select(ExhibitsSeenRow)).all()) == 1


def test_a_version_that_was_erased_leads_on(store: Store) -> None:
    versions = chain()
    with store.write() as session:
        for number in (0, 1):
            keep(session, number, versions[number])
        for name, _, _ in versions[:2]:
            erase_rows(session, name)
        keep(session, 2, versions[2])
    with store.read() as session:
        assert session.get_one(RecordRow, versions[2][0]).exhibit == exhibit_name(ISSUER, versions[0][0])


def test_a_record_that_supersedes_none_asks_little(store: Store) -> None:
    """Each question keeps all other writers waiting: the highest sequence, and who supersedes it already."""
    said: list[str] = []
    with store.write() as session:
        name, record, payload = version(0, None)
        add_statement(session, name, record, "record", STATEMENT.sign(payload), 0)
        session.flush()
        listen(session.get_bind(), "before_cursor_execute", lambda *run: said.append(run[2]))
        add_record(session, name, record, submitted_by=None, state="queued")
    assert len([one for one in said if not one.startswith(("INSERT", "COMMIT"))]) == 2, said


@pytest.mark.parametrize("forward", [True, False])
def test_a_page_of_a_long_chain_is_written_with_few_queries(store: Store, forward: bool) -> None:
    """As the issue had it: each record walked the whole chain back, while the database was locked."""
    versions: list[tuple[str, Record, bytes]] = []
    for number in range(128):
        versions.append(version(number, versions[-1][0] if versions else None))
    said: list[str] = []
    with store.read() as session:
        listen(session.get_bind(), "before_cursor_execute", lambda *run: said.append(run[2]))
    places = list(range(128)) if forward else list(reversed(range(128)))
    for part in (places[:64], places[64:]):
        with store.write() as session:
            for place in part:
                name, record, payload = versions[place]
                add_statement(session, name, record, "record", STATEMENT.sign(payload), place)
            session.flush()
            before = len(said)
            records = [(versions[place][0], versions[place][1]) for place in part]
            add_records(session, records, submitted_by=None, state="queued")
            assert len([one for one in said[before:] if not one.startswith("INSERT")]) < 20
    with store.read() as session:
        assert set(session.scalars(select(RecordRow.exhibit))) == {exhibit_name(ISSUER, versions[0][0])}
        assert [row.statement_id for row in versions_of(session, versions[70][0])] == [one[0] for one in versions]


def test_an_exhibit_has_no_more_versions_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where two chains turn out to be one, and where versions stand on one page."""
    monkeypatch.setattr("exchange.store.entry.exhibits.MAX_VERSIONS", 4)
    versions: list[tuple[str, Record, bytes]] = []
    for number in range(7):
        versions.append(version(number, versions[-1][0] if versions else None))
    names = {name: record.supersedes for name, record, _ in versions}
    by_place = list(names)
    with store.write() as session:
        assert too_many_versions(session, ISSUER, names) == set(by_place[4:])
        for number in (0, 1, 3, 4):
            keep(session, number, versions[number])
        assert too_many_versions(session, ISSUER, {by_place[2]: by_place[1]}) == {by_place[2]}
        assert too_many_versions(session, ISSUER, {by_place[5]: by_place[4]}) == set()
        assert too_many_versions(session, "ffp-mk", {by_place[2]: by_place[1]}) == set()


@pytest.mark.slow
def test_versions_that_were_erased_count_and_are_walked_in_one_query(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer withdraws each version before it signs the next: the chain is as long as any."""
    monkeypatch.setattr("exchange.store.entry.exhibits.MAX_VERSIONS", 40)
    versions: list[tuple[str, Record, bytes]] = []
    for number in range(41):
        versions.append(version(number, versions[-1][0] if versions else None))
    said: list[str] = []
    with store.write() as session:
        for number in range(40):
            keep(session, number, versions[number])
            erase_rows(session, versions[number][0])
        listen(session.get_bind(), "before_cursor_execute", lambda *run: said.append(run[2]))
        last, before_last = versions[40][0], versions[39][0]
        assert too_many_versions(session, ISSUER, {last: before_last}) == {last}
        assert too_many_versions(session, ISSUER, {before_last: versions[38][0]}) == set(), "it may be given again"
        first = exhibit_name(ISSUER, versions[0][0])
        assert exhibit_of(session, ISSUER, before_last) == first
        assert len(versions_of_exhibits(session, [first])) == 40
        assert len(said) < 8


def test_versions_are_found_without_a_walk_through_all_records(
    tmp_path: Path, store_at: Callable[[Path], Store]
) -> None:
    """A page asks for them each time: they must cost the same among many records."""
    versions = chain()
    store = store_at(Sqlite().prepared(tmp_path))
    with store.write() as session:
        for place, one in enumerate(versions):
            keep(session, place, one)
        first = exhibit_name(ISSUER, versions[0][0])
        others = [
            {
                "statement_id": f"{number:064x}",
                "type": "record",
                "issuer": ISSUER,
                "about": None,
                "envelope": b"",
                "leaf": b"",
                "log_index": number,
                "received_at": "2026-01-01T00:00:00.000Z",
                "refused_by": None,
            }
            for number in range(10, 5_010)
        ]
        session.execute(insert(StatementRow), others)
    with store.read() as session:
        assert len(versions_of_exhibits(session, [first])) == 3
        raw: Any = session.connection().connection.driver_connection
        hundreds = itertools.count()
        raw.set_progress_handler(lambda: next(hundreds) and None, 100)
        assert len(versions_of_exhibits(session, [first])) == 3
        raw.set_progress_handler(None, 0)
        assert next(hundreds) < 20


def test_no_other_node_makes_its_record_a_version_of_an_exhibit(store: Store) -> None:
    for order in ((0, 1), (1, 0)):
        mine = version(10 + order[0], None)
        theirs = version(20 + order[0], mine[0], "ffp-mk")
        with store.write() as session:
            for number in order:
                keep(session, order[0] * 2 + number, (mine, theirs)[number])
        with store.read() as session:
            names = [session.get_one(RecordRow, one[0]).exhibit for one in (mine, theirs)]
            assert names == [exhibit_name(ISSUER, mine[0]), exhibit_name("ffp-mk", mine[0])]
            assert theirs[0] not in versions_of_exhibits(session, names[:1])
