"""What a node says of itself and to its peers: its card, the lanes, the log; and what its operator watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from exchange.clock import stamp
from exchange.errors import ExchangeError, InvalidInput, NotFound
from exchange.flows.checkpoint import witnessed_head
from exchange.flows.enrol import sync_status
from exchange.flows.lane import read_lane
from exchange.flows.node import Node
from exchange.flows.status import node_status
from exchange.flows.witness import answer_report
from exchange.log.tiles import parse_path
from exchange.net.message_signatures import sign_response
from exchange.store.statements import tile_hashes
from exchange.trust.keys import ED25519, key_id, raw_public
from exchange.web import answers
from exchange.web.access import AnyUser, CallingPeer, OpenNode, Operator, ReportingPeer, SignedPeer
from schemas import ENVELOPE_MEDIA_TYPE, Calibre, ContractError, vocabulary
from schemas.witness import parse_witness_report

router = APIRouter(tags=["node"])

_REPORT = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WitnessReport"}}},
    }
}
Head = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="The reader's running head of the lane.")]
Count = Annotated[int, Query(ge=0, le=2**62)]


@router.get("/v1/node", response_class=Response)
def node_card(node: OpenNode) -> Response:
    """This node's card, signed by its identity key. Believe it only after comparing the fingerprint by telephone."""
    return Response(node.card_envelope.raw, media_type=ENVELOPE_MEDIA_TYPE)


@router.get("/v1/lane", response_class=Response)
def lane(node: OpenNode, peer: SignedPeer, start: Count, head: Head, known_size: Count = 0) -> Response:
    """For peers: what follows ``start`` on their lane. The answer is signed and bound to the request."""
    page = read_lane(node, peer.row, start=start, head=bytes.fromhex(head), known_size=known_size)
    return _signed(node, peer, page.model_dump_json().encode())


@router.post("/v1/witness", response_class=Response, openapi_extra=_REPORT)
def witness(node: OpenNode, peer: ReportingPeer) -> Response:
    """For peers: the heads that they cosigned, this node's and others', against those that this node cosigned. Request
    and answer are `witness-report` and `witness-answer` of the JSON Schemas; the answer is signed and bound to the
    request."""
    try:
        report = parse_witness_report(peer.body or b"")
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error
    return _signed(node, peer, answer_report(node, peer.row, report).model_dump_json().encode())


def _signed(node: Node, peer: CallingPeer, body: bytes) -> Response:
    signed = sign_response(
        node.keys.transport,
        key_id(ED25519, raw_public(node.keys.transport)),
        status=200,
        body=body,
        request=peer.request.request,
        now=int(time.time()),
    )
    return Response(body, media_type="application/json", headers=signed)


@router.get("/v1/log/checkpoint", response_class=PlainTextResponse)
def log_checkpoint(node: OpenNode, _caller: AnyUser) -> PlainTextResponse:
    """The last signed head of the log (C2SP tlog-checkpoint), with the cosignatures of peers that came for it so far
    (C2SP tlog-cosignature)."""
    return PlainTextResponse(witnessed_head(node), media_type="text/plain; charset=utf-8")


@router.get("/v1/log/tile/{tile_path:path}", response_class=Response)
def log_tile(node: OpenNode, _caller: AnyUser, tile_path: str) -> Response:
    """A tile of the log's hash tree (C2SP tlog-tiles)."""
    try:
        tile = parse_path(f"tile/{tile_path}")
    except NotFound as error:
        raise NotFound(f"There is no such tile: {error}; paths are those of C2SP tlog-tiles.") from error
    level, first = tile.nodes[0]
    with node.store.read() as session:
        hashes = tile_hashes(session, level, first, tile.width)
    if len(hashes) != tile.width:
        raise NotFound("The log does not reach that far.")
    return Response(b"".join(hashes), media_type="application/octet-stream")


@router.get("/v1/peers", response_model=list[answers.PeerAnswer])
def peers(node: OpenNode, _caller: Operator) -> list[answers.PeerAnswer]:
    """Each peer: what is on its lane, what it acknowledged, what was received, what went wrong."""
    return [answers.peer(status) for status in sync_status(node)]


@router.get("/v1/status", response_model=answers.StatusAnswer)
def status(node: OpenNode, _caller: AnyUser) -> answers.StatusAnswer:
    """How far the node is with its work: records, scans by state, jobs by state, the log and its signed head."""
    return answers.StatusAnswer.model_validate(node_status(node), from_attributes=True)


@router.get("/v1/vocabularies")
def vocabularies(_caller: AnyUser) -> dict[str, object]:
    """Every closed vocabulary of the contract, with its version."""
    names = {
        name: [item.value for item in kind]
        for name, kind in vars(vocabulary).items()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
    }
    jurisdictions = [answers.jurisdiction(code).model_dump() for code in vocabulary.Jurisdiction]
    return {
        "version": vocabulary.VOCABULARY_VERSION,
        "Calibre": [calibre.value for calibre in Calibre],
        **names,
        "jurisdictions": jurisdictions,
    }


@router.get("/healthz", response_model=dict[str, str])
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "time": stamp()}


@router.get("/readyz", response_model=dict[str, str])
def readyz(node: OpenNode) -> JSONResponse:
    """The node can do its work: database, blob folder, keys, free space. 503 says what cannot."""
    found = {"keys": "ok", "database": _state(node.store.check), "blobs": _state(node.blobs.check)}
    ready = all(state == "ok" for state in found.values())
    return JSONResponse({"status": "ready" if ready else "not ready", **found}, 200 if ready else 503)


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except ExchangeError as error:
        return str(error)
    return "ok"
