"""Half-years and years in the words of the public site."""

from __future__ import annotations

from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.web.languages import gettext as _


def period_words(period: Period) -> str:
    """Such as "second half of 2026", as it stands within a sentence or a heading."""
    if not isinstance(period, Half):
        return str(period)
    if period.number == 1:
        return _("first half of %(year)s", year=period.year)
    return _("second half of %(year)s", year=period.year)


def named_period(text: str) -> str:
    """Of a period as it is written: ``2026H2``."""
    return period_words(parse_period(text))


def short_period(text: str) -> str:
    """In two words, of which each has its own line below a column: ``2026 H2``."""
    return text.replace("H", " H")
