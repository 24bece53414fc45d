"""The bundle of a pair: its report with every statement that it rests on, for somebody who verifies it elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from exchange.web.access.consulting import Consulting
from exchange.web.description import BINARY
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.path_types import RowNumber
from exchange.web.report.given_away import pair_bundle_of
from schemas.pair_bundle import PAIR_BUNDLE_MEDIA_TYPE

router = APIRouter(prefix="/v1", tags=["candidates"])


@router.get(
    "/candidates/{candidate_id}/bundle",
    response_class=Response,
    responses={200: {"content": {PAIR_BUNDLE_MEDIA_TYPE: BINARY}, "description": "A ZIP that `ffp verify` reads."}},
)
async def read_pair_bundle(request: Request, asker: Consulting, candidate_id: RowNumber) -> Response:
    """The report on a pair as PDF, and each record and statement that it rests on, with what proves it: ``ffp verify``
    verifies it without any node. A record of the other side is in it where its handling code is H0; otherwise its
    owner gives its bundle."""
    made = await heavily(request, WorkKind.REPORTS, pair_bundle_of, asker, candidate_id)
    return Response(made, media_type=PAIR_BUNDLE_MEDIA_TYPE)
