"""Time as the node writes it down: UTC, whole milliseconds, fixed width, so that text sorts as time does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
LAST: Final = "2199-12-31T00:00:00.000Z"
"""Nothing is reckoned with before the first or after the last, whatever day or time a peer states."""

DAY_S: Final = 86_400
_UNITS: Final = ((DAY_S, "days"), (3_600, "hours"), (60, "minutes"))
_shown_by: list[Callable[[], datetime]] = []


def now() -> datetime:
    return _shown_by[-1]() if _shown_by else datetime.now(UTC)


@contextmanager
def clock_of_the_past(clock: Callable[[], datetime]) -> Iterator[None]:
    """For the length of a block this process has another clock: that of a made-up past, which a training
    simulates before its nodes run. A node that is served never has one. Requests and heads are signed with the real
    time."""
    _shown_by.append(clock)
    try:
        yield
    finally:
        _shown_by.remove(clock)


def today() -> date:
    """In UTC, as everywhere."""
    return now().date()


def stamp(moment: datetime | None = None) -> str:
    """``2026-11-25T09:00:10.000Z``."""
    return (moment or now()).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_posix(seconds: int) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC))


def stamp_in(seconds: float) -> str:
    return stamp(now() + timedelta(seconds=seconds))


def seconds_until(moment: str) -> int:
    """At least one."""
    return max(1, math.ceil((datetime.fromisoformat(moment) - now()).total_seconds()))


def seconds_between(earlier: str, later: str) -> float:
    """Negative where a clock was set back between the two."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def hours_after(since: str, hours: int) -> str:
    """Never after ``LAST``."""
    return min(stamp(datetime.fromisoformat(min(since, LAST)) + timedelta(hours=hours)), LAST)


def day_after(day: date) -> date:
    return min(day, LAST_DAY) + timedelta(days=1)


def midnight(day: date, zone: tzinfo = UTC) -> str:
    """When a day begins; of a day before ``FIRST_DAY`` or after ``LAST_DAY``, when that one begins or ends."""
    return stamp(datetime.combine(min(max(day, FIRST_DAY), day_after(LAST_DAY)), time(), zone))


def apart(ahead_s: float) -> str:
    """Such as "2 days behind", "5 minutes ahead of": what a clock is that is so far ahead of another."""
    seconds = abs(ahead_s)
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds >= 1.9 * unit), (1, "seconds"))
    return f"{seconds / unit:.0f} {name} {'ahead of' if ahead_s > 0 else 'behind'}"
