"""Who works on what, in the store: however much somebody took over the years."""

from __future__ import annotations

import pytest

from exchange.store.database.engine import Store
from exchange.store.review.candidate_rows import unopened_records

MORE_THAN_ONE_STATEMENT_NAMES = 300_000
"""SQLite takes 32,766 values in one statement, Debian's 250,000, PostgreSQL 65,535."""


@pytest.mark.slow
def test_of_however_many_records_it_is_asked_which_wait(store: Store) -> None:
    named = {f"{number:064x}" for number in range(MORE_THAN_ONE_STATEMENT_NAMES)}
    with store.read() as session:
        assert unopened_records(session, "ffp-rs", submitted_by=None, blind_for="one", only=named) == []
