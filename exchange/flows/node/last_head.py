"""The file ``last-head``: the last head of the own log that was signed, next to the database and in no backup.

It shows whether the database was replaced by an earlier copy after that head was signed. `ffp init`, `ffp restore` and
`accept_database` write a file which states that no head was signed in this home yet. So a missing file is a fault. A
file that cannot be read, or that names a later head than the database, is a fault too.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from exchange.config import Settings
from exchange.errors import CheckpointInvalid, SigningStopped, StoreUnavailable
from exchange.home import write_private
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.log.statement_rows import latest_checkpoint
from exchange.store.tables.log import CheckpointRow
from schemas.keys import log_origin_of

_MOST_BYTES = 4096
"""A head has three short lines."""
NONE_YET = "no head was signed in this home yet\n"


@dataclass(frozen=True)
class UnreadableHead:
    """The file ``last-head`` is missing, or states no head of this node's log."""

    why: str


@dataclass(frozen=True)
class LastHeadFault:
    """``what`` is wrong between the file ``last-head`` and the database, and the ``next`` step. ``cause``: its short
    name."""

    cause: str
    what: str
    next: str

    @property
    def in_words(self) -> str:
        return f"{self.what} Nothing is signed. {self.next}"


def remembered_head(settings: Settings) -> Checkpoint | UnreadableHead | None:
    """Return the last head that was signed in this home; None where the file states that there is none yet."""
    try:
        text = _read(settings.last_head).decode()
        if text == NONE_YET:
            return None
        head = parse_text(text)
    except FileNotFoundError:
        return UnreadableHead("it is missing")
    except OSError as error:
        return UnreadableHead("it is a link" if error.errno == errno.ELOOP else f"{error.strerror}")
    except (UnicodeDecodeError, CheckpointInvalid):
        return UnreadableHead("it is damaged, or no plain file")
    if head.origin != log_origin_of(settings.node_id):
        return UnreadableHead(f"it is of another log, {head.origin}")
    return head


def last_head_fault(settings: Settings, session: Session) -> LastHeadFault | None:
    """Return why nothing may be signed although no peer is awaited: the file ``last-head`` names a head that the
    database does not have, or cannot be read."""
    return fault_between(remembered_head(settings), latest_checkpoint(session), settings)


def check_last_head(settings: Settings, session: Session) -> None:
    """Before anything is signed. Raises SigningStopped where the database was set back, as far as ``last-head``
    tells."""
    fault = last_head_fault(settings, session)
    if fault is not None:
        raise SigningStopped(
            f"This node signs nothing at present ({fault.cause}). Nothing was stored. Tell the node's operator: "
            "`ffp status` names the next step."
        )


def remember_head(settings: Settings, head: Checkpoint) -> None:
    """Write the signed head down beside the database. Raises OSError when the disk does not take it, StoreUnavailable
    where the file names a later head, or cannot be read: it is never overwritten then."""
    before, path = remembered_head(settings), settings.last_head
    if (fault := fault_between(before, head, settings)) is not None:
        raise StoreUnavailable(f"The head of size {head.size} was stored, and {path} stays as it is. {fault.in_words}")
    write_private(path, head.text)


def state_no_head(path: Path) -> None:
    """Write that no head was signed in this home yet. Raises OSError."""
    write_private(path, NONE_YET)


def _read(path: Path) -> bytes:
    """Read the file without following a link, and without waiting for a pipe or reading a device without end."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return b""
        return file.read(_MOST_BYTES)


def fault_between(
    remembered: Checkpoint | UnreadableHead | None, latest: CheckpointRow | Checkpoint | None, settings: Settings
) -> LastHeadFault | None:
    size = latest.size if latest is not None else 0
    decide = f"ffp log accept-database --size {size} --home {settings.home}"
    match remembered:
        case None:
            return None
        case UnreadableHead(why=why):
            what = f"The file {settings.last_head} cannot be read: {why}. It may name a head that the database lacks."
            step = (
                "If the database was replaced by an earlier copy, put the right one back. If only the file is damaged, "
                f"run: {decide}. The node then asks its peers for the last heads that they hold, and signs nothing if "
                "one of them is later."
            )
            return LastHeadFault("last-head-unreadable", what, step)
        case Checkpoint() if _exceeds(remembered, latest):
            cause = "database-set-back"
            what = (
                f"This node signed a head of size {remembered.size}, root {remembered.root.hex()[:16]}..., as "
                f"{settings.last_head} says, and the database has none beyond size {size}: it was set back."
            )
            if remembered.size <= size:
                cause = "other-history"
                what = f"{settings.last_head} and the database have two heads of size {size}: one of another history."
            step = (
                "Peers that mirrored the log give it back by themselves. Without them, put the right database back; if "
                f"what is lacking is lost for good: {decide}"
            )
            return LastHeadFault(cause, what, step)
        case Checkpoint():
            return None


def _exceeds(remembered: Checkpoint, latest: CheckpointRow | Checkpoint | None) -> bool:
    if latest is None:
        return True
    return remembered.size > latest.size or (remembered.size == latest.size and remembered.root != latest.root)


def is_restored(latest: CheckpointRow | None, remembered: Checkpoint | UnreadableHead | None) -> bool:
    """Return whether the database is not the one that signed last here, or may not be."""
    match remembered:
        case None:
            return latest is not None
        case UnreadableHead():
            return True
        case Checkpoint():
            return _exceeds(remembered, latest)
