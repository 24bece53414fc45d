"""What a check's figures may be, why, and what is said where they are not: passed, passed with a warning, failed.

The rule, for each figure alone: beyond its action limit the check failed; beyond its warning limit it passed with a
warning; and the median of the last five checks tells a drift that no single one shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from matcher.instrument.specimen_figures import MeasuredFigure, SpecimenFigures

DRIFT_CHECKS: Final = 5
"""So many of the last checks of a series tell a drift where their median lies beyond half of the warning limit: three
of five are out so far then, on one side, and one that failed says nothing by itself."""
SAME_SPECIMEN: Final = 0.95
"""The least correlation. Of two firings of one firearm, in two public sets, the highest of all 243 pairs is below .94;
noise of a quarter of a mark's own roughness leaves .997 of a second scan of it."""
ANYTHING: Final = 0.5
"""Below it nothing of the first scan was found again: of 50 pairs of different firearms the highest has .31."""


class CheckOutcome(StrEnum):
    REFERENCE = "reference"
    """The first scan of a series: there was nothing to compare with."""
    PASSED = "passed"
    WARNING = "warning"
    """Passed, with a warning."""
    FAILED = "failed"


class Sign(StrEnum):
    """What is told of one figure."""

    ACTION = "action"
    WARNING = "warning"
    DRIFT = "drift"
    UNCERTAIN = "uncertain"
    """Its uncertainty is as wide as its warning limit: it says nothing."""


@dataclass(frozen=True)
class Measure:
    """One figure with its limits: so far from ``target``, to ``side`` (-1 below alone, +1 above alone, 0 both)."""

    name: str
    target: float
    side: int
    warning: float
    action: float
    reason: str

    def bounds(self, reach: float) -> tuple[float | None, float | None]:
        """The lowest and the highest value within a limit; None where there is none on that side."""
        low = None if self.side > 0 else self.target - reach
        return low, None if self.side < 0 else self.target + reach

    def beyond(self, value: float, reach: float) -> bool:
        low, high = self.bounds(reach)
        return (low is not None and value < low) or (high is not None and value > high)


MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        *("correlation", 1.0, -1, 0.03, 1.0 - SAME_SPECIMEN),
        "Two firings of one firearm reach .94: below .95 it may be another specimen.",
    ),
    Measure(
        *("height_ratio", 1.0, 0, 0.01, 0.02),
        "Certified step heights are known to about 1 %; the score itself does not depend on the scale of heights.",
    ),
    Measure(
        *("scale_x", 1.0, 0, 0.002, 0.005),
        "0.5 % displaces the rim of a primer by 9 um, a quarter of what congruent cells may be apart.",
    ),
    Measure(*("scale_y", 1.0, 0, 0.002, 0.005), "As along x."),
    Measure(*("skew_deg", 0.0, 0, 0.1, 0.3), "0.3 degrees displace the rim of a primer by 9 um, as 0.5 % do."),
    Measure(
        *("detail_ratio", 1.0, 0, 0.1, 0.2),
        "A blur of 4 um takes 12 % from waves of 30 to 60 um, which carry the finest marks that are compared.",
    ),
    Measure(
        *("difference_share", 0.0, 1, 0.25, 0.32),
        "What is left beside the specimen's own roughness: as much as correlations of .97 and .95 leave.",
    ),
    Measure(
        *("missing", 0.0, 1, 0.1, 0.25),
        "Comparisons get worse from half of a mark on; a quarter is on the way there.",
    ),
)
TWO_SIDED: Final = frozenset(measure.name for measure in MEASURES if measure.side == 0)
"""Those that can drift: the others are worse than the first scan from the first check on, by the noise of two scans."""


@dataclass(frozen=True)
class LimitSign:
    """One sign of one figure; ``median``: of the last checks, of a drift alone."""

    measure: str
    sign: Sign
    median: float | None = None


@dataclass(frozen=True)
class CheckVerdict:
    """``same_specimen``: None where the correlation leaves no doubt of it; else whether anything was found again."""

    outcome: CheckOutcome
    told: tuple[LimitSign, ...]
    same_specimen: bool | None = None


def values_of(figures: SpecimenFigures) -> dict[str, MeasuredFigure]:
    """The figures that have limits, by the names of ``MEASURES``."""
    share = figures.difference_um / figures.roughness_um if figures.roughness_um > 0.0 else 1.0
    return {
        "correlation": MeasuredFigure(figures.correlation, None),
        "height_ratio": figures.height_ratio,
        "scale_x": figures.scale_x,
        "scale_y": figures.scale_y,
        "skew_deg": figures.skew_deg,
        "detail_ratio": figures.detail_ratio,
        "difference_share": MeasuredFigure(share, None),
        "missing": MeasuredFigure(figures.missing, None),
    }


def judge_check(values: Mapping[str, MeasuredFigure], earlier: Sequence[Mapping[str, float]] = ()) -> CheckVerdict:
    """What follows from a check's figures; ``earlier``: those of the checks of its series before it, the oldest first.

    1. Of what may not be the same specimen nothing else is said: its figures mean nothing.
    2. Each figure against its limits, and its uncertainty too.
    3. The median of the last checks.
    """
    # 1.
    if values["correlation"].value < SAME_SPECIMEN:
        found = values["correlation"].value >= ANYTHING
        return CheckVerdict(CheckOutcome.FAILED, (LimitSign("correlation", Sign.ACTION),), same_specimen=found)
    told = []
    for measure in MEASURES:
        # 2.
        figure = values[measure.name]
        if measure.beyond(figure.value, measure.action):
            told.append(LimitSign(measure.name, Sign.ACTION))
        elif measure.beyond(figure.value, measure.warning):
            told.append(LimitSign(measure.name, Sign.WARNING))
        elif measure.name in TWO_SIDED and not _is_certain(figure, measure):
            told.append(LimitSign(measure.name, Sign.UNCERTAIN))
        # 3.
        elif (middle := _drift(measure, [*(one[measure.name] for one in earlier), figure.value])) is not None:
            told.append(LimitSign(measure.name, Sign.DRIFT, middle))
    failed = any(one.sign is Sign.ACTION for one in told)
    return CheckVerdict(
        CheckOutcome.FAILED if failed else CheckOutcome.WARNING if told else CheckOutcome.PASSED, tuple(told)
    )


def _is_certain(figure: MeasuredFigure, measure: Measure) -> bool:
    """With a coverage factor of 2 (GUM, 6.3.3)."""
    return figure.uncertainty is not None and 2.0 * figure.uncertainty <= measure.warning


def _drift(measure: Measure, series: Sequence[float]) -> float | None:
    """The median of the last checks, where it tells a drift."""
    last = series[-DRIFT_CHECKS:]
    if measure.name not in TWO_SIDED or len(last) < DRIFT_CHECKS:
        return None
    middle = median(last)
    return middle if measure.beyond(middle, measure.warning / 2.0) else None
