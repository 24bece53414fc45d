"""The exhibit pairs before and after one in its record's list: those that stand out, and other ones that this person
asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.flows.candidates.exhibit_pairs import ExhibitPair, ranking_of, read_exhibits
from exchange.flows.candidates.exhibit_ranking import RankedExhibits, Ranking
from exchange.flows.node.node import Node
from exchange.store.review.review_rows import seen_by
from schemas.vocabulary import Role


@dataclass(frozen=True)
class Neighbours:
    """``shown``: an exhibit pair among those around it, of ``length`` in all; ``first``: how many stand before them,
    ``at``: before the pair itself. ``previous`` and ``following``: the numbers of the pairs beside it."""

    ranking: Ranking
    shown: Sequence[ExhibitPair]
    first: int
    at: int
    length: int
    previous: int | None
    following: int | None


def neighbours_of(
    node: Node, role: Role, pseudonym: str, statement_id: str, other: str, *, each_side: int
) -> Neighbours | None:
    """Around the pair of these two records in the list of the first; None where it does not hold it."""
    ranking = ranking_of(node, role, pseudonym, statement_id)
    here = ranking.with_records(statement_id, other) if ranking is not None else None
    if ranking is None or here is None:
        return None
    listed = _in_turn(node, pseudonym, ranking, here)
    at = listed.index(here)
    first = max(0, min(at - each_side, len(listed) - 2 * each_side - 1))
    return Neighbours(
        ranking,
        read_exhibits(node, role, pseudonym, listed[first : first + 2 * each_side + 1]),
        first,
        at,
        len(listed),
        listed[at - 1].best.candidate_id if at else None,
        listed[at + 1].best.candidate_id if at + 1 < len(listed) else None,
    )


def _in_turn(node: Node, pseudonym: str, ranking: Ranking, here: RankedExhibits) -> list[RankedExhibits]:
    """What stands out, then the weaker ones that this person was shown: who asked for none is led to none. A pair that
    is looked at stands in its place, also one of those that are folded away."""
    with node.store.read() as session:
        others = [*ranking.weaker, *ranking.unvalidated]
        scans = {pair: {one.scans for one in pair.scan_pairs} for pair in others}
        seen = seen_by(session, pseudonym, set().union(*scans.values())).keys()
    beside = [pair for pair in others if scans[pair] & seen and pair != here]
    if here not in ranking.standing:
        beside = sorted([*beside, here], key=lambda pair: pair.place)
    return [*ranking.standing, *beside]
