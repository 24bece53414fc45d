"""``/v1/scans/{sha256}/heights``: what the comparison viewer draws, for whoever may have the scan itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from exchange.flows.scan.encode_heights import LEAST_DRAWN, MOST_DRAWN
from exchange.flows.scan.heights import Form, Wanted
from exchange.web.access.caller import OpenNode
from exchange.web.access.given_scans import ReaderOfScan, heights_answer
from exchange.web.description import BINARY
from exchange.web.http.conditional import IfNoneMatch
from exchange.web.http.path_types import Digest, MarkedRegion

router = APIRouter(prefix="/v1", tags=["records"])


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
    asker: ReaderOfScan,
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
