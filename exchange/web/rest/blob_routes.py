"""``/v1/blobs``: scans, for signed-in readers and for peers that policy lets have them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.log.audit_rows import dealt_with
from exchange.log.audit_entry import Act
from exchange.web.access.caller import CallingPeer, OpenNode
from exchange.web.access.given_scans import MAX_RECORDS, ReaderOfScan, shown_by
from exchange.web.description import BINARY
from exchange.web.http.conditional import IfNoneMatch, unchanged
from exchange.web.http.path_types import Digest
from exchange.web.http.problems import REFUSAL_ANSWER
from exchange.web.http.ranges import file_answer

router = APIRouter(prefix="/v1", tags=["records"])


@router.get(
    "/blobs/{sha256}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": BINARY}, "description": "The scan, with a strong ETag."},
        206: {"content": {"application/octet-stream": BINARY}, "description": "The part that Range asked for."},
        304: {"description": "The caller has it already."},
        416: {**REFUSAL_ANSWER, "description": "The scan has no such part."},
    },
)
def read_blob(
    request: Request,
    node: OpenNode,
    asker: ReaderOfScan,
    sha256: Digest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A scan by its digest. A digest is no key: each fetch is authorised by a record that the asker may see.

    Each answer with bytes is audited, a part like the whole: else whoever asks for all but the first byte is not seen.
    """
    showing = shown_by(node, asker, sha256)
    tag = f'"{sha256}"'
    if unchanged(if_none_match, sha256) and node.blobs.holds(sha256):
        return Response(status_code=304, headers={"ETag": tag})
    path = node.blobs.path(sha256)
    headers = {"Content-Disposition": f'attachment; filename="{sha256[:16]}"'}
    answer = file_answer(request, path, tag, showing[0][0].media_type, headers)
    records = list(dict.fromkeys(statement.statement_id for _, statement in showing))[:MAX_RECORDS]
    part, count = answer.headers.get("content-range"), int(answer.headers["content-length"])
    match asker:
        case Consultation():
            asker.note(Act.READ_SCAN, count, sha256, *records, asked=None if part is None else {"part": part})
        case CallingPeer():
            node.audit.note(dealt_with(asker.row, Act.GIVE_SCAN, (sha256, *records), count, part))
    return answer
