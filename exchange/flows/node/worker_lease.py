"""A worker shows that it lives, keeps the leases of its jobs, takes over from dead ones, and leads when nobody does.

All processes of a node share one home. A worker that died is known there at once, since the kernel let go of its file;
one that hangs, or whose machine is gone, is known when its lease is over.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import ConfigurationError, StoreUnavailable
from exchange.flows.node.node import Node
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.node import jobs, workers
from exchange.store.node.lock import AliveFile
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.work_tables import JobRow, WorkerRow

log = structlog.get_logger(__name__)

LEASE_S: Final = 24.0
"""So long a worker that showed itself counts as alive, and holds what it took: a few of its beats may be late."""
BEAT_S: Final = 5.0
NEVER_GIVEN_UP: Final = frozenset(
    {
        jobs.JobKind.ERASE,
        jobs.JobKind.SEND_QUERY,
        jobs.JobKind.ANSWER_QUERY,
        jobs.JobKind.STORE_OBJECT,
        jobs.JobKind.DRAW_CONTROL,
    }
)
"""However often it failed: an erasure, what the object store is owed, a control, and what ends by itself, a query when
it is too old or was given up."""
NEVER: Final = 2**31
"""More attempts than anybody lives to see."""
ENDED: Final = "The node ended during this work; it is done again."


class Presence:
    """One worker among those of its node. ``term`` grows each time that it comes to lead."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._folder = node.settings.home / "workers"
        name = secrets.token_hex(8)
        self._me = workers.WorkerIdentity(
            worker_id=name,
            place=f"{socket.gethostname()}, process {os.getpid()}, {node.settings.home}",
            machine=this_machine(),
            home=_mark(self._folder),
            since=stamp(),
        )
        self._file = AliveFile(self._folder / name)
        self._leads_until = 0.0
        self._shown_at, self._wait_until = time.monotonic(), 0.0
        self.term = 0
        self.alone = False
        """Whether no other worker was alive at the last beat."""

    @property
    def worker_id(self) -> str:
        return self._me.worker_id

    @property
    def leads(self) -> bool:
        """By the clock of this process too: one that was stopped for a while must not go on as if nothing was."""
        return time.monotonic() < self._leads_until

    def begin(self) -> None:
        """Hold the file that says that this worker lives. Raises ConfigurationError where it cannot work beside those
        that do."""
        self._file.hold()
        with self._node.store.read() as session:
            others = [row for row in workers.alive(session) if not self._is_dead(row)]
        for row in others:
            if self._on_sqlite and row.machine != self._me.machine:
                raise ConfigurationError(
                    f"A worker on another machine has this node's database open, {row.place}. SQLite serves the "
                    "processes of one machine alone; across machines only PostgreSQL does: set database_url."
                )
            if not self._on_sqlite and row.home != self._me.home:
                raise ConfigurationError(
                    f"This database's node has another home, {row.place}. All workers of a node share one home, "
                    "galleries and scans included: start this one there, or where that folder is mounted."
                )

    def beat(self, held: Mapping[int, int]) -> None:
        """One transaction. ``held``: the jobs that this worker is at, each with its attempt. Raises StoreUnavailable.

        1. Find out who died.
        2. Show itself, and put off the ends of the leases.
        3. Lead, where nobody does.
        4. Put back what nobody holds any more. Not soon after this worker itself was late: what kept it away, a
           database that was, kept all the others away, and their leases ran out for no fault of theirs.
        """
        # 1.
        with self._node.store.read() as session:
            dead = [row.worker_id for row in workers.alive(session) if self._is_dead(row)]

        began = time.monotonic()
        if began > self._shown_at + LEASE_S:
            self._wait_until = began + LEASE_S
        with self._node.store.write() as session:
            # 2.
            for worker_id in dead:
                workers.end_worker(session, worker_id)
                jobs.let_go(session, worker_id)
            workers.show_worker(session, self._me, lease_s=LEASE_S)
            jobs.renew(session, self.worker_id, held, lease_s=LEASE_S)
            # 3.
            led = workers.leader(session) == self.worker_id
            leads = workers.lead(session, self.worker_id)
            # 4.
            if began >= self._wait_until:
                _put_back(session, self._node.settings.max_attempts)
            others = [row.worker_id for row in workers.alive(session) if row.worker_id != self.worker_id]
        self._shown_at = began
        for worker_id in dead:
            AliveFile(self._folder / worker_id).remove()
        self.alone = not others
        if leads and not (led and self.term):
            self.term += 1
            log.info("leads the workers of this node", worker=self.worker_id)
        self._leads_until = began + LEASE_S if leads else 0.0

    def end(self) -> None:
        """Somebody else may lead, and take what this worker had not done."""
        self._leads_until = 0.0
        try:
            with self._node.store.write() as session:
                workers.end_worker(session, self.worker_id)
                jobs.let_go(session, self.worker_id)
        except StoreUnavailable as error:
            log.warning("the end of this worker shows when its lease is over", detail=str(error))
        self._file.drop()
        self._file.remove()

    @property
    def _on_sqlite(self) -> bool:
        return self._node.settings.database_url is None

    def _is_dead(self, row: WorkerRow) -> bool:
        """Of a worker in another home nothing is known before its lease is over. A database in the home was written by
        workers of that home, wherever they are now: it may have been restored."""
        if row.worker_id == self.worker_id or not (self._on_sqlite or row.home == self._me.home):
            return False
        return not AliveFile(self._folder / row.worker_id).is_held()


def most_attempts(job: JobRow, max_attempts: int) -> int:
    """How often a job is tried. Jobs of the kinds ``NEVER_GIVEN_UP`` are tried regardless of their attempts."""
    return NEVER if job.kind in NEVER_GIVEN_UP else max_attempts


def tell_on_scan(session: Session, job: JobRow, message: str, aside: bool) -> None:
    """Show on the acquisition why its work was not done, and that it will not be when it was set aside."""
    row = session.get(AcquisitionRow, int(job.subject)) if job.kind in jobs.ON_SCANS else None
    if row is not None:
        row.detail = message[:500]
        if aside:
            row.state = AcquisitionState.FAILED


def _put_back(session: Session, max_attempts: int) -> None:
    """Counted: work that takes its worker down must not do so for ever."""
    for job in jobs.abandoned(session):
        aside = jobs.broken_off(job, ENDED, max_attempts=most_attempts(job, max_attempts))
        tell_on_scan(session, job, ENDED, aside)


def this_machine() -> str:
    """Of the kernel that runs; where there is none to ask, the machine's name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _mark(folder: Path) -> str:
    """What the home is known by, made by the first who asks."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path, part = folder / "home", folder / f"home.{secrets.token_hex(8)}"
    if not path.exists():
        part.write_text(secrets.token_hex(16), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(part, path)  # whole or not at all, and whose it is if two ask at once
        part.unlink()
    return path.read_text(encoding="ascii")
