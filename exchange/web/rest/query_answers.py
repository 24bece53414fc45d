"""What the API takes and answers of queries and of what waits for the head."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.query.ask import MAX_PEERS, QuestionOutcome
from exchange.flows.query.read_queries import ReadQuery
from exchange.flows.review.approvals import WaitingApproval
from exchange.search_triggers import SearchTrigger
from exchange.web.rest import response_models
from schemas.exhibit import Sha256Hex, ShortText
from schemas.statement_base import NodeId
from schemas.vocabulary import LawfulPurpose

BAND_NOTE = (
    "A band says how far a pair stands out from chance. It ranks, coarsely, for comparison by an examiner; it "
    "identifies nothing. That there is no candidate does not say that the firearm was not seen. Each node compares "
    "with its own version of the matcher: bands of two nodes do not rank against each other."
)


class QuestionBody(BaseModel):
    """``position`` numbers the scans of the record from 0. Without ``peers`` all that are enrolled are asked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"purpose": "investigation", "legal_basis": "Criminal Procedure Code, article 286", "peers": ["ffp-mk"]}
            ]
        },
    )

    purpose: LawfulPurpose
    legal_basis: ShortText
    position: Annotated[int, Field(ge=0, le=63)] = 0
    peers: Annotated[list[NodeId], Field(min_length=1, max_length=MAX_PEERS)] | None = None


class RequestBody(BaseModel):
    """``because`` goes to the owner's head, who decides."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"handle": "5f0c1e6a" * 8, "because": "The prosecutor asks for it, 12/2026."}]},
    )

    handle: Sha256Hex
    because: ShortText


class AskedAnswer(BaseModel):
    """What became of the question at one peer: asked, waiting-for-approval, or withheld for a ``reason``."""

    peer: str
    state: str
    query: str | None
    reason: str | None


class FoundAnswer(BaseModel):
    """``band``: null for an examiner who did not ask; ``not_validated``: why the scores that it stands for are not
    validated. ``record`` is known to its owner, and to who asked once it was granted. States: found, requested,
    granted, refused, withdrawn."""

    model_config = ConfigDict(from_attributes=True)

    handle: str
    band: str | None
    not_validated: str | None
    state: str
    record: str | None
    due_at: datetime | None
    overdue: bool


class QueryAnswer(BaseModel):
    """A query, own or received. States: waiting-for-approval, withheld, asked, delivered, answered, given-up.

    ``result`` and ``found`` are left empty for an examiner where another examiner of this node asked, and while a pair
    that was found waits for a blind verification that may be theirs. ``started_by``: the rules by which this node asked
    by itself, in the name of whoever submitted the record; empty where a person asked."""

    query: str
    asker: str
    asked: str
    record: str | None
    position: int | None
    roi: str
    calibre: str
    case_reference: str
    purpose: str
    legal_basis: str
    made_by: str
    started_by: list[SearchTrigger]
    state: str
    detail: str | None
    at: datetime
    due_at: datetime
    overdue: bool
    answered_at: datetime | None
    result: str | None
    found: list[FoundAnswer]


class QueryPage(BaseModel):
    """The newest first."""

    items: list[QueryAnswer]
    next: str | None
    note: str = BAND_NOTE


class SaidAnswer(BaseModel):
    """The statement that was signed and entered in the log."""

    statement_id: str


class RequestedAnswer(SaidAnswer):
    text_warnings: response_models.TextWarnings


class ApprovalAnswer(BaseModel):
    """``concern`` says what a decision is about: record, query or found; ``because`` is what whoever asks says of
    it."""

    concerns: str
    concern: str
    jurisdiction: response_models.JurisdictionAnswer
    record: response_models.RecordSummary | None
    handling: str | None
    restriction: str | None
    query: str | None
    peer: str | None
    purpose: str | None
    legal_basis: str | None
    because: str | None
    asked_at: datetime
    due_at: datetime
    overdue: bool
    decision: str | None
    decided_at: datetime | None


def asked(item: QuestionOutcome) -> AskedAnswer:
    return AskedAnswer(peer=item.peer, state=item.state, query=item.query, reason=item.reason)


def query(item: ReadQuery) -> QueryAnswer:
    row = item.row
    return QueryAnswer(
        query=row.statement_id,
        asker=row.asker,
        asked=row.asked,
        record=row.record,
        position=row.position,
        roi=row.roi,
        calibre=row.calibre,
        case_reference=row.case_reference,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        made_by=row.made_by,
        started_by=list(item.started_by),
        state=row.state,
        detail=row.detail,
        at=datetime.fromisoformat(row.at),
        due_at=datetime.fromisoformat(row.due_at),
        overdue=item.overdue,
        answered_at=datetime.fromisoformat(row.answered_at) if row.answered_at else None,
        result=item.result,
        found=[FoundAnswer.model_validate(found) for found in item.found],
    )


def approval(item: WaitingApproval, doubted: Mapping[str, Suspicion]) -> ApprovalAnswer:
    row, asking, record = item.row, item.query, item.record
    return ApprovalAnswer(
        concerns=row.concerns,
        concern=item.concern,
        jurisdiction=response_models.jurisdiction(row.jurisdiction),
        record=None if record is None else response_models.summary(record, doubted.get(record.statement_id)),
        handling=item.handling.code if item.handling else None,
        restriction=item.handling.restriction if item.handling else None,
        query=asking.statement_id if asking else None,
        peer=item.peer,
        purpose=asking.purpose if asking else None,
        legal_basis=asking.legal_basis if asking else None,
        because=item.because,
        asked_at=datetime.fromisoformat(row.asked_at),
        due_at=datetime.fromisoformat(row.due_at),
        overdue=item.overdue,
        decision=row.decision,
        decided_at=datetime.fromisoformat(row.decided_at) if row.decided_at else None,
    )
