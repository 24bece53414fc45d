"""``/v1/mirror``: for a peer that lost the end of its database, what this node holds of that peer's own, and of nobody
else's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from exchange.flows.witness.mirror import answer_lane, answer_leaves, answer_statements
from exchange.web.access.caller import OpenNode, SignedPeer
from exchange.web.access.signed import signed_answer
from exchange.web.description import json_answer
from schemas.mirror import MirroredLane, MirroredLeaves, MirroredStatements

router = APIRouter(prefix="/v1/mirror", tags=["node"])

Start = Annotated[
    int, Query(ge=0, le=2**62, description="Where to go on: an index of the log, or a place of the lane.")
]


@router.get("/leaves", response_class=Response, responses={200: json_answer(MirroredLeaves, "Signed.")})
def read_mirrored_leaves(node: OpenNode, peer: SignedPeer, start: Start = 0) -> Response:
    """The leaf hashes of the caller's own log that this node mirrored, `mirrored-leaves` of the JSON Schemas. The
    answer is signed and bound to the request."""
    return signed_answer(node, peer, answer_leaves(node, peer.row, start).model_dump_json().encode())


@router.get("/statements", response_class=Response, responses={200: json_answer(MirroredStatements, "Signed.")})
def read_mirrored_statements(node: OpenNode, peer: SignedPeer, start: Start = 0) -> Response:
    """The caller's own statements that this node holds, `mirrored-statements` of the JSON Schemas. The answer is signed
    and bound to the request."""
    return signed_answer(node, peer, answer_statements(node, peer.row, start).model_dump_json().encode())


@router.get("/lane", response_class=Response, responses={200: json_answer(MirroredLane, "Signed.")})
def read_mirrored_lane(node: OpenNode, peer: SignedPeer, start: Start = 0) -> Response:
    """The caller's lane to this node, as this node read it, `mirrored-lane` of the JSON Schemas. The answer is signed
    and bound to the request."""
    return signed_answer(node, peer, answer_lane(node, peer.row, start).model_dump_json().encode())
