"""What the node knows of its last whole backup, in a file of its home that is in no backup itself.

A file, not a row: a backup is made by a process of its own, maybe while the database takes no writes, and a database
that was set back must not set this back too. A restore writes it anew: the home that it makes came from that backup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from exchange.clock import stamp
from exchange.home import write_private

LAST_BACKUP: Final = "last-backup"
BACKUP_DAYS: Final = 2
"""One night may go wrong."""


@dataclass(frozen=True)
class LastBackup:
    """``bytes`` is what a restore of it reads, ``folder`` where it lay."""

    made_at: str
    bytes: int
    folder: Path


def find_last_backup(home: Path) -> LastBackup | None:
    """None where nothing tells of a backup: absent and unreadable are the same here."""
    try:
        noted = (home / LAST_BACKUP).read_text(encoding="utf-8", errors="surrogateescape")
        made_at, size, folder = noted.splitlines()
        return LastBackup(stamp(datetime.fromisoformat(made_at)), int(size), Path(folder))
    except (OSError, ValueError):
        return None


def last_backup(home: Path) -> str | None:
    """When the last whole backup was made, as far as the node knows."""
    found = find_last_backup(home)
    return None if found is None else found.made_at


def note_backup(home: Path, backup: LastBackup) -> None:
    """Raises OSError."""
    write_private(home / LAST_BACKUP, f"{backup.made_at}\n{backup.bytes}\n{backup.folder}\n")
