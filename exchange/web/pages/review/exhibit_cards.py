"""Exhibit pairs as lists show them: both pictures, the best scan pair of each region, and what is known of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.candidates.cells import with_cells
from exchange.flows.candidates.exhibit_pairs import ExhibitPair
from exchange.flows.candidates.exhibit_ranking import Ranking
from exchange.flows.candidates.shown_pair import ShownPair, note_listed, shown_pair
from exchange.flows.node.node import Node
from exchange.flows.review.records import StoredRecord
from exchange.flows.scan.listed_scans import ListedScan, listed_scan
from exchange.web.pages.layout import Visitor
from schemas.vocabulary import Role

STRIP_WIDTH: Final = 1000
"""Of the picture's own coordinates; a score of 1 is at its end."""


@dataclass(frozen=True)
class StripLine:
    """``clear``: stands clear of chance."""

    x: int
    clear: bool


@dataclass(frozen=True)
class ScoreStrip:
    """``lines``: the weakest first, so that what stands out is drawn over the others; of those that fall together one.
    ``clear``: how many stand out of ``count``; ``gap``: the highest score of the others and the lowest of these.
    ``here``: where the pair stands that is looked at."""

    lines: Sequence[StripLine]
    count: int
    clear: int
    best: float | None
    gap: tuple[float, float] | None
    highest_other: float | None
    here: int | None


def strip_of(ranking: Ranking, here: float | None = None) -> ScoreStrip:
    scores, clear = ranking.scores, ranking.clear
    others = scores[clear:]
    drawn = {_x(score): StripLine(_x(score), False) for score in reversed(others)}
    drawn |= {_x(score): StripLine(_x(score), True) for score in reversed(scores[:clear])}
    return ScoreStrip(
        list(drawn.values()),
        len(scores),
        clear,
        scores[0] if scores else None,
        (others[0], scores[clear - 1]) if clear and others else None,
        others[0] if others else None,
        None if here is None else _x(here),
    )


def _x(score: float) -> int:
    return round(STRIP_WIDTH * min(max(score, 0.0), 1.0))


@dataclass(frozen=True)
class ListedExhibits:
    """``regions``: the best scan pair of each, the best first, seen from the record whose list it is; ``more`` scan
    pairs there are. ``pictures``: of that record's scan, and of the other's. ``hit``: the statement's id of the hit
    that joins them already; ``fresh`` while this examiner has not opened them; ``concluded``: a conclusion stands."""

    regions: Sequence[ShownPair]
    more: int
    pictures: tuple[ListedScan, ListedScan]
    hit: str | None
    fresh: bool
    concluded: bool

    @property
    def best(self) -> ShownPair:
        return self.regions[0]

    @property
    def record(self) -> StoredRecord:
        return self.best.record

    @property
    def other(self) -> StoredRecord:
        return self.best.other

    @property
    def address(self) -> str:
        return f"/app/pairs/{self.best.candidate_id}?from={self.record.statement_id}"


def listed_exhibits(node: Node, who: Visitor, found: Sequence[ExhibitPair]) -> list[ListedExhibits]:
    """What is about to be shown of these, noted as listed."""
    scan_pairs = [scans for pair in found for scans in pair.regions]
    note_listed(who.consultation, scan_pairs)
    with_cells(node, scan_pairs)
    return [
        ListedExhibits(
            [shown_pair(node, item, pair.ranked.statement_id) for item in pair.regions],
            pair.more,
            (exhibit_picture(pair, pair.ranked.statement_id), exhibit_picture(pair, pair.ranked.other)),
            pair.ranked.hit,
            who.caller.role is Role.EXAMINER and not pair.opened,
            pair.concluded,
        )
        for pair in found
    ]


def exhibit_picture(pair: ExhibitPair, statement_id: str) -> ListedScan:
    """The scan of one of the two records that the best scan pair compares."""
    best = pair.best
    of_a = best.record_a.statement_id == statement_id
    return listed_scan(best.acquisition_a if of_a else best.acquisition_b)
