"""Write acts down before they are answered: those that wait at the same time go into one transaction."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from exchange.errors import ExchangeError, NotAudited
from exchange.log.audit_entry import Deed
from exchange.store.database.engine import Store
from exchange.store.log.audit import add_deeds

log = structlog.get_logger(__name__)


@dataclass
class _Waiting:
    """Somebody who waits: to be told that the row is written, or to write what has gathered."""

    deed: Deed
    leads: bool = False
    written: bool = False
    reason: str = "The node met an error that nobody foresaw; it was logged."
    told: threading.Event = field(default_factory=threading.Event)


class AuditTrail:
    """When ``note`` has returned, the row is on disk.

    A transaction costs the disk's time whatever it holds, and SQLite has one writer. So the first who comes writes; who
    comes meanwhile gathers, and the first of these then writes for all of them. Nobody waits for more than two.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._gathered: list[_Waiting] = []
        self._led = False

    def note(self, deed: Deed) -> None:
        """Write an act down. Raises NotAudited when that is not possible: then nothing may be answered."""
        mine = _Waiting(deed)
        with self._lock:
            self._gathered.append(mine)
            if not self._led:
                self._led = mine.leads = True
        if not mine.leads:
            mine.told.wait()
        if mine.leads:
            self._write(mine)
        if not mine.written:
            raise NotAudited(f"Nothing is shown, because it could not be written down who asked for it. {mine.reason}")

    def _write(self, leader: _Waiting) -> None:
        with self._lock:
            group, self._gathered = self._gathered, []
        try:
            with self._store.write() as session:
                add_deeds(session, [waiting.deed for waiting in group])
            for waiting in group:
                waiting.written = True
        except ExchangeError as error:
            for waiting in group:
                waiting.reason = str(error)
        except SQLAlchemyError:
            log.exception("acts could not be written down")
        finally:  # whatever happened: nobody waits for ever
            self._hand_on()
            for waiting in group:
                if waiting is not leader:
                    waiting.told.set()

    def _hand_on(self) -> None:
        with self._lock:
            self._led = bool(self._gathered)
            if self._gathered:
                self._gathered[0].leads = True
                self._gathered[0].told.set()
