"""The owner's terms over the API: withdraw, grant, hold; the policy; what waits for a decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from exchange.flows.entry.free_text import doubts_in
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.review.approvals import queue_for, sign_decision
from exchange.flows.terms.held_under_old_line import Holder
from exchange.flows.terms.policy_change import change_policy, preview_policy
from exchange.flows.terms.terms import grant, policy_of
from exchange.flows.terms.withdraw import end_hold, place_hold, revoke_from, withdraw, withdrawal_states
from exchange.web.access.caller import AnyUser, ExaminerOrHead, Head, OpenNode
from exchange.web.http.path_types import StatementId
from exchange.web.rest import query_answers, response_models
from schemas import Group, LegalBasis
from schemas.exhibit import Sha256Hex, ShortText
from schemas.sharing import MAX_BASES, MAX_GROUPS
from schemas.statement_base import NodeId
from schemas.vocabulary import Decision, Jurisdiction, WithdrawalReason

router = APIRouter(prefix="/v1", tags=["terms"])


class Asked(BaseModel):
    """What a request's body may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HoldingAnswer(BaseModel):
    """A peer that holds records of this node's that policy would not give it any more: how many, and how many of them
    for which reason."""

    node_id: str
    jurisdiction: response_models.JurisdictionAnswer
    records: int
    reasons: dict[str, int]


class PolicyAnswer(BaseModel):
    statement_id: str | None
    groups: list[Group]
    bases: list[LegalBasis]


class PolicyPreview(BaseModel):
    """``replaces``: the policy statement in force. ``confirmation`` confirms this very change of it. ``held``: what
    peers hold by now and would not be given any more."""

    replaces: str | None
    changes: list[str]
    held: list[HoldingAnswer]
    confirmation: str


class WithdrawalAsked(Asked):
    """``holder``: take it from this one alone. Without, from everybody, and in all versions."""

    reason: WithdrawalReason
    holder: NodeId | None = None


class GrantAsked(Asked):
    jurisdiction: Jurisdiction
    legal_basis: ShortText


class HoldAsked(Asked):
    """``authority``: the court and its reference, of the order that places the hold, or lifts it."""

    placed: bool
    authority: ShortText


class PolicyAsked(Asked):
    """What is to change, as it is to be; what is not named stays."""

    groups: Annotated[tuple[Group, ...], Field(max_length=MAX_GROUPS)] | None = None
    bases: Annotated[tuple[LegalBasis, ...], Field(max_length=MAX_BASES)] | None = None


class PolicyConfirmed(PolicyAsked):
    """``confirmed``: as the preview of this very change gave it."""

    confirmed: Sha256Hex | None = None


class DecisionAsked(Asked):
    """``concerns`` as the queue names it: a record, an own query, or what the answer to a peer's query found."""

    concerns: Sha256Hex
    jurisdiction: Jurisdiction
    decision: Decision
    because: ShortText


@router.post("/records/{statement_id}/withdrawal", status_code=201, response_model=response_models.Stated)
def withdraw_record(
    node: OpenNode, caller: ExaminerOrHead, statement_id: StatementId, asked: WithdrawalAsked
) -> response_models.Stated:
    """Take an own record back. Nobody is shown it from now on; each holder erases it and acknowledges that. This is for
    the record's author and the head (403, `not-author`); others propose it at `withdrawal-proposals`."""
    if asked.holder is not None:
        said = revoke_from(node, caller.maker, statement_id, asked.holder, asked.reason)
        return response_models.Stated(statements=said)
    return response_models.Stated(statements=withdraw(node, caller.maker, statement_id, asked.reason))


@router.get("/records/{statement_id}/withdrawal", response_model=list[response_models.WithdrawalAnswer])
def read_withdrawal(
    node: OpenNode, _caller: ExaminerOrHead, statement_id: StatementId
) -> list[response_models.WithdrawalAnswer]:
    """How far the withdrawals of a record have come: here, and at each holder."""
    found = withdrawal_states(node, statement_id)
    return [response_models.WithdrawalAnswer.model_validate(item, from_attributes=True) for item in found]


