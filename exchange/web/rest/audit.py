"""``/v1/audit``: for the supervisor, who saw and asked what."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from exchange.log.audit_entry import SUPERVISION, Act, Deed
from exchange.store.log.audit import AuditFilter, KeptEntry, count_not_stated, search_entries
from exchange.web.access.caller import OpenNode, Supervisor
from exchange.web.http.paging import Cursor, Limit, decode_cursor, encode_cursor, link_next

router = APIRouter(prefix="/v1", tags=["audit"])


class AuditAnswer(BaseModel):
    """One act. ``batch`` is the audit-batch statement that vouches for it, none while it waits for one; ``leaf`` the
    hash of the row in that batch. ``purpose`` is null where none was stated, ``token`` for the pages."""

    number: int
    at: datetime
    kind: str
    actor: str
    role: str
    token: int | None
    act: str
    count: int
    subjects: list[str]
    asked: str | None
    purpose: str | None
    legal_basis: str | None
    nonce: str
    leaf: str
    batch: str | None


class AuditPage(BaseModel):
    """The newest first. ``not_stated`` counts the acts of people without a purpose among all that fit."""

    items: list[AuditAnswer]
    next: str | None
    not_stated: int


@router.get("/audit", response_model=AuditPage)
def audit(
    request: Request,
    response: Response,
    node: OpenNode,
    caller: Supervisor,
    actor: Annotated[str | None, Query(max_length=64, description="A pseudonym, or a peer's node id.")] = None,
    subject: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="A statement's id, or a scan's SHA-256.")
    ] = None,
    act: Act | None = None,
    day: Annotated[date | None, Query(description="A day of UTC.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditPage:
    """Who saw and asked what, when, why, and what came of it. Reading this is audited too."""
    wanted = AuditFilter(actor=actor, subject=subject, act=act, day=day)
    before = None if cursor is None else int(decode_cursor(cursor, 1)[0])
    with node.store.read() as session:
        found = search_entries(session, wanted, before=before, limit=limit + 1)
        not_stated = count_not_stated(session, wanted)
    following = encode_cursor(found[limit - 1].entry.number) if len(found) > limit else None
    link_next(request, response, following)
    items = [_answer(kept) for kept in found[:limit]]
    asked = json.dumps(dict(request.query_params), sort_keys=True, ensure_ascii=False)
    node.audit.note(Deed(caller.actor, Act.READ_AUDIT, len(items), asked=asked, purpose=SUPERVISION))
    return AuditPage(items=items, next=following, not_stated=not_stated)


def _answer(kept: KeptEntry) -> AuditAnswer:
    values = {**vars(kept.entry), "at": datetime.fromisoformat(kept.entry.at)}
    return AuditAnswer(**values, leaf=kept.leaf.hex(), batch=kept.batch)
