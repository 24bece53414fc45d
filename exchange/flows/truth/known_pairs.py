"""Score the own test fires with one another, all pairs, in the background: their truth is known.

What correlation keeps are the highest scores of each scan; how well scores tell firearms apart, the lowest ones say as
well. The scores are no candidates: nobody reviews them, and they say nothing of a case.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

import matcher
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.inspect import score_prepared
from exchange.flows.scan.prepared_scans import prepared_scan
from exchange.flows.truth.test_fires import PIPELINES_OF_REGIONS, known_scans, pair_key, pairs_compared
from exchange.store.truth.known_pair_rows import (
    KnownScan,
    PairOfScans,
    drop_scores_but,
    keep_scores,
    known_scores,
    promise_all,
    scans_that_wait,
)

log = structlog.get_logger(__name__)

_AT_ONCE = 100
"""Pairs that a worker process scores before they are kept: half a second of a core."""


@dataclass(frozen=True)
class ScoringProgress:
    """Of all pairs of own test fires how many are scored; ``waiting``: test fires that a worker is still to score."""

    scored: int
    pairs: int
    waiting: int

    @property
    def missing(self) -> int:
        return self.pairs - self.scored


def score_test_fire(node: Node, acquisition_id: int) -> int:
    """Score one test fire with each other own one of its region that casework would compare it with; returns how many
    scores are new. Doing it twice changes nothing.

    1. Drop what is of no use any more: scores of other parameters, and of scans that newer ones have pushed out.
    2. Leave out what is scored with the parameters of this release.
    3. Score in a worker process, a hundred pairs at once, and keep them.

    Raises ComputeFailed, StoreUnavailable: the worker tries again later.
    """
    # 1.
    with node.store.write() as session:
        by_region = {roi: known_scans(session, node, roi) for roi in PIPELINES_OF_REGIONS}
        kept = {known.scan.acquisition_id for scans in by_region.values() for known in scans}
        drop_scores_but(session, PIPELINES, kept)
    mine = next(
        (known for scans in by_region.values() for known in scans if known.scan.acquisition_id == acquisition_id), None
    )
    if mine is None:
        return 0
    pipeline = PIPELINES_OF_REGIONS[mine.scan.roi]

    # 2.
    with node.store.read() as session:
        done = known_scores(session, pipeline.digest, of=acquisition_id)
    others = [other for other in by_region[mine.scan.roi] if other is not mine]
    wanted = [other for other in others if [*pairs_compared([mine, other])] and pair_key(mine, other) not in done]

    # 3.
    return sum(
        _score(node, mine, wanted[start : start + _AT_ONCE], pipeline) for start in range(0, len(wanted), _AT_ONCE)
    )


def _score(node: Node, mine: KnownScan, others: Sequence[KnownScan], pipeline: Pipeline) -> int:
    """What cannot be prepared, or was withdrawn meanwhile, is left out; the page says how many pairs are missing."""
    query = prepared_scan(node, mine.scan, pipeline)
    ready = []
    for other in others:
        try:
            ready.append((other, prepared_scan(node, other.scan, pipeline)))
        except (NotFound, matcher.ScanRefused) as error:
            log.warning("a test fire is not scored", acquisition=other.scan.acquisition_id, detail=str(error))
    found = node.background.run(score_prepared, query, [path for _, path in ready], pipeline)
    scores: dict[PairOfScans, float] = {}
    for (other, path), score in zip(ready, found, strict=True):
        if score is None:
            path.unlink(missing_ok=True)  # damaged: made again when it is asked for next
        else:
            scores[pair_key(mine, other)] = score
    with node.store.write() as session:
        keep_scores(session, scores, parameters=pipeline.digest, matcher_version=matcher.MATCHER_VERSION)
    return len(scores)


def scoring_progress(node: Node) -> ScoringProgress:
    scored = pairs = 0
    with node.store.read() as session:
        for roi, pipeline in PIPELINES_OF_REGIONS.items():
            wanted = {pair_key(*pair) for pair in pairs_compared(known_scans(session, node, roi))}
            pairs += len(wanted)
            scored += len(wanted & known_scores(session, pipeline.digest).keys())
        return ScoringProgress(scored, pairs, scans_that_wait(session))


def promise_missing(node: Node) -> int:
    """Have a worker score whatever is not scored; returns how many test fires it is to look at."""
    todo = scans_with_missing(node)
    with node.store.write() as session:
        promise_all(session, todo)
    return len(todo)


def scans_with_missing(node: Node, regions: Collection[str] = tuple(PIPELINES_OF_REGIONS)) -> list[int]:
    """The test fires of which pairs are not scored: of each such pair the one that came first."""
    found = set[int]()
    with node.store.read() as session:
        for roi in regions:
            done = known_scores(session, PIPELINES_OF_REGIONS[roi].digest)
            missing = {pair_key(*pair) for pair in pairs_compared(known_scans(session, node, roi))} - done.keys()
            found |= {first for first, _ in missing}
    return sorted(found)
