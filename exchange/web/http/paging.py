"""Opaque cursors: where the next page starts, in a form that nobody is tempted to make up."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from exchange.errors import InvalidInput
from exchange.flows.hits.history import HitPlace

_BEYOND = 2**62  # no row has such a number, and SQLite takes none above 2**63
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_PAIR: Final = re.compile(r"[0-9a-f]{64}")

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]


def encode_cursor(*position: float) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, parts: int) -> list[float]:
    """Raises InvalidInput, code "invalid-cursor", for everything but what ``encode_cursor`` makes."""
    found = _opened(cursor)
    if not isinstance(found, list) or len(found) != parts or not all(map(_is_place, found)):
        raise _invalid()
    return found


def encode_place(*parts: str) -> str:
    """As ``encode_cursor``, of a list that is not ordered by numbers."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_place(cursor: str, *forms: re.Pattern[str]) -> list[str]:
    """What ``encode_place`` made a cursor of, each part in its form. Raises InvalidInput, code "invalid-cursor"."""
    found = _opened(cursor)
    if not isinstance(found, list) or len(found) != len(forms):
        raise _invalid()
    if not all(isinstance(part, str) and form.fullmatch(part) for part, form in zip(found, forms, strict=True)):
        raise _invalid()
    return found


def hit_place_in(cursor: str | None) -> HitPlace | None:
    """Where in a list of hits a page begins. Raises InvalidInput."""
    if cursor is None:
        return None
    moment, pair = decode_place(cursor, _MOMENT, _PAIR)
    return moment, pair


def _is_place(part: object) -> bool:
    return type(part) in (int, float) and -_BEYOND < part < _BEYOND  # type: ignore[operator]  # a number by now


def _opened(cursor: str) -> object:
    try:
        opened: object = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise _invalid() from error
    return opened


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Say where the next page is, as RFC 8288 has it."""
    if cursor is not None:
        query = {**dict(request.query_params), "cursor": cursor}
        response.headers["Link"] = f'<{request.url.path}?{urlencode(query)}>; rel="next"'


def _invalid() -> InvalidInput:
    return InvalidInput("This cursor is none of this node's; start again without it.", code="invalid-cursor")
