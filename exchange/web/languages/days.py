"""Moments and days as people read them: the same digits in every language, the words between them in each."""

from __future__ import annotations

from datetime import date, datetime

from exchange.clock import stamp
from exchange.web.languages.spoken import gettext


def moment(when: str | datetime | None) -> str:
    """To the minute, in UTC, as the audit log has it."""
    if when is None:
        return "–"
    text = when if isinstance(when, str) else stamp(when)
    return f"{text[:10]} {text[11:16]} UTC"


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
