"""Time as the node writes it down: UTC, whole milliseconds, fixed width, so that text sorts as time does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

_UNITS: Final = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def now() -> datetime:
    return datetime.now(UTC)


def today() -> date:
    """In UTC, as everywhere."""
    return now().date()


def stamp(moment: datetime | None = None) -> str:
    """``2026-11-25T09:00:10.000Z``."""
    return (moment or now()).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_in(seconds: float) -> str:
    return stamp(now() + timedelta(seconds=seconds))


def apart(ahead_s: float) -> str:
    """Such as "2 days behind", "5 minutes ahead of": what a clock is that is so far ahead of another."""
    seconds = abs(ahead_s)
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds >= 1.9 * unit), (1, "seconds"))
    return f"{seconds / unit:.0f} {name} {'ahead of' if ahead_s > 0 else 'behind'}"
