"""A node's work, and who does it."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class WorkerRow(Base):
    """A process that does the node's work, `ffp serve` or `ffp worker`. It counts as alive until ``alive_until``, which
    it puts off as long as it lives; one of those alive ``leads``: it does what may be done by one alone."""

    __tablename__ = "worker"
    worker_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str]
    """Where it runs, for people: machine, process, home."""
    machine: Mapped[str]
    """The running kernel: containers of one machine have it in common."""
    home: Mapped[str]
    """The mark of the home, which all workers of a node have in common."""
    since: Mapped[str]
    seen_at: Mapped[str]
    alive_until: Mapped[str]
    leads: Mapped[bool]


class JobRow(Base):
    """The outbox: work that was promised in the same transaction as its cause."""

    __tablename__ = "job"
    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str]
    subject: Mapped[str]
    node_id: Mapped[str] = mapped_column(default="")
    """On whose account it is done: who issued the record or the withdrawal, or is at the other end of the query; of
    messages the webhook. They take turns. Empty for what is nobody's."""
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    ended: Mapped[int] = mapped_column(default=0)
    """How often a worker ended during this work."""
    not_before: Mapped[str]
    owner: Mapped[str | None]
    """The worker that does it, or did it last."""
    lease_until: Mapped[str | None]
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("job_due", "kind", "state", "not_before"),
        Index("job_by_node", "kind", "state", "node_id", "not_before"),
        {"sqlite_autoincrement": True},  # a worker may still be at a job that was deleted: its number names no other
    )


class CandidateDelayRow(Base):
    """How many scans waited so long, from their record's arrival until they were first compared with all that is here.

    Local, unsigned. ``origin``: "own" or "peer"; ``up_to_s``: the class of delays, 0 for longer than any.
    """

    __tablename__ = "candidate_delay"
    origin: Mapped[str] = mapped_column(primary_key=True)
    up_to_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
