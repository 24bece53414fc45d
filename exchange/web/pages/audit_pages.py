"""Who saw and asked what, for the supervisor and the head; reading it is audited too."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from exchange.flows.log.acts_of_people import accounts_of
from exchange.flows.log.audit_rows import search_audit
from exchange.log.audit_entry import SUPERVISION, Act, Deed
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.pages.layout import Visitor, only, page
from schemas.vocabulary import Role

router = APIRouter()

_ON_A_PAGE = 100
Supervising = Annotated[Visitor, Depends(only(Role.AUDITOR, Role.HEAD))]
_DayFilter = Annotated[date | Literal[""] | None, Query()]


@router.get("/audit")
def audit_page(
    node: OpenNode,
    who: Supervising,
    actor: Annotated[str, Query(max_length=64)] = "",
    subject: Annotated[str, Query(pattern="^([0-9a-f]{64})?$")] = "",
    act: Act | Literal[""] | None = None,
    day: _DayFilter = None,
    cursor: Cursor = None,
) -> Response:
    """The newest first, by actor, subject, act and day."""
    before = None if cursor is None else int(decode_cursor(cursor, 1)[0])
    found = search_audit(
        node,
        actor=actor or None,
        subject=subject or None,
        act=act or None,
        day=day or None,
        before=before,
        limit=_ON_A_PAGE + 1,
    )
    asked = {"actor": actor, "subject": subject, "act": act, "day": day}
    stated = {name: str(value) for name, value in asked.items() if value}
    shown = found.entries[:_ON_A_PAGE]
    words = json.dumps(stated, sort_keys=True, ensure_ascii=False)
    node.audit.note(Deed(who.caller.actor, Act.READ_AUDIT, len(shown), asked=words, purpose=SUPERVISION))
    following = None
    if len(found.entries) > _ON_A_PAGE:
        following = urlencode(stated | {"cursor": encode_cursor(shown[-1].entry.number)})
    return page(
        "audit",
        who,
        rows=shown,
        accounts=accounts_of([kept.entry for kept in shown], reader=who.caller.pseudonym),
        not_stated=found.not_stated,
        chosen=stated,
        acts=list(Act),
        following=following,
    )
