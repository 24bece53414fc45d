"""The candidate rail: where a pair stands in the list that it was opened from, with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from exchange.flows.node.node import Node
from exchange.flows.review.candidates import CandidatePair, ranked_for_record
from exchange.log.audit_entry import Act
from exchange.web.rest import response_models
from exchange.web.rest.candidates import note_listed
from exchange.web.rest.consultation import Consultation

SeenFrom = Annotated[str | None, Query(alias="from", pattern="^[0-9a-f]{64}$")]

EACH_SIDE = 3
_MOST = 200
"""As far as a list is read to find a pair in it: four pages of it."""


@dataclass(frozen=True)
class Stop:
    """One candidate on the rail. ``other``: the record across from the one whose list it is."""

    candidate_id: int
    place: int
    score: float
    roi: str
    other: response_models.RecordSummary
    here: bool


@dataclass(frozen=True)
class Rail:
    """``stops``: the pair among its neighbours, the best first."""

    seen_from: str
    length: int
    stops: Sequence[Stop]
    previous: int | None
    following: int | None
    place: int


def rail_for(node: Node, asker: Consultation, found: CandidatePair, seen_from: str) -> Rail | None:
    """The rail of a pair in the list of one of its records, written down as that list is. Raises NotAudited."""
    if seen_from not in (found.row.statement_a, found.row.statement_b):
        return None
    ranked = ranked_for_record(node, *asker.reader, seen_from, limit=_MOST)
    listed = ranked.pairs if ranked is not None else []
    rail = rail_of(listed, found.row.candidate_id, seen_from)
    if rail is not None:
        shown = {stop.candidate_id for stop in rail.stops}
        note_listed(asker, [item for item in listed if item.row.candidate_id in shown])
    asker.note(Act.LIST_CANDIDATES, len(rail.stops) if rail else 0, seen_from)
    return rail


def rail_of(found: Sequence[CandidatePair], candidate_id: int, seen_from: str) -> Rail | None:
    """The rail of a pair in one record's list, best first; None where the list does not hold it."""
    ids = [item.row.candidate_id for item in found]
    if candidate_id not in ids:
        return None
    at = ids.index(candidate_id)
    first = max(0, min(at - EACH_SIDE, len(ids) - 2 * EACH_SIDE - 1))
    shown = range(first, min(len(ids), first + 2 * EACH_SIDE + 1))
    return Rail(
        seen_from=seen_from,
        length=len(ids),
        stops=[_stop(found[place], place, seen_from, here=place == at) for place in shown],
        previous=ids[at - 1] if at else None,
        following=ids[at + 1] if at + 1 < len(ids) else None,
        place=at + 1,
    )


def _stop(item: CandidatePair, place: int, seen_from: str, *, here: bool) -> Stop:
    other = item.record_a if item.record_b.statement_id == seen_from else item.record_b
    return Stop(item.row.candidate_id, place + 1, item.row.score, item.roi, response_models.summary(other), here)
