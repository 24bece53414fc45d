"""The law of all sides, for everybody who is signed in: the picture, one side's articles, a pair, the table of
concordance, what changed; and the PDF of each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_year_report import halves
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law import law_words as wording
from exchange.coordination.law.held_back_by_law import HeldBack, held_back_now
from exchange.coordination.law.law_paper import law_caution, render_law, render_law_pair
from exchange.coordination.law.law_report import LawReport, law_report
from exchange.coordination.law.pair_of_law import PairOfLaw
from exchange.coordination.law.policy_links import LinkFinding, link_findings
from exchange.coordination.law.rulings import LawState, in_force
from exchange.flows.node.node import Node
from exchange.flows.terms.terms import policy_of
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.languages import spoken
from exchange.web.pages.layout import SignedIn, Visitor, page
from schemas.law import LawDirection
from schemas.vocabulary import Jurisdiction, Role

router = APIRouter()

HalfAsked = Annotated[str | None, Query(pattern="^20[0-9]{2}H[12]$")]
_COUNTED_FOR = frozenset({Role.HEAD, Role.AUDITOR})
"""Who is shown figures: those who have the monitoring report."""


@router.get("/law")
def law_overview(node: OpenNode, who: SignedIn) -> Response:
    """All sides at a glance."""
    report = law_report(node)
    links = _links(node, report) if who.caller.role is Role.HEAD else ()
    return page("law", who, report=report, links=links, **_drawn())


@router.get("/law/concordance")
def law_concordance(node: OpenNode, who: SignedIn) -> Response:
    return page("law_concordance", who, report=law_report(node), note=wording.all_provisions_note(), **_drawn())


@router.get("/law/changes")
def law_changes(node: OpenNode, who: SignedIn, half: HalfAsked = None) -> Response:
    """What changed in the half-year that lasts, or in an earlier one."""
    wanted = Half.parse(half) if half is not None else None
    known = [item for item, _ in halves(node)]
    return page("law_changes", who, report=law_report(node, wanted), halves=known, **_drawn())


@router.get("/law/report.pdf")
async def law_pdf(request: Request, node: OpenNode, _who: SignedIn, half: HalfAsked = None) -> Response:
    wanted = Half.parse(half) if half is not None else None
    made = await heavily(request, WorkKind.REPORTS, _whole_pdf, node, wanted)
    return _as_file(made, f"{node.node_id}-law-{spoken().code}.pdf")


@router.get("/law/of/{jurisdiction}")
def law_of_side(node: OpenNode, who: SignedIn, jurisdiction: Jurisdiction) -> Response:
    """The articles of one side, in its own words and in English."""
    report = law_report(node)
    law = report.law_of(jurisdiction)
    return page("law_of", who, report=report, law=law, **_drawn())


@router.get("/law/pair/{one}/{other}")
def law_pair(node: OpenNode, who: SignedIn, one: Jurisdiction, other: Jurisdiction) -> Response:
    """Both directions of two sides beside each other."""
    report = law_report(node)
    pair = report.pair(one, other)
    held = _held(node, who, report, pair)
    partner = other if one == report.here else one
    links = [item for item in _links(node, report) if partner in item.partners] if held is not None else []
    return page("law_pair", who, report=report, pair=pair, held=held, partner=partner, links=links, **_drawn())


@router.get("/law/pair/{one}/{other}/report.pdf")
async def law_pair_pdf(
    request: Request, node: OpenNode, _who: SignedIn, one: Jurisdiction, other: Jurisdiction
) -> Response:
    made = await heavily(request, WorkKind.REPORTS, _pair_pdf, node, one, other)
    return _as_file(made, f"{node.node_id}-law-{one}-{other}-{spoken().code}.pdf")


def _whole_pdf(node: Node, half: Half | None) -> bytes:
    return render_law(law_report(node, half))


def _pair_pdf(node: Node, one: Jurisdiction, other: Jurisdiction) -> bytes:
    report = law_report(node)
    return render_law_pair(report.pair(one, other), report)


def _as_file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _held(node: Node, who: Visitor, report: LawReport, pair: PairOfLaw) -> HeldBack | None:
    """Of a pair that this side is one of, for those who have the monitoring report."""
    if report.here not in (pair.one.jurisdiction, pair.other.jurisdiction) or who.caller.role not in _COUNTED_FOR:
        return None
    return held_back_now(node, report.law_of(report.here).articles)


def _links(node: Node, report: LawReport) -> tuple[LinkFinding, ...]:
    """Nothing where no policy was made, or nothing was entered: there is nothing to hold against each other."""
    found, own = policy_of(node), report.law_of(report.here)
    if found is None or not own.is_entered:
        return ()
    partners = [law.jurisdiction for law in report.laws if not law.own]
    return link_findings(found[1].bases, own.articles, partners, report.day)


def _drawn() -> dict[str, Any]:
    """What the templates say it with."""
    return {
        "say": wording,
        "marks": wording.LAW_MARKS,
        "states": tuple(LawState),
        "directions": tuple(LawDirection),
        "figure": words,
        "in_force": in_force,
        "caution": law_caution(),
    }
