"""The calibration models that scans of known firearm support: for whole marks, for parts with whole ones, for parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluation_figures import Evaluation, scored_pairs
from matcher.evaluate.pairs import PairScore, Progress
from matcher.evaluate.run_evaluation import AS_IS, EvaluationError, evaluate
from matcher.likelihood.calibrate import calibrate
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import (
    PART_WITH_WHOLE,
    PARTS_OF_MARKS,
    WHOLE_MARKS,
    CalibrationModel,
    CalibrationRefused,
)
from matcher.likelihood.mark_limits import limits_of
from matcher.likelihood.scored_pairs import DataDescription

_SAMPLINGS_UM = (3.125, 6.25, 12.5)
"""Distances of points between which instruments of breech faces lie: each scan is taken at one of them too."""
_ROUNDING = 0.01
"""Instruments round the distance of their points: a population reaches so much beyond what was measured."""
_SHARED = 0.2
"""Two crops of one firearm that share less of the smaller one are no pair of one firearm for the model of parts."""
_OUTSIDE = 0.05
"""Share of its own pairs that each limit of a model leaves out where it may speak for two firearms: one odd scan sets
no limit. The model of parts, which never does, keeps all."""


@dataclass(frozen=True)
class ReferenceModels:
    """What came of it. ``missing``: by what a model would have been for, why there is none."""

    models: CalibrationModels
    missing: Mapping[str, str]


def make_models(
    folder: Path,
    truth: Path,
    data: DataDescription,
    *,
    whole_marks_only: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> ReferenceModels:
    """Make the models of a folder of scans.

    1. Whole marks: the scans as they are, and at the distances of points of other instruments.
    2. Parts with whole marks: a random half of each scan, with the other scans as they are.
    3. Parts: half with half, where they share a fifth; and quarters with whole marks. Nothing on two parts says that
       they show the same area, so this model gives no likelihood ratio below 1.
    4. Fit each, and state what its pairs show at the least.

    Parts are turned at random, and taken at distances of points of other instruments too. Raises what ``evaluate``
    raises, and ``CalibrationRefused`` where even the whole marks support no model.
    """
    # 1.
    whole = evaluate(folder, truth, AS_IS, with_controls=False, progress=_named("whole marks", progress))
    low, high = whole.lateral_resolution_um
    samplings = tuple(um for um in _SAMPLINGS_UM if abs(um / low - 1.0) > _ROUNDING)
    mixed = Conditions(rotate=1, resample_um=tuple(sorted({low, *samplings})))
    measured_um = (min(low, *samplings) * (1.0 - _ROUNDING), max(high, *samplings) * (1.0 + _ROUNDING))

    def run(name: str, conditions: Conditions) -> Evaluation:
        return evaluate(folder, truth, conditions, with_controls=False, progress=_named(name, progress))

    def model(marks: str, evaluations: Sequence[Evaluation]) -> CalibrationModel:
        return _model(marks, evaluations, data, measured_um)

    made = [model(WHOLE_MARKS, (whole, run("other distances of points", mixed)))]
    missing: dict[str, str] = {}
    of_parts: dict[str, dict[str, Conditions]] = {
        # 2.
        PART_WITH_WHOLE: {"halves with whole marks": replace(mixed, crop=0.5, against="full")},
        # 3.
        PARTS_OF_MARKS: {
            "halves with halves": replace(mixed, crop=0.5),
            "quarters with whole marks": replace(mixed, crop=0.25, against="full"),
        },
    }

    # 4.
    for marks, crops in () if whole_marks_only else of_parts.items():
        try:
            made.append(model(marks, [run(name, conditions) for name, conditions in crops.items()]))
        except (CalibrationRefused, EvaluationError) as error:
            missing[marks] = str(error)
    return ReferenceModels(CalibrationModels.of(*made), missing)


def _named(name: str, progress: Progress) -> Progress:
    def show(stage: str, done: int, total: int) -> None:
        progress(name if stage == "comparing" else f"{name}: {stage}", done, total)

    return show


def _model(
    marks: str, evaluations: Sequence[Evaluation], data: DataDescription, measured_um: tuple[float, float]
) -> CalibrationModel:
    of_parts = marks == PARTS_OF_MARKS
    chosen = [pair for evaluation in evaluations for pair in evaluation.pairs if _shares_enough(evaluation, pair)]
    pairs = scored_pairs(evaluations[0].firearms, chosen)
    population = replace(
        data.population(pairs),
        marks=marks,
        lateral_resolution_um=measured_um,
        limits=limits_of([pair.marks for pair in chosen], 0.0 if of_parts else _OUTSIDE, of_parts=of_parts),
    )
    return calibrate(pairs, population, may_share_nothing=of_parts)


def _shares_enough(evaluation: Evaluation, pair: PairScore) -> bool:
    return evaluation.shares.get((pair.a, pair.b), 1.0) >= _SHARED
