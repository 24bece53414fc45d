"""``python -m tests.chaos.nodes.other_clock OFFSET ARGUMENTS``: ``ffp`` on a machine whose clock can be set.

The file OFFSET holds by how many seconds the clock is wrong, and may be written anew at any moment. Only what tells the
time of day is wrong; what measures how long something takes is not, as on a machine whose clock somebody sets.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from exchange import clock

LOOK_AGAIN_S = 0.2


class OtherClock:
    def __init__(self, file: Path) -> None:
        self._file, self._looked, self._wrong_by_s = file, -LOOK_AGAIN_S, 0.0
        self._true_time = time.time

    def time(self) -> float:
        return self._true_time() + self.wrong_by_s

    @property
    def wrong_by_s(self) -> float:
        if time.monotonic() - self._looked > LOOK_AGAIN_S:
            self._wrong_by_s, self._looked = float(self._file.read_text()), time.monotonic()
        return self._wrong_by_s

    def install(self) -> None:
        """Before anything else of the node is imported."""
        wrong = self

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one is what all expect
                return datetime.now(tz) + timedelta(seconds=wrong.wrong_by_s)

        time.time = self.time
        clock.datetime = Datetime  # type: ignore[misc]


if __name__ == "__main__":
    OtherClock(Path(sys.argv.pop(1))).install()
    from exchange.cli.main import run

    run()
