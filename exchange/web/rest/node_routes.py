"""What a node says of itself and to its peers: its card, the log; and what its operator watches."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from exchange.clock import stamp
from exchange.errors import InvalidInput, NotFound
from exchange.flows.blind.visibility import view_of
from exchange.flows.keys.events import key_chain
from exchange.flows.log.signed_checkpoint import earlier_head, read_tile, witnessed_head
from exchange.flows.log.stamping import read_stamp
from exchange.flows.operate.promised_work import who_works
from exchange.flows.operate.status import node_status, readiness
from exchange.flows.sync.progress import sync_status
from exchange.flows.witness.cosign import answer_report
from exchange.flows.witness.witnessed import answer_witnessed
from exchange.log.tiles import parse_path
from exchange.net.client import READS
from exchange.web.access.caller import (
    AnyUser,
    AnyUserOrPeer,
    OpenNode,
    Operator,
    ReportingPeer,
    SignedPeer,
)
from exchange.web.access.signed import signed_answer
from exchange.web.description import BINARY, json_answer
from exchange.web.http.in_thread import in_thread
from exchange.web.rest import response_models
from schemas import ENVELOPE_MEDIA_TYPE, Calibre, ContractError, vocabulary
from schemas.calibre_list import AMBIGUOUS, CALIBRES
from schemas.calibres.pairs import PAIRS
from schemas.envelope import EnvelopeForm
from schemas.key_chain import KeyChain
from schemas.kinds import KINDS
from schemas.versions import VERSIONS
from schemas.witness import MAX_HEADS, WitnessAnswer, WitnessedLog, parse_witness_report

router = APIRouter(tags=["node"])

_REPORT = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WitnessReport"}}},
    }
}
_Size = Annotated[int, Path(ge=1, le=2**62, description="How many statements the head covers.")]
_SIZES = rf"^[1-9][0-9]{{0,18}}(,[1-9][0-9]{{0,18}}){{0,{MAX_HEADS - 1}}}$"
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Of what never changes. Private: whoever keeps a copy keeps it for the user who signed in, not for others."""


@router.get(
    "/v1/node",
    response_class=Response,
    responses={200: json_answer(EnvelopeForm, "The card, byte for byte as it was signed.", ENVELOPE_MEDIA_TYPE)},
)
def read_node_card(node: OpenNode) -> Response:
    """This node's card, signed by its identity key. Believe it only after comparing the fingerprint by telephone. Its
    headers say which versions of the contract and which kinds of statements this node reads."""
    reads = {READS: ", ".join(VERSIONS), "FFP-Kinds": ", ".join(KINDS)}
    return Response(node.card_envelope.raw, media_type=ENVELOPE_MEDIA_TYPE, headers=reads)


@router.get("/v1/node/keys", response_class=Response, responses={200: json_answer(KeyChain, "The key-events.")})
def read_node_keys(node: OpenNode) -> Response:
    """This node's key-events from its card on, each signed by its identity key: `key-chain` of the JSON Schemas."""
    return Response(key_chain(node.history), media_type="application/json")


@router.post(
    "/v1/witness",
    response_class=Response,
    openapi_extra=_REPORT,
    responses={200: json_answer(WitnessAnswer, "What this node cosigned, signed.")},
)
def report_heads(node: OpenNode, peer: ReportingPeer) -> Response:
    """For peers: the heads that they cosigned, this node's and others', against those that this node cosigned. Request
    and answer are `witness-report` and `witness-answer` of the JSON Schemas; the answer is signed and bound to the
    request."""
    try:
        report = parse_witness_report(peer.body or b"")
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error
    return signed_answer(node, peer, answer_report(node, peer.row, report).model_dump_json().encode())


@router.get(
    "/v1/log/witnessed", response_class=Response, responses={200: json_answer(WitnessedLog, "The heads, signed.")}
)
def read_log_witnessed(
    node: OpenNode,
    peer: SignedPeer,
    size: Annotated[int, Query(ge=1, le=2**62, description="That of a head of this log which the peer verified.")],
    asks: Annotated[
        str | None,
        Query(pattern=_SIZES, description="Further sizes, with commas between: that head must go on from each."),
    ] = None,
) -> Response:
    """For peers that are no witnesses of this log: the last head of it that each of its witnesses cosigned, with what
    proves that it agrees with the head that the peer verified. `witnessed-log` of the JSON Schemas; the answer is
    signed and bound to the request."""
    sizes = [int(asked) for asked in asks.split(",")] if asks else []
    return signed_answer(node, peer, answer_witnessed(node, size, sizes).model_dump_json().encode())


@router.get("/v1/log/checkpoint", response_class=PlainTextResponse)
def read_log_checkpoint(node: OpenNode, _caller: AnyUser) -> PlainTextResponse:
    """The last signed head of the log (C2SP tlog-checkpoint), with the cosignatures of peers that came for it so far
    (C2SP tlog-cosignature)."""
    return PlainTextResponse(witnessed_head(node), media_type="text/plain; charset=utf-8")


