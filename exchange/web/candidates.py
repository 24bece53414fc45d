"""Candidate lists: of one record for its examiner, across borders for the investigator."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from exchange.errors import NotFound
from exchange.flows.node import Node
from exchange.flows.pipelines import PIPELINES, Variant
from exchange.flows.prepared import appearance_of, prepared_scan
from exchange.flows.scan_work import draw_candidate
from exchange.flows.worth import worth_of
from exchange.store.candidates import Page, StoredCandidate, candidates_of, find_candidate, open_candidates
from exchange.store.records import AcquisitionState, acquisitions_of, counts_by_state, find_record
from exchange.web import answers
from exchange.web.access import OpenNode, Reader
from exchange.web.heavy import heavily
from exchange.web.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.records import StatementId
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1", tags=["candidates"])

CandidateId = Annotated[int, Path(ge=1, le=2**62)]
_PENDING = {AcquisitionState.AWAITING_SCAN, AcquisitionState.QUEUED}


@router.get("/records/{statement_id}/candidates", response_model=answers.CandidatePage)
def candidates_of_record(
    request: Request,
    response: Response,
    node: OpenNode,
    _caller: Reader,
    statement_id: StatementId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> answers.CandidatePage:
    """The candidate list of one record over all its scans. ``pending`` says how many of them still wait."""
    with node.store.read() as session:
        if find_record(session, statement_id) is None:
            raise NotFound(f"There is no record {statement_id} on this node.")
        pending = sum(item.state in _PENDING for item in acquisitions_of(session, statement_id))
        found = candidates_of(session, statement_id, PIPELINES, _page(limit, cursor))
    return _answer(request, response, node, found, limit, pending, statement_id)


@router.get("/candidates", response_model=answers.CandidatePage)
def cross_border_candidates(
    request: Request,
    response: Response,
    node: OpenNode,
    _caller: Reader,
    min_score: Annotated[float, Query(ge=-10, le=100, description="Leave out what ranks lower.")] = 0.0,
    jurisdiction: Annotated[Jurisdiction | None, Query(description="One side of the pair is from here.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> answers.CandidatePage:
    """Open candidates across borders, best score first: where an investigator starts."""
    with node.store.read() as session:
        found = open_candidates(
            session, PIPELINES, _page(limit, cursor), min_score=min_score, jurisdiction=jurisdiction
        )
        pending = sum(count for state, count in counts_by_state(session).items() if state in _PENDING)
    return _answer(request, response, node, found, limit, pending, None)


@router.get("/candidates/{candidate_id}", response_model=answers.CandidateDetail)
def read_candidate(node: OpenNode, _caller: Reader, candidate_id: CandidateId) -> answers.CandidateDetail:
    """One pair with its explanation: registration, overlap, and each cell's correlation and displacement."""
    found = _found(node, candidate_id)
    return answers.candidate_detail(found, worth_of(node.calibration, found))


@router.get(
    "/candidates/{candidate_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "Both scans, aligned, with their cells."}},
)
async def candidate_picture(request: Request, node: OpenNode, _caller: Reader, candidate_id: CandidateId) -> Response:
    """Both scans in one registered frame under the same light, congruent cells lit, as PNG."""
    return Response(await heavily(request, _picture, node, candidate_id), media_type="image/png")


def _picture(node: Node, candidate_id: int) -> bytes:
    found = _found(node, candidate_id)
    pipeline, comparison = PIPELINES[found.row.parameters], json.loads(found.row.comparison)
    sides = [
        (scan, Variant(comparison[f"variant_{side}"]))
        for scan, side in ((found.acquisition_a, "a"), (found.acquisition_b, "b"))
    ]
    a, b = (appearance_of(node, scan, pipeline, variant) for scan, variant in sides)
    ready = [prepared_scan(node, scan, pipeline, variant) for scan, variant in sides]
    return node.compute.run(draw_candidate, a, b, *ready)


def _found(node: Node, candidate_id: int) -> StoredCandidate:
    with node.store.read() as session:
        found = find_candidate(session, candidate_id, PIPELINES)
    if found is None:
        raise NotFound(f"There is no candidate {candidate_id} on this node.")
    return found


def _page(limit: int, cursor: str | None) -> Page:
    if cursor is None:
        return Page(limit + 1)
    score, candidate_id = decode_cursor(cursor, 2)
    return Page(limit + 1, (score, int(candidate_id)))


def _answer(
    request: Request,
    response: Response,
    node: Node,
    found: list[StoredCandidate],
    limit: int,
    pending: int,
    seen_from: str | None,
) -> answers.CandidatePage:
    last = found[limit - 1].row if len(found) > limit else None
    following = encode_cursor(last.score, last.candidate_id) if last else None
    link_next(request, response, following)
    items = [answers.candidate(item, worth_of(node.calibration, item), seen_from) for item in found[:limit]]
    return answers.CandidatePage(items=items, next=following, pending=pending)
