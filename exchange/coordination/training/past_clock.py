"""The clock of the past: it stands still until somebody sets it on, so that who simulates knows each time exactly."""

from __future__ import annotations

from datetime import datetime, timedelta


class PastClock:
    """What ``exchange.clock`` shows while the past is made."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def to(self, moment: datetime) -> None:
        """Never back: what is signed later has a later time."""
        self.moment = max(self.moment, moment)

    def on(self, *, hours: float = 0, minutes: float = 0) -> datetime:
        self.moment += timedelta(hours=hours, minutes=minutes)
        return self.moment
