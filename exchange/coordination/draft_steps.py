"""Drafts that heads change step by step: their jurisdiction's law, a half-year's incident counts, a proposed table.

Each step keeps the complete content after one change, so that changes can be undone. Published and approved content is
stored elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.clock import stamp
from exchange.store.tables.columns import Base, Packed


class DraftStepRow(Base):
    """A draft as it was after one change."""

    __tablename__ = "draft_step"
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    draft: Mapped[str]
    """What the draft is of, such as "law"."""
    of: Mapped[str]
    """The half-year of the draft; empty if it is not of one half-year."""
    act: Mapped[str]
    """What the change did: a word that each kind of draft defines for itself."""
    content: Mapped[str] = mapped_column(Packed)
    """JSON."""
    made_by: Mapped[str]
    made_at: Mapped[str]
    __table_args__ = (
        Index("ix_draft_step_draft", "draft", "of"),
        {"sqlite_autoincrement": True},  # no number is used twice: a form names the step that it was filled in on
    )


def draft_steps(session: Session, draft: str, of: str = "") -> Sequence[DraftStepRow]:
    """Return the steps that can be undone, the newest first."""
    found = select(DraftStepRow).where(DraftStepRow.draft == draft, DraftStepRow.of == of)
    return session.scalars(found.order_by(DraftStepRow.step.desc())).all()


def add_step(
    session: Session, draft: str, act: str, content: str, by: str, *, of: str = "", most: int = 1
) -> DraftStepRow:
    """Add a step and keep the newest ``most`` steps; earlier ones are deleted. Needs a write transaction."""
    row = DraftStepRow(draft=draft, of=of, act=act, content=content, made_by=by, made_at=stamp())
    session.add(row)
    session.flush()
    drop_steps(session, draft_steps(session, draft, of)[most:])
    return row


def drop_steps(session: Session, steps: Sequence[DraftStepRow]) -> None:
    """Needs a write transaction."""
    session.execute(delete(DraftStepRow).where(DraftStepRow.step.in_([row.step for row in steps])))
