"""Whom which score was shown, in the store: however much one person was shown over the years."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert

from exchange.store.database.engine import Store
from exchange.store.review.review_rows import seen_with
from exchange.store.tables.review_tables import ExhibitsSeenRow

ROWS = 20_000


def test_what_was_shown_of_an_exhibit_reads_no_more_than_its_own_pairs(store: Store) -> None:
    pairs = [(f"ffp-mk/{place:064x}", f"ffp-rs/{place:064x}") for place in range(ROWS)]
    with store.write() as session:
        seen = {"pseudonym": "one", "seen_at": "2026-01-01T00:00:00.000Z"}
        session.execute(insert(ExhibitsSeenRow), [seen | {"exhibit_low": a, "exhibit_high": b} for a, b in pairs])
    asked: list[tuple[str, Any]] = []
    with store.read() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda _c, _s, words, given, *_: asked.append((words, given)))
        assert seen_with(session, "one", {pairs[7][0], pairs[9][1]}) == {pairs[7], pairs[9]}
        assert seen_with(session, "two", {pairs[7][0]}) == set()
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL knows how many rows there are, and chooses by that")
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given).all() for words, given in [*asked]]
    looks = [row[3] for plan in plans for row in plan]
    assert len(looks) == 4
    assert all("exhibit_low=?" in look or "exhibit_high=?" in look for look in looks), looks
