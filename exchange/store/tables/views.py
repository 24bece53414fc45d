"""Views of a pair under the comparison viewer that an examiner saved."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.base import Base


class SavedViewRow(Base):
    """How one examiner looked at two scans, with the picture of it. It belongs to the scans, not to a candidate: these
    are made anew with each release of the matcher.

    The two scans stand in the order of their digests; ``query`` is the one whose frame the document's places are in.
    """

    __tablename__ = "saved_view"
    view_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    scan_low: Mapped[str]
    scan_high: Mapped[str]
    query: Mapped[str]
    made_by: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"))
    made_at: Mapped[str]
    title: Mapped[str]
    document: Mapped[str]
    """The view, as JSON."""
    picture: Mapped[bytes] = mapped_column(deferred=True)
    """PNG, made by this node out of what the browser sent; for the report."""
    thumbnail: Mapped[bytes] = mapped_column(deferred=True)
    """The same, small, as JPEG."""
    __table_args__ = (
        Index("saved_view_by_scans", "scan_low", "scan_high", "made_by"),
        Index("saved_view_by_second_scan", "scan_high"),
        {"sqlite_autoincrement": True},  # the id of what was deleted never names anything else
    )
