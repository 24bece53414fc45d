"""The compendium of law that this node's heads are entering: what was published stands in the log alone."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base, Packed


class LawDraftRow(Base):
    """The draft after one change of it, whole, so that the change can be undone. There is one draft of a node; none
    where nobody changed anything since the last publication."""

    __tablename__ = "law_draft"
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str]
    """What was done: one article added, changed, ended or removed; or all replaced by those of a file."""
    article_id: Mapped[str | None]
    articles: Mapped[str] = mapped_column(Packed)
    """All articles, as JSON."""
    changed_by: Mapped[str]
    changed_at: Mapped[str]
