"""Which test fires are held against one another, and in which groups: by region, calibre and instrument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.flows.node.regions import COMPARED, Pipeline
from exchange.store.truth.known_pair_rows import KnownScan, PairOfScans, comparable_test_fires
from schemas.calibre import Calibre, compatible_calibres

_NOT_KNOWN: Final = frozenset({Calibre.UNKNOWN, Calibre.NOT_EXAMINED})
MOST_SCANS: Final = 300
"""Of a region, the newest: 44,850 pairs, three minutes of a core."""

PIPELINES_OF_REGIONS: Final[Mapping[str, Pipeline]] = {region.roi: region.pipeline for region in COMPARED.values()}
"""How topographies of each region are compared. Photographs are no part of it: no laboratory validates by them."""


def known_scans(session: Session, node: Node, roi: str) -> list[KnownScan]:
    """The own test fires of a region that take part, the newest first."""
    return comparable_test_fires(session, node.node_id, PIPELINES_OF_REGIONS[roi].digest, most=MOST_SCANS)


def pairs_compared(scans: Sequence[KnownScan]) -> Iterator[tuple[KnownScan, KnownScan]]:
    """Those that casework would compare: one firearm may have fired both calibres."""
    for one, other in combinations(scans, 2):
        if may_share_firearm(one.scan.calibre, other.scan.calibre):
            yield one, other


@lru_cache(maxsize=4096)
def may_share_firearm(one: str, other: str) -> bool:
    """One that is not known is compared with all in casework; of a known firearm that says nothing."""
    return one == other or (not _NOT_KNOWN & {one, other} and Calibre(other) in compatible_calibres(Calibre(one)))


def pair_key(one: KnownScan, other: KnownScan) -> PairOfScans:
    a, b = sorted((one.scan.acquisition_id, other.scan.acquisition_id))
    return a, b


def calibre_groups(calibres: Iterable[str]) -> list[tuple[str, ...]]:
    """Calibres that are compared with one another, directly or over a third one, stand in one group; by name."""
    groups: list[set[str]] = []
    for calibre in sorted(set(calibres)):
        near = [group for group in groups if any(may_share_firearm(calibre, other) for other in group)]
        groups = [group for group in groups if group not in near] + [{calibre}.union(*near)]
    return sorted(tuple(sorted(group)) for group in groups)


def firearms_with_pairs(scans: Iterable[KnownScan]) -> int:
    """Of how many firearms there are two test fires, or more."""
    counts: dict[tuple[str, str], int] = {}
    for scan in scans:
        counts[scan.firearm] = counts.get(scan.firearm, 0) + 1
    return sum(count > 1 for count in counts.values())
