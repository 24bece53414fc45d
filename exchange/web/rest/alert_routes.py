"""``/v1/alerts``: what is new for the caller; read, and put back to unread."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from exchange.flows.alerts.alerts import Alert, AlertSubject, mark_read, tell_alerts, undo_mark
from exchange.flows.hits.vocabulary import NoEffect
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode, Reader
from exchange.web.access.consulting import Consulting
from schemas.vocabulary import ComparisonStep

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


class AlertAnswer(BaseModel):
    """One line. ``what``: the type of a statement, or that something waits. ``leads_to`` a hit, a query or a kept
    search, by its ``subject``, or to the record whose withdrawal was proposed; or to what waits for a blind
    verification or for the head, which names nothing.
    ``no_effect``: why what was signed about a hit counts for nothing; ``step``: what happened to an exhibit that
    travels."""

    what: str
    at: datetime
    issuer: str | None
    leads_to: AlertSubject
    subject: str | None
    statement_id: str | None
    fresh: bool
    no_effect: NoEffect | None
    step: ComparisonStep | None


class AlertsAnswer(BaseModel):
    """The newest first, with those of the last 90 days that were read already; 100 at most. ``fresh`` counts those that
    were not. ``seen_to`` is what ``POST /v1/alerts/read`` takes to mark all of them; null where there are none."""

    items: list[AlertAnswer]
    fresh: int
    seen_to: str | None
    may_undo: bool


class ReadTo(BaseModel):
    """``seen_to`` of the answer that was read: what came meanwhile stays new."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seen_to": "2026-11-25T09:00:10.000Z"}]})

    seen_to: Annotated[str, Field(max_length=40)]


@router.get("", response_model=AlertsAnswer)
def list_alerts(node: OpenNode, asker: Consulting) -> AlertsAnswer:
    """What is new for the caller, as the page *Alerts* has it."""
    found = tell_alerts(node, *asker.reader)
    subjects = [line.news.statement_id for line in found.lines if line.news.statement_id]
    asker.note(Act.LIST_STATEMENTS, len(subjects), *subjects[:MAX_SUBJECTS])
    return AlertsAnswer(
        items=[_alert(line) for line in found.lines],
        fresh=found.fresh,
        seen_to=found.lines[0].news.at if found.lines else None,
        may_undo=found.may_undo,
    )


@router.post("/read", status_code=204, response_class=Response)
def mark_alerts(node: OpenNode, caller: Reader, body: ReadTo) -> Response:
    """All up to the newest line that was read is read. The mark is the caller's own, here and on the pages."""
    mark_read(node, caller.pseudonym, body.seen_to)
    return Response(status_code=204)


@router.post("/unread", status_code=204, response_class=Response)
def undo_alerts_mark(node: OpenNode, caller: Reader) -> Response:
    """The last mark was set too early: the mark before stands again."""
    undo_mark(node, caller.pseudonym)
    return Response(status_code=204)


def _alert(line: Alert) -> AlertAnswer:
    news = line.news
    return AlertAnswer(
        what=news.what,
        at=datetime.fromisoformat(news.at),
        issuer=news.issuer or None,
        leads_to=line.leads_to,
        subject=news.subject or None,
        statement_id=news.statement_id or None,
        fresh=line.fresh,
        no_effect=line.no_effect,
        step=line.step,
    )
