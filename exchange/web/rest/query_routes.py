"""``/v1/queries``: two steps to what must stay at home. The second is the head's, at ``/v1/approvals``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from exchange.errors import NotFound
from exchange.flows.entry.free_text import doubts_in
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.read_queries import names_found, read_queries
from exchange.flows.query.release_request import request_release
from exchange.flows.query.take import check_quota, take_query
from exchange.web.access.caller import Asker, AskingPeer, OpenNode, Reader
from exchange.web.access.signed import signed_answer
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next
from exchange.web.http.path_types import StatementId
from exchange.web.http.upload import SubmissionUpload
from exchange.web.rest import query_answers as answers
from schemas.query_request import MAX_REQUEST_BYTES

router = APIRouter(prefix="/v1", tags=["queries"])

_FORM_BYTES = 64 * 1024
"""What the form of a query takes beside its two parts: boundaries and headers."""

_QUERY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["metadata", "scan"],
                    "properties": {
                        "metadata": {"$ref": "#/components/schemas/QueryRequest"},
                        "scan": {"type": "string", "format": "binary"},
                    },
                },
                "encoding": {"metadata": {"contentType": "application/json"}},
            }
        },
    }
}


@router.post("/records/{statement_id}/queries", status_code=201, response_model=list[answers.AskedAnswer])
def ask_peers(
    node: OpenNode, caller: Asker, statement_id: StatementId, body: answers.QuestionBody
) -> list[answers.AskedAnswer]:
    """Ask peers whether they have seen the firearm: a scan of an own record travels to each, is compared there with
    what this node may search, and erased. Asking again what is not answered yet gives the same query."""
    question = Question(statement_id, body.position, body.purpose, body.legal_basis)
    return [answers.asked(item) for item in ask(node, caller.maker, question, body.peers)]


@router.get("/queries", response_model=answers.QueryPage)
def list_queries(
    request: Request,
    response: Response,
    node: OpenNode,
    caller: Reader,
    received: Annotated[bool, Query(description="Those of peers, instead of own ones.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> answers.QueryPage:
    """Own queries, how far they are and what they found; or those of peers, and which records their answers name."""
    before = None if cursor is None else int(decode_cursor(cursor, 1)[0])
    found = read_queries(node, caller.role, caller.pseudonym, own=not received, before=before, limit=limit)
    following = None if found.following is None else encode_cursor(found.following[1])
    link_next(request, response, following)
    return answers.QueryPage(items=[answers.query(item) for item in found.items], next=following)


@router.post(
    "/queries",
    status_code=202,
    response_class=Response,
    openapi_extra=_QUERY,
    responses={202: {"model": answers.SaidAnswer, "description": "It is stored, signed."}},
)
async def send_query(request: Request, node: OpenNode, peer: AskingPeer) -> Response:
    """For peers: a signed query with its scan. 202 says, signed, that it is stored and will be answered on the peer's
    lane; sending it again is safe. 429 says when a peer that asked too often may ask again."""
    await run_in_threadpool(check_quota, node, peer.row.node_id)
    most = node.settings.max_scan_bytes + MAX_REQUEST_BYTES + _FORM_BYTES
    with SubmissionUpload(node, request.headers.get("content-type", ""), most=most, signed=peer.digest) as upload:
        metadata, scans = await upload.receive(request)
        taken = await run_in_threadpool(take_query, node, peer.row, metadata, scans)
    stored = answers.SaidAnswer(statement_id=taken).model_dump_json().encode()
    return await run_in_threadpool(signed_answer, node, peer, stored, 202)


@router.post("/queries/{statement_id}/requests", status_code=201, response_model=answers.RequestedAnswer)
def request_record(
    node: OpenNode, caller: Asker, statement_id: StatementId, body: answers.RequestBody
) -> answers.RequestedAnswer:
    """The second step: ask the owner for a record that the answer to an own query found. Its head decides."""
    if not names_found(node, statement_id, body.handle):
        raise NotFound(f"The answer to the query {statement_id} does not name {body.handle}.")
    said = request_release(node, caller.maker, body.handle, body.because)
    return answers.RequestedAnswer(statement_id=said, text_warnings=doubts_in(body, node.jurisdictions))
