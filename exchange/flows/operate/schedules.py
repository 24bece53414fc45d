"""Backups every day and drills some days apart, by a process that stays: where no timer of the machine starts them."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final, NoReturn

from exchange.clock import now
from exchange.config import load_settings
from exchange.errors import ExchangeError
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import DrillOutcome, Drills, LastBackup, find_last_backup, read_drills

RETRY_BACKUP_AFTER: Final = timedelta(minutes=15)
"""What failed is mended sooner than in a day; and a backup reads much of the disk."""
RETRY_DRILL_AFTER: Final = timedelta(days=1)
"""What failed is mended by people, and a drill reads and writes as much as the whole node has."""
_LOOK_S: Final = 30
"""The clock may be set, or the machine sleep, while this waits."""


def first_due(last: LastBackup | None, at: time) -> datetime:
    """When the first backup is due: at once where there is none; where one was missed, that is past."""
    return now() if last is None else due_after(datetime.fromisoformat(last.made_at), at)


def due_after(moment: datetime, at: time) -> datetime:
    """The first time after this moment that it is ``at``, in UTC."""
    today = datetime.combine(moment.astimezone(UTC).date(), at, UTC)
    return today if today > moment else today + timedelta(days=1)


def back_up_daily(home: Path, at: time, make: Callable[[], object], failed: Callable[[Exception], object]) -> NoReturn:
    """Call ``make`` every day at this hour, and at once when the node's last backup is older than that. What fails is
    told to ``failed``, and tried again after a quarter of an hour.

    Raises ConfigurationError when there is no node yet.
    """
    due = first_due(find_last_backup(load_settings(home).home), at)
    while True:
        while timedelta() < due - now() <= timedelta(days=1):  # else the clock was set back: at once
            clock.sleep(min(_LOOK_S, max((due - now()).total_seconds(), 0)))
        begun = now()
        due = due_after(begun, at)
        try:
            make()
        except (ExchangeError, OSError) as error:
            due = min(due, begun + RETRY_BACKUP_AFTER)
            failed(error)


def drill_every(
    home: Path,
    wanted: WantedDrill,
    days: int,
    told: Callable[[DrillOutcome], object],
    failed: Callable[[Exception], object],
) -> NoReturn:
    """Drill at once where none was verified in so many days, as soon as there is a backup; one that fails is repeated
    after a day. What keeps it from being tried, such as another drill, is told to ``failed``, and it is looked again.

    Raises ConfigurationError when there is no node yet.
    """
    load_settings(home)
    while True:
        try:
            if find_last_backup(home) is not None and next_due(read_drills(home), days) <= now():
                told(run_restore_drill(home, wanted))
        except (ExchangeError, OSError) as error:
            failed(error)
        clock.sleep(_LOOK_S)


def next_due(drills: Drills, days: int) -> datetime:
    """When the next drill is due; past where there was none, or the last one is of a time that is still to come."""
    last = drills.last
    if last is None or datetime.fromisoformat(last.at) > now():
        return now()
    return datetime.fromisoformat(last.at) + (timedelta(days=days) if last.verified else RETRY_DRILL_AFTER)
