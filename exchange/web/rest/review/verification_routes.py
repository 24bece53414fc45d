"""``/v1/verifications``: the blind tasks that an examiner may take, what the examiner must see of one, and the answer.

What an answer tells here is what the pages tell: of whatever is asked the same, and nothing that anybody or anything
holds of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from exchange.flows.blind.compared_sides import ComparedSide
from exchange.flows.blind.verifications import (
    give_verification_back,
    read_verification,
    take_verification,
    verifications_of,
)
from exchange.flows.keys.suspicion import Suspicion, suspicions_of
from exchange.flows.review import partners
from exchange.flows.review.judge_blind import judge_blind
from exchange.flows.review.leads import leads_to_send
from exchange.flows.review.partners import ask_partner, offered_partners
from exchange.flows.review.records import StoredRecord
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode, Verifier
from exchange.web.access.consulting import ConsultingExaminer
from exchange.web.http.path_types import RandomId, StatementId
from exchange.web.rest import response_models
from schemas.statement_base import LongText, NodeId
from schemas.vocabulary import AfteConclusion, Basis, RegionOfInterest, ScreenConclusion

router = APIRouter(prefix="/v1/verifications", tags=["verifications"])

DONE_TOLD = 20


class SpecimenAnswer(BaseModel):
    """One specimen of a pair that is judged blind, as its record calls it. Which incident it is of is told to nobody
    who verifies: two of one belong together."""

    jurisdiction: response_models.JurisdictionAnswer
    case_reference: str
    item: str | None
    kind: str
    calibre: str
    earliest: str | None
    latest: str | None
    suspicion: response_models.SuspicionAnswer | None


class TaskAnswer(BaseModel):
    """A pair that waits for a second, independent judgement. Nothing is told of why it is here; some are pairs that
    nobody holds for a lead. ``mine``: the caller took it; otherwise nobody has."""

    task_id: str
    basis: Basis
    due_at: datetime
    mine: bool
    specimens: tuple[SpecimenAnswer, SpecimenAnswer]


class OwnWaitingAnswer(BaseModel):
    """A conclusion of the caller's own that waits for another examiner: how many are left who may verify it. ``anew``:
    nobody can, since a version of an exhibit was erased; it is to be made anew. ``partner``: the node that was asked;
    ``partners``: those that may be asked where no examiner of this node is left."""

    conclusion: str
    basis: Basis
    due_at: datetime
    may_verify: int
    anew: bool
    partner: str | None
    partners: list[str]
    specimens: tuple[SpecimenAnswer, SpecimenAnswer]


class JudgedAnswer(BaseModel):
    """A task that the caller answered."""

    basis: Basis
    done_at: datetime


class ToSendAnswer(BaseModel):
    """A conclusion of the caller's own with which another examiner agrees, and which the other side does not know yet:
    ``body`` is the lead, for ``POST /v1/statements``; ``not_validated``: why the score in it is not validated."""

    conclusion: str
    due_at: datetime
    body: dict[str, Any]
    not_validated: str | None


class VerificationsAnswer(BaseModel):
    """``tasks``: what the caller may be asked to verify; ``own``: the caller's own conclusions that wait; ``to_send``:
    those of them that were verified and are leads now; ``done``: the last that the caller judged blind, the newest
    first."""

    tasks: list[TaskAnswer]
    own: list[OwnWaitingAnswer]
    to_send: list[ToSendAnswer]
    done: list[JudgedAnswer]


class TakenSpecimenAnswer(SpecimenAnswer):
    """With its scan, which is at ``blob`` as it was delivered and at ``heights`` as it is compared. ``region_mended``:
    an examiner marked its region by hand."""

    record: str
    sha256: str
    region_mended: bool
    blob: str
    heights: str


class TakenTaskAnswer(BaseModel):
    """The two specimens of a task that the caller took, in the order of their records' ids."""

    task_id: str
    basis: Basis
    due_at: datetime
    roi: RegionOfInterest
    specimens: tuple[TakenSpecimenAnswer, TakenSpecimenAnswer]


class PartnerBody(BaseModel):
    """The node that is asked: one of ``partners``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"partner": "ffp-mk"}]})

    partner: NodeId


class PartnerAnswer(BaseModel):
    """The signed request."""

    request: str


class JudgementBody(BaseModel):
    """What the caller concludes, in the words that the basis of the task has."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"conclusion": "possible_association", "remark": "Class characteristics agree."}]
        },
    )

    conclusion: AfteConclusion | ScreenConclusion
    remark: LongText | None = None


class JudgedTaskAnswer(BaseModel):
    """Where the answer was recorded: the statement that was signed, and its place in the log."""

    statement_id: str
    log_index: int
    text_warnings: response_models.TextWarnings


