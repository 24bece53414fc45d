"""``/v1/records``: submit, read, search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from exchange.errors import NotFound
from exchange.flows.entry.submit import submit_record
from exchange.flows.review import records as flow
from exchange.flows.witness.bundle import make_bundle
from exchange.log.audit_entry import Act
from exchange.record_filter import RecordFilter
from exchange.web.access.caller import OpenNode, Submitter
from exchange.web.access.consulting import Consulting
from exchange.web.description import json_answer
from exchange.web.http.compute_threads import WorkKind, place
from exchange.web.http.conditional import IfNoneMatch, unchanged
from exchange.web.http.in_thread import in_thread
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.http.path_types import StatementId
from exchange.web.http.upload import SubmissionUpload
from exchange.web.rest import response_models
from schemas import ENVELOPE_MEDIA_TYPE
from schemas.bundle import BUNDLE_MEDIA_TYPE, Bundle
from schemas.envelope import EnvelopeForm

router = APIRouter(prefix="/v1", tags=["records"])

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", pattern="^[A-Za-z0-9._-]{8,64}$", description="The same key, the same record."),
]

EXAMPLE_METADATA = {
    "case_reference": "RS-2026-0815",
    "exhibit": {
        "kind": "crime_scene",
        "calibre": "9 mm Luger",
        "classes": {"firing_pin_class": "hemispherical", "breech_face": ["parallel"]},
        "occurred": {"earliest": "2026-03-01", "latest": "2026-03-02", "precision": "day"},
    },
    "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
    "handling": {"code": "H1"},
    "level": "full",
    "audience": ["MK", "XK"],
    "retention_until": "2036-01-01",
}

_MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["metadata"],
                    "properties": {"metadata": {"$ref": "#/components/schemas/Submission"}},
                    "additionalProperties": {"type": "string", "format": "binary"},
                },
                "encoding": {"metadata": {"contentType": "application/json"}},
                "example": {"metadata": EXAMPLE_METADATA, "scan": "(the bytes of an x3p file)"},
            }
        },
    }
}


class SearchParameters(RecordFilter):
    """The conditions of a search, and which page of what it finds."""

    limit: Limit = 50
    cursor: Cursor = None


def asked_in(request: Request) -> dict[str, str]:
    """What was asked, for the audit log: of a list all its values."""
    return {name: ", ".join(request.query_params.getlist(name)) for name in request.query_params}


@router.post(
    "/records",
    status_code=201,
    response_model=response_models.ReceiptAnswer,
    openapi_extra=_MULTIPART,
    responses={200: {"model": response_models.ReceiptAnswer, "description": "The receipt of the same, sent before."}},
    name="submit_record",
)
async def submit(
    request: Request, response: Response, node: OpenNode, caller: Submitter, idempotency_key: IdempotencyKey = None
) -> response_models.ReceiptAnswer:
    """Submit a record with its scans. Sending the same again is safe: the same receipt comes back, with status 200.
    429 says when to send it again: nothing was stored, and of who sends `Expect: 100-continue` nothing was read."""
    content_type = request.headers.get("content-type", "")
    with place(request, WorkKind.SUBMISSIONS) as kept, SubmissionUpload(node, content_type) as upload:
        metadata, scans = await upload.receive(request)
        found = await kept.work(submit_record, node, caller.maker, metadata, scans, idempotency_key)
    response.status_code = 201 if found.created else 200
    response.headers["Location"] = f"/v1/records/{found.statement_id}"
    return response_models.receipt_answer(found)


@router.get("/records", response_model=response_models.RecordPage)
@in_thread
def search_records(
    request: Request,
    response: Response,
    node: OpenNode,
    asker: Consulting,
    wanted: Annotated[SearchParameters, Query()],
) -> response_models.RecordPage:
    """Search current records, own and received, newest arrival first. All conditions must hold."""
    limit, cursor = wanted.limit, wanted.cursor
    before = None if cursor is None else int(decode_cursor(cursor, 1)[0])
    found = flow.search_records(node, wanted, before=before, limit=limit + 1)
    rows, doubted = found.rows, found.suspicions
    following = encode_cursor(rows[limit - 1].sequence) if len(rows) > limit else None
    link_next(request, response, following)
    asker.note(Act.SEARCH_RECORDS, min(len(rows), limit), asked=asked_in(request))
    return response_models.RecordPage(
        items=[response_models.summary(row, doubted.get(row.statement_id)) for row in rows[:limit]], next=following
    )


@router.get("/records/{statement_id}", response_model=response_models.RecordAnswer)
@in_thread
def read_record(node: OpenNode, asker: Consulting, statement_id: StatementId) -> response_models.RecordAnswer:
    """One record, the statement as it was signed, and how far its scans are."""
    found = flow.read_record(node, *asker.reader, statement_id)
    if found is None:
        raise NotFound(f"There is no record {statement_id} on this node.")
    asker.note(Act.READ_RECORD, 1, statement_id)
    return response_models.record(found)


@router.get(
    "/records/{statement_id}/envelope",
    response_class=Response,
    responses={
        200: json_answer(EnvelopeForm, "The envelope, with a strong ETag.", ENVELOPE_MEDIA_TYPE),
        304: {"description": "The caller has it already."},
    },
)
def read_envelope(
    node: OpenNode, asker: Consulting, statement_id: StatementId, if_none_match: IfNoneMatch = None
) -> Response:
    """The signed envelope (DSSE), byte for byte, to be verified with any tool."""
    envelope = flow.read_envelope(node, statement_id)
    if envelope is None:
        raise NotFound(f"There is no record {statement_id} on this node.")
    if unchanged(if_none_match, statement_id):
        return Response(status_code=304, headers={"ETag": f'"{statement_id}"'})
    asker.note(Act.READ_ENVELOPE, 1, statement_id)
    return Response(envelope, media_type=ENVELOPE_MEDIA_TYPE, headers={"ETag": f'"{statement_id}"'})


@router.get(
    "/records/{statement_id}/bundle",
    response_class=Response,
    responses={200: json_answer(Bundle, "What `ffp verify` reads.", BUNDLE_MEDIA_TYPE)},
)
def read_bundle(node: OpenNode, asker: Consulting, statement_id: StatementId) -> Response:
    """An own record with all that proves it: ``ffp verify`` and docs/verify-by-hand.md verify it without any node."""
    bundle = make_bundle(node, statement_id).model_dump_json() + "\n"
    asker.note(Act.READ_BUNDLE, 1, statement_id)
    return Response(bundle, media_type=BUNDLE_MEDIA_TYPE)
