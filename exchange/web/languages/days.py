"""Moments and days as people read them: the same digits in every language, the words between them in each.

Whoever plans a day reads the clock of the node's jurisdiction: "today 16:00", "2 h late". The same moment in UTC, as it
is signed and audited, stands in the tooltip. Where this machine does not know that clock, UTC is said in words too.
Days of comparisons go by the region's clock (``LOCAL``); a deadline that ends with such a day is said as that day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from babel.dates import format_date, format_skeleton
from markupsafe import Markup

from exchange.clock import DAY_S, now, stamp
from exchange.flows.hits.vocabulary import LOCAL
from exchange.web.languages.catalogue import LOCALES, SOURCE
from exchange.web.languages.spoken import gettext, ngettext, spoken

_MINUTE_S, _HOUR_S = 60, 3600
_NEAR_DAYS = 14
"""So far ahead a day is said with how long that is."""
_LOCALES: Final = LOCALES | {SOURCE: "en_GB"}
"""Where the day stands before the month, as in all other languages of the pages."""


def moment(when: str | datetime | None) -> str:
    """To the minute, in UTC, as the audit log has it."""
    if when is None:
        return "–"
    text = _stamped(when)
    return f"{text[:10]} {text[11:16]} UTC"


def moment_on_paper(when: str) -> str:
    """In UTC and by the clock of the node's jurisdiction, both with their day: paper is read on another day."""
    local = datetime.fromisoformat(when).astimezone(spoken().zone)
    here = f"{local:%Y-%m-%d %H:%M}"
    return gettext("%(moment)s (here %(local)s)", moment=moment(when), local=here)


def period(earliest: str | date | None, latest: str | date | None) -> str:
    """When something happened, as far as it is known; both ends inclusive."""
    if earliest is None and latest is None:
        return gettext("day not known")
    if earliest == latest:
        return str(earliest)
    if earliest is None:
        return gettext("until %(day)s", day=latest)
    if latest is None:
        return gettext("from %(day)s on", day=earliest)
    return gettext("%(earliest)s to %(latest)s", earliest=earliest, latest=latest)


def local_time(when: str | datetime | None) -> Markup:
    """When something was or will be, in words; a ``time`` element whose tooltip has it in UTC."""
    return Markup("–") if when is None else _element(when, local_words(when), "")


def local_words(when: str | datetime | None) -> str:
    """The same as plain text, where no element can stand."""
    return "–" if when is None else _in_words(_read(when))


def clock_words(when: str | datetime) -> str:
    """The hour, minute and second by the clock of the node's jurisdiction, of what was done just now; UTC in words."""
    zone = spoken().zone
    local = _read(when).astimezone(zone)
    return f"{local:%H:%M:%S} UTC" if zone is UTC else f"{local:%H:%M:%S}"


def due_time(when: str | datetime | None) -> Markup:
    """Until when something is to be done. ``late`` and ``soon`` are the classes of what is overdue, or due today."""
    if when is None:
        return Markup("–")
    at = _read(when)
    kind = "late" if at < now() else "soon" if _days_ahead(at) == 0 else ""
    return _element(when, due_words(when), kind)


def due_words(when: str | datetime) -> str:
    """Until when, as plain text: how late it is, or how long it still has. What ends with a day ends on that day, not
    on the next."""
    at = _read(when)
    ahead_s = (at - now()).total_seconds()
    if ahead_s < 0:
        return _late(-ahead_s)
    days, whole = _days_ahead(at), _ends_a_day(at)
    if whole and days == 0:
        return gettext("today")
    if whole and days == 1:
        return gettext("by tomorrow")
    if 1 < days <= _NEAR_DAYS:
        return ngettext("%(day)s, in %(num)s day", "%(day)s, in %(num)s days", days, day=_day(_last_day(at)))
    return _day(_last_day(at)) if whole else _in_words(at)


def due_day(when: str | datetime) -> str:
    """``8 Dec``: the last day on which it is in time."""
    return _day(_last_day(_read(when)))


def day_words(day: date | None, *, short: bool = False) -> str:
    """A day of the calendar: ``8 December``, ``8 Dec``; with the year where it is another one."""
    if day is None:
        return "–"
    if short:
        return _day(day)
    skeleton = "MMMMd" if day.year == _today(LOCAL).year else "yMMMMd"
    at_noon = datetime(day.year, day.month, day.day, 12, tzinfo=LOCAL)
    return str(format_skeleton(skeleton, at_noon, tzinfo=LOCAL, locale=_locale()))


def _element(when: str | datetime, words: str, kind: str) -> Markup:
    element = Markup('<time datetime="{}" class="{}" title="{}">{}</time>')
    return element.format(_stamped(when), kind, moment(when), words)


def _late(seconds: float) -> str:
    if seconds < _HOUR_S:
        return ngettext("%(num)s min late", "%(num)s min late", max(1, int(seconds // _MINUTE_S)))
    if seconds < 2 * DAY_S:
        return ngettext("%(num)s h late", "%(num)s h late", int(seconds // _HOUR_S))
    return ngettext("%(num)s day late", "%(num)s days late", int(seconds // DAY_S))


def _in_words(at: datetime) -> str:
    ago_s = (now() - at).total_seconds()
    if 0 <= ago_s < _MINUTE_S:
        return ngettext("%(num)s s ago", "%(num)s s ago", int(ago_s))
    if 0 <= ago_s < _HOUR_S:
        return ngettext("%(num)s min ago", "%(num)s min ago", int(ago_s // _MINUTE_S))
    zone = spoken().zone
    local = at.astimezone(zone)
    clock = f"{local:%H:%M} UTC" if zone is UTC else f"{local:%H:%M}"
    match (local.date() - _today(zone)).days:
        case -1:
            return gettext("yesterday %(clock)s", clock=clock)
        case 0:
            return gettext("today %(clock)s", clock=clock)
        case 1:
            return gettext("tomorrow %(clock)s", clock=clock)
    return f"{_day(local.date())} {clock}"


def _day(day: date) -> str:
    """Such as "8 Dec", with the year where it is another."""
    form = "d MMM" if day.year == _today(spoken().zone).year else "d MMM y"
    return str(format_date(day, form, locale=_locale()))


def _ends_a_day(at: datetime) -> bool:
    there = at.astimezone(LOCAL)
    return (there.hour, there.minute, there.second, there.microsecond) == (0, 0, 0, 0)


def _last_day(at: datetime) -> date:
    """On which a deadline is still in time."""
    return (at - timedelta(milliseconds=1)).astimezone(_zone_of(at)).date()


def _days_ahead(at: datetime) -> int:
    return (_last_day(at) - _today(_zone_of(at))).days


def _zone_of(at: datetime) -> tzinfo:
    return LOCAL if _ends_a_day(at) else spoken().zone


def _today(zone: tzinfo) -> date:
    return now().astimezone(zone).date()


def _read(when: str | datetime) -> datetime:
    """What names no clock is in UTC, as all that the node writes down."""
    at = datetime.fromisoformat(when) if isinstance(when, str) else when
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _stamped(when: str | datetime) -> str:
    return when if isinstance(when, str) else stamp(when)


def _locale() -> str:
    return _LOCALES[spoken().code]
