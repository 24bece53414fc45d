"""The compendium of law that this node's heads are entering: what was published stands in the log alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.clock import stamp
from exchange.store.tables.columns import Base, Packed
from exchange.store.tables.records import StatementRow

MOST_LAW_EDITIONS = 4
"""So many are tried where the newest cannot be read."""


def newest_law_editions(session: Session, issuer: str, before: str | None = None) -> Sequence[StatementRow]:
    """The newest first, in the order of the issuer's log. With ``before``, only those that this node received
    before that moment."""
    found = select(StatementRow).where(
        StatementRow.issuer == issuer,
        StatementRow.type == "law",
        StatementRow.refused_by.is_(None),
        StatementRow.envelope.is_not(None),
    )
    if before is not None:
        found = found.where(StatementRow.received_at < before)
    return session.scalars(found.order_by(StatementRow.log_index.desc()).limit(MOST_LAW_EDITIONS)).all()


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


class LawDraftRow(Base):
    """The complete draft as it was after one change, kept so that changes can be undone. A node has at most one draft;
    after a publication it has none until somebody changes something."""

    __tablename__ = "law_draft"
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str]
    """What was done: one article added, changed, ended or removed; or all replaced by those of a file."""
    article_id: Mapped[str | None]
    articles: Mapped[str] = mapped_column(Packed)
    """All articles, as JSON."""
    changed_by: Mapped[str]
    changed_at: Mapped[str]
