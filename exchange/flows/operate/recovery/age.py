"""How old the last backup and the last verified restore are, and what the operator does about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exchange.clock import DAY_S, apart
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.operate.recovery.last_backup import BACKUP_DAYS, LastBackup, find_last_backup
from exchange.flows.operate.recovery.outcomes import DrillOutcome, age_s, is_under_way, read_drills

BACK_UP = "Make one, and have it made every day: systemctl start ffp-backup; systemctl enable --now ffp-backup.timer"
_DRILL = "systemctl start ffp-restore-drill; systemctl enable --now ffp-restore-drill.timer"


class Lack(StrEnum):
    NO_BACKUP = "no-backup"
    OLD_BACKUP = "old-backup"
    RESTORE_FAILED = "restore-failed"
    RESTORE_UNTRIED = "restore-untried"


@dataclass(frozen=True)
class Lacking:
    """One thing that is wrong: a sentence, and the next step."""

    lack: Lack
    what: str
    then: str


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
    lacking: tuple[Lacking, ...]

    @property
    def alarms(self) -> list[str]:
        return [f"{found.what} {found.then}" for found in self.lacking]


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


def _lacking(found: Recovery, broken: str | None, exists_since: str | None) -> Iterator[Lacking]:
    if found.backup_age_s > BACKUP_DAYS * DAY_S:
        if found.backup is None:
            what = f"No backup was ever made of this node, which exists since {exists_since}."
            yield Lacking(Lack.NO_BACKUP, what, BACK_UP)
        else:
            what = f"The newest backup is of {found.backup.made_at}: what came since would be lost with this disk."
            yield Lacking(Lack.OLD_BACKUP, what, f"See why none is made: journalctl -u ffp-backup -e. {BACK_UP}")
    if broken is not None:
        yield Lacking(Lack.RESTORE_FAILED, broken, "The next drill deletes what the last one left: ffp restore-drill")
    elif found.drilled is not None and not found.drilled.verified:
        of = found.drilled.backup or "the newest backup"
        what = f"The restore drill of {found.drilled.at} did not verify {of}: {found.drilled.said}"
        yield Lacking(Lack.RESTORE_FAILED, what, "Mend that, make a backup, and drill again: ffp restore-drill")
    if found.verified_age_s > found.verified_limit_s:
        ago = apart(-found.verified_age_s).removesuffix(" behind")
        if found.verified is None:
            what = f"No backup of this node was ever restored and verified, in {ago}: none is known to be good."
        else:
            what = f"The last restore that was verified is {ago} old, of the backup {found.verified.backup}."
        yield Lacking(Lack.RESTORE_UNTRIED, what, f"Drill, and have it done every month: {_DRILL}")
