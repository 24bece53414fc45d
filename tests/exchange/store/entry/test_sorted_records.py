"""Records in the order of a column, a page at a time: each once, whatever arrives meanwhile, on each engine; and read
along an index wherever one serves the column."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from exchange.list_order import ListOrder
from exchange.record_filter import RecordFilter
from exchange.store.database.engine import Store
from exchange.store.entry.search import (
    MOST_COUNTED,
    NEWEST_FIRST,
    RecordColumn,
    RecordOrder,
    count_fitting,
    search_records,
    sorted_values,
)
from exchange.store.long_lists import page_in_order
from exchange.store.tables.record_tables import RecordDetailRow, RecordRow
from exchange.trust.keys import NodeKeys
from tests.exchange.store.entry.test_search import SCENE, SHOT, put
from tests.exchange.store.entry.test_search import keys as keys

ORDERS = [RecordOrder(column, descending) for column in RecordColumn for descending in (False, True)]
CALIBRES = ("9 mm Luger", "7.62x39", ".380 ACP", "7.65 mm Browning")


def fill(session: Session, first: dict[str, Any], detail: dict[str, Any], numbers: range) -> None:
    """Records like the first one, of a few calibres, cases, nodes and days, in no order."""
    chance = random.Random(numbers.start)
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
    for start in range(numbers.start, numbers.stop, 5000):
        some = range(start, min(start + 5000, numbers.stop))
        session.execute(
            text(
                "INSERT INTO statement (statement_id, type, issuer, leaf, log_index, received_at) "
                "VALUES (:id, 'record', 'ffp-rs', :leaf, :index, :at)"
            ),
            [{"id": f"{one:064x}", "leaf": b"x", "index": one, "at": first["received_at"]} for one in some],
        )
        rows = []
        for one in some:
            code = chance.choice(("rs", "mk", "xk"))
            day = chance.choice((None, "2026-01-05", "2026-03-01", "2025-12-31"))
            rows.append(
                first
                | {"statement_id": f"{one:064x}", "exhibit": f"{one:064x}", "sequence": one, "superseded_by": None}
                | {"issuer": f"ffp-{code}", "jurisdiction": code.upper(), "calibre": chance.choice(CALIBRES)}
                | {"case_reference": f"C-{chance.randrange(numbers.stop // 3)}", "earliest": day, "latest": day}
            )
        session.execute(insert(RecordRow), rows)
        details = [detail | {"sequence": one, "statement_id": f"{one:064x}"} for one in some]
        session.execute(insert(RecordDetailRow), details)


@pytest.fixture
def many(store: Store, keys: NodeKeys) -> Store:
    """Sixty records, and one that was superseded."""
    put(store, keys, SHOT, 1)
    with store.write() as session:
        fill(session, *_first(session), range(10, 70))
        session.execute(text("UPDATE record SET superseded_by = 'x' WHERE sequence = 20"))
    return store


def _first(session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
    row = dict(session.execute(select(RecordRow.__table__)).mappings().one())
    detail = dict(session.execute(select(RecordDetailRow.__table__)).mappings().one())
    return row, detail


def pages(store: Store, wanted: RecordFilter, order: RecordOrder, size: int) -> list[RecordRow]:
    """All pages of a list, one after the other."""
    found, before = list[RecordRow](), None
    while True:
        with store.read() as session:
            rows = search_records(session, wanted, before=before, limit=size, order=order)
        if not rows:
            return found
        found += rows
        after = sorted_values(rows[-1], order.column)
        order, before = ListOrder(order.column, order.descending, after), rows[-1].sequence


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.column}-{order.descending}")
@pytest.mark.parametrize("asked", [{}, {"make": "ekol"}, {"calibre": "7.62x39"}])
def test_each_record_comes_once_and_in_order(many: Store, order: RecordOrder, asked: dict[str, Any]) -> None:
    wanted = RecordFilter.model_validate(asked)
    found = pages(many, wanted, order, 7)
    with many.read() as session:
        assert len(found) == len({row.statement_id for row in found}) == count_fitting(session, wanted, most=1000)
        every = search_records(session, wanted, before=None, limit=1000)
    assert {row.statement_id for row in found} == {row.statement_id for row in every}
    places = [(*sorted_values(row, order.column), row.sequence) for row in found]
    with many.read() as session:
        engine = session.get_bind().dialect.name
    if engine == "sqlite":  # the other sorts text by its own rules, the same on each page
        assert places == sorted(places, reverse=order.descending)
    assert 20 not in [row.sequence for row in found], "it was superseded"


@pytest.mark.parametrize("column", RecordColumn)
def test_what_arrives_between_two_pages_moves_none(many: Store, keys: NodeKeys, column: RecordColumn) -> None:
    order = RecordOrder(column, descending=False)
    with many.read() as session:
        first = search_records(session, RecordFilter(), before=None, limit=30, order=order)
    put(many, keys, SCENE, 2)
    after = sorted_values(first[-1], column)
    with many.read() as session:
        rest = search_records(
            session, RecordFilter(), before=first[-1].sequence, limit=100, order=RecordOrder(column, False, after)
        )
    together = [row.sequence for row in (*first, *rest)]
    assert len(together) == len(set(together))
    assert {1, *range(10, 70)} - {20} <= set(together)


def test_records_are_counted_no_further_than_asked(many: Store) -> None:
    with many.read() as session:
        assert count_fitting(session, RecordFilter(), most=1000) == 60
        assert count_fitting(session, RecordFilter(), most=11) == 11
        assert count_fitting(session, RecordFilter(make="ekol"), most=1000) == 60
        assert count_fitting(session, RecordFilter(headstamp="nothing"), most=1000) == 0


SERVED = {
    RecordColumn.RECEIVED: "sqlite_autoindex_record",
    RecordColumn.CALIBRE: "record_by_calibre",
    RecordColumn.CASE: "record_by_case_reference",
    RecordColumn.JURISDICTION: "record_by_case",
}


@pytest.mark.slow
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_page_of_a_hundred_thousand_is_read_along_an_index(store: Store, keys: NodeKeys) -> None:
    """In SQLite's own words, and in steps of its machine, thousands at a time: a scan takes more than a thousand."""
    put(store, keys, SHOT, 1)
    with store.write() as session:
        fill(session, *_first(session), range(10, 100_010))
    assert set(SERVED) == set(RecordColumn) - {RecordColumn.OCCURRED}
    for column, index in SERVED.items():
        for descending in (False, True):
            for before in (None, 50_000):
                with store.read() as session:
                    row = session.scalars(select(RecordRow).where(RecordRow.sequence == 50_000)).one()
                    after = () if before is None else sorted_values(row, column)
                    order = RecordOrder(column, descending, after)
                    plan, steps = _cost(session, order, before)
                told = f"{column} {descending} {before}: {plan}, {steps} thousand steps"
                assert index in plan, told
                assert steps < 30, told


def _cost(session: Session, order: RecordOrder, before: int | None) -> tuple[str, int]:
    raw: Any = session.connection().connection.driver_connection
    steps = [0]

    def count() -> None:
        steps[0] += 1

    seen: list[str] = []
    raw.set_trace_callback(seen.append)
    raw.set_progress_handler(count, 1000)
    search_records(session, RecordFilter(), before=before, limit=51, order=order)
    raw.set_progress_handler(None, 0)
    raw.set_trace_callback(None)
    (asked,) = [one for one in seen if "FROM record" in one]
    plan = " / ".join(str(row[3]) for row in raw.execute(f"EXPLAIN QUERY PLAN {asked}"))
    return plan, steps[0]


def test_the_usual_order_is_the_newest_first(many: Store) -> None:
    with many.read() as session:
        rows = search_records(session, RecordFilter(), before=None, limit=5)
        same = session.scalars(page_in_order(select(RecordRow), (RecordRow.sequence,), NEWEST_FIRST, None, 5)).all()
    assert [row.sequence for row in rows] == [row.sequence for row in same] == [69, 68, 67, 66, 65]
    assert MOST_COUNTED == 1000
