"""How long scans waited until they were compared with all that is here: counts that only grow, kept in the database,
since any process may compare, and a restart must not forget."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.tables.work_tables import CandidateDelayRow

CLASSES_S: Final = (1, 2, 5, 10, 30, 60, 300, 3_600, 86_400)
"""A delay counts in the first class that holds it, and in 0 where none does."""


def note_delay(session: Session, origin: str, seconds: float) -> None:
    """One scan more. ``origin``: "own" or "peer"."""
    up_to = next((limit for limit in CLASSES_S if seconds <= limit), 0)
    row = session.get(CandidateDelayRow, (origin, up_to))
    if row is None:
        session.add(CandidateDelayRow(origin=origin, up_to_s=up_to, count=1))
    else:
        row.count += 1


def delays_within(session: Session, origin: str) -> list[tuple[float, int]]:
    """How many scans waited at most so many seconds, by ``CLASSES_S``; last, of infinity, how many there were."""
    rows = session.scalars(select(CandidateDelayRow).where(CandidateDelayRow.origin == origin))
    counts = {row.up_to_s: row.count for row in rows}
    limits = [*map(float, CLASSES_S), math.inf]
    return list(zip(limits, accumulate(counts.get(limit, 0) for limit in (*CLASSES_S, 0)), strict=True))
