"""The node's own picture of a pair, whole or small."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from exchange.flows.node import Node
from exchange.flows.view_picture import shrunk
from exchange.store.candidates import StoredCandidate
from exchange.web.access import OpenNode
from exchange.web.candidates import CandidateId, found_candidate, picture_of
from exchange.web.conditional import IfNoneMatch, unchanged
from exchange.web.consultation import Consultation
from exchange.web.heavy import heavily
from exchange.web.pages.layout import Reading

router = APIRouter()

Width = Annotated[int | None, Query(ge=64, le=640, description="Of a small one, as JPEG.")]


@router.get("/pairs/{candidate_id}/picture")
async def picture(
    request: Request,
    node: OpenNode,
    who: Reading,
    candidate_id: CandidateId,
    width: Width = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Both scans in one registered frame under the same light, congruent cells lit."""
    return await heavily(request, _answer, node, who.consultation, candidate_id, width, if_none_match)


def _answer(
    node: Node, asker: Consultation, candidate_id: int, width: int | None, if_none_match: str | None
) -> Response:
    tag = _tag(found_candidate(asker, candidate_id), width)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    drawn = picture_of(node, asker, candidate_id)
    if width is None:
        return Response(drawn, media_type="image/png", headers=headers)
    return Response(node.compute.run(shrunk, drawn, width), media_type="image/jpeg", headers=headers)


def _tag(found: StoredCandidate, width: int | None) -> str:
    """Of all that the picture follows from: both scans, how the matcher compared them, and its own version."""
    scans = (found.acquisition_a.sha256, found.acquisition_b.sha256)
    drawn_from = repr((*scans, found.row.parameters, found.row.comparison, width))
    return hashlib.sha256(drawn_from.encode()).hexdigest()
