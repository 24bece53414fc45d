"""Withdraw an own record, or propose it; and decide on what was proposed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.entry.free_text import doubts
from exchange.flows.node.node import Node
from exchange.flows.terms.proposals import ProposalStep, decide_proposal, propose_withdrawal
from exchange.flows.terms.withdraw import revoke_from, withdraw
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import RowNumber, StatementId
from exchange.web.pages.layout import Visitor, off_loop, only, read_form
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import Role, WithdrawalReason

router = APIRouter()

Deciding = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]
WITHDRAWAL_REASONS = (
    WithdrawalReason.ENTERED_IN_ERROR,
    WithdrawalReason.UNLAWFUL,
    WithdrawalReason.ERASURE_ORDERED,
    WithdrawalReason.REVOKED,
    WithdrawalReason.OTHER,
)
"""Those that a person gives; the others the node gives itself."""


@router.post("/records/{statement_id}/withdrawal")
async def send_withdrawal(request: Request, node: OpenNode, who: Deciding, statement_id: StatementId) -> Response:
    """Withdraw the record, or propose to."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_withdraw, node, who, statement_id, fields)
    found = doubts(fields.get("because", ""), known=node.jurisdictions)
    doubted = f"?doubt={'&doubt='.join(found)}" if found else ""
    return RedirectResponse(f"/app/records/{statement_id}{doubted}#withdrawal", 303)


@router.post("/withdrawal-proposals/{number}")
async def send_step(request: Request, node: OpenNode, who: Deciding, number: RowNumber) -> Response:
    """Approve, decline or undo a proposed withdrawal."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_step, node, who, number, fields)
    return RedirectResponse("/app/", 303)


def _withdraw(node: Node, who: Visitor, statement_id: str, fields: dict[str, str]) -> None:
    try:
        reason = WithdrawalReason(fields.get("reason", ""))
    except ValueError as error:
        raise InvalidInput("Choose a reason of the list.", code="invalid-field") from error
    holder = fields.get("holder", "").strip() or None
    if fields.get("act") == "propose":
        because = line_of(fields, "because")
        propose_withdrawal(node, who.caller.maker, who.caller.actor, statement_id, reason, because, holder=holder)
        return
    if "sure" not in fields:
        raise InvalidInput("Confirm that this cannot be undone.", code="not-confirmed")
    if holder is not None:
        revoke_from(node, who.caller.maker, statement_id, holder, reason)
    else:
        withdraw(node, who.caller.maker, statement_id, reason)


def _step(node: Node, who: Visitor, number: int, fields: dict[str, str]) -> None:
    try:
        step = ProposalStep(fields.get("step", ""))
    except ValueError as error:
        raise InvalidInput("Approve, decline or undo the proposal.", code="invalid-field") from error
    decide_proposal(node, who.caller.maker, who.caller.actor, number, step)
