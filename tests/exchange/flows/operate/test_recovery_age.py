"""How old a backup and a verified restore may be, and what is said when they are older, or when one failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.clock import DAY_S, stamp_in
from exchange.config import Settings, first_settings
from exchange.flows.operate import schedules
from exchange.flows.operate.drill.restore_drill import WantedDrill
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.recovery import (
    DRILL_LOCK,
    FILE,
    DrillOutcome,
    Drills,
    LastBackup,
    note_backup,
    note_outcome,
    note_scratch,
    recovery_of,
)
from exchange.store.node.lock import sole_user
from schemas.vocabulary import Jurisdiction

GOOD = DrillOutcome(at="", seconds=1, verified=True, said="All is what was signed.", backup="ffp-rs-1")
BAD = replace(GOOD, verified=False, said="A scan is damaged there.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    values: dict[str, str | int] = {"jurisdiction": Jurisdiction.RS, "node_id": "ffp-rs", "url": "http://rs.test"}
    return first_settings(tmp_path, values)


def backed_up(settings: Settings, days: float) -> None:
    note_backup(settings.home, LastBackup(stamp_in(-days * DAY_S), 1000, Path("/backups/ffp-rs-1")))


def drilled(settings: Settings, days: float, outcome: DrillOutcome = GOOD) -> None:
    note_outcome(settings.home, replace(outcome, at=stamp_in(-days * DAY_S)))


def lacks(settings: Settings, since_days: float = 400) -> list[Cause]:
    return [found.cause for found in recovery_of(settings, stamp_in(-since_days * DAY_S)).lacking]


def test_a_new_node_has_time_for_both(settings: Settings) -> None:
    assert lacks(settings, since_days=1.9) == []
    assert lacks(settings, since_days=2.1) == [Cause.NO_BACKUP]
    assert lacks(settings, since_days=40.1) == [Cause.NO_BACKUP, Cause.RESTORE_UNTRIED]
    assert recovery_of(settings, None).lacking == ()


def test_each_has_its_age(settings: Settings) -> None:
    backed_up(settings, 1.9)
    drilled(settings, 34.9)
    assert lacks(settings) == []
    found = recovery_of(settings, stamp_in(-400 * DAY_S))
    assert found.backup_age_s == pytest.approx(1.9 * DAY_S, abs=10)
    assert found.verified_age_s == pytest.approx(34.9 * DAY_S, abs=10)
    assert found.verified_limit_s == 40 * DAY_S
    backed_up(settings, 2.1)
    assert lacks(settings) == [Cause.OLD_BACKUP]
    assert lacks(settings.model_copy(update={"restore_drill_days": 30})) == [Cause.OLD_BACKUP, Cause.RESTORE_UNTRIED]


def test_a_failed_drill_is_told_until_one_is_verified(settings: Settings) -> None:
    backed_up(settings, 0)
    drilled(settings, 3)
    drilled(settings, 2, BAD)
    [told] = recovery_of(settings, stamp_in(-400 * DAY_S)).lacking
    assert (told.cause, "did not verify ffp-rs-1: A scan is damaged there." in told.what) == (
        Cause.RESTORE_FAILED,
        True,
    )
    drilled(settings, 1)
    assert lacks(settings) == []


def test_what_a_killed_drill_left_is_told_and_not_what_one_has_that_runs(settings: Settings) -> None:
    backed_up(settings, 0)
    drilled(settings, 0)
    note_scratch(settings.home, settings.home / "restore-drill-ffp-rs")
    assert lacks(settings) == [Cause.RESTORE_FAILED]
    with sole_user(settings.home / DRILL_LOCK, "held"):
        assert lacks(settings) == []


def test_a_file_that_cannot_be_read_is_not_taken_for_none(settings: Settings) -> None:
    backed_up(settings, 0)
    drilled(settings, 0)
    (settings.home / FILE).write_text('{"outcomes": 3}')
    found = recovery_of(settings, stamp_in(-1 * DAY_S))
    assert [(one.cause, "cannot be read" in one.what) for one in found.lacking] == [(Cause.RESTORE_FAILED, True)]


def test_a_day_that_is_still_to_come_makes_no_age(settings: Settings) -> None:
    backed_up(settings, -3)
    drilled(settings, -3)
    found = recovery_of(settings, stamp_in(-400 * DAY_S))
    assert (found.backup_age_s, found.verified_age_s) == (0, 0)


@pytest.mark.parametrize(
    ("outcome", "days_ago", "due"),
    [(None, 0, True), (GOOD, 29, False), (GOOD, 31, True), (BAD, 0.5, False), (BAD, 1.5, True), (GOOD, -1, True)],
)
def test_when_the_next_is_due(outcome: DrillOutcome | None, days_ago: float, *, due: bool) -> None:
    made = () if outcome is None else (replace(outcome, at=stamp_in(-days_ago * DAY_S)),)
    assert (schedules.next_due(Drills(outcomes=made), 30) <= datetime.now(UTC) + timedelta(seconds=5)) is due


class Enough(Exception):
    """The test has seen what it wanted."""


def test_a_process_that_stays_waits_for_a_backup_and_survives_what_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.home / "config.toml").write_text('jurisdiction="RS"\nnode_id="ffp-rs"\nurl="http://rs.test"\n')
    looked: list[float] = []
    told: list[DrillOutcome] = []
    failed: list[str] = []
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: backed_up(settings, 0),
        lambda: (settings.home / FILE).unlink(),
        lambda: (settings.home / FILE).write_text("{"),
    ]

    def sleep(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) > len(steps):
            raise Enough
        steps[len(looked) - 1]()

    def drill(home: Path, _wanted: WantedDrill) -> DrillOutcome:
        note_outcome(home, replace(GOOD, at=stamp_in(0)))
        return GOOD

    monkeypatch.setattr(schedules.clock, "sleep", sleep)
    monkeypatch.setattr(schedules, "run_restore_drill", drill)
    with pytest.raises(Enough):
        schedules.drill_every(settings.home, WantedDrill(), 30, told.append, lambda error: failed.append(str(error)))
    assert len(told) == 2, "none before there was a backup; and one more when the outcome of the first was gone"
    assert len(failed) == 1
    assert "cannot be read" in failed[0]
