"""``/v1/policy/held``: what peers hold that the policy in force would not give them any more; it is decided on."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from exchange.flows.entry.free_text import doubts_in
from exchange.flows.terms.held_under_old_line import HeldDecision, HeldRecord, decide_held, read_held_page
from exchange.web.access.caller import Head, OpenNode
from exchange.web.rest import response_models
from exchange.web.rest.terms_routes import Asked, HoldingAnswer, holding
from schemas.exhibit import Sha256Hex, ShortText
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1", tags=["terms"])


class HeldRecordAnswer(BaseModel):
    """One record and one holder, and why policy would not give it now. ``acknowledged``: the holder signed that it had
    read it; else it stood on a page that the holder was given."""

    record: response_models.RecordSummary
    holder: str
    jurisdiction: response_models.JurisdictionAnswer
    reason: str
    acknowledged: bool

    @classmethod
    def of(cls, item: HeldRecord) -> Self:
        return cls(
            record=response_models.summary(item.record),
            holder=item.holder,
            jurisdiction=response_models.jurisdiction(item.jurisdiction),
            reason=item.reason,
            acknowledged=item.acknowledged,
        )


class HeldAnswer(BaseModel):
    """``holders`` count all that waits for a decision, ``items`` are some of it; ``following`` is the next ``skip``."""

    holders: list[HoldingAnswer]
    items: list[HeldRecordAnswer]
    following: int | None


class HeldAsked(Asked):
    """``record``: of this one alone. Without, of all that the jurisdiction holds so, as many as go at once."""

    jurisdiction: Jurisdiction
    decision: HeldDecision
    because: ShortText
    record: Sha256Hex | None = None


class HeldDecided(response_models.Stated):
    """``statements`` are the withdrawals; ``records`` how many were decided on; ``waiting`` how many of the same
    jurisdiction still wait."""

    records: int
    waiting: int


@router.get("/policy/held", response_model=HeldAnswer)
def list_held_records(
    node: OpenNode,
    caller: Head,
    jurisdiction: Annotated[Jurisdiction | None, Query(description="Of this one alone.")] = None,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> HeldAnswer:
    """The own records that peers were given and that the policy in force would not give them now: taken back from their
    holder, or left there for a reason, by ``POST``."""
    found = read_held_page(node, caller.actor, jurisdiction, skip=skip, limit=limit)
    return HeldAnswer(
        holders=[holding(item) for item in found.holders],
        items=[HeldRecordAnswer.of(item) for item in found.records],
        following=found.following,
    )


@router.post("/policy/held", status_code=201, response_model=HeldDecided)
def decide_held_records(node: OpenNode, caller: Head, asked: HeldAsked) -> HeldDecided:
    """Take records back from a jurisdiction, each by a withdrawal that its holder acknowledges; or let them stay there.
    At most 200 at once: go on while some wait."""
    done = decide_held(
        node, caller.maker, caller.actor, asked.decision, asked.jurisdiction, asked.because, record=asked.record
    )
    return HeldDecided(
        statements=list(done.statements), text_warnings=doubts_in(asked), records=done.records, waiting=done.waiting
    )
