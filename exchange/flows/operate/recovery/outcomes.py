"""What came of the drills, in a file of the node's home that is in no backup itself.

A file, not a row, for the reasons of `last_backup`; and a drill that fails since the database is away is noted too.
After a restore nothing is known of drills: `ffp restore --verify` is then the first that is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from exchange.clock import now
from exchange.errors import ConfigurationError
from exchange.home import write_private
from exchange.store.node.lock import AliveFile

FILE: Final = "restore-drills.json"
DRILL_LOCK: Final = "restore-drill.lock"
MOST_KEPT: Final = 60
"""Five years of months."""

KeysFrom = Literal["sealed in the backup", "of the running node", "kept apart"]


@dataclass(frozen=True)
class DrillOutcome:
    """One restore that was tried. ``said`` is a sentence: what was read, or what failed. ``backup`` is the name of its
    folder, ``made_at`` its time and ``bytes`` what a restore of it reads, as far as they were known."""

    at: str
    seconds: float
    verified: bool
    said: str
    backup: str | None = None
    made_at: str | None = None
    bytes: int | None = None
    keys: KeysFrom | None = None
    statements: int = 0
    records: int = 0
    scans: int = 0
    compared_size: int = 0
    """How many statements of the running node's log the backup was compared with; 0 where none runs yet."""


@dataclass(frozen=True)
class Drills:
    """``outcomes``, the newest last; ``scratch`` is the place of a drill that is under way, was broken off, or was told
    to keep what it made."""

    scratch: Path | None = None
    outcomes: Annotated[tuple[DrillOutcome, ...], Field(max_length=MOST_KEPT)] = ()

    @property
    def last(self) -> DrillOutcome | None:
        return self.outcomes[-1] if self.outcomes else None

    @property
    def last_verified(self) -> DrillOutcome | None:
        return next((found for found in reversed(self.outcomes) if found.verified), None)


_DRILLS: Final = TypeAdapter(Drills)


def read_drills(home: Path) -> Drills:
    """Of a home without such a file, of no drill. Raises ConfigurationError for one that cannot be read: absent and
    unreadable are two answers."""
    path = home / FILE
    try:
        return _DRILLS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return Drills()
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not as it was written"
        raise ConfigurationError(
            f"{path} cannot be read: {why}. It says which restores were verified. Move it away, and make one: "
            "ffp restore-drill"
        ) from error


def is_under_way(home: Path) -> bool:
    """Whether a drill of this home runs at this moment."""
    return AliveFile(home / DRILL_LOCK).is_held()


def note_scratch(home: Path, scratch: Path | None) -> None:
    """Before anything is made there, so that the next drill finds what a killed one left. Raises as ``read_drills``,
    and OSError."""
    _write(home, replace(read_drills(home), scratch=scratch))


def note_outcome(home: Path, outcome: DrillOutcome) -> None:
    """Raises as ``note_scratch``."""
    found = read_drills(home)
    _write(home, replace(found, outcomes=(*found.outcomes, outcome)[-MOST_KEPT:]))


def age_s(moment: str) -> float:
    """Seconds since then; 0 of a moment that is still to come, which a clock wrote that was ahead."""
    return max(0.0, (now() - datetime.fromisoformat(moment)).total_seconds())


def _write(home: Path, drills: Drills) -> None:
    write_private(home / FILE, _DRILLS.dump_json(drills, indent=1) + b"\n")
