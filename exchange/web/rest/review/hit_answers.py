"""What the API answers of hits: how far one is, where its exhibits are, and what the caller may sign next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from exchange.clock import stamp
from exchange.flows.hits.history import Link
from exchange.flows.hits.sides import signatures, signed_at
from exchange.flows.hits.stage import Entry
from exchange.flows.hits.vocabulary import (
    HIT_SENTENCES,
    Custody,
    CustodyDiscrepancy,
    NoEffect,
    OpenDisagreement,
    Stage,
    Todo,
    Whereabouts,
)
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.next_statements import NextStatement
from exchange.flows.review.reviews import Review
from exchange.flows.review.visible_hits import VisibleHit
from exchange.web.rest import response_models
from exchange.web.wording.conclusions import concluded_in_english
from schemas import CustodyExplanation, Hit, Pair, PhysicalComparison
from schemas.vocabulary import Answer, Basis, ComparisonStep, FeedbackOutcome, HitStage


class WhereaboutsAnswer(BaseModel):
    """Where an exhibit is that was sent. ``at``: the node that has it; null on its way."""

    record: str
    owner: str
    where: Whereabouts
    at: str | None
    since: date


class OpenReview(BaseModel):
    node: str
    statement_id: str


class DisagreementAnswer(BaseModel):
    """On the two exhibits, a ``verification`` found otherwise than a ``conclusion`` of ``side``, which signs no
    confirmed hit until each of ``open`` is taken back: by its signer, or by the head of ``node``."""

    side: str
    conclusion: str
    verification: str
    open: list[OpenReview]


class HitSummary(BaseModel):
    """A pair that somebody signed a hit of. ``hit_id`` is its first lead; any other hit of the pair leads to it too.
    ``records``: those of the pair, in its order; null for one that was withdrawn. ``told_by``: who signed the hit that
    counts. ``due_at``: when the first of what is to be done is due, by the nodes of ``waits_for``; ``provisional``: by
    this node's clock, until the other side has countersigned. ``on``: the day that was agreed, ``proposed`` the other
    day that each side would have. ``unsigned``: of a confirmed hit, the sides that have not signed one
    of their own. ``unexplained``: the steps of custody with a discrepancy that stops confirmation until the head of the
    exhibit's owner explains it. ``disagreements``: those on the two exhibits that are open."""

    hit_id: str
    stage: Stage
    basis: Basis
    disputed: bool
    pair: Pair
    records: tuple[response_models.RecordSummary | None, response_models.RecordSummary | None]
    told_by: str
    since: datetime
    due_at: datetime | None
    late: bool
    provisional: bool
    waits_for: list[str]
    on: date | None
    proposed: dict[str, date]
    unsigned: list[str]
    unexplained: list[str]
    disagreements: list[DisagreementAnswer]
    exhibits: list[WhereaboutsAnswer]


class HitPage(BaseModel):
    """Open ones by their deadline; closed ones the newest first."""

    items: list[HitSummary]
    next: str | None


class HitTaskAnswer(BaseModel):
    """What a node is to do: ``outcome`` is to state what became of the hit, ``explain`` to explain a custody
    discrepancy."""

    todo: Todo
    node: str
    due_at: datetime


class CustodyExplanationAnswer(BaseModel):
    """``at``: when the head who signed it stated it."""

    statement_id: str
    made_by: str
    at: datetime
    explanation: str


class CustodyStepAnswer(BaseModel):
    """One signed step of an exhibit, with its custody ``discrepancies``. ``explanation``: the statement by which the
    head of the exhibit's owner explains them, null until then."""

    statement_id: str
    step: ComparisonStep
    issuer: str
    on: date | None
    seal: str | None
    place: str | None
    seal_whole: Answer | None
    discrepancies: list[CustodyDiscrepancy]
    explanation: CustodyExplanationAnswer | None


class CustodyAnswer(WhereaboutsAnswer):
    """An exhibit that travels, or has: its steps in order, over all its trips."""

    steps: list[CustodyStepAnswer]


