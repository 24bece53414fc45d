"""One examiner's own view of a list: what they set aside is folded apart. It is no conclusion. Nobody else's list
changes by it, nor any report, figure or blindness: the ranking, and what stands out of it, stay what they were.

A pair comes back by itself when its scores rise above what was seen: a better scan of the two exhibits arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.flows.candidates.exhibit_ranking import RankedExhibits, Ranking
from exchange.store.entry.exhibits import Exhibits
from exchange.store.review.set_aside_rows import SeenScores


@dataclass(frozen=True)
class OwnView:
    """The parts of a ranking without what is set ``aside``; all the best first. ``tag``: another one as soon as the
    list is another, or one of its scores."""

    standing: Sequence[RankedExhibits]
    weaker: Sequence[RankedExhibits]
    unvalidated: Sequence[RankedExhibits]
    aside: Sequence[RankedExhibits]
    tag: str

    @property
    def highest_weaker(self) -> float | None:
        return self.weaker[0].score if self.weaker else None


def own_view(ranking: Ranking, seen: Mapping[Exhibits, SeenScores]) -> OwnView:
    """``seen``: the pairs that were set aside, each with the scores of then."""
    every = ranking.open
    aside = {
        pair.other for pair in every if pair.exhibits in seen and not _rose(seen_scores(pair), seen[pair.exhibits])
    }
    return OwnView(
        [pair for pair in ranking.standing if pair.other not in aside],
        [pair for pair in ranking.weaker if pair.other not in aside],
        [pair for pair in ranking.unvalidated if pair.other not in aside],
        [pair for pair in every if pair.other in aside],
        _tag(every),
    )


def seen_scores(pair: RankedExhibits) -> SeenScores:
    return SeenScores(max(scans.score for scans in pair.scan_pairs), pair.score)


def _rose(now: SeenScores, then: SeenScores) -> bool:
    if now.highest > then.highest:
        return True
    return now.validated is not None and (then.validated is None or now.validated > then.validated)


def _tag(pairs: Sequence[RankedExhibits]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        seen = seen_scores(pair)
        digest.update(f"{pair.other} {seen.highest!r} {seen.validated!r}\n".encode())
    return digest.hexdigest()
