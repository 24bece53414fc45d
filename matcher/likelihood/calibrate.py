"""Calibration: what a score is worth, from pairs of known firearm. Needs the extra ``evaluation`` (lir).

The number of *independent firearms* bounds every likelihood ratio, not the number of pairs; see
``bounds`` and docs/likelihood-ratio.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from matcher.likelihood.calibration_model import CalibrationModel, CalibrationRefused, ReferencePopulation
from matcher.likelihood.scored_pairs import ScoredPairs

CALIBRATOR = "logistic regression, bounded"

_GROUPS = 20
"""Up to so many firearms are left out one by one; more are dealt into so many groups: 210 fits, not half a million,
each without a tenth of the firearms."""

_Values = NDArray[np.float64]
Report = Callable[[int, int], None]
"""Called with how many fits are done, and how many there are."""


@dataclass(frozen=True)
class Bounds:
    """log10 LRs, at most 0 and at least 0, and the numbers of independent units that they follow from."""

    lower: float
    upper: float
    independent_km: float
    independent_knm: float


@dataclass(frozen=True)
class LeaveOneOut:
    """What leaving one firearm out shows. ``log10_lrs``: (n,), bounded, each from a fit that saw neither firearm.

    ``gap``: lowest log10 LR of a KM pair minus highest of a KNM pair; at most the distance of the bounds.
    """

    log10_lrs: _Values
    bounds: Bounds
    cllr: float
    cllr_min: float
    gap: float


def calibrate(
    pairs: ScoredPairs,
    population: ReferencePopulation,
    report: Report = lambda _done, _total: None,
    *,
    may_share_nothing: bool = False,
) -> CalibrationModel:
    """Make the model of a reference population.

    1. Leave one firearm out: bounds, Cllr and Cllr_min.
    2. Fit on all pairs.
    3. Cut the fitted line at the bounds. Its two ends are the knots of the model, which is therefore exact.

    ``may_share_nothing``: two marks of one firearm that the model will judge may show different areas. A low score is
    then no sign of two firearms, and 1 is the lowest likelihood ratio, whatever these pairs support.
    Raises ``CalibrationRefused`` where the pairs are too few, or their scores tell firearms apart no better
    than chance.
    """
    # 1.
    validation = leave_one_out(pairs, report, may_share_nothing=may_share_nothing)
    bounds = validation.bounds

    # 2.
    slope, intercept = fit(pairs.scores, pairs.same)

    # 3.
    if slope <= 0.0 or not bounds.lower < bounds.upper:
        raise CalibrationRefused("the scores tell firearms apart no better than chance: they support no LR but 1")
    return CalibrationModel(
        scores=((bounds.lower - intercept) / slope, (bounds.upper - intercept) / slope),
        log10_lrs=(bounds.lower, bounds.upper),
        lower=bounds.lower,
        upper=bounds.upper,
        independent_km=bounds.independent_km,
        independent_knm=bounds.independent_knm,
        cllr=validation.cllr,
        cllr_min=validation.cllr_min,
        calibrator=CALIBRATOR,
        population=population,
    )


def leave_one_out(
    pairs: ScoredPairs, report: Report = lambda _done, _total: None, *, may_share_nothing: bool = False
) -> LeaveOneOut:
    """Cllr, Cllr_min and the gap of the bounded LRs, each pair judged by a fit that saw neither of its firearms.

    The bounds are set once, from all of these LRs: they are those of the model that is shipped.
    Raises ``CalibrationRefused`` where a fit would be left without pairs of one firearm or of two.
    """
    from lir import metrics
    from lir.data.models import LLRData
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # a fit takes 4 ms; threads that wait for each other make 100 of it
        unbounded = leave_one_firearm_out(pairs, report)
    found = bounds(unbounded, pairs)
    if may_share_nothing:
        found = replace(found, lower=0.0)
    log10_lrs = np.clip(unbounded, found.lower, found.upper)
    labelled = LLRData(features=log10_lrs, labels=pairs.same.astype(np.int64))
    return LeaveOneOut(
        log10_lrs=log10_lrs,
        bounds=found,
        cllr=float(metrics.cllr(labelled)),
        cllr_min=float(metrics.cllr_min(labelled)),
        gap=float(log10_lrs[pairs.same].min() - log10_lrs[~pairs.same].max()),
    )


def leave_one_firearm_out(pairs: ScoredPairs, report: Report = lambda _done, _total: None) -> _Values:
    """The unbounded log10 LR of each pair, (n,), from a fit without any pair of either of its firearms.

    A KNM pair leaves both of its firearms out. More than 20 firearms are dealt into 20 groups, and a pair leaves
    the groups of its firearms out: more than it must.
    """
    groups = np.sort(pairs.firearms % _GROUPS, axis=1)
    folds = np.unique(groups, axis=0)
    log10_lrs = np.empty(len(pairs.scores))
    for done, fold in enumerate(folds, start=1):
        judged = (groups == fold).all(axis=1)
        kept = ~np.isin(groups, fold).any(axis=1)
        slope, intercept = fit(pairs.scores[kept], pairs.same[kept])
        log10_lrs[judged] = intercept + slope * pairs.scores[judged]
        report(done, len(folds))
    return log10_lrs


def fit(scores: _Values, same: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of log10 LR over score, by logistic regression with both kinds of pairs weighing alike.

    Scores are brought to units of their spread within the two kinds, so that the regression's slight shrinkage,
    which keeps the slope finite when the kinds are wholly apart, acts alike on every scale of scores.
    Logistic regression is chosen because its map rises everywhere and extrapolates in a straight line to the
    bounds; kernel densities do neither. Source: doi:10.1080/00450618.2012.733025.
    """
    from lir.algorithms.logistic_regression import LogitCalibrator

    if not 0 < same.sum() < len(same):
        raise CalibrationRefused(
            "too few firearms: without any two of them there must still be pairs of one firearm and pairs of two"
        )
    spread = float(np.sqrt((scores[same].var() + scores[~same].var()) / 2.0)) or 1.0
    middle = float(scores.mean())
    calibrator = LogitCalibrator().fit(((scores - middle) / spread).reshape(-1, 1), same.astype(np.int64))
    at_0, at_1 = calibrator.transform(np.array([[0.0], [1.0]])).ravel()
    slope = float(at_1 - at_0) / spread
    return slope, float(at_0) - slope * middle