class HitSignatureAnswer(BaseModel):
    """Of a confirmed hit: the first that a side signed and that counts, and when that side stated it."""

    node: str
    statement_id: str
    at: datetime


class HistoryAnswer(BaseModel):
    """One signed statement of a hit; what it says stands at ``/v1/statements/{statement_id}``. ``no_effect``: why it
    counts for nothing, as a code and in ``why`` in words; null where it counts. ``step`` and ``stage`` are those of a
    comparison and of a hit."""

    statement_id: str
    type: str
    issuer: str
    log_index: int
    step: ComparisonStep | None
    stage: HitStage | None
    stated_at: datetime | None
    received_at: datetime
    countersigned_at: datetime | None
    no_effect: NoEffect | None
    why: str | None


class ExhibitReview(BaseModel):
    """A conclusion of this node on the exhibits that stands, as far as the caller may know of it. ``verification``
    once another examiner has judged the exhibits too; until then ``due_at``, and how many are left who may."""

    conclusion: str
    words: str
    verification: str | None
    verified_words: str | None
    due_at: datetime | None
    may_verify: int


class NextStatementAnswer(BaseModel):
    """A statement that the caller's role may sign now: ``body`` goes to ``POST /v1/statements`` once the fields of
    ``missing`` are in it, where a dot leads into a field. What ``expected`` names is filled in with what is to be
    expected: look, and state what is found. ``optional`` may be stated too."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "body": {
                        "type": "physical-comparison",
                        "hit": "5f0c1e6a" * 8,
                        "step": "received",
                        "record": "8e1d9b20" * 8,
                        "on": "2026-11-25",
                        "seal": "MK 7001",
                        "answers": "77aa01c3" * 8,
                    },
                    "missing": ["place", "seal_whole"],
                    "expected": ["on", "seal"],
                    "optional": ["remark"],
                }
            ]
        }
    )

    body: dict[str, Any]
    missing: list[str]
    expected: list[str]
    optional: list[str]


class HitAnswer(HitSummary):
    """A hit with all that was signed of it. ``lead``: the hit that a next step names. ``tasks``: what is to be done, by
    whom and until when. ``candidate_id``: of the compared pair, where the caller may look at it. ``signatures`` and
    ``unsigned`` are of the confirmed hit; ``met``: it rests on an exhibit that was signed for, or both are of one
    side. ``next``: what the caller's role may sign now."""

    lead: str
    candidate_id: int | None
    tasks: list[HitTaskAnswer]
    custody: list[CustodyAnswer]
    signatures: list[HitSignatureAnswer]
    met: bool
    feedback: dict[str, FeedbackOutcome]
    reviews: list[ExhibitReview]
    history: list[HistoryAnswer]
    next: list[NextStatementAnswer] = Field(description="In the order in which they are to be looked at.")


def hit_summary(link: Link, doubted: Mapping[str, Suspicion]) -> HitSummary:
    return HitSummary(**_summary(link, doubted))


def hit_answer(found: VisibleHit, following: list[NextStatement], doubted: Mapping[str, Suspicion]) -> HitAnswer:
    link = found.link
    progress = link.progress
    entries = {entry.statement_id: entry for entry in link.history}
    return HitAnswer(
        **_summary(link, doubted),
        lead=link.lead_id,
        candidate_id=found.candidate_id,
        tasks=[
            HitTaskAnswer(todo=task.todo, node=task.node, due_at=datetime.fromisoformat(task.due_at))
            for task in progress.tasks
        ],
        custody=[
            CustodyAnswer(**_whereabouts(one), steps=[_step(name, one, entries) for name in one.steps])
            for one in progress.custody
        ],
        signatures=[
            HitSignatureAnswer(node=side, statement_id=entry.statement_id, at=datetime.fromisoformat(signed_at(entry)))
            for side, entry in signatures(progress, link.history).items()
        ],
        met=progress.met,
        feedback=dict(progress.feedback),
        reviews=[_review(review) for review in found.reviews],
        history=[_history(entry, progress.no_effect.get(entry.statement_id)) for entry in link.history],
        next=[
            NextStatementAnswer(
                body=dict(one.draft), missing=[*one.missing], expected=[*one.expected], optional=[*one.optional]
            )
            for one in following
        ],
    )


