"""What came of a check, in plain English, with what to do next. The pages have their own words."""

from __future__ import annotations

from typing import Final

from exchange.flows.instrument.check_series import CheckPoint
from exchange.flows.instrument.instrument_chart import WRITTEN, written, written_limits
from matcher.instrument.check_limits import DRIFT_CHECKS, MEASURES, CheckOutcome, Sign

_BY_NAME: Final = {measure.name: measure for measure in MEASURES}
OUTCOME_SENTENCES: Final = {
    CheckOutcome.REFERENCE: "The first scan of a series: the next ones are held against it.",
    CheckOutcome.PASSED: "Passed.",
    CheckOutcome.WARNING: "Passed with a warning.",
    CheckOutcome.FAILED: "Failed.",
}
NEXT_STEPS: Final = {
    "reference": "Check again with the next scan of this specimen. Keep the file of this one.",
    "passed": "Nothing is to be done.",
    "warning": "Clean the specimen and the objective, and scan again. If it stays, have the instrument looked at soon.",
    "failed": "Clean the specimen and the objective, and scan again. If it fails again, take no scans of exhibits with "
    "this instrument until it was adjusted and calibrated; then begin a new series with --new-reference.",
    "same": "It agrees with the first scan no better than another firing of one firearm. See to it that it is this "
    "specimen and this region, clean it, and scan again. A damaged specimen begins a new series with --new-reference.",
    "another": "Nothing of the first scan was found again. See to it that it is this specimen and this region, and "
    "that the export is neither mirrored nor inverted.",
}


def outcome_in_words(point: CheckPoint) -> list[str]:
    """Sentences: the outcome, what is beyond a limit, the next step."""
    if not point.intact:
        return ["This check is not as this node wrote it: it counts no more. See: ffp log check"]
    return [OUTCOME_SENTENCES[CheckOutcome(point.outcome)], *_told(point), NEXT_STEPS[next_step(point)]]


def next_step(point: CheckPoint) -> str:
    """A word of ``NEXT_STEPS``."""
    if point.same_specimen is not None:
        return "same" if point.same_specimen else "another"
    return point.outcome


def _told(point: CheckPoint) -> list[str]:
    found = []
    for one in point.told:
        name = one["measure"]
        measure, value = _BY_NAME[name], written(name, point.values[name])
        title = WRITTEN[name].title
        match Sign(one["sign"]):
            case Sign.ACTION:
                within = written_limits(measure, measure.action)
                found.append(f"{title}: {value}, beyond the action limit ({within}). {measure.reason}")
            case Sign.WARNING:
                within = written_limits(measure, measure.warning)
                found.append(f"{title}: {value}, beyond the warning limit ({within}). {measure.reason}")
            case Sign.DRIFT:
                within, middle = written_limits(measure, measure.warning / 2.0), written(name, one["median"])
                said = f"The median of the last {DRIFT_CHECKS} checks is {middle}, beyond half of the warning limit"
                found.append(f"{title}: drifts. {said} ({within}).")
            case Sign.UNCERTAIN:
                found.append(f"{title}: {value}, too uncertain to tell. Scan the specimen's whole mark.")
    return found
