"""When the next daily backup is due, and that a failed one is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from exchange.clock import now, stamp
from exchange.config import given
from exchange.errors import StoreUnavailable
from exchange.flows.node.node import create_node
from exchange.flows.operate import backup as flow
from exchange.flows.operate import schedules
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.recovery import LastBackup, find_last_backup
from exchange.flows.operate.schedules import back_up_daily, due_after, first_due
from schemas.vocabulary import Jurisdiction

NIGHT = time(2, 30)


class Enough(Exception):
    """The test has seen what it wanted."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    return tmp_path / "node"


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, which waiting alone moves on."""
    at = [datetime(2026, 11, 28, 12, 0, tzinfo=UTC)]
    monkeypatch.setattr(schedules, "now", lambda: at[0])
    monkeypatch.setattr(schedules.clock, "sleep", lambda s: at.__setitem__(0, at[0] + timedelta(seconds=s)))
    return at


def test_the_first_time_after_a_moment() -> None:
    assert due_after(datetime(2026, 11, 28, 2, 29, tzinfo=UTC), NIGHT) == datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
    assert due_after(datetime(2026, 11, 28, 2, 30, tzinfo=UTC), NIGHT) == datetime(2026, 11, 29, 2, 30, tzinfo=UTC)


def test_a_missed_one_is_due_at_once() -> None:
    assert first_due(None, NIGHT) <= now()
    assert first_due(LastBackup(stamp(now() - timedelta(days=2)), 0, Path()), NIGHT) < now()
    assert first_due(LastBackup(stamp(now()), 0, Path()), NIGHT) > now()


def test_at_once_then_every_night_and_sooner_after_a_failure(home: Path, moment: list[datetime]) -> None:
    tried: list[str] = []
    told: list[str] = []

    def make() -> None:
        tried.append(moment[0].isoformat(timespec="minutes")[:16])
        if len(tried) == 2:
            raise StoreUnavailable("away")
        if len(tried) == 4:
            raise Enough

    with pytest.raises(Enough):
        back_up_daily(home, NIGHT, make, lambda error: told.append(str(error)))
    assert tried == ["2026-11-28T12:00", "2026-11-29T02:30", "2026-11-29T02:45", "2026-11-30T02:30"]
    assert told == ["away"]


def test_one_that_was_made_is_not_made_again_at_a_new_start(home: Path, tmp_path: Path, moment: list[datetime]) -> None:
    back_up(home, tmp_path / "backups")
    last = find_last_backup(home)
    assert last is not None
    made = datetime.fromisoformat(last.made_at)
    moment[0] = made

    def make() -> None:
        raise Enough

    with pytest.raises(Enough):
        back_up_daily(home, NIGHT, make, lambda _error: None)
    assert moment[0] == due_after(made, NIGHT)


def test_secrets_before_there_is_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment, else of the service's credentials: `ffp restore` in a container has no other."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert given("key_passphrase") is None
    (tmp_path / "ffp_node_key_passphrase").write_text("of a credential\n", encoding="utf-8")
    assert given("key_passphrase") == "of a credential"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", "of the environment")
    assert given("key_passphrase") == "of the environment"


@pytest.mark.parametrize("years", [-3, 3])
def test_a_clock_that_is_set_costs_no_backup(
    home: Path, tmp_path: Path, moment: list[datetime], monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    """As one is after its battery died: what it said before counts for nothing."""
    moment[0] = datetime(2026 - years, 11, 28, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(flow, "stamp", lambda at=None: stamp(at or moment[0]))
    back_up(home, tmp_path / "backups")
    moment[0] = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    made = []

    def make() -> None:
        made.append(moment[0])
        if len(made) == 3:
            raise Enough
        moment[0] = datetime(2026 - len(made), 11, 28, 12, 0, tzinfo=UTC)

    with pytest.raises(Enough):
        back_up_daily(home, NIGHT, make, lambda _error: None)
    assert [at.isoformat()[:16] for at in made] == ["2026-11-28T12:00", "2025-11-28T12:00", "2024-11-28T12:00"]
