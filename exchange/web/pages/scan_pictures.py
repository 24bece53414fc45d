"""The small picture of one scan, for whoever may read its record; of one that is not here yet, a placeholder."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from exchange.flows.scan.thumbnail import MEDIA_TYPE, FoundScan, drawn_thumbnail, find_scan, kept_thumbnail
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, unchanged
from exchange.web.pages.layout import Reading, off_loop
from exchange.web.rest.consultation import Consultation
from exchange.web.rest.records import StatementId

router = APIRouter()

Position = Annotated[int, Path(ge=0, le=2**31, description="Of the scan in its record, the first is 0.")]

PLACEHOLDER: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 320 320">'
    b'<g fill="none" stroke="#808890" stroke-width="6" stroke-dasharray="14 12">'
    b'<circle cx="160" cy="160" r="130"/><circle cx="160" cy="160" r="40"/></g></svg>'
)
"""The outline of a mark, and nothing in it."""


@router.get("/records/{statement_id}/scans/{position}/picture")
async def scan_picture(
    request: Request,
    node: OpenNode,
    who: Reading,
    statement_id: StatementId,
    position: Position,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One scan, small. It says nothing of any pair, so whoever may be asked to judge one blind may see it too.

    Each look asks whether the record may still be read: browsers keep the picture, and ask before they show it again.
    """
    asker = who.consultation
    scan = await off_loop(find_scan, node, statement_id, position)
    if not scan.is_here:
        return Response(PLACEHOLDER, media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})
    headers = {"ETag": f'"{scan.tag}"', "Cache-Control": "private, no-cache"}
    if unchanged(if_none_match, scan.tag):
        return Response(status_code=304, headers=headers)
    picture = await off_loop(kept_thumbnail, scan)
    if picture is None:
        picture = await heavily(request, WorkKind.PICTURES, drawn_thumbnail, node, scan)
    await off_loop(_note, asker, scan)
    return Response(picture, media_type=MEDIA_TYPE, headers=headers)


def _note(asker: Consultation, scan: FoundScan) -> None:
    """As the small picture of a pair is: when it is given. What the browser has already is not given again."""
    asker.note(Act.READ_PICTURE, 1, scan.statement_id, scan.sha256, asked={"scan": str(scan.position)})
