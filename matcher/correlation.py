"""One query against a gallery: what a worker of a node runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.comparison import Comparison, View, compare_cells, register_pair
from matcher.descriptor import prefilter
from matcher.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.prepared import Prepared


@dataclass(frozen=True)
class Ranked:
    """One reference of a candidate list.

    ``index``: its row in the gallery; ``prefilter_score``: how it entered the list; ``comparison``: the query
    (scan a) with the reference (scan b).
    """

    index: int
    prefilter_score: float
    comparison: Comparison


def correlate(
    query: Prepared,
    descriptors: NDArray[np.int8],
    load: Callable[[int], Prepared],
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> list[Ranked]:
    """Rank a gallery by its agreement with the query, best first.

    1. Compare the query's descriptor with all of them.
    2. Register the best ``parameters.fine_candidates`` finely.
    3. Compare the cells of the best ``parameters.cell_candidates`` of those.
    4. Rank these by score; ties by gallery row.

    ``descriptors``: int8 (n, *DESCRIPTOR_SHAPE), row i that of ``load(i)``; may be memory-mapped.
    ``load`` is called once or twice for a reference; what it raises passes through.
    Returns at most ``cell_candidates`` entries: all of a smaller gallery. What lies below them has no score.
    Raises ``NotComparable`` where a scan was prepared with other parameters.
    """
    # 1.
    view = View(query, parameters)
    scores, _ = prefilter(query.descriptor, descriptors)

    # 2.
    registrations = {
        int(index): register_pair(view, View(load(int(index)), parameters))
        for index in _best(scores, parameters.fine_candidates)
    }

    # 3.
    rows = np.array(list(registrations), np.intp)
    correlations = np.array([registration.correlation for registration in registrations.values()])
    chosen = rows[_best(correlations, parameters.cell_candidates)]
    ranked = [
        Ranked(
            index=int(index),
            prefilter_score=float(scores[index]),
            comparison=compare_cells(view, View(load(int(index)), parameters), registrations[int(index)]),
        )
        for index in chosen
    ]

    # 4.
    return sorted(ranked, key=lambda entry: (-entry.comparison.score, entry.index))


def _best(scores: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The places of the ``count`` highest scores, highest first; equal ones in their order."""
    if count < len(scores):
        found = np.argpartition(-scores, count)[:count]
        # argpartition settles ties at the border by chance of its pivots: include all, then cut in order
        found = np.flatnonzero(scores >= scores[found].min())
    else:
        found = np.arange(len(scores))
    return found[np.argsort(-scores[found], kind="stable")][:count]
