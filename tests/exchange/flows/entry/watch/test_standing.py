"""Who looks after a node is told of a folder that nobody watches, that is away, or in which refused scans lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange import clock
from exchange.flows.entry.watch.folder_standing import LATE_S, StandingFile, watch_alarms


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """The clock of the machine is so far ahead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))
        yield


def test_a_watch_that_goes_on_is_no_alarm(tmp_path: Path) -> None:
    assert watch_alarms(tmp_path) == []
    StandingFile(tmp_path, Path("/srv/ffp/station-1")).good("", 0, "")
    assert watch_alarms(tmp_path) == []


def test_a_watch_that_ended_is_told_until_somebody_says_that_it_was_meant(tmp_path: Path) -> None:
    standing = StandingFile(tmp_path, Path("/srv/ffp/station-1"))
    standing.good("", 0, "")
    with later(LATE_S + 5):
        (alarm,) = watch_alarms(tmp_path)
        assert alarm.startswith("Nobody watches /srv/ffp/station-1 since ")
        standing.forget()
        assert watch_alarms(tmp_path) == []


def test_a_fault_is_told_when_it_lasts_however_often_the_service_is_started(tmp_path: Path) -> None:
    folder = Path("/srv/ffp/station-1")
    StandingFile(tmp_path, folder).failed("There is no active user e-1.")
    assert watch_alarms(tmp_path) == []
    with later(LATE_S + 5):
        again = StandingFile(tmp_path, folder)
        again.failed("There is no active user e-1.")
        (alarm,) = watch_alarms(tmp_path)
        assert alarm.startswith("The watched folder /srv/ffp/station-1, since ")
        assert alarm.endswith("There is no active user e-1.")
        again.good("", 0, "")
        assert watch_alarms(tmp_path) == []


def test_scans_that_were_refused_are_told_after_a_week(tmp_path: Path) -> None:
    standing = StandingFile(tmp_path, Path("/srv/ffp/station-1"))
    for days, alarms in ((6, 0), (8, 1)):
        standing.good("", 3, clock.stamp_in(-days * clock.DAY_S))
        assert len(watch_alarms(tmp_path)) == alarms


def test_a_file_that_is_none_hides_no_other(tmp_path: Path) -> None:
    StandingFile(tmp_path, Path("/srv/line\nbreak")).failed("Away.")
    (tmp_path / "watch" / "a.json").write_text("{")
    (tmp_path / "watch" / "b.json").write_text('{"folder": "/x", "of_later": 1}')
    with later(LATE_S + 5):
        (alarm,) = watch_alarms(tmp_path)
    assert "/srv/line\\nbreak" in alarm
