"""What is new for whoever is signed in: each a line that leads to its page; read, and put back to unread."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.node.node import Node
from exchange.flows.review.alerts import KEPT_DAYS, alerts_for, mark_read, undo_mark
from exchange.flows.review.mail import ask_for_letters, confirm_address, mail_state, stop_letters
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.languages import spoken
from exchange.web.pages.layout import Reading, Visitor, off_loop, page, read_form
from exchange.web.wording.sentences import no_effect

router = APIRouter()


@router.get("/alerts")
def alerts(node: OpenNode, who: Reading) -> Response:
    """The newest first."""
    asker = who.consultation
    with node.store.read() as session:
        found = alerts_for(session, node, who.caller.role, who.caller.pseudonym)
        mail = mail_state(session, who.caller.pseudonym)
    note_hits(node, who.caller.role, who.caller.pseudonym, found.pairs)
    subjects = [line.news.statement_id for line in found.lines if line.news.statement_id]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    why = {line.news.statement_id: no_effect(line.no_effect) for line in found.lines if line.no_effect is not None}
    return page("alerts", who, alerts=found, why=why, days=KEPT_DAYS, mail=mail, mail_sent=node.mail is not None)


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


@router.post("/alerts/mail")
async def ask_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    """A code goes to the address first."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_ask_mail, node, who, fields.get("address", ""), spoken().code)
    return RedirectResponse("/app/alerts#mail", 303)


@router.post("/alerts/mail/code")
async def confirm_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    fields = await read_form(request, node, who.csrf)
    await off_loop(_confirm_mail, node, who, fields.get("code", ""))
    return RedirectResponse("/app/alerts#mail", 303)


@router.post("/alerts/mail/stop")
async def stop_mail(request: Request, node: OpenNode, who: Reading) -> Response:
    await read_form(request, node, who.csrf)
    await off_loop(_stop_mail, node, who)
    return RedirectResponse("/app/alerts#mail", 303)


def _ask_mail(node: Node, who: Visitor, address: str, language: str) -> None:
    if node.mail is None:
        raise InvalidInput("This node sends no e-mail. The operator can give it a mail server.", code="no-mail")
    with node.store.write() as session:
        ask_for_letters(session, who.caller.pseudonym, address, language)


def _confirm_mail(node: Node, who: Visitor, code: str) -> None:
    with node.store.write() as session:
        right = confirm_address(session, who.caller.pseudonym, code)
    if not right:
        raise InvalidInput("This is not the code of the letter.", code="wrong-mail-code")


def _stop_mail(node: Node, who: Visitor) -> None:
    with node.store.write() as session:
        stop_letters(session, who.caller.pseudonym)


def _mark(node: Node, who: Visitor, seen_to: str) -> None:
    with node.store.write() as session:
        mark_read(session, who.caller.pseudonym, seen_to)


def _undo(node: Node, who: Visitor) -> None:
    with node.store.write() as session:
        undo_mark(session, who.caller.pseudonym)
