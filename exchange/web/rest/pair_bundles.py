"""The bundle of a pair: its report with every statement that it rests on, for somebody who verifies it elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.node.node import Node
from exchange.flows.report.report import gather_report
from exchange.flows.witness.pair_bundle import make_pair_bundle
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.access.consulting import Consulting
from exchange.web.description import BINARY
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.path_types import RowNumber
from exchange.web.report import render_report
from exchange.web.rest.review.candidates import found_candidate, note_candidate
from schemas.pair_bundle import PAIR_BUNDLE_MEDIA_TYPE

router = APIRouter(prefix="/v1", tags=["candidates"])


@router.get(
    "/candidates/{candidate_id}/bundle",
    response_class=Response,
    responses={200: {"content": {PAIR_BUNDLE_MEDIA_TYPE: BINARY}, "description": "A ZIP that `ffp verify` reads."}},
)
async def read_pair_bundle(request: Request, node: OpenNode, asker: Consulting, candidate_id: RowNumber) -> Response:
    """The report on a pair as PDF, and each record and statement that it rests on, with what proves it: ``ffp verify``
    verifies it without any node. A record of the other side is in it where its handling code is H0; otherwise its
    owner gives its bundle."""
    made = await heavily(request, WorkKind.REPORTS, pair_bundle_of, node, asker, candidate_id)
    return Response(made, media_type=PAIR_BUNDLE_MEDIA_TYPE)


def pair_bundle_of(node: Node, asker: Consultation, candidate_id: int) -> bytes:
    """Written down before it is given. Raises NotFound, Conflict, NotAudited."""
    found = found_candidate(asker, candidate_id)
    report = gather_report(node, found, asker.caller.pseudonym)
    first, second = (side.statement_id for side in report.sides)
    said = [item.statement_id for item in report.said]
    made = make_pair_bundle(node, (first, second), said, render_report(report))
    note_candidate(asker, Act.READ_BUNDLE, found)
    return made
