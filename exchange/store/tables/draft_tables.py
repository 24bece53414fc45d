"""Exhibits that an examiner is still entering, and their files: content of nobody's record yet."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class DraftRow(Base):
    """One exhibit on its way to a record. ``fields`` is what was typed, by the form's names, as JSON."""

    __tablename__ = "draft"
    draft_id: Mapped[str] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), index=True)
    fields: Mapped[str]
    supersedes: Mapped[str | None]
    made_at: Mapped[str]
    saved_at: Mapped[str] = mapped_column(index=True)
    statement_id: Mapped[str | None]
    """The record that was made of it: then nothing else of the draft is kept."""


class DraftFileRow(Base):
    """One scan of a draft. How much of it has arrived, its file on the disk says."""

    __tablename__ = "draft_file"
    file_id: Mapped[str] = mapped_column(primary_key=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("draft.draft_id"), index=True)
    number: Mapped[int]
    name: Mapped[str]
    size: Mapped[int]
    modified: Mapped[str]
    """What tells the file that is picked again from another of this name and size: when it was last changed."""
    sha256: Mapped[str | None]
    """None until all of it is here."""
    stored: Mapped[bool] = mapped_column(default=False)
    """It is a scan of the version that the draft supersedes, and lies among the blobs."""
    reading: Mapped[str | None]
    """What was seen on it, as JSON; None until it was read."""
    region_mask: Mapped[str | None]
    """The region that the examiner marked by hand, as JSON (``RegionMask``); None where the found one stands."""
    region_roi: Mapped[str | None]
    """The region of interest that was marked: a mask of another one than is stated now does not count."""
    __table_args__ = (UniqueConstraint("draft_id", "number"),)
