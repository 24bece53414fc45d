"""Candidate lists: of one record for its examiner, across borders for the investigator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from exchange.errors import NotFound
from exchange.flows.blind import open_lists
from exchange.flows.candidates.candidates import (
    CandidatePlace,
    RankedCandidates,
    ranked_across_borders,
    ranked_for_record,
)
from exchange.flows.candidates.shown_pair import found_candidate, note_candidate, note_listed, picture_of, shown_pair
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.access.consulting import Consulting, ConsultingExaminer
from exchange.web.description import BINARY
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.in_thread import in_thread
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.http.path_types import RowNumber, StatementId
from exchange.web.rest import response_models
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1", tags=["candidates"])


@router.get("/records/{statement_id}/candidates", response_model=response_models.CandidatePage)
@in_thread
def list_candidates_of_record(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    statement_id: StatementId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> response_models.CandidatePage:
    """The candidate list of one record over all its scans. ``pending`` says how many of them still wait. Cells are
    null until somebody has looked at the pair, on a page or alone. An examiner who does not work on the exhibit opens
    the list first, at ``/v1/records/{statement_id}/scored-list``; until then the answer is 409, ``list-not-open``."""
    found = ranked_for_record(node, *asker.reader, statement_id, limit=limit + 1, below=place_in(cursor))
    if found is None:
        raise NotFound(f"There is no record {statement_id} on this node.")
    note_listed(asker, found.pairs[:limit])
    asker.note(Act.LIST_CANDIDATES, min(len(found.pairs), limit), statement_id, asked=dict(request.query_params))
    return _answer(request, response, node, found, limit, statement_id)


@router.get("/records/{statement_id}/scored-list", response_model=response_models.ScoredListAnswer)
def read_scored_list(node: OpenNode, asker: Consulting, statement_id: StatementId) -> response_models.ScoredListAnswer:
    """Whether the scored list of a record's exhibit is open to the caller, and who of this node's examiners could still
    verify its pairs blind once it is. Nothing of the list itself."""
    found = open_lists.scored_list(node, *asker.reader, statement_id)
    asker.note(Act.READ_RECORD, 1, statement_id)
    return response_models.ScoredListAnswer(open=found.is_open, left=list(found.left))


@router.post("/records/{statement_id}/scored-list", response_model=response_models.ScoredListAnswer)
def open_scored_list(
    node: OpenNode, asker: ConsultingExaminer, statement_id: StatementId
) -> response_models.ScoredListAnswer:
    """Open the scored list of an exhibit that another examiner works on. From then on the caller verifies none of its
    pairs; this cannot be undone."""
    found = open_lists.open_list(node, *asker.reader, statement_id)
    asker.note(Act.READ_RECORD, 1, statement_id, asked={"opened": "scored list"})
    return response_models.ScoredListAnswer(open=found.is_open, left=list(found.left))


@router.get("/candidates", response_model=response_models.CandidatePage)
@in_thread
def list_candidates(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    min_score: Annotated[float, Query(ge=-10, le=100, description="Leave out what ranks lower.")] = 0.0,
    jurisdiction: Annotated[Jurisdiction | None, Query(description="One side of the pair is from here.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> response_models.CandidatePage:
    """Open candidates across borders, best score first: where an investigator starts. An examiner gets those of the
    lists that are open to the examiner. Cells are null until somebody has looked at the pair, on a page or alone."""
    found = ranked_across_borders(
        node,
        *asker.reader,
        limit=limit + 1,
        below=place_in(cursor),
        min_score=min_score,
        jurisdiction=jurisdiction,
    )
    note_listed(asker, found.pairs[:limit])
    asker.note(Act.LIST_CANDIDATES, min(len(found.pairs), limit), asked=dict(request.query_params))
    return _answer(request, response, node, found, limit, None)


@router.get("/candidates/{candidate_id}", response_model=response_models.CandidateDetail)
@in_thread
def read_candidate(node: OpenNode, asker: Consulting, candidate_id: RowNumber) -> response_models.CandidateDetail:
    """One pair with its explanation: registration, overlap, and each cell's correlation and displacement."""
    found = found_candidate(asker, candidate_id)
    note_candidate(asker, Act.READ_CANDIDATE, found)
    doubted = suspicions_of(node, (found.record_a, found.record_b))
    return response_models.candidate_detail(found, shown_pair(node, found), doubted)


@router.get(
    "/candidates/{candidate_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": BINARY}, "description": "Both scans, aligned, with their cells."}},
)
async def read_candidate_picture(request: Request, asker: Consulting, candidate_id: RowNumber) -> Response:
    """Both scans in one registered frame under the same light, congruent cells lit, as PNG."""
    return Response(await heavily(request, WorkKind.PICTURES, picture_of, asker, candidate_id), media_type="image/png")


def place_in(cursor: str | None) -> CandidatePlace | None:
    """Below which place of a list a page begins. Raises InvalidInput."""
    if cursor is None:
        return None
    score, candidate_id = decode_cursor(cursor, 2)
    return score, int(candidate_id)


def _answer(
    request: Request,
    response: Response,
    node: Node,
    found: RankedCandidates,
    limit: int,
    seen_from: str | None,
) -> response_models.CandidatePage:
    listed = found.pairs[:limit]
    last = listed[-1].row if len(found.pairs) > limit else None
    following = encode_cursor(last.score, last.candidate_id) if last else None
    link_next(request, response, following)
    doubted = suspicions_of(node, *((item.record_a, item.record_b) for item in listed))
    items = [response_models.candidate(shown_pair(node, item, seen_from), doubted) for item in listed]
    return response_models.CandidatePage(items=items, next=following, pending=found.pending)
