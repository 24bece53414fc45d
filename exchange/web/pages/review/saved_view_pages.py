"""Saved views of one pair, as the scripts of its page ask for them: JSON, and pictures."""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.candidates.shown_pair import found_candidate, note_listed
from exchange.flows.report.saved_views import (
    MOST_VIEW_BYTES,
    MOST_VIEWS,
    SavedView,
    ScansOnStage,
    remove_view,
    save_view,
    visible_view,
    visible_views,
)
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, persons_tag, unchanged
from exchange.web.http.path_types import RowNumber
from exchange.web.pages.layout import Examining, Reading, Visitor, off_loop
from exchange.web.pages.own_requests import check_script, read_json_body

router = APIRouter()

ImageSize = Literal["picture", "thumbnail"]


@router.get("/pairs/{candidate_id}/views")
def all_views(node: OpenNode, who: Reading, candidate_id: RowNumber) -> Response:
    """Everybody's: whoever may open the pair may know what others saw in it, and then verifies it no more."""
    asker = who.consultation
    found = found_candidate(asker, candidate_id, cells=False)
    note_listed(asker, [found])
    rows = visible_views(node, scans_on_stage(found), who.caller.pseudonym, everybody=True)
    asker.note(Act.READ_CANDIDATE, len(rows), *_records(found), asked={"candidate": str(candidate_id), "views": "all"})
    return JSONResponse({"views": [_told(candidate_id, row, who) for row in rows], "most": MOST_VIEWS})


@router.post("/pairs/{candidate_id}/views")
async def save_view_of_pair(request: Request, node: OpenNode, who: Examining, candidate_id: RowNumber) -> Response:
    sent = await read_json_body(request, node, who.csrf, MOST_VIEW_BYTES)
    found = await off_loop(found_candidate, who.consultation, candidate_id, cells=False)
    row = await heavily(request, WorkKind.PICTURES, save_view, node, scans_on_stage(found), who.caller.pseudonym, sent)
    return JSONResponse(_told(candidate_id, row, who), 201)


@router.delete("/pairs/{candidate_id}/views/{view_id}")
def remove_view_of_pair(
    request: Request, node: OpenNode, who: Examining, candidate_id: RowNumber, view_id: RowNumber
) -> Response:
    """One's own; another's gets the answer of none at all."""
    check_script(request, node, who.csrf)
    found = found_candidate(who.consultation, candidate_id, cells=False)
    remove_view(node, scans_on_stage(found), view_id, who.caller.pseudonym)
    return Response(status_code=204)


@router.get("/pairs/{candidate_id}/views/{view_id}/{size}")
def view_picture(
    node: OpenNode,
    who: Reading,
    candidate_id: RowNumber,
    view_id: RowNumber,
    size: ImageSize,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What was on the stage when the view was saved. It never changes."""
    asker = who.consultation
    found = found_candidate(asker, candidate_id, cells=False)
    note_listed(asker, [found])
    row = visible_view(node, scans_on_stage(found), view_id, who.caller.pseudonym, everybody=True)
    tag = persons_tag(f"view.{view_id}.{size}", asker.caller.pseudonym)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    asker.note(Act.READ_PICTURE, 1, *_records(found), asked={"candidate": str(candidate_id), "view": str(view_id)})
    content, kind = (row.picture, "image/png") if size == "picture" else (row.thumbnail, "image/jpeg")
    return Response(content, media_type=kind, headers=headers)


def scans_on_stage(found: CandidatePair) -> ScansOnStage:
    """As its page lays it on the stage: the matcher's a is the query."""
    return ScansOnStage(found.acquisition_a.sha256, found.acquisition_b.sha256)


def _records(found: CandidatePair) -> tuple[str, str]:
    return (found.row.statement_a, found.row.statement_b)


def _told(candidate_id: int, row: SavedView, who: Visitor) -> dict[str, Any]:
    address = f"/app/pairs/{candidate_id}/views/{row.view_id}"
    return {
        "view_id": row.view_id,
        "title": row.title,
        "made_by": row.made_by,
        "made_at": row.made_at,
        "mine": row.made_by == who.caller.pseudonym,
        "query": row.query,
        "view": json.loads(row.document),
        "address": address,
        "picture": f"{address}/picture",
        "thumbnail": f"{address}/thumbnail",
    }
