"""The half-yearly monitoring report: the head reads, approves and hands it out; the auditor reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.errors import InvalidInput
from exchange.flows.monitoring.definitions import AVAILABILITY
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.report import Approved, approve_report, draft, find_approved, halves, released
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, ActorKind, Deed
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.languages import spoken
from exchange.web.pages.layout import Heading, Visitor, off_loop, only, page, read_form
from exchange.web.pages.monitoring.charts import (
    CHART_WIDE,
    NAMES_WIDE,
    funnel,
    heat_map,
    month_lines,
    over_time,
    stage_spans,
)
from exchange.web.pages.monitoring.report_csv import monitoring_sheet
from exchange.web.pages.queries import line_of
from exchange.web.report.monitoring import render_monitoring
from exchange.web.wording.figures import notes, words
from exchange.web.wording.monitoring_lines import ReportLines, lines_of
from schemas.vocabulary import Role

router = APIRouter()

ReleaseForm = Literal["json", "csv", "pdf", "approval"]
Monitoring = Annotated[Visitor, Depends(only(Role.HEAD, Role.AUDITOR))]
WHERE = {
    "exhibits_entered": "/app/search",
    "exhibits_received": "/app/search",
    "queries_asked": "/app/queries",
    "queries_received": "/app/queries",
    "leads": "/app/hits",
    "confirmed_hits": "/app/hits",
    "overdue_answers": "/app/hits",
    "overdue_approvals": "/app/approvals",
    "releases_approved": "/app/approvals",
    "releases_refused": "/app/approvals",
}
"""Where the head finds what an indicator counts."""


@router.get("/monitoring")
def newest(node: OpenNode, who: Monitoring) -> Response:
    """The half-year that lasts."""
    return half_year_page(node, who, str(halves(node)[0][0]))


@router.get("/monitoring/{half}")
def half_year_page(node: OpenNode, who: Monitoring, half: str) -> Response:
    """As it was approved; until then as it would be, with the exact figures, which stay in the node."""
    wanted = Half.parse(half)
    approved, found = find_approved(node, wanted), draft(node, wanted)
    if approved is not None:
        shown = _drawn(approved.document, lines_of(approved.document))
    else:
        lines = lines_of(found.document, found.counted.counts, {**found.gap.counts, **found.gap.held})
        shown = _drawn(found.document, lines)
    is_head = who.caller.role is Role.HEAD
    return page(
        "monitoring",
        who,
        half=wanted,
        halves=halves(node),
        over=wanted.end <= stamp(),
        where=WHERE if is_head else {},
        may_approve=is_head,
        approved=approved,
        sha256=None if approved else found.sha256,
        months=found.months,
        month_panels=month_lines(found.months),
        **shown,
    )


@router.post("/monitoring/{half}")
async def approve_half_year(request: Request, node: OpenNode, who: Heading, half: str) -> Response:
    """Sign that these figures, and no others, may be handed out."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_approve, node, who, half, fields)
    return RedirectResponse(f"/app/monitoring/{Half.parse(half)}", 303)


@router.get("/monitoring/{half}/released/{form}")
async def hand_out(request: Request, node: OpenNode, who: Monitoring, half: str, form: ReleaseForm) -> Response:
    """The approved report as JSON, whose digest is signed, as CSV or as PDF; or the signed approval itself."""
    wanted = Half.parse(half)
    body, media_type, ending = await heavily(request, WorkKind.REPORTS, _handed_out, node, who, wanted, form)
    headers = {"Content-Disposition": f'attachment; filename="{node.node_id}-{wanted}{ending}"'}
    return Response(body, media_type=media_type, headers=headers)


def _approve(node: Node, who: Visitor, half: str, fields: dict[str, str]) -> str:
    sha256 = fields.get("sha256", "")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InvalidInput("Approve what the page shows.", code="invalid-field")
    return approve_report(node, who.caller.maker, Half.parse(half), sha256, line_of(fields, "because"))


def _handed_out(node: Node, who: Visitor, half: Half, form: ReleaseForm) -> tuple[bytes, str, str]:
    found = released(node, half)
    made = _RELEASED_FORMS[form](found)
    reader = Actor(ActorKind.PERSON, who.caller.pseudonym, who.caller.role)
    asked = f"{half} {form}"
    node.audit.note(Deed(reader, Act.READ_MONITORING, 1, (found.approval,), asked=asked, purpose=SUPERVISION))
    return made


def _csv(found: Approved) -> tuple[bytes, str, str]:
    return monitoring_sheet(found.document, draft=False), "text/csv; charset=utf-8", f"-{spoken().code}.csv"


def _pdf(found: Approved) -> tuple[bytes, str, str]:
    return render_monitoring(found.document, found), "application/pdf", f"-{spoken().code}.pdf"


_RELEASED_FORMS: dict[str, Callable[[Approved], tuple[bytes, str, str]]] = {
    "json": lambda found: (found.data, "application/json", ".json"),
    "csv": _csv,
    "pdf": _pdf,
    "approval": lambda found: (found.envelope, "application/json", "-approval.json"),
}


def _drawn(document: Document, lines: ReportLines) -> dict[str, Any]:
    return {
        "document": document,
        "lines": lines,
        "notes": notes(document),
        "availability": AVAILABILITY,
        "nodes": [(item, words(item.share, "share")) for item in document.nodes],
        "wide": CHART_WIDE,
        "names_wide": NAMES_WIDE,
        "heat": heat_map(document),
        "hits": funnel(document),
        "spans": stage_spans(document),
        "years": over_time(document),
    }
