"""What likelihood ratios made on one set of firearms say of another set's pairs, in every condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from matcher.evaluate.evaluation_figures import Evaluation, scored_pairs
from matcher.evaluate.validation import Validation
from matcher.likelihood.calibrate import fit, leave_one_out
from matcher.likelihood.calibration_model import CalibrationRefused
from matcher.likelihood.fusion import cllr

STRONG = 10.0
"""A likelihood ratio above which a pair of two firearms misleads."""


@dataclass(frozen=True)
class AcrossSets:
    """One condition of the set ``judged``, by the model of the whole marks of the set ``made_on`` as they are.

    ``cllr``: bits; ``km_below_1``: share of pairs of one firearm with a likelihood ratio below 1; ``knm_above_10``:
    share of pairs of two with one above 10.
    """

    made_on: str
    judged: str
    condition: str
    cllr: float
    km_below_1: float
    knm_above_10: float


def likelihood_ratios_across(sets: Sequence[Validation]) -> list[AcrossSets]:
    """For each set, the model of its first condition, held against every condition of each other set.

    A set whose scores support no model is left out as the one that a model is made on.
    """
    found = []
    for made, judged in permutations(sets, 2):
        pairs = scored_pairs(made.results[0][1].firearms, made.results[0][1].pairs)
        try:
            bounds = leave_one_out(pairs).bounds
            slope, intercept = fit(pairs.scores, pairs.same)
        except CalibrationRefused:
            continue
        for trial, evaluation in judged.results:
            found.append(
                _judge(
                    (made.data.folder, judged.data.folder, trial.name),
                    (slope, intercept, bounds.lower, bounds.upper),
                    evaluation,
                )
            )
    return found


def _judge(names: tuple[str, str, str], model: tuple[float, float, float, float], evaluation: Evaluation) -> AcrossSets:
    slope, intercept, lower, upper = model
    pairs = scored_pairs(evaluation.firearms, evaluation.pairs)
    log10_lrs = np.clip(intercept + slope * pairs.scores, lower, upper)
    return AcrossSets(
        *names,
        cllr=cllr(log10_lrs, pairs.same),
        km_below_1=float((log10_lrs[pairs.same] < 0.0).mean()),
        knm_above_10=float((log10_lrs[~pairs.same] > np.log10(STRONG)).mean()),
    )
