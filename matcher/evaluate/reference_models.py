"""The calibration models that scans of known firearm support: for whole marks, for parts with whole ones, for parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluated_pairs import Progress
from matcher.evaluate.evaluation_figures import ScoredPair, scored_pairs
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
from matcher.likelihood.mark_limits import Extents, limits_of
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


class MarkedPair(ScoredPair, Protocol):
    """A pair of scans by their names, its score, and what either mark shows."""

    @property
    def marks(self) -> Extents: ...


@dataclass(frozen=True)
class KnownScore:
    """The score of two scans that was made before, by the matcher and the parameters that the models are for."""

    a: str
    b: str
    score: float
    marks: Extents


class ScoredScans(Protocol):
    """Scans of known firearm with the scores of their pairs; as an ``Evaluation`` has them."""

    @property
    def firearms(self) -> Mapping[str, str]: ...
    @property
    def pairs(self) -> Sequence[MarkedPair]: ...
    @property
    def shares(self) -> Mapping[tuple[str, str], float]: ...
    @property
    def lateral_resolution_um(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class KnownScores:
    """The scans as they are, where their pairs were scored before. ``pairs``: those that count, and no others."""

    firearms: Mapping[str, str]
    pairs: Sequence[MarkedPair]
    lateral_resolution_um: tuple[float, float]
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanGroup:
    """Some of the scans, which get a model of their own for whole marks. ``title``: what it is of, in words."""

    title: str
    scans: frozenset[str]
    data: DataDescription


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
    known: ScoredScans | None = None,
    counted: Callable[[str, str], bool] = lambda _a, _b: True,
    groups: Sequence[ScanGroup] = (),
    progress: Progress = lambda _stage, _done, _total: None,
) -> ReferenceModels:
    """Make the models of a folder of scans.

    1. Whole marks: the scans as they are, and at the distances of points of other instruments.
    2. Parts with whole marks: a random half of each scan, with the other scans as they are.
    3. Parts: half with half, where they share a fifth; and quarters with whole marks. Nothing on two parts says that
       they show the same area, so this model gives no likelihood ratio below 1.
    4. Fit each, and state what its pairs show at the least.

    Parts are turned at random, and taken at distances of points of other instruments too. ``known``: of the scans as
    they are; these are not compared again then. ``counted``: whether a pair of scans, by their names, may stand in a
    model. ``groups``: their models stand first in the file, being narrower. Raises what ``evaluate``
    raises, and ``CalibrationRefused`` where even the whole marks support no model.
    """
    # 1.
    whole: ScoredScans = known or evaluate(
        folder, truth, AS_IS, with_controls=False, progress=_named("whole marks", progress)
    )
    low, high = whole.lateral_resolution_um
    samplings = tuple(um for um in _SAMPLINGS_UM if abs(um / low - 1.0) > _ROUNDING)
    mixed = Conditions(rotate=1, resample_um=tuple(sorted({low, *samplings})))
    measured_um = (min(low, *samplings) * (1.0 - _ROUNDING), max(high, *samplings) * (1.0 + _ROUNDING))

    def run(name: str, conditions: Conditions) -> ScoredScans:
        return evaluate(folder, truth, conditions, with_controls=False, progress=_named(name, progress))

    def model(marks: str, evaluations: Sequence[ScoredScans]) -> CalibrationModel:
        return _model(marks, evaluations, data, measured_um, counted)

    evaluated = (whole, run("other distances of points", mixed))
    made = [model(WHOLE_MARKS, evaluated)]
    narrower, missing = list[CalibrationModel](), dict[str, str]()
    for group in groups:
        inside = _inside(group, counted)
        try:
            narrower.append(_model(WHOLE_MARKS, evaluated, group.data, measured_um, inside))
        except CalibrationRefused as error:
            missing[group.title] = str(error)
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
    return ReferenceModels(CalibrationModels.of(*narrower, *made), missing)


def _named(name: str, progress: Progress) -> Progress:
    def show(stage: str, done: int, total: int) -> None:
        progress(name if stage == "comparing" else f"{name}: {stage}", done, total)

    return show


def _inside(group: ScanGroup, counted: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda a, b: a in group.scans and b in group.scans and counted(a, b)


def _model(
    marks: str,
    evaluations: Sequence[ScoredScans],
    data: DataDescription,
    measured_um: tuple[float, float],
    counted: Callable[[str, str], bool],
) -> CalibrationModel:
    of_parts = marks == PARTS_OF_MARKS
    chosen = [
        pair
        for evaluation in evaluations
        for pair in evaluation.pairs
        if counted(pair.a, pair.b) and _shares_enough(evaluation, pair)
    ]
    pairs = scored_pairs(evaluations[0].firearms, chosen)
    population = replace(
        data.population(pairs),
        marks=marks,
        lateral_resolution_um=measured_um,
        limits=limits_of([pair.marks for pair in chosen], 0.0 if of_parts else _OUTSIDE, of_parts=of_parts),
    )
    return calibrate(pairs, population, may_share_nothing=of_parts)


def _shares_enough(evaluation: ScoredScans, pair: MarkedPair) -> bool:
    return evaluation.shares.get((pair.a, pair.b), 1.0) >= _SHARED
