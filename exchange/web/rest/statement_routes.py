"""``/v1/statements``: what people say of a pair, or to each other, and what was said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from exchange.errors import InvalidInput
from exchange.flows.access.consultation import Consultation
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.node import Node
from exchange.flows.review.statements import SPOKEN, speak
from exchange.flows.review.visible_statements import (
    StatementReader,
    scores_not_validated,
    visible_statement,
    visible_statements,
)
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode, Speaker
from exchange.web.access.consulting import Consulting
from exchange.web.description import DRAFT
from exchange.web.http.body import read_body
from exchange.web.http.path_types import StatementId
from exchange.web.rest import response_models
from schemas.statement_base import NodeId
from schemas.strict_json import MAX_STATEMENT_BYTES

router = APIRouter(prefix="/v1", tags=["statements"])

SHOWN = frozenset(SPOKEN)
BODY_S = 60

_DRAFT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": DRAFT,
                "example": {"type": "message", "to": "ffp-mk", "text": "May we compare the exhibits on Thursday?"},
            }
        },
    }
}


@router.post("/statements", status_code=201, response_model=response_models.SpokeAnswer, openapi_extra=_DRAFT)
async def say_statement(
    request: Request,
    node: OpenNode,
    caller: Speaker,
    other_seal: Annotated[
        bool,
        Query(
            description="Confirms that the received exhibit bears another seal than the one under which it left. "
            "Without it, a physical-comparison that states another seal is refused with the code other-seal."
        ),
    ] = False,
) -> response_models.SpokeAnswer:
    """Say something: a conclusion, a verification, a hit, a retraction, feedback, a message, a disclosure. It is
    signed, logged, and put on the lanes of those concerned; a conclusion and its verification only when a hit rests on
    both."""
    draft = await read_body(request, MAX_STATEMENT_BYTES, within_s=BODY_S)
    spoke = await run_in_threadpool(speak, node, caller.maker, draft, other_seal=other_seal)
    return response_models.SpokeAnswer.model_validate(spoke, from_attributes=True)


@router.get("/statements", response_model=list[response_models.StatementAnswer])
def list_statements(
    request: Request,
    node: OpenNode,
    asker: Consulting,
    about: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="What they speak of.")] = None,
    kind: Annotated[str | None, Query(description=f"One of {', '.join(sorted(SPOKEN))}.")] = None,
    issuer: Annotated[NodeId | None, Query(description="Who said it.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[response_models.StatementAnswer]:
    """What was said, here and by peers, the newest first."""
    if kind is not None and kind not in SHOWN:
        raise InvalidInput(f"A kind is one of {', '.join(sorted(SHOWN))}.", code="unknown-type")
    kinds = SHOWN if kind is None else {kind}
    shown = visible_statements(_reader(node, asker), kinds=kinds, about=about, issuer=issuer, limit=limit)
    said = (row.statement_id for row in shown)
    asker.note(Act.LIST_STATEMENTS, len(shown), *said, asked=dict(request.query_params))
    doubted, doubts = suspicions_of(node, shown), scores_not_validated(node, shown)
    return [
        response_models.statement(row, doubted.get(row.statement_id), doubts.get(row.statement_id)) for row in shown
    ]


@router.get("/statements/{statement_id}", response_model=response_models.StatementAnswer)
def read_statement(node: OpenNode, asker: Consulting, statement_id: StatementId) -> response_models.StatementAnswer:
    """One statement as it was signed."""
    row = visible_statement(_reader(node, asker), statement_id, SHOWN)
    asker.note(Act.READ_STATEMENT, 1, *dict.fromkeys(filter(None, (statement_id, row.about))))
    doubted, doubts = suspicions_of(node, [row]), scores_not_validated(node, [row])
    return response_models.statement(row, doubted.get(statement_id), doubts.get(statement_id))


def _reader(node: Node, asker: Consultation) -> StatementReader:
    return StatementReader(node, asker.caller.pseudonym, asker.caller.role)
