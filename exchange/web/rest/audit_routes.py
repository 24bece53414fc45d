"""``/v1/audit``: for the supervisor, who saw and asked what."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from exchange.flows.log.audit_rows import search_audit
from exchange.log.audit_entry import SUPERVISION, Act, AuditEntry, Deed
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
def read_audit(
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
    before = None if cursor is None else int(decode_cursor(cursor, 1)[0])
    found = search_audit(node, actor=actor, subject=subject, act=act, day=day, before=before, limit=limit + 1)
    kept = found.entries[:limit]
    following = encode_cursor(kept[-1].entry.number) if len(found.entries) > limit else None
    link_next(request, response, following)
    items = [AuditAnswer(**_told(one.entry), leaf=one.leaf.hex(), batch=one.batch) for one in kept]
    asked = json.dumps(dict(request.query_params), sort_keys=True, ensure_ascii=False)
    node.audit.note(Deed(caller.actor, Act.READ_AUDIT, len(items), asked=asked, purpose=SUPERVISION))
    return AuditPage(items=items, next=following, not_stated=found.not_stated)


def _told(entry: AuditEntry) -> dict[str, Any]:
    return {**vars(entry), "at": datetime.fromisoformat(entry.at)}
