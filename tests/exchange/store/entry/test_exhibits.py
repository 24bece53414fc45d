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
from exchange.store.entry.exhibits import (
    exhibit_name,
    exhibit_of,
    exhibit_stated,
    too_many_versions,
    versions_of_exhibits,
)
from exchange.store.entry.record_rows import add_record, add_records, versions_of
from exchange.store.log.statement_rows import add_statement
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.terms.withdrawals import erase_rows, raise_tombstone
from schemas import Record, Withdrawal, parse_statement, statement_id
from tests.exchange.databases import Sqlite
from tests.schemas.examples import ISSUER, STATEMENT, encoded, record_fields
from tests.schemas.statement_examples import statement_fields


def version(
    number: int, supersedes: str | None, first_version: str | None = None, issuer: str = ISSUER
) -> tuple[str, Record, bytes]:
    named = {"supersedes": supersedes, "first_version": first_version or supersedes}
    payload = encoded(record_fields(issuer=issuer, nonce=f"{number:064x}", **named))
    record = parse_statement(payload)
    assert isinstance(record, Record)
    return statement_id(payload), record, payload


def keep(session: Session, place: int, one: tuple[str, Record, bytes]) -> None:
    name, record, payload = one
    add_statement(session, name, record, "record", STATEMENT.sign(payload), place)
    add_record(session, name, record, submitted_by=None, state="queued")


def chain(length: int = 3) -> list[tuple[str, Record, bytes]]:
    versions: list[tuple[str, Record, bytes]] = []
    for number in range(length):
        named = (versions[-1][0], versions[0][0]) if versions else (None, None)
        versions.append(version(number, *named))
    return versions


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_versions_are_one_exhibit_in_whatever_order_they_come(store: Store, order: tuple[int, ...]) -> None:
    """Also while one of them is not here: of the others the last in the owner's log is current."""
    versions = chain()
    first = exhibit_name(ISSUER, versions[0][0])
    for place, number in enumerate(order):
        with store.write() as session:
            keep(session, number, versions[number])
        here = [versions[one][0] for one in sorted(order[: place + 1])]
        with store.read() as session:
            rows = session.scalars(select(RecordRow)).all()
            assert {row.exhibit for row in rows} == {first}
            newer = dict(zip(here, [*here[1:], None], strict=True))
            assert {row.statement_id: row.superseded_by for row in rows} == newer
    with store.read() as session:
        assert {exhibit_of(session, ISSUER, name) for name, _, _ in versions} == {first}
        assert versions_of_exhibits(session, [first]) == dict.fromkeys((name for name, _, _ in versions), first)


def test_what_was_decided_on_a_version_before_it_came_is_decided_on_its_exhibit(store: Store) -> None:
    versions = chain()
    named = {"record": versions[2][0], "first_version": versions[0][0]}
    taken = statement_fields()["withdrawal"] | named | {"holder": "ffp-mk"}
    withdrawal = parse_statement(encoded(taken))
    assert isinstance(withdrawal, Withdrawal)
    with store.write() as session:
        stone = raise_tombstone(session, withdrawal, "ab" * 32, 9)
        assert stone.exhibit == exhibit_name(ISSUER, versions[0][0])


def test_a_version_that_was_erased_is_still_of_its_exhibit(store: Store) -> None:
    versions = chain()
    with store.write() as session:
        for number in (0, 1):
            keep(session, number, versions[number])
        for name, _, _ in versions[:2]:
            erase_rows(session, name)
        keep(session, 2, versions[2])
    with store.read() as session:
        first = exhibit_name(ISSUER, versions[0][0])
        assert session.get_one(RecordRow, versions[2][0]).exhibit == first
        assert exhibit_of(session, ISSUER, versions[1][0]) == first


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
    """The database is locked meanwhile."""
    versions = chain(128)
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
    """Also where they stand on one page, and where earlier ones were erased: a peer may withdraw each version before it
    signs the next."""
    monkeypatch.setattr("exchange.store.entry.exhibits.MAX_VERSIONS", 4)
    versions = chain(6)
    new = {name: exhibit_stated(name, record) for name, record, _ in versions}
    by_place = list(new)
    with store.write() as session:
        assert too_many_versions(session, new) == set(by_place[4:])
        for number in range(4):
            keep(session, number, versions[number])
            erase_rows(session, by_place[number])
        assert too_many_versions(session, {by_place[4]: new[by_place[4]]}) == {by_place[4]}
        assert too_many_versions(session, {by_place[3]: new[by_place[3]]}) == set(), "it may be given again"
        assert too_many_versions(session, {by_place[4]: exhibit_name("ffp-mk", by_place[0])}) == set()


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
        theirs = version(20 + order[0], mine[0], issuer="ffp-mk")
        with store.write() as session:
            for number in order:
                keep(session, order[0] * 2 + number, (mine, theirs)[number])
        with store.read() as session:
            names = [session.get_one(RecordRow, one[0]).exhibit for one in (mine, theirs)]
            assert names == [exhibit_name(ISSUER, mine[0]), exhibit_name("ffp-mk", mine[0])]
            assert theirs[0] not in versions_of_exhibits(session, names[:1])
