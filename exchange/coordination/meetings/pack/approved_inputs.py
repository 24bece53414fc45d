"""What a node gives to the meeting packs, as its head approved it last: one document for each half-year."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.coordination.meetings.meeting_tables import PackInputsRow


def find_pack_inputs(session: Session, half: str) -> PackInputsRow | None:
    return session.get(PackInputsRow, half)


def keep_pack_inputs(session: Session, row: PackInputsRow) -> None:
    """In place of what was approved before."""
    session.merge(row)
