"""The picture of one scan, small or large, for whoever may read its record; of one that is not here yet, a placeholder.

One that was drawn before is found, written down and given by one thread, with two questions to the database.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.node.node import Node
from exchange.flows.scan.inspect import ThumbnailSize
from exchange.flows.scan.scan_thumbnail import (
    MEDIA_TYPE,
    PICTURES_VERSION,
    FoundScan,
    drawn_thumbnail,
    find_scan,
    kept_thumbnail,
)
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, persons_tag, unchanged
from exchange.web.http.path_types import StatementId
from exchange.web.pages.layout import Reading, off_loop

router = APIRouter()

Position = Annotated[int, Path(ge=0, lt=2**31, description="Of the scan in its record, the first is 0.")]
PicturesVersion = Annotated[
    str | None, Query(max_length=40, description="Of all pictures, as the page that shows it has it.")
]

PLACEHOLDER: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 320 320">'
    b'<g fill="none" stroke="#808890" stroke-width="6" stroke-dasharray="14 12">'
    b'<circle cx="160" cy="160" r="130"/><circle cx="160" cy="160" r="40"/></g></svg>'
)
"""The outline of a mark, and nothing in it."""
IMMUTABLE: Final = "private, max-age=86400, immutable"
"""At an address that names the record, the scan and the version of all pictures. For a day: longer than a session may
last, and what was withdrawn does not lie in a browser for months. The cookie is part of what is asked for, so nobody is
shown what another person's session kept."""
ASKED_AGAIN: Final = "private, no-cache"


@router.get("/records/{statement_id}/scans/{position}/picture")
async def scan_picture(
    request: Request,
    node: OpenNode,
    who: Reading,
    statement_id: StatementId,
    position: Position,
    size: ThumbnailSize = ThumbnailSize.SMALL,
    v: PicturesVersion = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One scan, to be known again by. It says nothing of any pair, so whoever may be asked to judge one blind may see
    it too."""
    asker = who.consultation
    kept = ASKED_AGAIN if v != PICTURES_VERSION else IMMUTABLE
    answer = await off_loop(_at_once, node, asker, (statement_id, position, size), kept, if_none_match)
    if isinstance(answer, Response):
        return answer
    picture = await heavily(request, WorkKind.PICTURES, drawn_thumbnail, node, answer)
    await off_loop(_note, asker, answer)
    return _given(picture, answer, asker, kept)


def _at_once(
    node: Node, asker: Consultation, place: tuple[str, int, ThumbnailSize], kept: str, if_none_match: str | None
) -> Response | FoundScan:
    """The answer, or the scan whose picture is still to be drawn. Raises NotFound, NotAudited."""
    scan = find_scan(node, *place)
    if not scan.is_here:
        return Response(PLACEHOLDER, media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})
    if unchanged(if_none_match, persons_tag(scan.tag, asker.caller.pseudonym)):
        return Response(status_code=304, headers=_headers(scan, asker, kept))
    picture = kept_thumbnail(scan)
    if picture is None:
        return scan
    _note(asker, scan)
    return _given(picture, scan, asker, kept)


def _given(picture: bytes, scan: FoundScan, asker: Consultation, kept: str) -> Response:
    return Response(picture, media_type=MEDIA_TYPE, headers=_headers(scan, asker, kept))


def _headers(scan: FoundScan, asker: Consultation, kept: str) -> dict[str, str]:
    return {"ETag": f'"{persons_tag(scan.tag, asker.caller.pseudonym)}"', "Cache-Control": kept, "Vary": "Cookie"}


def _note(asker: Consultation, scan: FoundScan) -> None:
    """As the small picture of a pair is: when it is given. What the browser has already is not given again."""
    asker.note(Act.READ_PICTURE, 1, scan.statement_id, scan.sha256, asked={"scan": str(scan.position)})
