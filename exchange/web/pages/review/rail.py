"""The candidate rail: where an exhibit pair stands in the list that it was opened from, with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from exchange.flows.access.consultation import Consultation
from exchange.flows.blind.visibility import note_lists
from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.candidates.exhibit_neighbours import Neighbours, neighbours_of
from exchange.flows.candidates.exhibit_pairs import ExhibitPair
from exchange.flows.candidates.shown_pair import note_listed
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import not_validated
from exchange.flows.review.records import StoredRecord
from exchange.flows.scan.listed_scans import ListedScan, listed_scan
from exchange.log.audit_entry import Act
from exchange.web.pages.review.score_strip import ScoreStrip, strip_of

FROM_PATTERN = "^[0-9a-f]{64}$"
SeenFrom = Annotated[str | None, Query(alias="from", pattern=FROM_PATTERN)]

EACH_SIDE = 3


@dataclass(frozen=True)
class Stop:
    """One exhibit pair on the rail. ``other``: the record across from the one whose list it is, with its picture."""

    candidate_id: int
    place: int
    score: float
    not_validated: str | None
    other: StoredRecord
    picture: ListedScan
    here: bool


@dataclass(frozen=True)
class Rail:
    """``stops``: the pair among its neighbours, the best first. ``weaker`` and ``unvalidated``: how many
    more pairs the list has; ``strip``: the scores of the whole list, with this pair on it."""

    seen_from: str
    length: int
    stops: Sequence[Stop]
    previous: int | None
    following: int | None
    place: int
    weaker: int
    unvalidated: int
    strip: ScoreStrip


def rail_for(node: Node, asker: Consultation, found: CandidatePair, seen_from: str) -> Rail | None:
    """The rail of a pair in the list of one of its records, written down as that list is. Raises NotAudited."""
    sides = (found.row.statement_a, found.row.statement_b)
    if seen_from not in sides:
        return None
    other = sides[0] if seen_from == sides[1] else sides[1]
    around = neighbours_of(node, *asker.reader, seen_from, other, each_side=EACH_SIDE)
    if around is not None:
        own = found.record_a if seen_from == sides[0] else found.record_b
        note_lists(node, asker.reader[1], {own.exhibit: around.ranking.exhibits})
        note_listed(asker, [pair.best for pair in around.shown])
    asker.note(Act.LIST_CANDIDATES, len(around.shown) if around else 0, seen_from)
    return None if around is None else _rail(around, found.row.candidate_id, other)


def _rail(around: Neighbours, candidate_id: int, other: str) -> Rail:
    stops = [_stop(pair, around.first + place, candidate_id, other) for place, pair in enumerate(around.shown)]
    here = next((pair.ranked.score for pair in around.shown if pair.ranked.other == other), None)
    return Rail(
        seen_from=around.ranking.statement_id,
        length=around.length,
        stops=stops,
        previous=around.previous,
        following=around.following,
        place=around.at + 1,
        weaker=len(around.ranking.weaker),
        unvalidated=len(around.ranking.unvalidated),
        strip=strip_of(around.ranking, here),
    )


def _stop(pair: ExhibitPair, place: int, candidate_id: int, other: str) -> Stop:
    """Where a person is, whichever of the scan pairs it is."""
    here = pair.ranked.other == other
    best = pair.best
    return Stop(
        candidate_id if here else best.row.candidate_id,
        place + 1,
        best.row.score,
        not_validated(best),
        pair.other,
        listed_scan(pair.scans[1]),
        here,
    )
