"""``/v1/scans/{sha256}/heights``: what the comparison viewer draws, for whoever may have the scan itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.log.audit_rows import dealt_with
from exchange.flows.node.node import Node
from exchange.flows.node.region_masks import mask_digest, region_mask_of
from exchange.flows.scan.encode_heights import LEAST_DRAWN, MOST_DRAWN, ShownHeights
from exchange.flows.scan.heights import Form, Wanted, heights, kept_heights, shown_of
from exchange.log.audit_entry import Act
from exchange.web.access.caller import CallingPeer, OpenNode
from exchange.web.description import BINARY
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, persons_tag, unchanged
from exchange.web.http.path_types import Digest, MarkedRegion
from exchange.web.rest.blobs import MAX_RECORDS, reader_or_peer, shown_by

router = APIRouter(prefix="/v1", tags=["records"])

_Asker = Annotated[Consultation | CallingPeer, Depends(reader_or_peer)]


@router.get(
    "/scans/{sha256}/heights",
    response_class=Response,
    responses={
        200: {
            "content": {"application/octet-stream": BINARY},
            "description": "Length of the head (uint32, little-endian); the head, JSON padded to a multiple of 4: "
            "kind, width, height, pitch_um, pitch_y_um, scale_um, offset_um, left_um, top_um, missing; then height "
            "rows of width values, uint16, little-endian. 0 is missing; v is offset_um + v * scale_um. Always gzipped.",
        },
        304: {"description": "The caller has it already."},
    },
)
async def read_scan_heights(
    request: Request,
    node: OpenNode,
    asker: _Asker,
    sha256: Digest,
    form: Annotated[Form, Query(description="As measured, or levelled and band-passed by the matcher.")] = Form.RAW,
    most: Annotated[
        int, Query(ge=LEAST_DRAWN, le=MOST_DRAWN, description="The longest side, in values; block means.")
    ] = MOST_DRAWN,
    mirrored: Annotated[bool, Query(description="A photograph upside down, where it was compared so.")] = False,
    region: MarkedRegion = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A scan's heights within the bounding box of its valid points; of a photograph 8-bit grey.

    Who may read the scan may read this, with the same answer where not, and it is audited as that is.
    """
    wanted = Wanted(form, most, mirrored, region)
    return await heights_answer(request, node, asker, sha256, wanted, if_none_match)


async def heights_answer(
    request: Request,
    node: Node,
    asker: Consultation | CallingPeer,
    sha256: str,
    wanted: Wanted,
    if_none_match: str | None,
) -> Response:
    """The heights as they are sent, written down before: at once where they are kept, else in the room of those who
    wait for a process. Raises NotFound, InvalidInput, NotAudited, Busy."""
    answer = await run_in_threadpool(_given, node, asker, sha256, wanted, if_none_match, kept_heights)
    if answer is not None:
        return answer
    made = await heavily(request, WorkKind.PICTURES, _given, node, asker, sha256, wanted, if_none_match, heights)
    if made is None:
        raise TypeError("heights that are made are there")
    return made


def _given(
    node: Node,
    asker: Consultation | CallingPeer,
    sha256: str,
    wanted: Wanted,
    if_none_match: str | None,
    of: Callable[[Node, ShownHeights], bytes | None],
) -> Response | None:
    """None where there are none ``of`` it. Raises NotFound, InvalidInput, NotAudited."""
    showing = shown_by(node, asker, sha256)
    marked = [scan for scan, _ in showing if mask_digest(region_mask_of(scan)) == wanted.region]
    shown = shown_of(node, next(iter(marked), showing[0][0]), wanted)
    own = persons_tag(shown.tag, asker.caller.pseudonym) if isinstance(asker, Consultation) else shown.tag
    tag = {"ETag": f'"{own}"'}
    if unchanged(if_none_match, own):
        return Response(status_code=304, headers=tag)
    content = of(node, shown)
    if content is None:
        return None
    records = list(dict.fromkeys(statement.statement_id for _, statement in showing))[:MAX_RECORDS]
    match asker:
        case Consultation():
            asker.note(Act.READ_SCAN, len(content), sha256, *records, asked={"heights": str(wanted)})
        case CallingPeer():
            given = dealt_with(asker.row, Act.GIVE_SCAN, (sha256, *records), len(content), f"heights: {wanted}")
            node.audit.note(given)
    return Response(content, media_type="application/octet-stream", headers={**tag, "Content-Encoding": "gzip"})
