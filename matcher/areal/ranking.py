"""One query against many references: which of them go on from stage to stage, and how they are ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.areal.comparison import ComparisonView, Placement, placement_of
from matcher.areal.descriptor import prefilter
from matcher.areal.polar_column import PolarQuery
from matcher.areal.prepared import Prepared, is_one_sided, is_partial
from matcher.areal.registration import place_roughly
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters


@dataclass(frozen=True)
class Ranked:
    """One reference of a candidate list.

    ``index``: its row in the gallery; ``prefilter_score``: of its descriptor; ``placement``: the query
    (scan a) on the reference (scan b). ``compare`` finds the cells of a pair that somebody looks at.
    """

    index: int
    prefilter_score: float
    placement: Placement


def correlate(
    query: Prepared,
    references: Sequence[Prepared],
    parameters: Parameters = DEFAULT_PARAMETERS,
    *,
    thorough: bool = False,
) -> list[Ranked]:
    """Rank references that are at hand by their agreement with the query, best first; ``Gallery`` ranks stored ones.

    1. Compare the descriptors of all.
    2. Compare by polar column the best of those, and references that show a part of a mark; all references where
       the query does, or where it is to be ``thorough``.
    3. Search the best of both one by one, register the best of those, rank: ``rank``.

    Returns at most ``listed_candidates`` entries: all of a smaller gallery. What lies below them has no score.
    Raises ``NotComparable`` where a scan was prepared with other parameters.
    """
    view, views = ComparisonView(query, parameters), [ComparisonView(scan, parameters) for scan in references]
    if not views:
        return []

    # 1.
    scores = prefilter(query.descriptor[None], np.stack([scan.descriptor for scan in references]))[0]

    # 2.
    plan = Plan.of(query, parameters, thorough=thorough)
    partial = np.array([is_partial(scan, parameters) for scan in references])
    compared = plan.by_polar_column(scores, partial)
    agreements = polar_query(view).agreements(np.stack([references[row].polar for row in compared]))

    # 3.
    chosen = plan.searched(scores, compared, agreements)
    return rank(
        dict(zip(chosen.tolist(), scores[chosen].tolist(), strict=True)),
        lambda rows: [(row, sift(view, views[row])) for row in rows],
        lambda rows: [(row, placement_of(view, views[row])) for row in rows],
        parameters,
    )


@dataclass(frozen=True)
class Plan:
    """How widely a query is looked for. ``why``: a sentence for the examiner."""

    all_by_polar_column: bool
    why: str
    parameters: Parameters

    @staticmethod
    def of(query: Prepared, parameters: Parameters, *, thorough: bool) -> Plan:
        if thorough:
            return Plan(
                True, "All references were searched for parts of marks, because that was asked for.", parameters
            )
        limit = f"less than {parameters.partial_mark_area_mm2:g} mm2"
        if is_partial(query, parameters):
            why = f"All references were searched for parts of marks, because the query shows {limit}."
            return Plan(True, why, parameters)
        if is_one_sided(query, parameters):
            why = "All references were searched for parts of marks, because the query shows one side of a mark mostly."
            return Plan(True, why, parameters)
        why = f"The query shows a whole mark: only references that show {limit} were all searched for parts of marks."
        return Plan(False, why, parameters)

    @property
    def fine_candidates(self) -> int:
        return self.parameters.fine_candidates_of_parts if self.all_by_polar_column else self.parameters.fine_candidates

    def by_polar_column(self, scores: NDArray[np.floating], partial: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Which references are to be compared by polar column, rising.

        ``scores``: of their descriptors, -inf for those that are out of the question; ``partial``: see ``is_partial``.
        """
        if self.all_by_polar_column:
            return np.arange(len(partial))
        found = best(scores, self.parameters.descriptor_candidates)
        found = found[np.isfinite(scores[found])]
        return np.unique(np.concatenate([found, np.flatnonzero(partial)]))

    def searched(
        self, scores: NDArray[np.floating], compared: NDArray[np.intp], agreements: NDArray[np.floating]
    ) -> NDArray[np.intp]:
        """Which references are to be searched one by one, rising: the best by polar column of those compared by it,
        and half as many as of a whole query by descriptor, whatever the polar column says of them."""
        by_descriptor = best(scores, self.parameters.fine_candidates // 2)
        by_descriptor = by_descriptor[np.isfinite(scores[by_descriptor])]
        return np.unique(np.concatenate([by_descriptor, compared[best(agreements, self.fine_candidates)]]))


def rank(
    entered: dict[int, float],
    sift_rows: Callable[[Sequence[int]], list[tuple[int, float]]],
    place_rows: Callable[[Sequence[int]], list[tuple[int, Placement]]],
    parameters: Parameters,
) -> list[Ranked]:
    """The stages that follow those by columns.

    1. Search each reference that entered for its best place, where not all of them are registered anyway.
    2. Register the best ``parameters.listed_candidates`` of those.
    3. Rank these by score; ties by row.

    ``entered``: rows, rising, with their prefilter scores. ``sift_rows`` and ``place_rows`` may leave out a
    reference that they cannot read, and answer in any order.
    """
    # 1.
    few = len(entered) <= parameters.listed_candidates
    sifted = [(row, 0.0) for row in entered] if few else sorted(sift_rows(list(entered)))

    # 2.
    agreements = np.array([agreement for _, agreement in sifted])
    placed = place_rows([sifted[at][0] for at in best(agreements, parameters.listed_candidates)])

    # 3.
    placed = sorted(placed, key=lambda pair: (-pair[1].score, pair[0]))
    return [Ranked(row, entered[row], placement) for row, placement in placed]


def sift(query: ComparisonView, reference: ComparisonView) -> float:
    """What references go on by, never shown: the query is always the one that is moved, as it is over all of them."""
    return place_roughly(query.coarse, reference.coarse, query.parameters)


def polar_query(view: ComparisonView) -> PolarQuery:
    """It looks half as far as the search: four times as many centres would take four times as long over a gallery."""
    coarse = view.coarse
    return PolarQuery(coarse.signal, coarse.weights, coarse.reach / 2)


def best(scores: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The places of the ``count`` highest scores, highest first; equal ones in their order."""
    if 0 < count < len(scores):
        found = np.argpartition(-scores, count)[:count]
        # argpartition settles ties at the border by chance of its pivots: include all, then cut in order
        found = np.flatnonzero(scores >= scores[found].min())
    else:
        found = np.arange(len(scores))
    return found[np.argsort(-scores[found], kind="stable")][:count]
