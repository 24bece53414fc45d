"""Saved views: rows in, rows out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session, undefer

from exchange.store.tables.review_tables import SavedViewRow


def add_view(session: Session, row: SavedViewRow) -> int:
    """Returns its id."""
    session.add(row)
    session.flush()
    return row.view_id


def views_of(session: Session, scans: Collection[str], *, made_by: str | None) -> Sequence[SavedViewRow]:
    """Those of two scans, the oldest first, without their pictures; ``made_by`` None for everybody's."""
    found = select(SavedViewRow).where(_of(scans)).order_by(SavedViewRow.view_id)
    if made_by is not None:
        found = found.where(SavedViewRow.made_by == made_by)
    return session.scalars(found).all()


def find_view(session: Session, scans: Collection[str], view_id: int) -> SavedViewRow | None:
    """With its pictures."""
    found = select(SavedViewRow).where(_of(scans), SavedViewRow.view_id == view_id)
    return session.scalars(found.options(undefer(SavedViewRow.picture), undefer(SavedViewRow.thumbnail))).one_or_none()


def count_views(session: Session, scans: Collection[str], made_by: str) -> int:
    counted = select(func.count()).select_from(SavedViewRow).where(_of(scans), SavedViewRow.made_by == made_by)
    return session.scalar(counted) or 0


def delete_view(session: Session, view_id: int) -> None:
    session.execute(delete(SavedViewRow).where(SavedViewRow.view_id == view_id))


def forget_views(session: Session, scans: Collection[str]) -> None:
    """All that show one of these scans."""
    either = or_(SavedViewRow.scan_low.in_(scans), SavedViewRow.scan_high.in_(scans))
    session.execute(delete(SavedViewRow).where(either))


def _of(scans: Collection[str]) -> ColumnElement[bool]:
    low, high = sorted(scans)
    return and_(SavedViewRow.scan_low == low, SavedViewRow.scan_high == high)
