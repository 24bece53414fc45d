"""Leads that two examiners agree on and that the other side does not know yet: each with what is to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from exchange.clock import hours_after
from exchange.flows.blind.visibility import note_shown, view_of
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import not_validated
from exchange.flows.review.reviews import Review, reviews_of
from exchange.store.review.candidate_rows import StoredCandidate, candidate_of
from exchange.store.review.review_rows import concluded_tasks, scans_of
from schemas import Pair
from schemas.vocabulary import Basis, HitStage, Role


@dataclass(frozen=True)
class LeadToSend:
    """``draft``: the hit, as ``speak`` takes it; ``not_validated``: why its score is not validated."""

    conclusion: str
    due_at: str
    draft: dict[str, Any]
    not_validated: str | None


def leads_to_send(node: Node, pseudonym: str) -> list[LeadToSend]:
    """Those of this examiner's own conclusions on the screen, what is due first at the top; with the score of each,
    which this examiner is thereby told."""
    found = []
    with node.store.read() as session:
        for review in reviews_to_send(session, node, pseudonym):
            if review.said.result.basis is Basis.SCREEN:
                scans = scans_of(review.said.pair.a.scan, review.said.pair.b.scan)
                found.append((review, candidate_of(session, scans, view_of(Role.EXAMINER, pseudonym))))
    note_shown(node, Role.EXAMINER, pseudonym, [candidate for _, candidate in found if candidate is not None])
    leads = [
        LeadToSend(
            review.statement_id,
            _due_at(node, review),
            hit_of_review(review, candidate),
            None if candidate is None else not_validated(candidate),
        )
        for review, candidate in found
    ]
    return sorted(leads, key=lambda lead: (lead.due_at, lead.conclusion))


def hit_of_review(review: Review, candidate: StoredCandidate | None) -> dict[str, Any]:
    """The hit that two examiners agree on: a lead with the score that ranked the pair, or, on the exhibits, a confirmed
    one. Raises ValueError where no other examiner has verified."""
    if review.verified is None:
        raise ValueError("no other examiner has verified it")
    basis = review.said.result.basis
    on_exhibits = basis is Basis.EXHIBITS
    draft: dict[str, Any] = {
        "type": "hit",
        "pair": review.said.pair.model_dump(mode="json"),
        "stage": HitStage.CONFIRMED if on_exhibits else HitStage.LEAD,
        "basis": basis,
        "conclusion": review.statement_id,
        "verification": review.verified.statement_id,
    }
    if candidate is not None and not on_exhibits:
        draft |= {"score": round(candidate.row.score, 4), "matcher": candidate.row.matcher_version}
    return draft


def reviews_to_send(session: Session, node: Node, pseudonym: str) -> Iterator[Review]:
    """Two examiners agree, this one was the first, and the other side does not know yet."""
    for task in concluded_tasks(session, pseudonym):
        for review in reviews_of(session, node, Pair.model_validate_json(task.pair), pseudonym):
            is_it = review.statement_id == task.conclusion
            if is_it and review.agreed and not review.retracted and not review.hit:
                yield review


def _due_at(node: Node, review: Review) -> str:
    return hours_after(review.at, node.settings.dissemination_h)
