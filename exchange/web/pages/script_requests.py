"""What the pages' own scripts send: the session's token in a header, bodies that are bounded before they are read."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.web.http.body import read_body
from exchange.web.pages.layout import Visitor, read_form
from exchange.web.pages.own_requests import check_script

CSRF_HEADER = "x-csrf"
MAX_JSON_BYTES = 4096
MAX_TYPED_BYTES = 512 * 1024
"""What is typed, and from what the form was drawn."""
MAX_TYPED_FIELDS = 400
"""A form with 16 files and thirteen fields of each."""
_M = TypeVar("_M", bound=BaseModel)


def is_fetched(request: Request) -> bool:
    """Whether a script of these pages asks, which takes a piece of a page; else a form, which wants a page."""
    return CSRF_HEADER in request.headers


async def check_own(request: Request, node: Node, who: Visitor) -> None:
    """A script's request by its header, a form by its hidden field. Raises Forbidden, InvalidInput, TooLarge."""
    if is_fetched(request):
        check_script(request, node, who.csrf)
    else:
        await read_form(request, node, who.csrf, most_bytes=MAX_TYPED_BYTES, most_fields=MAX_TYPED_FIELDS)


async def read_json(request: Request, model: type[_M], *, most: int = MAX_JSON_BYTES) -> _M:
    """Raises InvalidInput, TooLarge."""
    try:
        return model.model_validate_json(await read_body(request, most), strict=True)
    except ValidationError as error:
        raise InvalidInput("This is no request of these pages.", code="no-form") from error
