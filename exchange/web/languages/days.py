"""Moments and days as people read them: the same digits in every language, the words between them in each.

Whoever plans a day reads the clock of the node's jurisdiction: "today 16:00", "2 h late". The same moment in UTC, as it
is signed and audited, stands in the tooltip. Where this machine does not know that clock, UTC is said in words too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from babel.dates import format_date
from markupsafe import Markup

from exchange.clock import DAY_S, now, stamp
from exchange.web.languages.catalogue import LOCALES
from exchange.web.languages.spoken import gettext, ngettext, spoken

_MINUTE_S, _HOUR_S = 60, 3600
_NEAR_DAYS = 14
"""So far ahead a day is said with how long that is."""


def moment(when: str | datetime | None) -> str:
    """To the minute, in UTC, as the audit log has it."""
    if when is None:
        return "–"
    text = when if isinstance(when, str) else stamp(when)
    return f"{text[:10]} {text[11:16]} UTC"


def moment_on_paper(when: str) -> str:
    """In UTC and by the clock of the node's jurisdiction, both with their day: paper is read on another day."""
    local = datetime.fromisoformat(when).astimezone(spoken().zone)
    return gettext("%(moment)s (here %(local)s)", moment=moment(when), local=f"{local:%Y-%m-%d %H:%M}")


def period(earliest: str | date | None, latest: str | date | None) -> str:
    """When something happened, as far as it is known; both ends inclusive."""
    if earliest is None and latest is None:
        return gettext("not known")
    if earliest == latest:
        return str(earliest)
    if earliest is None:
        return gettext("until %(day)s", day=latest)
    if latest is None:
        return gettext("from %(day)s on", day=earliest)
    return gettext("%(earliest)s to %(latest)s", earliest=earliest, latest=latest)


def local_time(when: str | None) -> Markup:
    """When something was or will be, in words; a ``time`` element whose tooltip has it in UTC."""
    return Markup("–") if when is None else _element(when, _in_words(datetime.fromisoformat(when)), "")


def due_time(when: str) -> Markup:
    """Until when something is to be done. ``late`` and ``soon`` are the classes of what is overdue, or due today."""
    at = datetime.fromisoformat(when)
    ahead_s = (at - now()).total_seconds()
    if ahead_s < 0:
        return _element(when, _late(-ahead_s), "late")
    days = (at.astimezone(spoken().zone).date() - now().astimezone(spoken().zone).date()).days
    words = _in_words(at)
    if 1 < days <= _NEAR_DAYS:
        words = ngettext("%(day)s, in %(num)s day", "%(day)s, in %(num)s days", days, day=_day(at))
    return _element(when, words, "soon" if days == 0 else "")


def _element(when: str, words: str, kind: str) -> Markup:
    return Markup('<time datetime="{}" class="{}" title="{}">{}</time>').format(when, kind, moment(when), words)


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
    match (local.date() - now().astimezone(zone).date()).days:
        case -1:
            return gettext("yesterday %(clock)s", clock=clock)
        case 0:
            return gettext("today %(clock)s", clock=clock)
        case 1:
            return gettext("tomorrow %(clock)s", clock=clock)
    return f"{_day(at)} {clock}"


def _day(at: datetime) -> str:
    """Such as "8 Dec", with the year where it is another."""
    zone = spoken().zone
    day = at.astimezone(zone).date()
    form = "d MMM" if day.year == now().astimezone(zone).year else "d MMM y"
    return format_date(day, form, locale=LOCALES[spoken().code])
