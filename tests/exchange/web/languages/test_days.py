"""Moments as people read them: by the clock of the node's jurisdiction, in words, with UTC in the tooltip."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange.web.languages import Spoken, days
from exchange.web.languages.days import due_time, local_time, moment
from exchange.web.languages.spoken import speaking

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
BELGRADE, KYIV, NOWHERE = Spoken(here="RS"), Spoken(here="UA"), Spoken(here="ZZ")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "now", lambda: NOW)


def words(element: str) -> str:
    return element.partition(">")[2].partition("<")[0]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("2026-11-30T11:59:48.000Z", "12 s ago"),
        ("2026-11-30T11:20:00.000Z", "40 min ago"),
        ("2026-11-30T06:00:00.000Z", "today 07:00"),
        ("2026-11-30T15:00:00.000Z", "today 16:00"),
        ("2026-11-29T23:30:00.000Z", "today 00:30"),
        ("2026-11-29T09:00:00.000Z", "yesterday 10:00"),
        ("2026-12-01T09:00:00.000Z", "tomorrow 10:00"),
        ("2026-07-08T09:00:00.000Z", "8 Jul 11:00"),
        ("2025-12-08T09:00:00.000Z", "8 Dec 2025 10:00"),
    ],
)
def test_a_moment_is_said_by_the_clock_of_the_place(when: str, said: str) -> None:
    with speaking(BELGRADE):
        assert words(local_time(when)) == said


@pytest.mark.parametrize(
    ("when", "said", "kind"),
    [
        ("2026-11-30T11:59:50.000Z", "1 min late", "late"),
        ("2026-11-30T09:59:00.000Z", "2 h late", "late"),
        ("2026-11-27T09:59:00.000Z", "3 days late", "late"),
        ("2026-11-30T15:00:00.000Z", "today 16:00", "soon"),
        ("2026-12-01T15:00:00.000Z", "tomorrow 16:00", ""),
        ("2026-12-10T15:00:00.000Z", "10 Dec, in 10 days", ""),
        ("2027-01-20T15:00:00.000Z", "20 Jan 2027 16:00", ""),
    ],
)
def test_a_deadline_says_how_long_there_is(when: str, said: str, kind: str) -> None:
    with speaking(BELGRADE):
        found = due_time(when)
    assert words(found) == said
    assert f'class="{kind}"' in found


def test_utc_stands_in_the_tooltip_and_in_words_where_the_clock_is_not_known() -> None:
    when = "2026-11-30T15:00:00.000Z"
    with speaking(KYIV):
        assert words(local_time(when)) == "today 17:00"
    with speaking(NOWHERE):
        assert words(local_time(when)) == "today 15:00 UTC"
        assert f'title="{moment(when)}"' in local_time(when)
        assert f'datetime="{when}"' in local_time(when)


def test_what_never_happened_is_a_dash() -> None:
    assert local_time(None) == "–"
