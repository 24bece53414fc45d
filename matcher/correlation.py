"""One query against many references: which of them go on from stage to stage, and how they are ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matcher.comparison import Comparison, View, compare_cells, register_pair
from matcher.descriptor import prefilter
from matcher.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.prepared import Prepared
from matcher.registration import Registration

Registered: TypeAlias = tuple[int, Registration]
"""A reference's row, and how the query lies on it."""


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
    """Rank references that are at hand by their agreement with the query, best first; ``Gallery`` ranks stored ones.

    ``descriptors``: int8 (n, *DESCRIPTOR_SHAPE), row i that of ``load(i)``; may be memory-mapped.
    ``load`` is called once or twice for a reference; what it raises passes through.
    Returns at most ``cell_candidates`` entries: all of a smaller gallery. What lies below them has no score.
    Raises ``NotComparable`` where a scan was prepared with other parameters.
    """
    view = View(query, parameters)

    def register(rows: Sequence[int]) -> list[Registered]:
        return [(row, register_pair(view, View(load(row), parameters))) for row in rows]

    def compare(pairs: Sequence[Registered]) -> list[tuple[int, Comparison]]:
        return [(row, compare_cells(view, View(load(row), parameters), found)) for row, found in pairs]

    scores = prefilter(query.descriptor[None], descriptors)[0]
    return rank(np.arange(len(scores)), scores, register, compare, parameters)


def rank(
    rows: NDArray[np.integer],
    scores: NDArray[np.floating],
    register: Callable[[Sequence[int]], list[Registered]],
    compare: Callable[[Sequence[Registered]], list[tuple[int, Comparison]]],
    parameters: Parameters,
) -> list[Ranked]:
    """The stages that follow the prefilter.

    1. ``register`` the best ``parameters.fine_candidates`` finely.
    2. ``compare`` the cells of the best ``parameters.cell_candidates`` of those.
    3. Rank these by score; ties by row.

    ``rows``: rising, with their prefilter ``scores``. ``register`` and ``compare`` may leave out a reference that
    they cannot read, and answer in any order.
    """
    # 1.
    chosen = best(scores, parameters.fine_candidates)
    entered = dict(zip(rows[chosen].tolist(), scores[chosen].tolist(), strict=True))
    registered = sorted(register(list(entered)), key=lambda pair: pair[0])

    # 2.
    agreements = np.array([registration.agreement for _, registration in registered])
    compared = compare([registered[place] for place in best(agreements, parameters.cell_candidates)])

    # 3.
    compared = sorted(compared, key=lambda pair: (-pair[1].score, pair[0]))
    return [Ranked(row, entered[row], comparison) for row, comparison in compared]


def best(scores: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The places of the ``count`` highest scores, highest first; equal ones in their order."""
    if count < len(scores):
        found = np.argpartition(-scores, count)[:count]
        # argpartition settles ties at the border by chance of its pivots: include all, then cut in order
        found = np.flatnonzero(scores >= scores[found].min())
    else:
        found = np.arange(len(scores))
    return found[np.argsort(-scores[found], kind="stable")][:count]
