"""All exhibits of this node for an examiner, without anything that depends on a score; and the warning before a scored
list that another examiner works on."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.blind.open_lists import ScoredList, open_list
from exchange.flows.candidates.exhibit_list import list_exhibits
from exchange.flows.node.node import Node
from exchange.flows.scan.listed_scans import pictured_scans
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.http.path_types import StatementId
from exchange.web.pages.layout import PURPOSE_MISSING, Examining, Visitor, off_loop, page, read_form
from schemas.vocabulary import RegionOfInterest

router = APIRouter()

_ON_A_PAGE: Final = 30


@router.get("/exhibits")
def exhibits(
    node: OpenNode, who: Examining, roi: RegionOfInterest | Literal[""] | None = None, cursor: Cursor = None
) -> Response:
    """The newest first, whatever their pairs scored."""
    before = None if cursor is None else max(0, int(decode_cursor(cursor, 1)[0]))
    found = list_exhibits(node, who.caller.pseudonym, roi=roi or None, before=before, limit=_ON_A_PAGE)
    rows = [item.record for item in found.items]
    chosen = {"roi": str(roi)} if roi else {}
    who.consultation.note(Act.SEARCH_RECORDS, len(rows), *(row.statement_id for row in rows), asked=chosen)
    following = None
    if found.following is not None:
        following = urlencode(chosen | {"cursor": encode_cursor(found.following)})
    return page(
        "exhibits",
        who,
        items=found.items,
        pictures=pictured_scans(node, rows),
        chosen=chosen,
        regions=list(RegionOfInterest),
        following=following,
    )


@router.post("/records/{statement_id}/candidates/open")
async def open_after_warning(request: Request, node: OpenNode, who: Examining, statement_id: StatementId) -> Response:
    """The examiner read the warning, and opens the list."""
    await read_form(request, node, who.csrf)
    await off_loop(_open, node, who, statement_id)
    return RedirectResponse(f"/app/records/{statement_id}/candidates", 303)


def warning_page(who: Visitor, found: ScoredList) -> Response:
    """What it costs to open a list, in the place of the list."""
    return page("open_list", who, record=found.record, left=found.left)


def _open(node: Node, who: Visitor, statement_id: str) -> None:
    if not who.may_consult:
        raise InvalidInput("State on the first page why you ask, and under which law.", code=PURPOSE_MISSING)
    open_list(node, *who.consultation.reader, statement_id)
    who.consultation.note(Act.READ_RECORD, 1, statement_id, asked={"opened": "scored list"})
