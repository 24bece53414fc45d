"""The node's own picture of a pair."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.candidates.shown_pair import found_candidate, picture_of
from exchange.flows.scan.pair_picture import picture_tag
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, persons_tag, unchanged
from exchange.web.http.path_types import RowNumber
from exchange.web.pages.layout import Reading

router = APIRouter()


@router.get("/pairs/{candidate_id}/picture")
async def picture_of_pair(
    request: Request,
    who: Reading,
    candidate_id: RowNumber,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Both scans in one registered frame under the same light, congruent cells lit."""
    return await heavily(request, WorkKind.PICTURES, _answer, who.consultation, candidate_id, if_none_match)


def _answer(asker: Consultation, candidate_id: int, if_none_match: str | None) -> Response:
    tag = persons_tag(picture_tag(found_candidate(asker, candidate_id)), asker.caller.pseudonym)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(picture_of(asker, candidate_id), media_type="image/png", headers=headers)