def bounds(log10_lrs: _Values, pairs: ScoredPairs) -> Bounds:
    """The empirical bounds (ELUB), and no further from 0 than the independent firearms support.

    ELUB (doi:10.1016/j.scijus.2016.06.003) adds one misleading pair to each kind, so that n
    pairs never support more than n + 1. But pairs are not independent of each other; firearms are. The same rule
    is therefore applied to independent units: log10(1 + n) where n counts

    - below 1: the firearms that have KM pairs, each once, however many scans it gave;
    - above 1: pairs of firearms, each once, as many as ``independent_firearm_pairs`` counts.

    n + 1 is what the mean of a predictive distribution gives after n units without a misleading one; with the
    upper 95 per cent limit instead (3 in n) the bounds would lie 0.48 nearer to 0.
    """
    from lir.algorithms.bayeserror import elub

    lower, upper = elub(log10_lrs.copy(), pairs.same.astype(np.int64))
    km = float(len(np.unique(pairs.firearms[pairs.same])))
    knm = independent_firearm_pairs(pairs)
    return Bounds(
        lower=float(max(lower, -np.log10(1.0 + km))),
        upper=float(min(upper, np.log10(1.0 + knm))),
        independent_km=km,
        independent_knm=knm,
    )


def independent_firearm_pairs(pairs: ScoredPairs) -> float:
    """As how many independent ones the m pairs of different firearms count: half the number of firearms to m.

    Pairs share firearms, and one firearm whose marks resemble many would spoil all of its pairs at once. The
    share of pairs above a threshold varies as that of m / (1 + c r) independent ones (variance of a U-statistic,
    doi:10.1214/aoms/1177730196): c is the mean number of other pairs with which a pair shares a firearm, r the
    correlation of being above the threshold between two pairs that share one. r is taken at the upper tenth:
    docs/likelihood-ratio.md shows that it falls towards the rarer scores that a bound speaks of.
    """
    # 1. The mean score of each pair of firearms, as the normal score of its rank.
    apart = pairs.firearms[~pairs.same]
    units, unit = np.unique(np.sort(apart, axis=1), axis=0, return_inverse=True)
    means = np.bincount(unit.ravel(), weights=pairs.scores[~pairs.same]) / np.bincount(unit.ravel())
    _, place, count = np.unique(means, return_inverse=True, return_counts=True)
    normal = ndtri((np.cumsum(count) - (count - 1) / 2.0)[place] / (len(means) + 1.0))

    # 2. Its correlation between pairs that share a firearm, over all ordered pairs of pairs that do.
    m, ends = len(units), units.ravel()
    occurrences = np.bincount(ends)
    sharing = float((occurrences * (occurrences - 1)).sum())
    both = np.repeat(normal - normal.mean(), 2)
    products = float((np.bincount(ends, weights=both) ** 2 - np.bincount(ends, weights=both**2)).sum())
    variance = float(normal.var())
    if variance == 0.0 or sharing == 0.0:
        return len(np.unique(ends)) / 2.0
    correlation = min(max(products / sharing / variance, 0.0), 0.5)  # at most: the whole of it is the firearms'

    # 3. From it the correlation of being in the upper tenth.
    return max(m / (1.0 + sharing / m * _tail_correlation(correlation)), len(np.unique(ends)) / 2.0)


def _tail_correlation(correlation: float, share: float = 0.1) -> float:
    """Of two normal variables with this correlation: that of each being in its upper ``share``.

    The probability that both are grows with the correlation t as the bivariate density at the threshold
    (doi:10.1093/biomet/41.3-4.351), which is summed here from 0 to ``correlation``.
    """
    threshold = float(ndtri(1.0 - share))
    t = np.linspace(0.0, correlation, 201)
    density = np.exp(-(threshold**2) / (1.0 + t)) / (2.0 * np.pi * np.sqrt(1.0 - t**2))
    return float(np.trapezoid(density, t)) / (share * (1.0 - share))
