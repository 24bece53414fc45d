"""What came of instrument checks, in the language of the page."""

from __future__ import annotations

from typing import Final

from exchange.flows.instrument.check_series import CheckPoint
from exchange.flows.instrument.check_standing import CheckStanding, InstrumentStanding
from exchange.flows.instrument.outcome_words import next_step
from exchange.web.languages import gettext
from exchange.web.languages import marked as _m
from schemas import InstrumentCheck

TITLES: Final = {
    "correlation": _m("Correlation with the first scan"),
    "height_ratio": _m("Heights against the first scan"),
    "scale_x": _m("Lengths along x against the first scan"),
    "scale_y": _m("Lengths along y against the first scan"),
    "skew_deg": _m("Angle between the axes, off 90 degrees"),
    "detail_ratio": _m("Fine detail against the first scan"),
    "difference_share": _m("Difference, as a share of the roughness"),
    "missing": _m("Points that are missing now"),
}
"""By the names of ``matcher.instrument.check_limits.MEASURES``."""
OUTCOME_TEXTS: Final = {
    "reference": _m("first scan of the series"),
    "passed": _m("passed"),
    "warning": _m("passed with a warning"),
    "failed": _m("failed"),
}
SIGNS: Final = {
    "action": _m("beyond the action limit"),
    "warning": _m("beyond the warning limit"),
    "drift": _m("drifts: the median of the last five checks is beyond half of the warning limit"),
    "uncertain": _m("too uncertain to tell"),
}
NEXT_TEXTS: Final = {
    "reference": _m("Check again with the next scan of this specimen. Keep the file of this one."),
    "passed": _m("Nothing is to be done."),
    "warning": _m(
        "Clean the specimen and the objective, and scan again. If it stays, have the instrument looked at soon."
    ),
    "failed": _m(
        "Clean the specimen and the objective, and scan again. If it fails again, take no scans of exhibits with this "
        "instrument until it was adjusted and calibrated; then begin a new series."
    ),
    "same": _m(
        "It agrees with the first scan no better than another firing of one firearm. See to it that it is this "
        "specimen and this region, clean it, and scan again."
    ),
    "another": _m(
        "Nothing of the first scan was found again. See to it that it is this specimen and this region, and that the "
        "export is neither mirrored nor inverted."
    ),
}


def titles() -> dict[str, str]:
    """What each figure is called."""
    return {name: gettext(title) for name, title in TITLES.items()}


def outcome(word: str) -> str:
    """ "?" of a word that this node never wrote."""
    return gettext(OUTCOME_TEXTS[word]) if word in OUTCOME_TEXTS else "?"


def next_words(point: CheckPoint) -> str:
    """What to do after a check."""
    return gettext(NEXT_TEXTS[next_step(point)]) if point.intact else ""


def sign_words(point: CheckPoint, measure: str) -> str | None:
    """What is told of a figure; None where nothing is."""
    sign = point.sign_of(measure)
    return None if sign is None else gettext(SIGNS[sign])


def named_check_words(check: InstrumentCheck) -> str:
    """What a record says of its instrument."""
    said = {"day": check.checked_on.isoformat(), "specimen": check.specimen}
    if check.warning:
        return gettext("checked on %(day)s against %(specimen)s, passed with a warning", **said)
    return gettext("checked on %(day)s against %(specimen)s, passed", **said)


def doubt_words(found: InstrumentStanding, days: int) -> str:
    """What an examiner is told before a scan is signed."""
    match found.standing:
        case CheckStanding.NOT_STATED:
            return gettext("No instrument is stated of this scan, so the record names no check of it.")
        case CheckStanding.FAILED:
            return gettext("The last check of this scan's instrument failed.")
        case CheckStanding.OVERDUE if found.check is not None:
            said = {"day": found.check.at[:10], "days": days}
            return gettext("This scan's instrument was checked on %(day)s, more than %(days)s days ago.", **said)
        case _:
            return gettext("This scan's instrument has no passed check on this node, or not with this software.")
