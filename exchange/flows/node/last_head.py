"""The file ``last-head``: the last head of the own log that was signed, beside the database and in no backup.

It tells a database that was set back from the one that signed last. A file that is missing, one that cannot be read and
one that names a later head are three different answers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.config import Settings
from exchange.errors import CheckpointInvalid, StoreUnavailable
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.log.statements import latest_checkpoint
from exchange.store.tables.log import CheckpointRow
from schemas.keys import log_origin_of


@dataclass(frozen=True)
class UnreadableHead:
    """The file ``last-head`` is there and states no head of this node's log."""

    why: str


@dataclass(frozen=True)
class LastHeadFault:
    """``what`` is wrong between the file ``last-head`` and the database, and the ``next`` step."""

    what: str
    next: str

    @property
    def in_words(self) -> str:
        return f"{self.what} Nothing is signed. {self.next}"


def remembered_head(settings: Settings) -> Checkpoint | UnreadableHead | None:
    """Return the last head that was signed in this home; None where there is no file that states it."""
    try:
        head = parse_text(settings.last_head.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        return UnreadableHead(f"{error.strerror}")
    except (UnicodeDecodeError, CheckpointInvalid):
        return UnreadableHead("it is damaged")
    if head.origin != log_origin_of(settings.node_id):
        return UnreadableHead(f"it is of another log, {head.origin}")
    return head


def last_head_fault(settings: Settings, session: Session) -> LastHeadFault | None:
    """Return why nothing may be signed although no peer is awaited: the file ``last-head`` names a head that the
    database does not have, or cannot be read. A missing file is none: after a restore there is none."""
    remembered = remembered_head(settings)
    return None if remembered is None else fault_between(remembered, latest_checkpoint(session), settings)


def check_last_head(settings: Settings, session: Session) -> None:
    """Before anything is signed. Raises StoreUnavailable where the database was set back, as far as ``last-head``
    tells."""
    fault = last_head_fault(settings, session)
    if fault is not None:
        raise StoreUnavailable(f"{fault.what} Nothing was signed or stored. {fault.next}")


def remember_head(settings: Settings, head: Checkpoint) -> None:
    """Write the signed head down beside the database. Raises OSError when the disk does not take it, StoreUnavailable
    where the file names a later head, or cannot be read: it is never overwritten then."""
    before, path = remembered_head(settings), settings.last_head
    if (fault := fault_between(before, head, settings)) is not None:
        raise StoreUnavailable(f"The head of size {head.size} was stored, and {path} stays as it is. {fault.in_words}")
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(head.text)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave an empty file, which looks like a restore
    part.replace(path)


def fault_between(
    remembered: Checkpoint | UnreadableHead | None, latest: CheckpointRow | Checkpoint | None, settings: Settings
) -> LastHeadFault | None:
    size = latest.size if latest is not None else 0
    decide = (
        "Peers that mirrored the log give it back by themselves. Without them, put the right database back; if what is "
        f"lacking is lost for good: ffp log accept-database --size {size} --home {settings.home}"
    )
    match remembered:
        case None:
            return None
        case UnreadableHead(why=why):
            what = f"The file {settings.last_head} cannot be read: {why}. It may name a head that the database lacks."
            return LastHeadFault(what, decide)
        case Checkpoint() if _exceeds(remembered, latest):
            what = (
                f"This node signed a head of size {remembered.size}, root {remembered.root.hex()[:16]}..., as "
                f"{settings.last_head} says, and the database has none beyond size {size}: it was set back."
            )
            if remembered.size <= size:
                what = f"{settings.last_head} and the database have two heads of size {size}: one of another history."
            return LastHeadFault(what, decide)
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
