"""One figure from several regions of one pair of exhibits, each of which has a calibrated likelihood ratio.

Adding log10 LRs supposes that the regions are independent given the propositions. They are not: a soft primer, a low
pressure or much oil makes all marks of one cartridge case poor at once. The sum then overstates.
Source: doi:10.1080/00450618.2012.733025 (logistic fusion); doi:10.1016/j.forsciint.2023.111858 (regions of one primer).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_Values = NDArray[np.float64]
Rule = Literal["none", "alone", "fitted", "conservative"]

_LEAST_FIREARMS = 20
"""With fewer firearms that show a set of regions, its weights would follow single firearms."""


@dataclass(frozen=True)
class FusedEvidence:
    """What the regions of one pair say together.

    ``log10_lr``: 0 without any region; ``regions``: those that contributed, ``log10_lrs`` theirs, in the same order;
    ``rule``: "alone" (one region: its own value), "fitted" (weights from pairs of known firearm that show just these
    regions), "conservative" (no such reference: see ``conservative``), "none"; ``weights``: of a fitted rule.
    """

    log10_lr: float
    regions: tuple[str, ...]
    log10_lrs: tuple[float, ...]
    rule: Rule
    weights: tuple[float, ...] | None


@dataclass(frozen=True)
class FusedSet:
    """The weights (0 to 1) of one set of regions, and from how many firearms and pairs they were fitted."""

    regions: tuple[str, ...]
    weights: tuple[float, ...]
    n_firearms: int
    n_km: int
    n_knm: int


@dataclass(frozen=True)
class Fusion:
    """How the log10 LRs of several regions become one: fitted sets of regions, and the bounds of what is said.

    ``bounds``: lowest and highest fused log10 LR, as the reference population's independent firearms support them.
    """

    sets: tuple[FusedSet, ...]
    bounds: tuple[float, float]

    def __post_init__(self) -> None:
        if not -20.0 <= self.bounds[0] <= 0.0 <= self.bounds[1] <= 20.0:
            raise ValueError(f"bounds must enclose 0 and lie within -20 to 20, not {self.bounds}")
        if any(not 0.0 <= weight <= 1.0 for entry in self.sets for weight in entry.weights):
            raise ValueError("weights lie within 0 to 1: more would say more than independent regions can")

    def fuse(self, log10_lrs: Mapping[str, float | None]) -> FusedEvidence:
        """Fuse the calibrated log10 LRs of one pair; None where a region was not compared.

        A missing region says nothing, for or against. One region speaks for itself. Several are weighed where
        their set was fitted, and joined conservatively where it was not.
        Raises ``ValueError`` for a log10 LR that is not finite.
        """
        shown = {region: value for region, value in sorted(log10_lrs.items()) if value is not None}
        if not all(math.isfinite(value) for value in shown.values()):
            raise ValueError("a log10 LR is not a finite number")
        regions, values = tuple(shown), tuple(shown.values())
        fitted = next((entry for entry in self.sets if entry.regions == regions), None)
        rule: Rule
        if len(regions) <= 1:
            total, rule = sum(values), "alone" if regions else "none"
        elif fitted is not None:
            total, rule = sum(w * v for w, v in zip(fitted.weights, values, strict=True)), "fitted"
        else:
            total, rule = conservative(values), "conservative"
        bounded = min(max(float(total), self.bounds[0]), self.bounds[1])
        return FusedEvidence(bounded, regions, values, rule, fitted.weights if fitted and rule == "fitted" else None)


def conservative(log10_lrs: tuple[float, ...]) -> float:
    """The strongest support for one firearm plus the strongest for two: regions that agree add nothing.

    True whatever the dependence: if one region repeats another, it has been counted once.
    """
    return max(0.0, *log10_lrs) + min(0.0, *log10_lrs)


def fit_fusion(
    regions: tuple[str, ...], log10_lrs: _Values, firearms: NDArray[np.int64], bounds: tuple[float, float]
) -> Fusion:
    """Fit the weights of every set of two regions or more, from pairs of known firearm.

    1. For each set, take the pairs that show all of its regions.
    2. Where they hold enough firearms, find the weights that lose the least information (Cllr), both kinds of pairs
       weighing alike, within 0 to 1 and without an offset: no evidence stays no evidence.

    ``log10_lrs``: (n, regions), calibrated leaving one firearm out, NaN where a region was not compared;
    ``firearms``: (n, 2), whole numbers. Raises ``ValueError`` where the shapes do not fit.
    """
    if log10_lrs.shape != (len(firearms), len(regions)) or firearms.shape != (len(log10_lrs), 2):
        raise ValueError("log10_lrs must be (pairs, regions) and firearms (pairs, 2)")
    order = sorted(range(len(regions)), key=lambda column: regions[column])
    same = firearms[:, 0] == firearms[:, 1]
    sets = []
    for size in range(2, len(regions) + 1):
        for columns in combinations(order, size):
            # 1.
            shown = np.isfinite(log10_lrs[:, columns]).all(axis=1)
            km = len(np.unique(firearms[shown & same]))
            if km < _LEAST_FIREARMS or len(np.unique(firearms[shown & ~same])) < _LEAST_FIREARMS:
                continue

            # 2.
            weights = _weights(log10_lrs[shown][:, columns], same[shown])
            names = tuple(regions[column] for column in columns)
            sets.append(FusedSet(names, weights, km, int((shown & same).sum()), int((shown & ~same).sum())))
    return Fusion(tuple(sets), bounds)


def cllr(log10_lrs: _Values, same: NDArray[np.bool_]) -> float:
    """The log-likelihood-ratio cost in bits, doi:10.1016/j.csl.2005.08.001: 0 is perfect, 1 says nothing."""
    natural = np.where(same, -1.0, 1.0) * log10_lrs * np.log(10.0)
    cost = np.logaddexp(0.0, natural) / np.log(2.0)
    return float((cost[same].mean() + cost[~same].mean()) / 2.0)


def _weights(log10_lrs: _Values, same: NDArray[np.bool_]) -> tuple[float, ...]:
    """The weights within 0 to 1 of least Cllr: a convex problem, solved from the middle."""
    # imported where it is needed: a node that fuses by stored weights has no use for it
    from scipy.optimize import minimize

    sign = np.where(same, -1.0, 1.0) * np.log(10.0)
    share = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())

    def cost(weights: _Values) -> tuple[float, _Values]:
        natural = sign * (log10_lrs @ weights)
        slope = share * sign / (1.0 + np.exp(-natural))
        return float((share * np.logaddexp(0.0, natural)).sum()), slope @ log10_lrs

    start = np.full(log10_lrs.shape[1], 0.5)
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(start))
    return tuple(float(min(1.0, max(0.0, weight))) for weight in found.x)
