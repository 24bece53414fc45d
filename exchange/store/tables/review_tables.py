"""What is sent for blind verification, who has seen what a verifier must not have seen, whose scored lists are open to
whom, who works on what, and what a person keeps: searches, views, and pairs that are set aside."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class VerificationTaskRow(Base):
    """A pair that another examiner is to judge without knowing what anybody holds of it.

    ``conclusion`` is the one to be verified; None for a pair that nobody holds for a lead, sent so that being asked
    tells nothing. The two scans stand in the order of their digests, as everything about a pair that has no sides.
    ``request``: the statement by which a node asked another one. ``partner``: the node that this one asked;
    ``asked_by``: the node that asked this one; ``asked_conclusion``: the id of its conclusion, which is not known here.
    """

    __tablename__ = "verification_task"
    task_id: Mapped[str] = mapped_column(primary_key=True)
    conclusion: Mapped[str | None] = mapped_column(unique=True)
    concluded_by: Mapped[str | None]
    not_for: Mapped[str | None]
    """Whom a control is not offered to, as a conclusion is not to its maker."""
    basis: Mapped[str]
    scan_low: Mapped[str]
    scan_high: Mapped[str]
    exhibit_low: Mapped[str]
    exhibit_high: Mapped[str]
    statement_a: Mapped[str] = mapped_column(index=True)
    statement_b: Mapped[str] = mapped_column(index=True)
    pair: Mapped[str]
    """The contract's pair, as JSON."""
    created_at: Mapped[str]
    due_at: Mapped[str]
    taken_by: Mapped[str | None]
    done_at: Mapped[str | None]
    said: Mapped[str | None]
    """The statement that was made of it."""
    request: Mapped[str | None] = mapped_column(unique=True)
    partner: Mapped[str | None]
    asked_by: Mapped[str | None]
    asked_conclusion: Mapped[str | None]
    __table_args__ = (
        Index("verification_task_by_scans", "scan_low", "scan_high"),
        Index("verification_task_by_exhibits", "exhibit_low", "exhibit_high"),
        Index("verification_task_by_second_exhibit", "exhibit_high"),
        Index("verification_task_by_end", "done_at", "created_at"),
    )


class ScoreSeenRow(Base):
    """Who was shown the score of two scans, in a list or opened."""

    __tablename__ = "score_seen"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    scan_low: Mapped[str] = mapped_column(primary_key=True)
    scan_high: Mapped[str] = mapped_column(primary_key=True)
    listed_at: Mapped[str]
    opened_at: Mapped[str | None]
    __table_args__ = (
        Index("score_seen_by_scans", "scan_low", "scan_high"),
        Index("score_opened_by_low", "scan_low", "opened_at"),
        Index("score_opened_by_high", "scan_high", "opened_at"),
    )


class ExhibitsSeenRow(Base):
    """Who was shown a score of two exhibits, of whatever scans: whoever was verifies no pair of them blind."""

    __tablename__ = "exhibits_seen"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    exhibit_low: Mapped[str] = mapped_column(primary_key=True)
    exhibit_high: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[str]
    __table_args__ = (
        Index("exhibits_seen_by_exhibits", "exhibit_low", "exhibit_high"),
        Index("exhibits_seen_by_second_exhibit", "exhibit_high"),
    )


class OpenedListRow(Base):
    """An examiner who opened the scored list of an exhibit that another one works on."""

    __tablename__ = "opened_list"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    exhibit: Mapped[str] = mapped_column(primary_key=True)
    opened_at: Mapped[str]
    __table_args__ = (Index("opened_list_by_exhibit", "exhibit"),)


class TakenWorkRow(Base):
    """Who works on an own exhibit that waits for its first review, or on a pair that a hit joins: advice to colleagues,
    local and unsigned. There is none any more when nothing of it waits."""

    __tablename__ = "taken_work"
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """The exhibit's name, or the pair's id."""
    taken_by: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), index=True)
    taken_at: Mapped[str]
    given_by: Mapped[str | None]
    """None where they took it themselves."""


class PairSetAsideRow(Base):
    """Two exhibits that one examiner does not want to compare: folded in that examiner's own lists, and nowhere else.
    ``highest`` of their scores, and the highest ``validated`` one, as they were then: a higher one brings them back."""

    __tablename__ = "pair_set_aside"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    exhibit_low: Mapped[str] = mapped_column(primary_key=True)
    exhibit_high: Mapped[str] = mapped_column(primary_key=True)
    highest: Mapped[float]
    validated: Mapped[float | None]
    set_aside_at: Mapped[str]
    __table_args__ = (
        Index("pair_set_aside_by_exhibits", "exhibit_low", "exhibit_high"),
        Index("pair_set_aside_by_second_exhibit", "exhibit_high"),
    )


class KeptSearchRow(Base):
    """A search that one person keeps. ``conditions``: a ``RecordFilter`` as JSON. ``looked_to``: the sequence number of
    the newest record when its maker last looked; ``newest_at``: when a record that fits last came."""

    __tablename__ = "kept_search"
    search_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"))
    title: Mapped[str]
    conditions: Mapped[str]
    looked_to: Mapped[int]
    kept_at: Mapped[str]
    newest_at: Mapped[str | None]
    stopped_at: Mapped[str | None]
    __table_args__ = (
        Index("kept_search_by_person", "pseudonym", "newest_at"),
        {"sqlite_autoincrement": True},  # an alert never leads to another search than it told of
    )


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
