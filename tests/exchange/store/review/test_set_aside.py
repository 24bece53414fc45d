"""Pairs that were set aside, in the store: however many one person set aside over the years."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text

from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from exchange.store.review.set_aside_rows import put_aside_ever
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import PairSetAsideRow
from schemas.vocabulary import Role

ROWS = 20_000


@pytest.mark.parametrize("by", ["one", None])
def test_whether_one_exhibit_was_looked_at_reads_no_more_than_its_own_pairs(store: Store, by: str | None) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        aside = {"pseudonym": "one", "highest": 0.1, "set_aside_at": "2026-01-01T00:00:00.000Z"}
        pairs = (
            {"exhibit_low": f"ffp-mk/{place:064x}", "exhibit_high": f"ffp-rs/{place:064x}"} for place in range(ROWS)
        )
        session.execute(insert(PairSetAsideRow), [aside | pair for pair in pairs])
    asked = select(RecordRow.statement_id).where(~put_aside_ever(RecordRow, by=by))
    with store.read() as session:
        dialect = session.get_bind().dialect
        words = str(asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "postgresql":
            session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [row[0] for row in session.execute(text(f"EXPLAIN {words}"))]
        else:
            plan = [row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {words}"))]
    looks = [line for line in plan if "pair_set_aside" in line]
    assert len(looks) >= 2
    for index in ("pair_set_aside_by_exhibits", "pair_set_aside_by_second_exhibit"):
        assert any(index in line for line in looks), looks
