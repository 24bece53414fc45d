"""How far this focal point has come: for its head, who keeps that for each half-year, its operator and its auditor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.keep_snapshot import (
    half_to_keep,
    keep_snapshot,
    kept_snapshots,
    last_half,
    maturity_path,
)
from exchange.coordination.maturity.practice_definitions import Evidence
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.web.access.caller import OpenNode
from exchange.web.languages import term
from exchange.web.languages.days import local_time
from exchange.web.pages.layout import Heading, Visitor, off_loop, only, page, read_form
from schemas.vocabulary import Role

router = APIRouter()

Looking = Annotated[Visitor, Depends(only(Role.HEAD, Role.OPERATOR, Role.AUDITOR))]
DAY_CHARACTERS = len("2026-11-27")


@router.get("/maturity")
def maturity_page(node: OpenNode, who: Looking) -> Response:
    return page(
        "maturity",
        who,
        found=maturity_of(node),
        evidence=evidence_words,
        path=maturity_path(node),
        kept={kept.snapshot.half: kept for kept in kept_snapshots(node)},
        last=last_half(),
        to_keep=half_to_keep(node) if who.caller.role is Role.HEAD else None,
    )


@router.post("/maturity")
async def keep_maturity_snapshot(request: Request, node: OpenNode, who: Heading) -> Response:
    """Sign what each practice shows now as the snapshot of the half-year that ended last."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(keep_snapshot, node, who.caller.maker, Half.parse(fields.get("half", "")))
    return RedirectResponse("/app/maturity#path", 303)


def evidence_words(proof: Evidence, time_words: Callable[[str], str] = local_time) -> list[str]:
    """Return the figure or the date behind a practice, and the nodes and partners concerned, in the reader's language.

    ``time_words`` writes a moment: as an element of a page, or as plain text.
    """
    said = [] if proof.figure is None else [words(proof.figure, proof.unit)]
    if proof.at is not None:
        said.append(proof.at if len(proof.at) == DAY_CHARACTERS else time_words(proof.at))
    return [*said, *proof.names, *(term(code, "jurisdiction") for code in proof.partners)]
