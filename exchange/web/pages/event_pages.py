"""What an open page is told while it is open: that it should ask anew. It holds nothing of what; each page asks again
with the rights of its person, so that what is hidden stays hidden.

A browser has a line here (server-sent events); where a proxy cuts it, or there are too many, it asks the same now and
then. Neither says that anybody is there: a session that is only listened to ends as if nobody were.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from exchange.errors import Forbidden
from exchange.flows.access.sessions import session_digest
from exchange.flows.alerts.alerts import ALERTED
from exchange.web.access.caller import OpenNode
from exchange.web.http.compression import OWN_SITES
from exchange.web.http.conditional import IfNoneMatch, unchanged
from exchange.web.http.event_stream import EVENT_STREAM, EventStream
from exchange.web.pages.layout import Visitor, cookie_name, fresh_count, off_loop, seen_visitor
from exchange.web.pages.live_hint_pages import MOST_WATCHED, LiveHints, Watcher

router = APIRouter()

Records = Annotated[
    list[Annotated[str, Query(pattern="^[0-9a-f]{64}$")]],
    Query(
        default_factory=list,
        max_length=MOST_WATCHED,
        description="Of whose scans the page waits for pictures, or for the comparison.",
    ),
]
_ROLES: Final = ", ".join(sorted(ALERTED))


def listening(request: Request, node: OpenNode) -> Visitor:
    """Who listens, without a note that anybody is there. Raises SignInFirst, and Forbidden for roles to whom there is
    nothing to tell and for pages of other sites."""
    who = seen_visitor(request, node, is_there=False)
    if who.caller.role not in ALERTED:
        raise Forbidden(f"This page is for the roles {_ROLES}; you are signed in as {who.caller.role}.")
    if request.headers.get("sec-fetch-site", "none") not in OWN_SITES:
        raise Forbidden("This was asked from another site.")
    return who


Listening = Annotated[Visitor, Depends(listening)]


@router.get("/events")
async def events(
    request: Request, node: OpenNode, who: Listening, record: Records, if_none_match: IfNoneMatch = None
) -> Response:
    """On a line ``alerts`` with a number that rises, ``record`` with how far its scans are, and ``end``; else all of it
    as JSON, with a tag. Raises TooMany."""
    hints: LiveHints = request.app.state.hints
    session = session_digest(request.cookies[cookie_name(node)])
    watcher = Watcher((who.caller.role, who.caller.pseudonym), session, frozenset(record))
    if EVENT_STREAM in request.headers.get("accept", ""):
        line = await hints.enter(watcher)
        return EventStream(line.frames(), lambda: hints.leave(line))
    found = json.dumps(await hints.answer(watcher), sort_keys=True)
    tag = hashlib.sha256(found.encode()).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(found, media_type="application/json", headers=headers)


@router.get("/events/alerts")
async def alert_count(who: Listening) -> Response:
    """How many alerts are new, as the head of each page says it; whoever is told is told that there are hits."""
    return JSONResponse({"count": await off_loop(fresh_count, who)})
