"""An answer to a peer: signed with this node's transport key and bound to the peer's request (RFC 9421, 2.4)."""

from __future__ import annotations

import time

from fastapi.responses import Response

from exchange.flows.node.node import Node
from exchange.net.message_signatures import sign_response
from exchange.web.access.caller import CallingPeer


def signed_answer(node: Node, peer: CallingPeer, body: bytes, status: int = 200) -> Response:
    """The body as JSON, with its signature."""
    signed = sign_response(
        node.keys.transport,
        node.requester_id,
        status=status,
        body=body,
        request=peer.request.request,
        now=int(time.time()),
    )
    return Response(body, status, media_type="application/json", headers=signed)
