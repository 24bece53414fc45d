"""How well the scores of this laboratory tell firearms apart: its own test fires, by region, calibre and instrument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matcher
from exchange.flows.blind.visibility import waiting_pairs
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import scan_facts, why_not_validated
from exchange.flows.truth.known_pairs import ScoringProgress
from exchange.flows.truth.test_fires import (
    MOST_SCANS,
    PIPELINES_OF_REGIONS,
    calibre_groups,
    firearms_with_pairs,
    known_scans,
    pair_key,
    pairs_compared,
)
from exchange.store.review.review_rows import scans_of
from exchange.store.truth.known_pair_rows import (
    KnownScan,
    PairOfScans,
    count_test_fires,
    known_scores,
    last_scored_at,
    scans_that_wait,
)

_DAY = len("2026-11-27")


@dataclass(frozen=True)
class KnownPair:
    """Two test fires and their score. ``same``: one firearm fired both."""

    one: KnownScan
    other: KnownScan
    score: float

    @property
    def same(self) -> bool:
        return self.one.firearm == self.other.firearm

    @property
    def not_validated(self) -> str | None:
        return why_not_validated(self.one.scan.roi, scan_facts(self.one.scan), scan_facts(self.other.scan))


@dataclass(frozen=True)
class Separation:
    """The scores of one group. ``calibres``, ``instrument``: None of all of a region together.

    ``firearms``: all of them; ``with_pairs``: those of two test fires or more, which alone give true pairs. ``true``
    and ``different``: scores of pairs of one firearm, and of two, each from the lowest on. ``not_validated``: why some
    of these scores are not validated, each reason once.
    """

    roi: str
    calibres: tuple[str, ...] | None
    instrument: str | None
    scans: int
    firearms: int
    with_pairs: int
    first_day: str
    last_day: str
    true: tuple[float, ...]
    different: tuple[float, ...]
    not_validated: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """The lowest score of one firearm less the highest of two: below 0 they overlap. None without both kinds."""
        return self.true[0] - self.different[-1] if self.true and self.different else None

    @property
    def overlapping(self) -> int:
        """How many pairs of two firearms score no lower than the lowest pair of one."""
        return sum(score >= self.true[0] for score in self.different) if self.true else 0


@dataclass(frozen=True)
class OwnSeparation:
    """``at``: when the newest score was made. ``test_fires``, ``with_firearm``: of the node's own current test fires,
    and how many of them name their firearm."""

    node_id: str
    at: str | None
    matcher_version: str
    test_fires: int
    with_firearm: int
    most_scans: int
    groups: tuple[Separation, ...]
    progress: ScoringProgress


def own_separation(node: Node) -> OwnSeparation:
    """The groups of each region: all of it, then by calibre and instrument where there are several."""
    groups, scored, wanted = list[Separation](), 0, 0
    with node.store.read() as session:
        test_fires, with_firearm = count_test_fires(session, node.node_id)
        for roi, pipeline in PIPELINES_OF_REGIONS.items():
            scans, scores = known_scans(session, node, roi), known_scores(session, pipeline.digest)
            found = {pair_key(*pair) for pair in pairs_compared(scans)}
            wanted, scored = wanted + len(found), scored + len(found & scores.keys())
            groups += _groups(roi, scans, _shown(node, scans, scores))
        at = last_scored_at(session, [pipeline.digest for pipeline in PIPELINES_OF_REGIONS.values()])
        waiting = scans_that_wait(session)
    return OwnSeparation(
        node_id=node.node_id,
        at=at,
        matcher_version=matcher.MATCHER_VERSION,
        test_fires=test_fires,
        with_firearm=with_firearm,
        most_scans=MOST_SCANS,
        groups=tuple(groups),
        progress=ScoringProgress(scored, wanted, waiting),
    )


def known_pairs(node: Node) -> list[KnownPair]:
    """Every scored pair that may be shown, of all regions."""
    found = list[KnownPair]()
    with node.store.read() as session:
        for roi, pipeline in PIPELINES_OF_REGIONS.items():
            found += _shown(node, known_scans(session, node, roi), known_scores(session, pipeline.digest))
    return found


def _shown(node: Node, scans: Sequence[KnownScan], scores: Mapping[PairOfScans, float]) -> list[KnownPair]:
    """Without what waits for a blind verification, whoever asks: its score would be among those that are shown."""
    with node.store.read() as session:
        hidden = waiting_pairs(session)
    return [
        KnownPair(one, other, scores[pair_key(one, other)])
        for one, other in pairs_compared(scans)
        if pair_key(one, other) in scores
        and not hidden.covers((one.record.exhibit, other.record.exhibit), scans_of(one.scan.sha256, other.scan.sha256))
    ]


def _groups(roi: str, scans: Sequence[KnownScan], pairs: Sequence[KnownPair]) -> list[Separation]:
    if not scans:
        return []
    calibres = calibre_groups(known.scan.calibre for known in scans)
    instruments = sorted({known.instrument or "" for known in scans})
    found = [_separation(roi, None, None, scans, pairs)]
    if len(calibres) * len(instruments) == 1:
        return [_separation(roi, calibres[0], instruments[0], scans, pairs)]
    for group in calibres:
        for instrument in instruments:
            of_calibres = [known for known in scans if known.scan.calibre in group]
            inside = [known for known in of_calibres if (known.instrument or "") == instrument]
            if inside:
                numbers = {known.scan.acquisition_id for known in inside}
                of_it = [pair for pair in pairs if {*pair_key(pair.one, pair.other)} <= numbers]
                found.append(_separation(roi, group, instrument, inside, of_it))
    return found


def _separation(
    roi: str,
    calibres: tuple[str, ...] | None,
    instrument: str | None,
    scans: Sequence[KnownScan],
    pairs: Sequence[KnownPair],
) -> Separation:
    true, different = list[float](), list[float]()
    for pair in pairs:
        (true if pair.same else different).append(pair.score)
    days = sorted(known.record.received_at[:_DAY] for known in scans)
    return Separation(
        roi=roi,
        calibres=calibres,
        instrument=instrument or None,
        scans=len(scans),
        firearms=len({known.firearm for known in scans}),
        with_pairs=firearms_with_pairs(scans),
        first_day=days[0],
        last_day=days[-1],
        true=tuple(sorted(true)),
        different=tuple(sorted(different)),
        not_validated=tuple(sorted({doubt for pair in pairs if (doubt := pair.not_validated) is not None})),
    )
