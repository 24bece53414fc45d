"""The printed sheet of a comparison: it is part of its page (``templates/sheet.html``), and printing is written down as
far as the page's script can tell of it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.flows.blind.verifications import read_verification
from exchange.flows.candidates.shown_pair import found_candidate
from exchange.flows.candidates.two_scans import two_scans
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import RandomId, RowNumber
from exchange.web.pages.layout import Examining, Reading
from exchange.web.pages.own_requests import check_script
from exchange.web.pages.review.compare_pages import ScanDigest

router = APIRouter()

_SHEET = {"printed": "comparison sheet"}


@router.post("/pairs/{candidate_id}/sheet")
def pair_printed(request: Request, node: OpenNode, who: Reading, candidate_id: RowNumber) -> Response:
    """It has what a report has on its first page, so it is audited as one."""
    check_script(request, node, who.csrf)
    row = found_candidate(who.consultation, candidate_id, cells=False).row
    asked = {"candidate": str(candidate_id), **_SHEET}
    who.consultation.note(Act.READ_REPORT, 1, row.statement_a, row.statement_b, asked=asked)
    return Response(status_code=204)


@router.post("/verifications/{task_id}/sheet")
def verification_printed(request: Request, node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """Two specimens, as the page shows them."""
    check_script(request, node, who.csrf)
    sides = read_verification(node, who.caller.pseudonym, task_id).sides
    named = [side.record.statement_id for side in sides]
    who.consultation.note(Act.READ_RECORD, 2, *named, asked=_SHEET)
    return Response(status_code=204)


@router.post("/compare/sheet")
def comparison_printed(request: Request, node: OpenNode, who: Reading, a: ScanDigest, b: ScanDigest) -> Response:
    """Any two scans."""
    check_script(request, node, who.csrf)
    asker = who.consultation
    found = two_scans(node, *asker.reader, a, b)
    named = (found.one.record.statement_id, found.other.record.statement_id)
    asker.note(Act.READ_RECORD, 2, *named, a, b, asked=_SHEET)
    return Response(status_code=204)
