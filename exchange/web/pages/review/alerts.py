"""What is new for whoever is signed in: each a line that leads to its page; read, and put back to unread."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.review.alerts import KEPT_DAYS, mark_read, undo_mark
from exchange.flows.review.mail import ask_for_letters, confirm_address, read_alerts, stop_letters
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.languages import spoken
from exchange.web.pages.layout import Reading, off_loop, page, read_form
from exchange.web.wording.sentences import no_effect

router = APIRouter()


@router.get("/alerts")
def alerts(node: OpenNode, who: Reading) -> Response:
    """The newest first."""
    asker = who.consultation
    found, mail = read_alerts(node, *asker.reader)
    subjects = [line.news.statement_id for line in found.lines if line.news.statement_id]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    why = {line.news.statement_id: no_effect(line.no_effect) for line in found.lines if line.no_effect is not None}
    return page("alerts", who, alerts=found, why=why, days=KEPT_DAYS, mail=mail, mail_sent=node.mail is not None)


@router.post("/alerts/read")
async def mark_alerts_read(request: Request, node: OpenNode, who: Reading) -> Response:
    """All that the page showed."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(mark_read, node, who.caller.pseudonym, fields.get("seen_to", ""))
    return RedirectResponse("/app/alerts", 303)


@router.post("/alerts/unread")
async def unread(request: Request, node: OpenNode, who: Reading) -> Response:
    """The last mark was set too early."""
    await read_form(request, node, who.csrf)
    await off_loop(undo_mark, node, who.caller.pseudonym)
    return RedirectResponse("/app/alerts", 303)


@router.post("/alerts/mail")
async def ask_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    """A code goes to the address first."""
    fields = await read_form(request, node, who.csrf)
    if node.mail is None:
        raise InvalidInput("This node sends no e-mail. The operator can give it a mail server.", code="no-mail")
    await off_loop(ask_for_letters, node, who.caller.pseudonym, fields.get("address", ""), spoken().code)
    return RedirectResponse("/app/alerts#mail", 303)


@router.post("/alerts/mail/code")
async def confirm_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    fields = await read_form(request, node, who.csrf)
    await off_loop(confirm_address, node, who.caller.pseudonym, fields.get("code", ""))
    return RedirectResponse("/app/alerts#mail", 303)


@router.post("/alerts/mail/stop")
async def stop_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    await read_form(request, node, who.csrf)
    await off_loop(stop_letters, node, who.caller.pseudonym)
    return RedirectResponse("/app/alerts#mail", 303)
