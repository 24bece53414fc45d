"""Candidate lists: of one's own exhibits, of all across borders, of one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from exchange.errors import NotFound
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.node import Node
from exchange.flows.review.candidates import CandidatePair, known_of, ranked_across_borders, ranked_for_record
from exchange.flows.review.cells import with_cells
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, encode_cursor
from exchange.web.pages.layout import Reading, Visitor, page
from exchange.web.rest import response_models
from exchange.web.rest.candidates import note_listed, place_in
from exchange.web.rest.records import StatementId
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role

router = APIRouter()

_ON_A_PAGE = 50


@dataclass(frozen=True)
class ListedCandidate:
    """One line. ``hit`` is the statement's id of the hit that joins the pair already; ``fresh`` while this person has
    not opened it."""

    pair: response_models.CandidateAnswer
    hit: str | None
    fresh: bool

    @property
    def away(self) -> bool:
        """Nothing to find any more: of one case, or joined already."""
        return self.hit is not None or self.pair.same_case


@router.get("/candidates")
def across_borders(
    node: OpenNode,
    who: Reading,
    of: Literal["mine", "all"] | None = None,
    jurisdiction: Jurisdiction | Literal[""] | None = None,
    roi: RegionOfInterest | Literal[""] | None = None,
    new: Annotated[bool, Query(description="Only pairs that this person has not opened.")] = False,
    cursor: Cursor = None,
) -> Response:
    """Open candidates, the best score first. An examiner's own exhibits come first: whoever lists the others' cannot
    verify them blind."""
    asker, pseudonym = who.consultation, who.caller.pseudonym
    mine = who.caller.role is Role.EXAMINER and of != "all"
    found = ranked_across_borders(
        node,
        *asker.reader,
        limit=_ON_A_PAGE + 1,
        below=place_in(cursor),
        jurisdiction=jurisdiction or None,
        roi=roi or None,
        submitted_by=pseudonym if mine else None,
        new_to=pseudonym if new else None,
    )
    shown = found.pairs[:_ON_A_PAGE]
    asked = {"of": "mine" if mine else "all", "jurisdiction": jurisdiction, "roi": roi, "new": "1" if new else None}
    stated = {name: str(value) for name, value in asked.items() if value}
    note_listed(asker, shown)
    asker.note(Act.LIST_CANDIDATES, len(shown), asked=stated)
    following = None
    if len(found.pairs) > _ON_A_PAGE:
        last = shown[-1].row
        following = urlencode(stated | {"cursor": encode_cursor(last.score, last.candidate_id)})
    return page(
        "candidates",
        who,
        listed=_listed(node, who, shown, None),
        pending=found.pending,
        seen_from=None,
        mine=mine,
        chosen=stated,
        jurisdictions=list(node.jurisdictions),
        regions=list(RegionOfInterest),
        following=following,
    )


@router.get("/records/{statement_id}/candidates")
def of_a_record(node: OpenNode, who: Reading, statement_id: StatementId) -> Response:
    """One exhibit over all its regions."""
    asker = who.consultation
    found = ranked_for_record(node, *asker.reader, statement_id, limit=_ON_A_PAGE)
    if found is None:
        raise NotFound("There is no such record on this node.")
    note_listed(asker, found.pairs)
    asker.note(Act.LIST_CANDIDATES, len(found.pairs), statement_id)
    return page(
        "candidates",
        who,
        listed=_listed(node, who, found.pairs, statement_id),
        pending=found.pending,
        seen_from=response_models.summary(found.record),
        mine=False,
        chosen={},
        following=None,
    )


def _listed(node: Node, who: Visitor, found: list[CandidatePair], seen_from: str | None) -> list[ListedCandidate]:
    with_cells(node, found)
    known = known_of(node, who.caller.pseudonym, found)
    doubted = suspicions_of(node, *((item.record_a, item.record_b) for item in found))
    return [
        ListedCandidate(
            response_models.candidate(item, worth_of(node.calibration, item), doubted, seen_from),
            known.hits.get(item.scans),
            who.caller.role is Role.EXAMINER and item.scans not in known.opened,
        )
        for item in found
    ]
