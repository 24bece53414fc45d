"""Time as the node writes it down: UTC, whole milliseconds, fixed width, so that text sorts as time does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


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
