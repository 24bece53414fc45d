"""The partners of this node, and how a jurisdiction joins: its checklist, which the head and the operator keep."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import RedirectResponse, Response

from exchange.coordination.meetings.form_fields import LineDoubts, with_doubts, word_in
from exchange.coordination.onboarding.checklist import StepChange, checklist_of, sign_checklist
from exchange.coordination.onboarding.onboarding_steps import STEP_GUIDES
from exchange.coordination.onboarding.onboarding_words import (
    AGAIN,
    STEP_MARKS,
    mark_of,
    standing_words,
    state_word,
    step_word,
    why_words,
)
from exchange.coordination.onboarding.who_stands_where import who_stands_where
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.sync.partners import exchange_standing
from exchange.flows.sync.progress import sync_status
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import SignedIn, Visitor, off_loop, only, page, read_form
from exchange.web.pages.query.queries import line_of
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep, Role

router = APIRouter()

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
