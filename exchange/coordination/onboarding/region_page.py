"""The partners of this node: who answers, how far each has read, what stands against it, and who stands where on the
way in. Nothing of records."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from exchange.coordination.onboarding.onboarding_words import AGAIN, STEP_MARKS, mark_of, state_word, step_word
from exchange.coordination.onboarding.who_stands_where import who_stands_where
from exchange.flows.sync.partners import exchange_standing
from exchange.flows.sync.progress import sync_status
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import SignedIn, page
from schemas.vocabulary import OnboardingStep, Role

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
