"""Backups every day at one hour, by a process that stays: where no timer of the machine starts them."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import NoReturn

from exchange.clock import now
from exchange.config import load_settings
from exchange.errors import ExchangeError
from exchange.flows.operate.recovery.last_backup import last_backup

_RETRY = timedelta(minutes=15)
"""What failed is mended sooner than in a day; and a backup reads much of the disk."""
_DAY = timedelta(days=1)
_LOOK_S = 30
"""The clock may be set, or the machine sleep, while this waits."""


def first_due(made_at: str | None, at: time) -> datetime:
    """When the first backup is due: at once where there is none; where one was missed, that is past."""
    return now() if made_at is None else due_after(datetime.fromisoformat(made_at), at)


def due_after(moment: datetime, at: time) -> datetime:
    """The first time after this moment that it is ``at``, in UTC."""
    today = datetime.combine(moment.astimezone(UTC).date(), at, UTC)
    return today if today > moment else today + timedelta(days=1)


def back_up_daily(home: Path, at: time, make: Callable[[], object], failed: Callable[[Exception], object]) -> NoReturn:
    """Call ``make`` every day at this hour, and at once when the node's last backup is older than that. What fails is
    told to ``failed``, and tried again after a quarter of an hour.

    Raises ConfigurationError when there is no node yet.
    """
    due = first_due(last_backup(load_settings(home).home), at)
    while True:
        while timedelta() < due - now() <= _DAY:  # else the clock was set back: at once
            clock.sleep(min(_LOOK_S, max((due - now()).total_seconds(), 0)))
        begun = now()
        due = due_after(begun, at)
        try:
            make()
        except (ExchangeError, OSError) as error:
            due = min(due, begun + _RETRY)
            failed(error)
