"""Intervals of an evaluation's figures: what they would be with other firearms of the same kind.

Pairs are not independent of each other: they share scans, and scans share firearms. So firearms are drawn, with
replacement, and all pairs of a drawn firearm with them (doi:10.1214/aos/1176344552).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 500
_PERCENTILES = (2.5, 97.5)
_NUMBERS_AT_ONCE = 4_000_000
"""Draws times pairs, 8 bytes each: draws are taken in parts so that a thousand scans fit into memory too."""

Values = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Scored:
    """Scored pairs as the bootstrap takes them.

    ``matrix``: (n, n), score of each query (row) with each reference, NaN where there is none; ``labels``: (n,), the
    firearm of each scan, whole numbers from 0; ``scores``, ``firearms``: (p,) and (p, 2), each pair once;
    ``log10_lrs``: (p,), the pairs' likelihood ratios, where they are known.
    """

    matrix: Values
    labels: NDArray[np.intp]
    scores: Values
    firearms: NDArray[np.intp]
    log10_lrs: Values | None = None


def intervals(scored: Scored, *, draws: int = DRAWS, seed: int = 1) -> dict[str, Interval]:
    """95 % intervals of "auc", "eer", "rank1" and, where the LRs are known, "cllr".

    1. Draw as many firearms as there are, with replacement: how often each was drawn.
    2. A KM pair counts as often as its firearm was drawn, a KNM pair as the product of its two; pairs between two
       copies of one firearm are left out, in the ranking too. Draws without both kinds of pairs are left out.
    3. The figures of each draw; their percentiles 2.5 and 97.5.

    The fits behind the LRs are not made anew. Where no error occurred the interval has no width: see
    ``unseen_failure_rate``.
    """
    # 1.
    n_firearms = int(scored.labels.max()) + 1
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_firearms, np.full(n_firearms, 1.0 / n_firearms), draws).astype(np.float64)

    # 2. and the figures of 3.
    found: dict[str, list[Values]] = {}
    at_once = max(1, _NUMBERS_AT_ONCE // max(len(scored.scores), scored.matrix.shape[0]))
    for start in range(0, draws, at_once):
        for name, values in _figures(scored, counts[start : start + at_once]).items():
            found.setdefault(name, []).append(values)

    # 3.
    ends: dict[str, Interval] = {}
    for name, several in found.items():
        values = np.concatenate(several)
        if len(values):
            low, high = np.percentile(values, _PERCENTILES)
            ends[name] = (float(low), float(high))
    return ends


def unseen_failure_rate(n_firearms: int) -> float:
    """The share of firearms that may fail although none of so many did: upper 95 % limit, 1 - 0.05^(1/n)."""
    return float(1.0 - 0.05 ** (1.0 / n_firearms))


def _figures(scored: Scored, counts: Values) -> dict[str, Values]:
    same = scored.firearms[:, 0] == scored.firearms[:, 1]
    km_weights = counts[:, scored.firearms[same, 0]]
    knm_weights = counts[:, scored.firearms[~same, 0]] * counts[:, scored.firearms[~same, 1]]
    complete = (km_weights.sum(axis=1) > 0.0) & (knm_weights.sum(axis=1) > 0.0)
    km_weights, knm_weights = km_weights[complete], knm_weights[complete]
    km, knm = scored.scores[same], scored.scores[~same]
    found = {
        "auc": weighted_auc(km, knm, km_weights, knm_weights),
        "eer": weighted_eer(km, knm, km_weights, knm_weights),
        "rank1": _rank1(scored, counts[complete]),
    }
    if scored.log10_lrs is not None:
        costs = np.logaddexp2(0.0, scored.log10_lrs * np.where(same, -1.0, 1.0) / np.log10(2.0))
        means = [
            weights @ costs[kind] / weights.sum(axis=1) for weights, kind in ((km_weights, same), (knm_weights, ~same))
        ]
        found["cllr"] = (means[0] + means[1]) / 2.0
    return found


def weighted_auc(km: Values, knm: Values, km_weights: Values, knm_weights: Values) -> Values:
    """``figures.auc`` with weights of pairs, (draws, pairs) each: (draws,)."""
    order = np.argsort(knm)
    below, up_to = (_weight_below(knm_weights[:, order], knm[order], km, side) for side in ("left", "right"))
    total = km_weights.sum(axis=1) * knm_weights.sum(axis=1)
    return np.asarray(((below + up_to) / 2.0 * km_weights).sum(axis=1) / total)


def weighted_eer(km: Values, knm: Values, km_weights: Values, knm_weights: Values) -> Values:
    """``figures.eer`` with weights of pairs, (draws, pairs) each: (draws,)."""
    thresholds = np.concatenate([[-np.inf], np.unique(np.concatenate([km, knm])), [np.inf]])
    missed, kept_out = (
        _weight_below(weights[:, order], scores[order], thresholds, "left") / weights.sum(axis=1, keepdims=True)
        for scores, weights in ((km, km_weights), (knm, knm_weights))
        for order in (np.argsort(scores),)
    )
    difference = missed + kept_out - 1.0
    after = np.argmax(difference >= 0.0, axis=1)
    draw = np.arange(len(after))
    before = after - 1
    share = -difference[draw, before] / (difference[draw, after] - difference[draw, before])
    return np.asarray(missed[draw, before] + share * (missed[draw, after] - missed[draw, before]))


def _weight_below(weights: Values, ordered: Values, at: Values, side: str) -> Values:
    """The weight of the scores below (left), or below and at (right), each of ``at``: (draws, len(at))."""
    sums = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights, axis=1)], axis=1)
    places = np.searchsorted(ordered, at, side="left" if side == "left" else "right")
    return np.asarray(sums[:, places])


def _rank1(scored: Scored, counts: Values) -> Values:
    """The share of drawn scans that find their firearm first among the drawn firearms: (draws,)."""
    scores = np.where(np.isnan(scored.matrix), -np.inf, scored.matrix)
    best = np.stack([scores[:, scored.labels == firearm].max(axis=1) for firearm in range(counts.shape[1])], axis=1)
    own = best[np.arange(len(best)), scored.labels]
    queries = np.isfinite(own)
    best, own, labels = best[queries], own[queries], scored.labels[queries]
    other = np.full((len(counts), len(own)), -np.inf)
    for firearm in range(counts.shape[1]):
        rivals = np.where(labels == firearm, -np.inf, best[:, firearm])
        np.maximum(other, rivals, out=other, where=counts[:, [firearm]] > 0.0)
    weights = counts[:, labels]
    drawn = np.maximum(weights.sum(axis=1), 1.0)
    return np.asarray(((own > other) * weights).sum(axis=1) / drawn)
