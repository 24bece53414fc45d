"""What a further pair of calibres makes comparable is compared: the list of this release grew, or the setting
``calibre_pairs``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exchange.flows.node.node import Node
from exchange.store.entry.compared_pair_rows import (
    ComparedPair,
    compared_pairs,
    correlated_by_calibre,
    correlated_of,
    keep_compared_pairs,
)
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.node.jobs import JobKind, promise
from schemas.calibres.pairs import PAIRS


def comparable_pairs(node: Node) -> set[ComparedPair]:
    """All pairs that are comparable here: those of this release, and of this laboratory."""
    own = (pair.calibres for pair in node.settings.calibre_pairs)
    return {_ordered(pair) for pair in ({pair.one, pair.other} for pair in PAIRS)} | {_ordered(pair) for pair in own}


def promise_newly_comparable(node: Node) -> int:
    """At a start: promise to correlate anew what further pairs of calibres make comparable; returns how many scans.

    1. Which pairs are new since the last start; nothing to do where none is.
    2. Of each the calibre with fewer scans is correlated: that finds the pair's candidates from one side, as for a
       scan that arrives.
    3. The promises and the pairs in one transaction.

    Of a pair that was taken away, what was found stays: it was seen, and may be under review.
    """
    wanted = comparable_pairs(node)
    with node.store.read() as session:
        if compared_pairs(session) == wanted:
            return 0
    with node.store.write() as session:
        # 1.
        fresh = wanted - compared_pairs(session)

        # 2.
        again = correlated_of(session, _smaller_sides(fresh, correlated_by_calibre(session)))

        # 3.
        for acquisition in again:
            acquisition.state = AcquisitionState.QUEUED
            promise(session, JobKind.CORRELATE, acquisition.acquisition_id)
        keep_compared_pairs(session, wanted)
    return len(again)


def _smaller_sides(pairs: Collection[ComparedPair], scans: Mapping[str, int]) -> set[str]:
    """Of each pair that has scans on both sides one calibre: one that is taken already, or that with fewer scans."""
    chosen: set[str] = set()
    for pair in sorted(pairs):
        if all(calibre in scans for calibre in pair) and chosen.isdisjoint(pair):
            chosen.add(min(pair, key=lambda calibre: (scans[calibre], calibre)))
    return chosen


def _ordered(pair: Collection[str]) -> ComparedPair:
    one, other = sorted(map(str, pair))
    return one, other
