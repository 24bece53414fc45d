"""What is new for whoever is signed in: each a line that leads to its page; read, and put back to unread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.errors import InvalidInput
from exchange.flows.alerts.alerts import KEPT_DAYS, Alerts, mark_read, pictures_of_alerts, tell_alerts, undo_mark
from exchange.flows.alerts.mail import ask_for_letters, confirm_address, mail_state, stop_letters
from exchange.flows.hits.history import Link
from exchange.flows.node.node import Node
from exchange.flows.review.hit_exhibits import jurisdictions_of_nodes
from exchange.flows.review.next_step import next_hit_step
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.languages.days import due_words
from exchange.web.pages.layout import Reading, off_loop, page, read_form
from exchange.web.wording.exhibit_name import listed_name
from exchange.web.wording.hit_steps import short_step, side_name
from exchange.web.wording.sentences import no_effect

router = APIRouter()


@dataclass(frozen=True)
class AlertedHit:
    """Which two exhibits a hit joins, and what is due of it now, by whom and until when; ``due`` is empty where nobody
    has a turn."""

    between: str
    due: str
    due_at: str
    late: bool


@router.get("/alerts")
def alerts(node: OpenNode, who: Reading) -> Response:
    """The newest first."""
    asker = who.consultation
    found = tell_alerts(node, *asker.reader)
    subjects = [line.news.statement_id for line in found.lines if line.news.statement_id]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    return page(
        "alerts",
        who,
        alerts=found,
        why={line.news.statement_id: no_effect(line.no_effect) for line in found.lines if line.no_effect is not None},
        about=_about(node, found),
        pictured=pictures_of_alerts(node, found.lines),
        days=KEPT_DAYS,
        mail=mail_state(node, who.caller.pseudonym),
        mail_sent=node.mail is not None,
    )


def _about(node: Node, found: Alerts) -> dict[str, AlertedHit]:
    """By the hit that a line leads to; each hit is looked at once."""
    names = jurisdictions_of_nodes(node)
    links = {line.news.subject: line.link for line in found.lines if line.link is not None}
    return {subject: _hit_in_words(node, link, names) for subject, link in links.items()}


def _hit_in_words(node: Node, link: Link, names: Mapping[str, str]) -> AlertedHit:
    cases = [listed_name(row) for row in link.records if row is not None]
    between = _("%(one)s and %(other)s", one=cases[0], other=cases[1]) if len(cases) == 2 else ", ".join(cases)
    step = next_hit_step(node.node_id, link)
    if step is None:
        return AlertedHit(between, "", "", late=False)
    todo = short_step(step) if step.own else _("waits for %(side)s", side=side_name(names, step.side))
    said = _("%(what)s, %(due)s", what=todo, due=due_words(step.due_at))
    return AlertedHit(between, said, step.due_at, late=step.due_at < stamp())


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