@router.get("/v1/log/checkpoint/{size}", response_class=PlainTextResponse)
def read_log_checkpoint_at(node: OpenNode, _caller: AnyUser, size: _Size) -> PlainTextResponse:
    """The head that was signed at this size, in the same form: that which a time stamp is of."""
    return PlainTextResponse(earlier_head(node, size), media_type="text/plain; charset=utf-8")


@router.get(
    "/v1/log/stamp/{size}",
    response_class=Response,
    responses={200: {"content": {"application/timestamp-reply": BINARY}, "description": "The authority's reply."}},
)
def read_log_stamp(node: OpenNode, _caller: AnyUser, size: _Size) -> Response:
    """The time stamp (RFC 3161) of the head that was signed at this size: of the note's text and the two signatures of
    the log, without cosignatures. What `openssl ts -verify` takes."""
    return Response(read_stamp(node, size), media_type="application/timestamp-reply", headers=FOR_EVER)


@router.get(
    "/v1/log/tile/{tile_path:path}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": BINARY}, "description": "Hashes, 32 bytes each."}},
)
def read_log_tile(node: OpenNode, _asker: AnyUserOrPeer, tile_path: str) -> Response:
    """A tile of the log's hash tree (C2SP tlog-tiles), full or partial, for signed-in users, and for peers, who mirror
    it. Under a signed head it never changes, and may be kept; beyond, it may still be lost with the database, and must
    not be. Bundles of entries are not served."""
    try:
        tile = parse_path(f"tile/{tile_path}")
    except NotFound as error:
        raise NotFound(f"There is no such tile: {error}; paths are those of C2SP tlog-tiles.") from error
    served = read_tile(node, tile)
    return Response(served.hashes, media_type="application/octet-stream", headers=FOR_EVER if served.lasting else {})


@router.get("/v1/peers", response_model=list[response_models.PeerAnswer])
def list_peers(node: OpenNode, _caller: Operator) -> list[response_models.PeerAnswer]:
    """Each peer: what is on its lane, what it acknowledged, what was received, what went wrong."""
    return [response_models.peer(status) for status in sync_status(node)]


@router.get("/v1/status", response_model=response_models.StatusAnswer)
@in_thread
def read_status(node: OpenNode, caller: AnyUser) -> response_models.StatusAnswer:
    """How far the node is with its work: records, scans by state, jobs by state, the log and its signed head."""
    found = node_status(node, blind_for=view_of(caller.role, caller.pseudonym).blind_for)
    return response_models.StatusAnswer.model_validate(found, from_attributes=True)


@router.get("/v1/vocabularies")
def read_vocabularies(node: OpenNode, _caller: AnyUser) -> dict[str, object]:
    """Every closed vocabulary of the contract, with its version; and the jurisdictions that this node knows, with
    their languages and clocks.

    `calibres` says of each designation its kind, its other names, its source, and whether that source was read.
    `calibre_pairs` says which two of them one firearm may fire, and why:
    those of the contract, and those of this node's setting (`own`). `ambiguous_calibres` are words that name several.
    """
    names = {
        name: [item.value for item in kind]
        for name, kind in vars(vocabulary).items()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
    }
    known = node.jurisdictions
    jurisdictions = [
        {
            **response_models.jurisdiction(code).model_dump(),
            **known.entries[code].model_dump(include={"languages", "clock"}),
        }
        for code in known
    ]
    return {
        "version": vocabulary.VOCABULARY_VERSION,
        "Calibre": [calibre.value for calibre in Calibre],
        "calibres": [asdict(entry) | {"verified": entry.verified} for entry in CALIBRES],
        "calibre_pairs": [
            *(asdict(pair) | {"verified": pair.verified, "own": False} for pair in PAIRS),
            *(
                pair.model_dump() | {"source": None, "verified": False, "own": True}
                for pair in node.settings.calibre_pairs
            ),
        ],
        "ambiguous_calibres": AMBIGUOUS,
        **names,
        "jurisdictions": jurisdictions,
    }


@router.get("/healthz", response_model=dict[str, str])
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "time": stamp()}


@router.get(
    "/readyz", response_model=dict[str, str], responses={503: {"model": dict[str, str], "description": "What cannot."}}
)
def readyz(node: OpenNode) -> JSONResponse:
    """The node can take what comes: database, blob folder, keys, free space, the log's tree. 503 says what cannot.
    Beside that it says whether a worker is there for what was taken."""
    found = readiness(node)
    ready = all(state == "ok" for state in found.values())
    if found["database"] == "ok":
        found["worker"] = who_works(node)
    return JSONResponse({"status": "ready" if ready else "not ready", **found}, 200 if ready else 503)
