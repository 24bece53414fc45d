"""Moments as people read them: by the clock of the node's jurisdiction, in words, with UTC in the tooltip."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from exchange.web.languages import Spoken, days
from exchange.web.languages.days import day_words, due_day, due_time, due_words, local_time, local_words, moment
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
    assert (local_time(None), local_words(None), due_time(None), day_words(None)) == ("–", "–", "–", "–")


@pytest.mark.parametrize(
    ("when", "said", "last"),
    [
        ("2026-11-30T23:00:00.000Z", "today", "30 Nov"),
        ("2026-12-01T23:00:00.000Z", "by tomorrow", "1 Dec"),
        ("2026-12-08T23:00:00.000Z", "8 Dec, in 8 days", "8 Dec"),
        ("2027-01-31T23:00:00.000Z", "31 Jan 2027", "31 Jan 2027"),
    ],
)
def test_what_ends_with_a_day_of_the_region_is_due_on_that_day(when: str, said: str, last: str) -> None:
    for here in (BELGRADE, KYIV):
        with speaking(here):
            assert (due_words(when), due_day(when)) == (said, last)


def test_a_day_of_the_calendar_has_its_month_in_words() -> None:
    with speaking(BELGRADE):
        assert (day_words(date(2026, 12, 8)), day_words(date(2026, 12, 8), short=True)) == ("8 December", "8 Dec")
        assert day_words(date(2027, 2, 8)) == "8 February 2027"


def test_a_moment_of_the_contract_is_said_as_that_of_the_database() -> None:
    stored = "2026-11-30T15:00:00.000Z"
    with speaking(BELGRADE):
        assert local_time(datetime.fromisoformat(stored)) == local_time(stored)
        assert due_time(datetime.fromisoformat(stored)) == due_time(stored)
