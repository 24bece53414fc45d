"""Drills so many days apart, by a process that stays: where no timer of the machine starts them."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from exchange.clock import now
from exchange.config import load_settings
from exchange.errors import ExchangeError
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery.last_backup import find_last_backup
from exchange.flows.operate.recovery.outcomes import DrillOutcome, Drills, read_drills

RETRY: Final = timedelta(days=1)
"""What failed is mended by people, and a drill reads and writes as much as the whole node has."""
_LOOK_S: Final = 30


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
    return datetime.fromisoformat(last.at) + (timedelta(days=days) if last.verified else RETRY)
