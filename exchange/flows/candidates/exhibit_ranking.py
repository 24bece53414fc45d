"""One record's scan pairs brought together: one pair for each other exhibit, and which of them stand out.

Of two exhibits each scan of the one may have been compared with each of the other. What ranks them is the best
validated score (``flows/node/validated_scores.py``). Other scores stand next to it, and make no pair stand out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange.flows.candidates.standing_out import beyond_chance, standing_out
from exchange.flows.node.validated_scores import is_validated
from exchange.store.entry.exhibits import Exhibits
from exchange.store.review.exhibit_pair_rows import ScanPairScore


@dataclass(frozen=True)
class RankedExhibits:
    """Two exhibits by the numbers of their scan pairs, the best first. ``statement_id``: the record whose list it is,
    ``other`` the one across; ``hit``: the statement's id of a hit that joins them already."""

    statement_id: str
    other: str
    scan_pairs: tuple[ScanPairScore, ...]
    hit: str | None

    @property
    def best(self) -> ScanPairScore:
        return self.scan_pairs[0]

    @property
    def score(self) -> float | None:
        """The best validated score; None where there is none."""
        return self.best.score if is_validated(self.best) else None

    @property
    def exhibits(self) -> Exhibits:
        return self.best.exhibits

    @property
    def away(self) -> bool:
        """Nothing to find any more: of one case, or joined already."""
        return self.hit is not None or self.best.same_case

    @property
    def place(self) -> tuple[bool, float, int]:
        """Where it stands in the record's list: what is validated first, then by the score."""
        return self.score is None, -self.best.score, self.best.candidate_id


@dataclass(frozen=True)
class Ranking:
    """The exhibit pairs of one record, each part the best first. ``standing``: those that are shown first; so many of
    them stand ``clear`` of chance, the others are there because the list is short. ``unvalidated``: those without a
    validated score, which nothing can be said to stand out of. ``away``: those with nothing to find any more."""

    statement_id: str
    clear: int
    standing: Sequence[RankedExhibits]
    weaker: Sequence[RankedExhibits]
    unvalidated: Sequence[RankedExhibits]
    away: Sequence[RankedExhibits]

    @property
    def open(self) -> list[RankedExhibits]:
        """All pairs that a firearm may still be found by."""
        return [*self.standing, *self.weaker, *self.unvalidated]

    @property
    def scores(self) -> list[float]:
        """All validated ones, the best first: those of ``standing`` come first."""
        return [pair.score for pair in self.open if pair.score is not None]

    @property
    def highest_weaker(self) -> float | None:
        return self.weaker[0].score if self.weaker else None

    @property
    def exhibits(self) -> set[Exhibits]:
        """Of all pairs of which it tells something."""
        return {pair.exhibits for pair in (*self.open, *self.away)}

    def with_records(self, one: str, other: str) -> RankedExhibits | None:
        """The pair of these two records, wherever it stands."""
        across = other if one == self.statement_id else one
        return next((pair for pair in (*self.open, *self.away) if pair.other == across), None)


def by_worth(pair: ScanPairScore) -> tuple[bool, float, int]:
    """The order of two exhibits' scan pairs."""
    return not is_validated(pair), -pair.score, pair.candidate_id


def rank_exhibits(statement_id: str, found: Iterable[ScanPairScore], hits: Mapping[Exhibits, str]) -> Ranking:
    """Of all scan pairs of a record; those of other records are left out."""
    across: dict[str, list[ScanPairScore]] = {}
    for pair in found:
        if statement_id in (pair.statement_a, pair.statement_b):
            other = pair.statement_b if pair.statement_a == statement_id else pair.statement_a
            across.setdefault(other, []).append(pair)
    ranked = sorted(
        (
            RankedExhibits(statement_id, other, tuple(sorted(pairs, key=by_worth)), hits.get(pairs[0].exhibits))
            for other, pairs in across.items()
        ),
        key=lambda pair: pair.place,
    )
    open_ones = [pair for pair in ranked if not pair.away]
    scores = [pair.score for pair in open_ones if pair.score is not None]
    shown = standing_out(scores)
    return Ranking(
        statement_id,
        beyond_chance(scores),
        open_ones[:shown],
        open_ones[shown : len(scores)],
        open_ones[len(scores) :],
        [pair for pair in ranked if pair.away],
    )
