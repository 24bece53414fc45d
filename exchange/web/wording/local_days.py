"""Days and deadlines in words and local time: "8 December", "by 8 December, 10 days left", "2 hours late".

Days of comparisons go by the region's clock (``LOCAL``), and so does what is said of them here. What is signed, and the
tooltip beside each of these words, is in UTC.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from babel.dates import format_skeleton, format_time

from exchange.clock import now
from exchange.flows.hits.vocabulary import LOCAL, local_day
from exchange.web.languages import gettext as _
from exchange.web.languages import ngettext, spoken
from exchange.web.languages.catalogue import LOCALES, SOURCE

_HOUR_S: Final = 3600
_DAYS: Final = {SOURCE: "en_GB"}
"""Where the day stands before the month, as in all other languages of the pages."""


def day_words(day: date | None, *, short: bool = False) -> str:
    """``8 December``, ``8 Dec``; with the year where it is another one."""
    if day is None:
        return "–"
    skeleton = ("MMMd" if short else "MMMMd") if day.year == local_day().year else ("yMMMd" if short else "yMMMMd")
    at_noon = datetime(day.year, day.month, day.day, 12, tzinfo=LOCAL)
    return str(format_skeleton(skeleton, at_noon, tzinfo=LOCAL, locale=_locale()))


def time_words(at: str) -> str:
    """``27 Nov 09:12``, by the region's clock."""
    there = _there(at)
    return f"{day_words(there.date(), short=True)} {_clock(there)}"


def due_words(due_at: str) -> str:
    """Until when: how late it is, or how long it still has. What ends with a day ends on that day, not on the next."""
    there = _there(due_at)
    left_s = (there - now()).total_seconds()
    if left_s < 0:
        return _late(-left_s)
    last = (there - timedelta(milliseconds=1)).date()
    days = (last - local_day()).days
    whole = there.hour == there.minute == 0
    match days:
        case 0 if whole:
            return _("today")
        case 0:
            return _("today by %(time)s", time=_clock(there))
        case 1 if whole:
            return _("by tomorrow")
        case 1:
            return _("by tomorrow, %(time)s", time=_clock(there))
        case _:
            return ngettext("by %(day)s, %(num)s day left", "by %(day)s, %(num)s days left", days, day=day_words(last))


def due_day(due_at: str) -> str:
    """``8 Dec``: the last day on which it is in time."""
    return day_words((_there(due_at) - timedelta(milliseconds=1)).date(), short=True)


def _late(seconds: float) -> str:
    if seconds < 2 * 24 * _HOUR_S:
        return ngettext("%(num)s hour late", "%(num)s hours late", max(1, int(seconds // _HOUR_S)))
    return ngettext("%(num)s day late", "%(num)s days late", int(seconds // (24 * _HOUR_S)))


def _there(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(LOCAL)


def _clock(there: datetime) -> str:
    return str(format_time(there, "HH:mm", tzinfo=LOCAL, locale=_locale()))


def _locale() -> str:
    code = spoken().code
    return _DAYS.get(code, LOCALES[code])
