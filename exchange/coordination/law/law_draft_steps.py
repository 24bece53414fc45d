"""The steps of the draft of a compendium, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.law.law_tables import LawDraftRow

MOST_LAW_STEPS = 50
"""That can be undone; earlier ones are forgotten."""


def law_draft_steps(session: Session) -> Sequence[LawDraftRow]:
    """The last one first."""
    return session.scalars(select(LawDraftRow).order_by(LawDraftRow.step.desc())).all()


def last_law_draft_step(session: Session) -> LawDraftRow | None:
    return session.scalars(select(LawDraftRow).order_by(LawDraftRow.step.desc()).limit(1)).first()


def add_law_draft_step(session: Session, act: str, article_id: str | None, articles: str, changed_by: str) -> int:
    """Returns the number of the step."""
    last = last_law_draft_step(session)
    step = 1 if last is None else last.step + 1
    session.add(
        LawDraftRow(
            step=step,
            act=act,
            article_id=article_id,
            articles=articles,
            changed_by=changed_by,
            changed_at=stamp(),
        )
    )
    session.execute(delete(LawDraftRow).where(LawDraftRow.step <= step - MOST_LAW_STEPS))
    session.flush()
    return step


def drop_law_draft_step(session: Session, step: int) -> None:
    session.execute(delete(LawDraftRow).where(LawDraftRow.step == step))


def drop_law_draft(session: Session) -> None:
    session.execute(delete(LawDraftRow))
