"""The monitoring report of a half-year or a year: the head reads, approves and hands it out; the auditor reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.coordination.approved_document import check_digest
from exchange.coordination.half_year.half_year_report import (
    ReportDraft,
    approve_report,
    draft,
    find_approved,
    halves,
    periods,
)
from exchange.coordination.half_year.half_years import Period, parse_period
from exchange.coordination.half_year_report.half_year_paper import (
    approval_block,
    hand_out_report,
    report_blocks,
)
from exchange.coordination.handed_out import HandedOut, ReleaseForm
from exchange.coordination.region_files.recipient import read_recipient
from exchange.coordination.region_files.release_report import Addressed, bound_annexes, release_report
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.pages.layout import Heading, SentForm, Visitor, only, page
from exchange.web.pages.query.query_pages import line_of
from exchange.web.report.pages import laid
from schemas.vocabulary import Role

router = APIRouter()

FILE_TYPE = "application/vnd.ffp.report-file+json"
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
    wanted = parse_period(half)
    approved = find_approved(node, wanted)
    found = _draft_or_none(node, wanted)
    if approved is None and found is None:
        return _year_to_come(node, who, wanted)
    is_head = who.caller.role is Role.HEAD
    where = WHERE if is_head else {}
    if approved is not None:
        document, restricted = approved.document, None
    elif found is not None:
        document, restricted = found.document, found.restricted
    return page(
        "monitoring",
        who,
        half=wanted,
        halves=periods(node),
        over=wanted.end <= stamp(),
        may_approve=is_head,
        approved=approved,
        approval=laid([approval_block(approved)]) if approved else "",
        annexes=[str(annex.exact.head.half) for annex in bound_annexes(node, wanted)] if approved else [],
        sha256=None if approved or found is None else found.sha256,
        document=document,
        report=laid(report_blocks(document, restricted, found.months if found else None, where)),
    )


@router.post("/monitoring/{half}")
def approve_half_year(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Sign that these figures, and no others, may be handed out."""
    wanted, sha256 = parse_period(half), check_digest(fields.get("sha256", ""))
    approve_report(node, who.caller.maker, wanted, sha256, line_of(fields, "because"))
    return RedirectResponse(f"/app/monitoring/{wanted}", 303)


@router.post("/monitoring/{half}/restricted")
async def hand_out_restricted(request: Request, node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """The report's file, its restricted edition sealed for the recipient whose key and fingerprint the head gives."""
    wanted = parse_period(half)
    data, name = await heavily(request, WorkKind.REPORTS, _restricted_file, node, who, wanted, fields)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=FILE_TYPE, headers=headers)


@router.get("/monitoring/{half}/released/{form}")
async def hand_out_half_year(
    request: Request, node: OpenNode, who: Monitoring, half: str, form: ReleaseForm
) -> Response:
    """The approved report as one file with its proof; its public edition as JSON, CSV or PDF; the manifest of both
    editions, or the signed approval of that. The restricted edition is in none of them."""
    wanted = parse_period(half)
    made = await heavily(request, WorkKind.REPORTS, _handed_out, node, who, wanted, form)
    headers = {"Content-Disposition": f'attachment; filename="{node.node_id}-{wanted}{made.ending}"'}
    return Response(made.content, media_type=made.media_type, headers=headers)


def _draft_or_none(node: Node, period: Period) -> ReportDraft | None:
    """None of a year whose half-years are not all approved."""
    try:
        return draft(node, period)
    except NotFound as error:
        if error.code != "not-approved":
            raise
        return None


def _year_to_come(node: Node, who: Visitor, period: Period) -> Response:
    waiting = [half for half, is_approved in halves(node) if half.year == period.year and not is_approved]
    return page("monitoring_year", who, half=period, halves=periods(node), waiting=sorted(waiting))


def _restricted_file(node: Node, who: Visitor, period: Period, fields: dict[str, str]) -> tuple[bytes, str]:
    """Content and name. The name has the first digits of the recipient: two recipients' files are two files."""
    recipient = read_recipient(fields.get("recipient", "").encode())
    to = Addressed(recipient, fields.get("fingerprint", ""), line_of(fields, "purpose"))
    data = release_report(node, who.caller.actor, period, to)
    return data, f"{node.node_id}-{period}-restricted-file-{recipient.fingerprint[:5]}.json"


def _handed_out(node: Node, who: Visitor, period: Period, form: ReleaseForm) -> HandedOut:
    by = who.caller.actor
    if form == "file":
        return HandedOut(release_report(node, by, period, None), FILE_TYPE, "-public-file.json", draft=False)
    return hand_out_report(node, by, period, form)
