"""Pages: how far this focal point has come, the partners of this node, and the checklist of one that joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import RedirectResponse, Response

from exchange.coordination.form_fields import LineDoubts, with_doubts, word_in
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.checklist import StepChange, checklist_of, sign_checklist, who_stands_where
from exchange.coordination.maturity.keep_snapshot import (
    half_to_keep,
    keep_snapshot,
    kept_snapshots,
    last_half,
    maturity_path,
)
from exchange.coordination.maturity.maturity_words import (
    AGAIN,
    STEP_MARKS,
    mark_of,
    standing_words,
    state_word,
    step_word,
    why_words,
)
from exchange.coordination.maturity.practice_definitions import STEP_GUIDES, Evidence
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.sync.partners import exchange_standing
from exchange.flows.sync.progress import sync_status
from exchange.web.access.caller import OpenNode
from exchange.web.languages import term
from exchange.web.languages.days import local_time
from exchange.web.pages.layout import Heading, SignedIn, Visitor, off_loop, only, page, read_form
from exchange.web.pages.query.queries import line_of
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep, Role

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


_IN_NUMBERS = frozenset({Role.HEAD, Role.OPERATOR, Role.AUDITOR})
"""Who is told how much is on each lane."""


@router.get("/region")
def region_page(node: OpenNode, who: SignedIn) -> Response:
    in_numbers = who.caller.role in _IN_NUMBERS
    return page(
        "region",
        who,
        peers=sync_status(node),
        exchange=exchange_standing(node),
        in_numbers=in_numbers,
        standing=who_stands_where(node),
        steps=list(OnboardingStep),
        marks=STEP_MARKS,
        again=AGAIN,
        mark_of=mark_of,
        step_word=step_word,
        state_word=state_word,
    )


JurisdictionInPath = Annotated[Jurisdiction, Path()]
Leading = Annotated[Visitor, Depends(only(Role.HEAD, Role.OPERATOR))]
BY_PEOPLE = (OnboardingState.DONE, OnboardingState.NOT_POSSIBLE, OnboardingState.OPEN)


@router.get("/onboarding/{code}")
def onboarding(node: OpenNode, who: SignedIn, code: JurisdictionInPath, doubt: LineDoubts = ()) -> Response:
    """As this node sees it; and, where another node keeps the list that counts, as that one says."""
    found = checklist_of(node, code)
    counts = next((row for row in who_stands_where(node) if row.jurisdiction == code), None)
    elsewhere = counts if counts is not None and counts.issuer not in (None, node.node_id) else None
    may_say = who.caller.role in (Role.HEAD, Role.OPERATOR)
    return page(
        "onboarding",
        who,
        found=found,
        elsewhere=elsewhere,
        here=None if code == node.settings.jurisdiction else node.node_id,
        guides=STEP_GUIDES,
        may_say=may_say,
        states=BY_PEOPLE,
        mark_of=mark_of,
        step_word=step_word,
        state_word=state_word,
        standing_words=standing_words,
        why_words=why_words,
        doubts=doubt,
    )


@router.post("/onboarding/{code}")
async def say_step(request: Request, node: OpenNode, who: Leading, code: JurisdictionInPath) -> Response:
    """Sign the list, with what is said of one step or of none."""
    fields = await read_form(request, node, who.csrf)
    line = await off_loop(_say, node, who, code, fields)
    return RedirectResponse(with_doubts(f"/app/onboarding/{code}", node, line), 303)


def _say(node: Node, who: Visitor, code: Jurisdiction, fields: dict[str, str]) -> str:
    if fields.get("act") == "sign":
        sign_checklist(node, who.caller.maker, code, {})
        return ""
    if fields.get("act") != "say":
        raise InvalidInput("Choose one of the list.", code="invalid-field")
    step, state = word_in(fields, "step", OnboardingStep), word_in(fields, "state", OnboardingState)
    remark = line_of(fields, "remark") if fields.get("remark", "").strip() else None
    sign_checklist(node, who.caller.maker, code, {step: StepChange(state, remark=remark)})
    return remark or ""
