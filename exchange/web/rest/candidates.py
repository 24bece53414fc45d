"""Candidate lists: of one record for its examiner, across borders for the investigator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from exchange.errors import NotFound
from exchange.flows.blind.visibility import note_shown, view_of
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.node import Node
from exchange.flows.scan.pair_picture import pair_picture, small_picture
from exchange.log.audit_entry import Act
from exchange.store.entry.records import PENDING, acquisitions_of, counts_by_state, find_record
from exchange.store.review.candidates import (
    CandidateFilter,
    Page,
    StoredCandidate,
    View,
    candidates_of,
    find_candidate,
    open_candidates,
)
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import Kind, heavily
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.rest import response_models
from exchange.web.rest.consultation import Consultation, Consulting
from exchange.web.rest.records import StatementId
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1", tags=["candidates"])

CandidateId = Annotated[int, Path(ge=1, le=2**62)]


@router.get("/records/{statement_id}/candidates", response_model=response_models.CandidatePage)
def candidates_of_record(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    statement_id: StatementId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> response_models.CandidatePage:
    """The candidate list of one record over all its scans. ``pending`` says how many of them still wait."""
    with node.store.read() as session:
        if find_record(session, statement_id) is None:
            raise NotFound(f"There is no record {statement_id} on this node.")
        pending = sum(item.state in PENDING for item in acquisitions_of(session, statement_id))
        found = candidates_of(session, statement_id, view_for(asker), _page(limit, cursor))
    note_listed(asker, found[:limit])
    asker.note(Act.LIST_CANDIDATES, min(len(found), limit), statement_id, asked=dict(request.query_params))
    return _answer(request, response, node, found, limit, pending, statement_id)


@router.get("/candidates", response_model=response_models.CandidatePage)
def cross_border_candidates(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    min_score: Annotated[float, Query(ge=-10, le=100, description="Leave out what ranks lower.")] = 0.0,
    jurisdiction: Annotated[Jurisdiction | None, Query(description="One side of the pair is from here.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> response_models.CandidatePage:
    """Open candidates across borders, best score first: where an investigator starts."""
    with node.store.read() as session:
        found = open_candidates(
            session, view_for(asker), _page(limit, cursor), CandidateFilter(min_score, jurisdiction)
        )
        pending = sum(count for state, count in counts_by_state(session).items() if state in PENDING)
    note_listed(asker, found[:limit])
    asker.note(Act.LIST_CANDIDATES, min(len(found), limit), asked=dict(request.query_params))
    return _answer(request, response, node, found, limit, pending, None)


@router.get("/candidates/{candidate_id}", response_model=response_models.CandidateDetail)
def read_candidate(node: OpenNode, asker: Consulting, candidate_id: CandidateId) -> response_models.CandidateDetail:
    """One pair with its explanation: registration, overlap, and each cell's correlation and displacement."""
    found = found_candidate(asker, candidate_id)
    note_candidate(asker, Act.READ_CANDIDATE, found)
    doubted = suspicions_of(node, (found.record_a, found.record_b))
    return response_models.candidate_detail(found, worth_of(node.calibration, found), doubted)


@router.get(
    "/candidates/{candidate_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "Both scans, aligned, with their cells."}},
)
async def candidate_picture(request: Request, node: OpenNode, asker: Consulting, candidate_id: CandidateId) -> Response:
    """Both scans in one registered frame under the same light, congruent cells lit, as PNG."""
    return Response(
        await heavily(request, Kind.PICTURES, picture_of, node, asker, candidate_id), media_type="image/png"
    )


def picture_of(node: Node, asker: Consultation, candidate_id: int, width: int | None = None) -> bytes:
    """Both scans, aligned, with their cells, as PNG, or so wide as JPEG; written down before it is given. Raises
    NotFound, NotAudited."""
    found = found_candidate(asker, candidate_id)
    drawn = pair_picture(node, found) if width is None else small_picture(node, found, width)
    note_candidate(asker, Act.READ_PICTURE, found)
    return drawn


def view_for(asker: Consultation) -> View:
    return view_of(asker.caller.role, asker.caller.pseudonym)


def note_listed(asker: Consultation, found: Sequence[StoredCandidate]) -> None:
    """These are about to be listed with their scores."""
    note_shown(asker.node, asker.caller.role, asker.caller.pseudonym, found)


def note_candidate(asker: Consultation, act: Act, found: StoredCandidate) -> None:
    """One pair is about to be shown with what its score rests on. A picture alone, as it stands in a list, opens
    nothing."""
    opened = act is not Act.READ_PICTURE
    note_shown(asker.node, asker.caller.role, asker.caller.pseudonym, [found], opened=opened)
    sides = (found.row.statement_a, found.row.statement_b)
    asker.note(act, 1, *sides, asked={"candidate": str(found.row.candidate_id)})


def found_candidate(asker: Consultation, candidate_id: int) -> StoredCandidate:
    """Raises NotFound: none, or one that this examiner may be asked to verify."""
    with asker.node.store.read() as session:
        found = find_candidate(session, candidate_id, view_for(asker))
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
) -> response_models.CandidatePage:
    last = found[limit - 1].row if len(found) > limit else None
    following = encode_cursor(last.score, last.candidate_id) if last else None
    link_next(request, response, following)
    doubted = suspicions_of(node, *((item.record_a, item.record_b) for item in found[:limit]))
    items = [
        response_models.candidate(item, worth_of(node.calibration, item), doubted, seen_from) for item in found[:limit]
    ]
    return response_models.CandidatePage(items=items, next=following, pending=pending)