@router.get("", response_model=VerificationsAnswer)
def list_verifications(node: OpenNode, asker: ConsultingExaminer) -> VerificationsAnswer:
    """What waits for the caller's judgement, without a word on why; and the caller's own conclusions that wait, or can
    be sent as leads."""
    pseudonym = asker.caller.pseudonym
    found = verifications_of(node, pseudonym, most_done=DONE_TOLD)
    to_send = leads_to_send(node, pseudonym)
    own = [item.statement_id for item in found.own] + [lead.conclusion for lead in to_send]
    asker.note(Act.LIST_STATEMENTS, len(own), *own[:MAX_SUBJECTS])
    shown = (*(task.records for task in found.tasks), *(item.records for item in found.own))
    doubted = suspicions_of(node, *shown)
    return VerificationsAnswer(
        tasks=[
            TaskAnswer(
                task_id=task.task_id,
                basis=task.basis,
                due_at=datetime.fromisoformat(task.due_at),
                mine=task.mine,
                specimens=_specimens(task.records, doubted),
            )
            for task in found.tasks
        ],
        own=[
            OwnWaitingAnswer(
                conclusion=item.statement_id,
                basis=item.basis,
                due_at=datetime.fromisoformat(item.due_at),
                may_verify=item.may_verify,
                anew=item.anew,
                partner=item.partner,
                partners=offered_partners(node, pseudonym, item.statement_id),
                specimens=_specimens(item.records, doubted),
            )
            for item in found.own
        ],
        to_send=[
            ToSendAnswer(
                conclusion=lead.conclusion,
                due_at=datetime.fromisoformat(lead.due_at),
                body=lead.draft,
                not_validated=lead.not_validated,
            )
            for lead in to_send
        ],
        done=[
            JudgedAnswer(basis=Basis(row.basis), done_at=datetime.fromisoformat(row.done_at))
            for row in found.done
            if row.done_at is not None
        ],
    )


@router.post("/{task_id}/take", status_code=204, response_class=Response)
def take_blind_task(node: OpenNode, caller: Verifier, task_id: RandomId) -> Response:
    """Take a task: the caller does it, and no other."""
    take_verification(node, caller.pseudonym, task_id)
    return Response(status_code=204)


@router.post("/{task_id}/give-back", status_code=204, response_class=Response)
def give_blind_task_back(node: OpenNode, caller: Verifier, task_id: RandomId) -> Response:
    """Give a task back: another examiner may take it."""
    give_verification_back(node, caller.pseudonym, task_id)
    return Response(status_code=204)


@router.post("/own/{conclusion}/partner", status_code=201, response_model=PartnerAnswer)
def ask_other_node(node: OpenNode, caller: Verifier, conclusion: StatementId, body: PartnerBody) -> PartnerAnswer:
    """Ask a partner to verify a conclusion of the caller's own blind, where no examiner of this node is left who may.
    The partner learns two records, and neither the score nor the conclusion."""
    return PartnerAnswer(request=ask_partner(node, caller.pseudonym, conclusion, body.partner))


@router.delete("/own/{conclusion}/partner", status_code=204)
def take_request_back(node: OpenNode, caller: Verifier, conclusion: StatementId) -> Response:
    """Take the request to a partner back. An answer that comes later does not count, and any partner may be asked."""
    partners.take_back_request(node, caller.pseudonym, conclusion)
    return Response(status_code=204)


@router.get("/{task_id}", response_model=TakenTaskAnswer)
def read_blind_task(node: OpenNode, asker: ConsultingExaminer, task_id: RandomId) -> TakenTaskAnswer:
    """The two specimens of a task that the caller took, and nothing that anybody or anything holds of them."""
    found = read_verification(node, asker.caller.pseudonym, task_id)
    one, other = found.sides
    asker.note(Act.READ_RECORD, 2, one.record.statement_id, other.record.statement_id)
    doubted = suspicions_of(node, (one.record, other.record))
    return TakenTaskAnswer(
        task_id=found.task.task_id,
        basis=found.task.basis,
        due_at=datetime.fromisoformat(found.task.due_at),
        roi=RegionOfInterest(found.roi),
        specimens=(_taken(one, doubted), _taken(other, doubted)),
    )


@router.post("/{task_id}", status_code=201, response_model=JudgedTaskAnswer)
def answer_blind_task(node: OpenNode, caller: Verifier, task_id: RandomId, body: JudgementBody) -> JudgedTaskAnswer:
    """Sign what the caller concludes. The answer is the same, whatever was asked; sent again, it is signed once."""
    spoke = judge_blind(node, caller.maker, task_id, body.conclusion, body.remark)
    return JudgedTaskAnswer(statement_id=spoke.statement_id, log_index=spoke.log_index, text_warnings=spoke.doubts)


def _specimens(
    records: Sequence[StoredRecord], doubted: Mapping[str, Suspicion]
) -> tuple[SpecimenAnswer, SpecimenAnswer]:
    one, other = (SpecimenAnswer(**_specimen(record, doubted)) for record in records)
    return one, other


def _specimen(record: StoredRecord, doubted: Mapping[str, Suspicion]) -> dict[str, Any]:
    summary = response_models.summary(record, doubted.get(record.statement_id))
    return {name: getattr(summary, name) for name in SpecimenAnswer.model_fields}


def _taken(side: ComparedSide, doubted: Mapping[str, Suspicion]) -> TakenSpecimenAnswer:
    sha256 = side.scan.sha256
    heights = f"/v1/scans/{sha256}/heights?form=filtered"
    turned = "&mirrored=true" if side.mirrored else ""
    marked = "" if side.region is None else f"&region={side.region}"
    return TakenSpecimenAnswer(
        **_specimen(side.record, doubted),
        record=side.record.statement_id,
        sha256=sha256,
        region_mended=side.scan.region_mended,
        blob=f"/v1/blobs/{sha256}",
        heights=f"{heights}{turned}{marked}",
    )
