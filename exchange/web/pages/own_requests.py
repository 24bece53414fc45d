"""What the node's own pages send, and nobody else's: by a form, or by a script that shows the session's secret."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import Request

from exchange.errors import Forbidden, InvalidInput
from exchange.flows.node.node import Node
from exchange.web.http.body import read_body


def media_type_of(request: Request) -> str:
    """The media type of what is sent, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def own_body(request: Request, node: Node, most: int) -> bytes:
    """What was sent from this node's own address. Raises Forbidden, TooLarge, InvalidInput."""
    check_origin(request, node)
    return await read_body(request, most)


async def read_json_body(request: Request, node: Node, csrf: str, most: int) -> bytes:
    """JSON that a script of these pages sent, not parsed. Raises as ``check_script``, and InvalidInput, TooLarge."""
    check_script(request, node, csrf)
    if media_type_of(request) != "application/json":
        raise InvalidInput("Send JSON.", code="no-json")
    return await own_body(request, node, most)


def check_script(request: Request, node: Node, csrf: str) -> None:
    """A request that changes something came from a script of these pages, in this session: only such a script can set
    the header ``X-CSRF``, and only it knows what belongs there. Raises Forbidden."""
    check_origin(request, node)
    if not hmac.compare_digest(request.headers.get("x-csrf", "").encode(), csrf.encode()):
        raise Forbidden("This page is of an earlier session. Load it anew, and try again.")


def check_origin(request: Request, node: Node) -> None:
    """Raises Forbidden."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin)[:2] != urlsplit(node.settings.url)[:2]:
        raise Forbidden("This was sent from another site, or this node is not reached at its own address.")
