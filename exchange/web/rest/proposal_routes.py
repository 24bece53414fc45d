"""``/v1/withdrawal-proposals``: withdrawals that wait for a record's author or the head."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from exchange.flows.entry.free_text import doubts_in
from exchange.flows.terms.proposals import (
    ProposalStep,
    ProposedWithdrawal,
    decide_proposal,
    proposals_for,
    propose_withdrawal,
)
from exchange.web.access.caller import ExaminerOrHead, OpenNode
from exchange.web.http.path_types import RowNumber, StatementId
from exchange.web.rest import response_models
from exchange.web.rest.response_models import TextWarnings
from exchange.web.rest.terms_routes import Asked
from schemas.exhibit import ShortText
from schemas.statement_base import NodeId
from schemas.vocabulary import WithdrawalReason

router = APIRouter(prefix="/v1", tags=["terms"])


class ProposalAsked(Asked):
    """``holder``: take the record from this one alone; without, from everybody. ``because``: why, in one line."""

    reason: WithdrawalReason
    because: ShortText
    holder: NodeId | None = None


class StepAsked(Asked):
    step: ProposalStep


class Proposed(BaseModel):
    proposal_id: int
    text_warnings: TextWarnings = {}


class ProposalAnswer(BaseModel):
    """``author``: who decides besides the head; null where the head decides alone."""

    proposal_id: int
    record: response_models.RecordSummary
    holder: str | None
    reason: WithdrawalReason
    because: str
    proposed_by: str
    proposed_at: datetime
    author: str | None
    may_decide: bool
    mine: bool


@router.post("/records/{statement_id}/withdrawal-proposals", status_code=201, response_model=Proposed)
def propose_record_withdrawal(
    node: OpenNode, caller: ExaminerOrHead, statement_id: StatementId, asked: ProposalAsked
) -> Proposed:
    """Propose to withdraw an own record that a colleague entered. Its author or the head decides."""
    number = propose_withdrawal(
        node, caller.maker, caller.actor, statement_id, asked.reason, asked.because, holder=asked.holder
    )
    return Proposed(proposal_id=number, text_warnings=doubts_in(asked, node.jurisdictions))


@router.get("/withdrawal-proposals", response_model=list[ProposalAnswer])
def list_withdrawal_proposals(node: OpenNode, caller: ExaminerOrHead) -> list[ProposalAnswer]:
    """The open proposals that the caller may decide or made, the oldest first."""
    return [_answer(item) for item in proposals_for(node, caller.role, caller.pseudonym)]


@router.post("/withdrawal-proposals/{proposal_id}", status_code=201, response_model=response_models.Stated)
def decide_withdrawal_proposal(
    node: OpenNode, caller: ExaminerOrHead, proposal_id: RowNumber, asked: StepAsked
) -> response_models.Stated:
    """Approve, decline or undo a proposal. Approving withdraws the record in the caller's name; undoing is for whoever
    proposed it."""
    return response_models.Stated(statements=decide_proposal(node, caller.maker, caller.actor, proposal_id, asked.step))


def _answer(found: ProposedWithdrawal) -> ProposalAnswer:
    return ProposalAnswer(
        proposal_id=found.proposal_id,
        record=response_models.summary(found.record),
        holder=found.holder,
        reason=found.reason,
        because=found.because,
        proposed_by=found.proposed_by,
        proposed_at=datetime.fromisoformat(found.proposed_at),
        author=found.author,
        may_decide=found.may_decide,
        mine=found.mine,
    )
