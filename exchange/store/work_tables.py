"""Who does a node's work."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.types import Base


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
