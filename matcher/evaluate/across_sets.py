"""What likelihood ratios made on one set of firearms say of another set's pairs, in every condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from matcher.evaluate.evaluation_figures import Evaluation
from matcher.evaluate.validation import Validation
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.fusion import cllr
from matcher.likelihood.ratio import LikelihoodRatio, PairConditions, likelihood_ratio

STRONG = 10.0
"""A likelihood ratio above which a pair of two firearms misleads."""


@dataclass(frozen=True)
class AcrossSets:
    """One condition of the set ``judged``, by the models of the set ``made_on``.

    ``km_judged``, ``knm_judged``: shares of the pairs of one firearm and of two that a model covers. Of these:
    ``km_above_1``, ``km_below_1``: shares of pairs of one firearm whose likelihood ratio speaks for one, and for two;
    ``knm_above_10``: of pairs of two with one above 10; ``cllr``: bits, with both kinds weighing alike. None where no
    pair of that kind is covered.
    """

    made_on: str
    judged: str
    condition: str
    km_judged: float
    knm_judged: float
    km_above_1: float | None
    km_below_1: float | None
    knm_above_10: float | None
    cllr: float | None


def likelihood_ratios_across(sets: Sequence[Validation]) -> list[AcrossSets]:
    """The models of each set, held against every condition of each other set.

    A set whose scores support no model is left out as the one that models are made on.
    """
    return [
        _judge((made.data.folder, judged.data.folder, trial.name), made.models, evaluation)
        for made, judged in permutations(sets, 2)
        if made.models is not None
        for trial, evaluation in judged.results
    ]


def _judge(names: tuple[str, str, str], models: CalibrationModels, evaluation: Evaluation) -> AcrossSets:
    same = np.array([evaluation.firearms[pair.a] == evaluation.firearms[pair.b] for pair in evaluation.pairs])
    log10_lrs = log10_lrs_of(models, evaluation)
    judged = np.isfinite(log10_lrs)
    km, knm = log10_lrs[judged & same], log10_lrs[judged & ~same]
    return AcrossSets(
        *names,
        km_judged=float(judged[same].mean()),
        knm_judged=float(judged[~same].mean()),
        km_above_1=float((km > 0.0).mean()) if len(km) else None,
        km_below_1=float((km < 0.0).mean()) if len(km) else None,
        knm_above_10=float((knm > np.log10(STRONG)).mean()) if len(knm) else None,
        cllr=cllr(log10_lrs[judged], same[judged]) if len(km) and len(knm) else None,
    )


def log10_lrs_of(models: CalibrationModels, evaluation: Evaluation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(n,): of the evaluation's pairs in their order, NaN where no model covers a pair. Whatever the exhibits' calibre
    is: that it is the models' is for whoever chose the sets to say."""
    found = np.full(len(evaluation.pairs), np.nan)
    spacings = _spacings_um(evaluation)
    references = evaluation.lateral_resolution_um if evaluation.conditions.against else None
    population = models.widest.population
    for place, pair in enumerate(evaluation.pairs):
        conditions = PairConditions(
            region=population.region,
            modality="topography" if evaluation.conditions.render is None else "reflectance",
            calibres=(population.calibres[0], population.calibres[0]),
            lateral_resolutions_um=spacings[pair.a] + (references or spacings[pair.b]),
            matcher_version=evaluation.matcher_version,
            parameters_digest=evaluation.parameters_digest,
            marks=pair.marks,
        )
        worth = likelihood_ratio(models, pair.score, conditions)
        if isinstance(worth, LikelihoodRatio):
            found[place] = worth.log10_lr
    return found


def _spacings_um(evaluation: Evaluation) -> dict[str, tuple[float, ...]]:
    """Distances of points, as the scans were compared."""
    samplings = evaluation.conditions.resample_um
    return {
        name: (samplings[place % len(samplings)],) if samplings else evaluation.lateral_resolution_um
        for place, name in enumerate(evaluation.firearms)
    }
