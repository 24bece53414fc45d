"""How well scores separate pairs of one firearm (KM) from pairs of two (KNM): definitions, nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def auc(km: Scores, knm: Scores) -> float:
    """The probability that a KM pair scores above a KNM pair; a tie counts half."""
    ordered = np.sort(knm)
    below = np.searchsorted(ordered, km, side="left")
    up_to = np.searchsorted(ordered, km, side="right")
    return float((below + up_to).sum() / 2.0 / (len(km) * len(knm)))


def eer(km: Scores, knm: Scores) -> float:
    """The error rate at which misses and false alarms are equal, on the ROC joined by straight lines."""
    thresholds = np.concatenate([[-np.inf], np.unique(np.concatenate([km, knm])), [np.inf]])
    missed = np.searchsorted(np.sort(km), thresholds, side="left") / len(km)
    alarmed = 1.0 - np.searchsorted(np.sort(knm), thresholds, side="left") / len(knm)
    difference = missed - alarmed
    after = int(np.argmax(difference >= 0.0))
    step = difference[after] - difference[after - 1]
    share = -difference[after - 1] / step
    return float(missed[after - 1] + share * (missed[after] - missed[after - 1]))


def overlaps(km: Scores, knm: Scores) -> int:
    """KM pairs at or below the highest KNM, plus KNM pairs at or above the lowest KM."""
    return int((km <= knm.max()).sum() + (knm >= km.min()).sum())


def variance_ratio(km: Scores, knm: Scores) -> float:
    """(mean KM - mean KNM)^2 / (variance KM + variance KNM), population variances; infinite without any spread."""
    spread = float(km.var() + knm.var())
    distance = float(km.mean() - knm.mean()) ** 2
    return distance / spread if spread > 0.0 else float("inf")


def gap_in_knm_deviations(km: Scores, knm: Scores) -> float:
    """How far the lowest KM lies above the highest KNM, in standard deviations of KNM; negative where they overlap."""
    spread = float(knm.std())
    gap = float(km.min() - knm.max())
    return gap / spread if spread > 0.0 else float(np.copysign(np.inf, gap))


def ranking(scores: Scores, firearms: list[str]) -> tuple[float, float, float]:
    """Rank-1, mean average precision and recall at 10 over every scan that has another of its firearm.

    ``scores``: (n, n), each query's (row) score with each reference; the diagonal is unused, and so is NaN: such a
    pair was not scored. Each scan is compared with the n - 1 others; ties go to the scan of another
    firearm. Recall at 10 is the share of a scan's own firearm within its first ten.
    """
    first, precision, recall = [], [], []
    labels = np.array(firearms)
    for query in range(len(firearms)):
        others = np.flatnonzero((np.arange(len(firearms)) != query) & ~np.isnan(scores[query]))
        same = labels[others] == labels[query]
        if not same.any():
            continue
        relevant = same[np.lexsort((same, -scores[query, others]))]
        places = np.flatnonzero(relevant) + 1
        first.append(bool(relevant[0]))
        precision.append(float((np.arange(1, len(places) + 1) / places).mean()))
        recall.append(float((places <= 10).mean()))
    return float(np.mean(first)), float(np.mean(precision)), float(np.mean(recall))
