"""In which hours nodes were asked, and in which they answered."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.tables.peer_tables import NodeHoursRow


def note_hour(session: Session, node_id: str, day: str, hour: int, *, answered: bool) -> None:
    """A node was asked in this hour of the day, and answered or not. Needs a write transaction."""
    row = session.get(NodeHoursRow, (node_id, day))
    if row is None:
        row = NodeHoursRow(node_id=node_id, day=day, asked=0, answered=0)
        session.add(row)
    row.asked |= 1 << hour
    row.answered |= int(answered) << hour


def note_days(session: Session, node_id: str, days: Mapping[str, tuple[int, int]]) -> None:
    """Of whole days at once: by day, a bit for each hour in which a node was asked, and for each in which it answered.
    Needs a write transaction."""
    for day, (asked, answered) in days.items():
        row = session.get(NodeHoursRow, (node_id, day))
        if row is None:
            row = NodeHoursRow(node_id=node_id, day=day, asked=0, answered=0)
            session.add(row)
        row.asked |= asked
        row.answered |= answered


def hours_between(session: Session, first_day: str, before_day: str) -> Mapping[str, tuple[int, int]]:
    """By node, in how many hours it was asked, and in how many it answered; without those of which nothing is known."""
    found: dict[str, tuple[int, int]] = {}
    rows = session.scalars(
        select(NodeHoursRow)
        .where(NodeHoursRow.day >= first_day, NodeHoursRow.day < before_day)
        .order_by(NodeHoursRow.node_id)
    )
    for row in rows:
        asked, answered = found.get(row.node_id, (0, 0))
        found[row.node_id] = asked + row.asked.bit_count(), answered + row.answered.bit_count()
    return found