def _summary(link: Link, doubted: Mapping[str, Suspicion]) -> dict[str, Any]:
    progress = link.progress
    records = tuple(
        None if row is None else response_models.summary(row, doubted.get(row.statement_id)) for row in link.records
    )
    return {
        "hit_id": link.link_id,
        "stage": progress.stage,
        "basis": link.hit.basis,
        "disputed": progress.disputed,
        "pair": link.pair,
        "records": records,
        "told_by": link.hit.issuer,
        "since": datetime.fromisoformat(progress.since),
        "due_at": _moment(progress.due_at),
        "late": progress.late(stamp()),
        "provisional": progress.provisional,
        "waits_for": list(progress.waits_for),
        "on": progress.on,
        "proposed": dict(progress.proposed),
        "unsigned": list(progress.unsigned),
        "unexplained": [one.step for one in progress.unexplained],
        "disagreements": [_disagreement(one) for one in progress.disagreements],
        "exhibits": [_whereabouts(one) for one in progress.custody],
    }


def _disagreement(found: OpenDisagreement) -> DisagreementAnswer:
    return DisagreementAnswer(
        side=found.side,
        conclusion=found.conclusion,
        verification=found.verification,
        open=[OpenReview(node=node, statement_id=name) for node, name in found.open_reviews],
    )


def _whereabouts(custody: Custody) -> dict[str, Any]:
    return {
        "record": custody.record,
        "owner": custody.owner,
        "where": custody.where,
        "at": custody.at,
        "since": custody.since,
    }


def _step(name: str, custody: Custody, entries: Mapping[str, Entry]) -> CustodyStepAnswer:
    said = entries[name].statement
    if not isinstance(said, PhysicalComparison):
        raise TypeError("no step of custody")
    return CustodyStepAnswer(
        statement_id=name,
        step=said.step,
        issuer=said.issuer,
        on=said.on,
        seal=said.seal,
        place=said.place,
        seal_whole=said.seal_whole,
        discrepancies=list(custody.discrepancies.get(name, ())),
        explanation=_explanation(entries[explained]) if (explained := custody.explanations.get(name)) else None,
    )


def _explanation(entry: Entry) -> CustodyExplanationAnswer:
    said = entry.statement
    if not isinstance(said, CustodyExplanation):
        raise TypeError("no explanation")
    return CustodyExplanationAnswer(
        statement_id=entry.statement_id,
        made_by=said.made_by.pseudonym,
        at=datetime.fromisoformat(signed_at(entry)),
        explanation=said.explanation,
    )


def _history(entry: Entry, why: NoEffect | None) -> HistoryAnswer:
    said = entry.statement
    return HistoryAnswer(
        statement_id=entry.statement_id,
        type=said.type,
        issuer=said.issuer,
        log_index=entry.log_index,
        step=said.step if isinstance(said, PhysicalComparison) else None,
        stage=said.stage if isinstance(said, Hit) else None,
        stated_at=_moment(said.stated_at),
        received_at=datetime.fromisoformat(entry.received_at),
        countersigned_at=_moment(entry.countersigned_at),
        no_effect=why,
        why=None if why is None else HIT_SENTENCES[why],
    )


def _review(review: Review) -> ExhibitReview:
    second = review.verified
    return ExhibitReview(
        conclusion=review.statement_id,
        words=concluded_in_english(review.said.result.conclusion),
        verification=second.statement_id if second else None,
        verified_words=concluded_in_english(second.said.result.conclusion) if second else None,
        due_at=_moment(review.due_at),
        may_verify=review.may_verify,
    )


def _moment(at: str | None) -> datetime | None:
    return None if at is None else datetime.fromisoformat(at)
