"""Own separation: how well this laboratory's scores tell firearms apart, for its examiners and its head."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exchange.flows.node.node import Node
from exchange.flows.truth.known_pairs import promise_missing, scoring_progress
from exchange.flows.truth.model_in_use import model_in_use
from exchange.flows.truth.separation import known_pairs, own_separation
from exchange.log.audit_entry import Act, Deed
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.pages.layout import Visitor, off_loop, only, page, read_form
from exchange.web.pages.truth.chart import DRAWING_HEIGHT, DRAWING_WIDTH, MIDDLE, drawing_of
from exchange.web.pages.truth.scores_csv import scores_sheet
from schemas.vocabulary import Role

router = APIRouter()

Validating = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]


@router.get("/separation")
def separation_page(node: OpenNode, who: Validating) -> Response:
    """What is scored already: nothing is compared while a page is made."""
    found = own_separation(node)
    return page(
        "separation",
        who,
        found=found,
        drawings=[(group, drawing_of(group)) for group in found.groups],
        model=model_in_use(node),
        size=(DRAWING_WIDTH, DRAWING_HEIGHT, MIDDLE),
    )


@router.get("/separation/progress")
def separation_progress(node: OpenNode, who: Validating) -> Response:
    """How far the scores are, for the page's script."""
    del who
    found = scoring_progress(node)
    done = found.scored if found.waiting else found.pairs
    return JSONResponse({"done": done, "all": found.pairs}, headers={"Cache-Control": "no-store"})


@router.get("/separation/scores.csv")
async def separation_scores(request: Request, node: OpenNode, who: Validating) -> Response:
    body = await heavily(request, WorkKind.REPORTS, _scores, node, who)
    headers = {"Content-Disposition": f'attachment; filename="{node.node_id}-scores.csv"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/separation")
async def score_what_is_missing(request: Request, node: OpenNode, who: Validating) -> Response:
    """A worker scores it; the page shows how far it is."""
    await read_form(request, node, who.csrf)
    await off_loop(promise_missing, node)
    return RedirectResponse("/app/separation", 303)


def _scores(node: Node, who: Visitor) -> bytes:
    pairs = known_pairs(node)
    body = scores_sheet(pairs)
    node.audit.note(
        Deed(who.caller.actor, Act.READ_SEPARATION, len(pairs), purpose=who.purpose, legal_basis=who.legal_basis)
    )
    return body
