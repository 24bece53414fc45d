"""``/v1/hits``: how far each hit is, what it waits for, and what the caller may sign next of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from exchange.flows.hits.vocabulary import Stage
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.review.next_statements import next_statements
from exchange.flows.review.visible_hits import PairFilter, search_hits, visible_hit
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.access.consulting import Consulting
from exchange.web.http.paging import Cursor, Limit, encode_place, hit_place_in, link_next
from exchange.web.rest.review import hit_answers
from schemas.exhibit import CaseReference, Sha256Hex
from schemas.statement_base import NodeId
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1/hits", tags=["hits"])

HitId = Annotated[Sha256Hex, Path(description="Any hit of the pair, by its statement's id.")]


@router.get("", response_model=hit_answers.HitPage)
def list_hits(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    closed: Annotated[
        bool, Query(description="Those where nobody has a turn, instead of those where one has.")
    ] = False,
    stage: Annotated[Stage | None, Query(description="How far they are.")] = None,
    side: Annotated[NodeId | None, Query(description="One record of the pair is this node's.")] = None,
    jurisdiction: Annotated[Jurisdiction | None, Query(description="One record of the pair is from here.")] = None,
    case_reference: Annotated[CaseReference | None, Query(description="One record is of this case.")] = None,
    record: Annotated[Sha256Hex | None, Query(description="One record is this one, in whatever version.")] = None,
    waits_for: Annotated[NodeId | None, Query(description="It is this node's turn.")] = None,
    overdue: Annotated[bool | None, Query(description="Something is overdue, or nothing is.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> hit_answers.HitPage:
    """The hits where somebody has a turn, what is due first at the top; or those where nobody has, the newest first.
    All conditions must hold."""
    wanted = PairFilter(
        closed=closed,
        stage=stage,
        side=side,
        jurisdiction=jurisdiction,
        case_reference=case_reference,
        record=record,
        waits_for=waits_for,
        overdue=overdue,
    )
    found = search_hits(node, *asker.reader, wanted, after=hit_place_in(cursor), limit=limit)
    doubted = suspicions_of(node, *(link.records for link in found.links))
    following = None if found.following is None else encode_place(*found.following)
    link_next(request, response, following)
    named = (link.link_id for link in found.links)
    asker.note(Act.LIST_STATEMENTS, len(found.links), *named, asked=dict(request.query_params))
    return hit_answers.HitPage(items=[hit_answers.hit_summary(link, doubted) for link in found.links], next=following)


@router.get("/{hit_id}", response_model=hit_answers.HitAnswer)
def read_hit(node: OpenNode, asker: Consulting, hit_id: HitId) -> hit_answers.HitAnswer:
    """One hit with its history, its exhibits, and what the caller may sign next: each as a body for
    ``POST /v1/statements``."""
    found = visible_hit(node, *asker.reader, hit_id)
    asker.note(Act.READ_STATEMENT, 1, *(entry.statement_id for entry in found.link.history))
    following = next_statements(node, asker.caller.maker, found)
    return hit_answers.hit_answer(found, following, suspicions_of(node, found.link.records))
