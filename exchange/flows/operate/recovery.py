"""The last backup and the last verified restore: what the node knows of both, how old they are, what is lacking.

Both are noted in files of the home that are in no backup themselves. Files, not rows: a backup is made by a process of
its own, maybe while the database takes no writes; a drill that fails since the database is away is noted too; and a
database that was set back must not set these back. A restore writes the note of the backup anew: the home that it makes
came from that backup. Of drills nothing is known then: `ffp restore --verify` is the first that is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from exchange.clock import DAY_S, apart, now, stamp
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.home import write_private
from exchange.store.node.lock import AliveFile

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


def note_backup(home: Path, backup: LastBackup) -> None:
    """Raises OSError."""
    write_private(home / LAST_BACKUP, f"{backup.made_at}\n{backup.bytes}\n{backup.folder}\n")


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


@dataclass(frozen=True)
class Recovery:
    """Ages are seconds; before the first backup, and before the first verified restore, since the node exists: those of
    a node without both grow from its first day. ``drilled`` is the last drill, ``verified`` the last that was good."""

    backup: LastBackup | None
    backup_age_s: float
    drilled: DrillOutcome | None
    verified: DrillOutcome | None
    verified_age_s: float
    verified_limit_s: float
    lacking: tuple[Finding, ...]


def recovery_of(settings: Settings, exists_since: str | None) -> Recovery:
    """``exists_since`` is when the node came to be; None of one that holds nothing yet. What else copies the machine
    leaves no note, and is not known."""
    backup, since = find_last_backup(settings.home), 0.0 if exists_since is None else age_s(exists_since)
    broken = None
    try:
        drills = read_drills(settings.home)
        drilled, verified = drills.last, drills.last_verified
        if drills.scratch is not None and not is_under_way(settings.home):
            broken = (
                f"{drills.scratch} holds what a restore drill made, with the keys of this node: it was killed, or told "
                "to keep it."
            )
    except ConfigurationError as error:
        drilled = verified = None
        broken = str(error)
    backup_age = since if backup is None else age_s(backup.made_at)
    verified_age = since if verified is None else age_s(verified.at)
    limit = settings.restore_drill_days * DAY_S
    found = Recovery(backup, backup_age, drilled, verified, verified_age, limit, ())
    return Recovery(**{**vars(found), "lacking": tuple(_lacking(found, broken, exists_since))})


def _lacking(found: Recovery, broken: str | None, exists_since: str | None) -> Iterator[Finding]:
    if found.backup_age_s > BACKUP_DAYS * DAY_S:
        if found.backup is None:
            what = f"No backup was ever made of this node, which exists since {exists_since}."
            yield finding(Cause.NO_BACKUP, what)
        else:
            what = f"The newest backup is of {found.backup.made_at}: what came since would be lost with this disk."
            yield finding(Cause.OLD_BACKUP, what)
    if broken is not None:
        then = "The next drill deletes what the last one left: ffp restore-drill"
        yield finding(Cause.RESTORE_FAILED, broken, then=then)
    elif found.drilled is not None and not found.drilled.verified:
        of = found.drilled.backup or "the newest backup"
        what = f"The restore drill of {found.drilled.at} did not verify {of}: {found.drilled.said}"
        yield finding(Cause.RESTORE_FAILED, what)
    if found.verified_age_s > found.verified_limit_s:
        ago = apart(-found.verified_age_s).removesuffix(" behind")
        if found.verified is None:
            what = f"No backup of this node was ever restored and verified, in {ago}: none is known to be good."
        else:
            what = f"The last restore that was verified is {ago} old, of the backup {found.verified.backup}."
        yield finding(Cause.RESTORE_UNTRIED, what)