@router.post("/records/{statement_id}/grants", status_code=201, response_model=response_models.Stated)
def grant_record(node: OpenNode, caller: Head, statement_id: StatementId, asked: GrantAsked) -> response_models.Stated:
    """Let a jurisdiction have an own record, in every version, that its audience does not name, or that was taken from
    it."""
    said = grant(node, caller.maker, statement_id, asked.jurisdiction, asked.legal_basis)
    return response_models.Stated(statements=[said])


@router.post("/records/{statement_id}/hold", status_code=201, response_model=response_models.Stated)
def hold_record(node: OpenNode, caller: Head, statement_id: StatementId, asked: HoldAsked) -> response_models.Stated:
    """A court holds a record, own or received, in every version, or holds it no more: it is restricted instead of
    erased."""
    if asked.placed:
        return response_models.Stated(statements=[place_hold(node, caller.maker, statement_id, asked.authority)])
    return response_models.Stated(statements=end_hold(node, caller.maker, statement_id, asked.authority))


@router.get("/policy", response_model=PolicyAnswer)
def read_policy(node: OpenNode, _caller: AnyUser) -> PolicyAnswer:
    """The policy statement in force: groups of jurisdictions, and the legal bases. None of it where none was made:
    then nothing is shared with anybody."""
    found = policy_of(node)
    return PolicyAnswer(
        statement_id=found[0] if found else None,
        groups=list(found[1].groups) if found else [],
        bases=list(found[1].bases) if found else [],
    )


@router.post("/policy/preview", response_model=PolicyPreview, name="preview_policy")
def read_policy_change(node: OpenNode, caller: Head, asked: PolicyAsked) -> PolicyPreview:
    """What a change of the policy would change, in sentences, and what confirms it. Nothing is changed."""
    change = preview_policy(node, caller.maker, asked.groups, asked.bases)
    return PolicyPreview(
        replaces=change.replaces,
        changes=list(change.changes),
        held=[holding(item) for item in change.held],
        confirmation=change.confirmation,
    )


@router.post("/policy", status_code=201, response_model=response_models.Stated)
def make_policy(node: OpenNode, caller: Head, asked: PolicyConfirmed) -> response_models.Stated:
    """Change the policy, as a preview said and was confirmed. What no line allows is blocked from then on. 409 when
    nothing was confirmed, or the policy has changed since."""
    said = change_policy(node, caller.maker, asked.groups, asked.bases, confirmed=asked.confirmed)
    return response_models.Stated(statements=[said])


@router.get("/approvals", response_model=list[query_answers.ApprovalAnswer])
def list_approvals(
    node: OpenNode, caller: ExaminerOrHead, everything: Annotated[bool, Query(description="Decided ones too.")] = False
) -> list[query_answers.ApprovalAnswer]:
    """What waits for a decision, the most pressing first: records, own queries, and what peers' queries found."""
    found = queue_for(node, caller.role, caller.pseudonym, open_only=not everything)
    doubted = suspicions_of(node, (item.record for item in found))
    return [query_answers.approval(item, doubted) for item in found]


@router.post("/approvals", status_code=201, response_model=response_models.Stated)
def decide_approval(node: OpenNode, caller: Head, asked: DecisionAsked) -> response_models.Stated:
    """Decide what no rule may: whether a record, a query with its scan, or what a query found, goes to a jurisdiction.
    What is approved goes on its way at once; why something found is refused is told to who asked."""
    said = sign_decision(node, caller.maker, asked.concerns, asked.jurisdiction, asked.decision, asked.because)
    return response_models.Stated(statements=[said], text_warnings=doubts_in(asked, node.jurisdictions))


def holding(found: Holder) -> HoldingAnswer:
    reasons = {str(reason): count for reason, count in found.reasons.items()}
    return HoldingAnswer(
        node_id=found.node_id,
        jurisdiction=response_models.jurisdiction(found.jurisdiction),
        records=found.records,
        reasons=reasons,
    )
