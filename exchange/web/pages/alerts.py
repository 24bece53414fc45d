"""What is new for whoever is signed in: each a line that leads to its page; read, and put back to unread."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.flows.alerts import KEPT_DAYS, alerts_for, mark_read, undo_mark
from exchange.flows.node import Node
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access import OpenNode
from exchange.web.pages.layout import Reading, Visitor, off_loop, page, read_form

router = APIRouter()


@router.get("/alerts")
def alerts(node: OpenNode, who: Reading) -> Response:
    """The newest first."""
    asker = who.consultation
    with node.store.read() as session:
        found = alerts_for(session, node, who.caller.role, who.caller.pseudonym)
    subjects = [line.news.statement_id for line in found.lines if line.news.statement_id]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    return page("alerts", who, alerts=found, days=KEPT_DAYS)


@router.post("/alerts/read")
async def read(request: Request, node: OpenNode, who: Reading) -> Response:
    """All that the page showed."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_mark, node, who, fields.get("seen_to", ""))
    return RedirectResponse("/app/alerts", 303)


@router.post("/alerts/unread")
async def unread(request: Request, node: OpenNode, who: Reading) -> Response:
    """The last mark was set too early."""
    await read_form(request, node, who.csrf)
    await off_loop(_undo, node, who)
    return RedirectResponse("/app/alerts", 303)


def _mark(node: Node, who: Visitor, seen_to: str) -> None:
    with node.store.write() as session:
        mark_read(session, who.caller.pseudonym, seen_to)


def _undo(node: Node, who: Visitor) -> None:
    with node.store.write() as session:
        undo_mark(session, who.caller.pseudonym)
