"""Figures of a monitoring report in words: what is exact, what lies between two, what is held back, what is unknown."""

from __future__ import annotations

from typing import Any

from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.report.charts import Bar

DIGITS = {"count": 0, "hours": 1}


def words(figure: Figure, unit: str) -> str:
    """``unit`` is "count", "hours" or "share", which is said in per cent."""
    match figure.told:
        case Told.EXACT:
            return _value(figure.low or 0, unit)
        case Told.BETWEEN if figure.high is None:
            return _("%(figure)s or more", figure=_end(figure.low or 0, unit))
        case Told.BETWEEN:
            return f"{_end(figure.low or 0, unit)}–{_end(figure.high or 0, unit)}"
        case Told.HELD_BACK:
            return _("held back")
        case Told.NO_DATA:
            return _("no data")
        case Told.RESTRICTED:
            return _("restricted")


def bar(name: str, figure: Figure, unit: str = "count", **drawn: Any) -> Bar:
    """A figure as a chart draws it."""
    return Bar(name, words(figure, unit), figure.low, figure.high, **drawn)


def change(now: Figure, before: Figure, unit: str) -> str:
    """From one half-year to another, where both are exact."""
    if not (now.told is before.told is Told.EXACT):
        return "–"
    moved = (now.low or 0) - (before.low or 0)
    if not round(moved, 4):
        return "±0"
    sign = "+" if moved > 0 else "−"
    if unit == "share":
        return _("%(points)s points", points=sign + spoken().number(abs(moved) * 100, 1))
    return sign + _value(abs(moved), unit)


def unit_of(name: str) -> str:
    """Of a figure of the trend, by its name."""
    if name == "feedback_rate":
        return "share"
    return "hours" if name.endswith("_h") else "count"


def notes(document: Document) -> list[str]:
    """What a reader must know before the first figure."""
    found = [
        *public_notes(document.smallest),
        _("What is not here stands in the restricted edition alone, which goes to a named recipient."),
        _("Half-years begin and end at midnight UTC. What came to be known here after the end belongs to the next."),
    ]
    if document.begun is not None:
        found.append(_("This node began on %(day)s: there is no data from before.", day=document.begun))
    return found


def public_notes(smallest: int) -> list[str]:
    """How the figures of a public edition are to be read."""
    return [
        _(
            "Exhibits from 1 to %(few)s are reported as this range alone. Times are reported as classes: less than "
            "24 h, 48 h, 240 h, 720 h, or more; a side with fewer than %(smallest)s spans is not in them. No data is "
            "not 0.",
            few=smallest - 1,
            smallest=smallest,
        )
    ]


def _end(value: float, unit: str) -> str:
    """An end of a range; a whole number of hours without decimals."""
    return spoken().number(value, 0) if unit == "hours" and value == int(value) else _value(value, unit)


def _value(value: float, unit: str) -> str:
    if unit == "share":
        return f"{spoken().number(value * 100, 1)} %"
    return spoken().number(value, DIGITS[unit])
