"""The tables of queries, own and received, and of the searches that start by themselves."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class QueryRow(Base):
    """A query, own or received, and how far it is."""

    __tablename__ = "query"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"), unique=True)
    asker: Mapped[str]
    asked: Mapped[str]
    """The node that is asked."""
    record: Mapped[str | None]
    """Whose scan it is; None of a received one, which does not say."""
    position: Mapped[int | None]
    roi: Mapped[str]
    calibre: Mapped[str]
    case_reference: Mapped[str]
    purpose: Mapped[str]
    legal_basis: Mapped[str]
    made_by: Mapped[str]
    triggers: Mapped[str | None]
    """The rules that started an automatic search, separated by spaces. None if a person started it."""
    state: Mapped[str]
    detail: Mapped[str | None]
    """Why it is withheld, what went wrong last, or why nothing was searched."""
    result: Mapped[str | None]
    at: Mapped[str]
    due_at: Mapped[str]
    answered_at: Mapped[str | None]
    answer: Mapped[str | None]
    __table_args__ = (Index("query_by_asker", "asker", "at"), {"sqlite_autoincrement": True})


class StartedSearchRow(Base):
    """An own record about which this node asked its peers by itself, once. Names of nodes and of rules stand with a
    space between them."""

    __tablename__ = "started_search"
    record: Mapped[str] = mapped_column(primary_key=True)
    triggers: Mapped[str]
    """The rules that it fits."""
    started_at: Mapped[str]
    asked: Mapped[int]
    """How many queries were signed."""
    not_allowed: Mapped[str]
    """The peers to which policy lets no scan go."""
    left_out: Mapped[str]
    """The peers that were not asked about each scan, since a day's most was reached."""


class FoundRow(Base):
    """What an answer found. Only the owner knows from the first which record a handle names."""

    __tablename__ = "query_found"
    handle: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(ForeignKey("query.statement_id"), index=True)
    record: Mapped[str | None] = mapped_column(index=True)
    band: Mapped[str]
    state: Mapped[str]
    due_at: Mapped[str | None]
    """When the owner's decision is due, once it was asked for."""
    request: Mapped[str | None]
    decision: Mapped[str | None]
    """The grant, or the approval that refuses."""
