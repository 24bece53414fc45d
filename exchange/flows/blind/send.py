"""What is sent for blind verification: each conclusion that leads somewhere, at once; and controls, pairs that nobody
holds for a lead, each at a time of its own. A task does not tell which of the two it is."""

from __future__ import annotations

import secrets
from datetime import datetime
from random import SystemRandom

from sqlalchemy.orm import Session

from exchange.clock import now, stamp, stamp_in
from exchange.flows.blind.visibility import blind_to, needs_verification, pair_of
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.node.jobs import JobKind, promise
from exchange.store.review.candidates import CandidateView, find_unsent, unsent_candidates
from exchange.store.review.reviews import (
    add_task,
    blind_examiners,
    drop_outlived,
    find_task,
    newest_asked,
    newest_concluders,
)
from exchange.store.tables.reviews import VerificationTaskRow
from schemas import Conclusion, Pair
from schemas.vocabulary import Basis

LIKE_THE_NEWEST = 100
"""Conclusions: a control appears when one of them might have been entered."""
WEEK_S, ABOUT_S = 7 * 86_400, 1800
EVERYBODYS = CandidateView(PIPELINES, None)


def send_for_verification(session: Session, node: Node, statement_id: str, said: Conclusion) -> None:
    """Ask another examiner at once, and now and then promise to ask, at some other time, of a pair that nobody holds
    for a lead. Within the transaction that enters the conclusion into the log."""
    if not needs_verification(said.result):
        return
    task_id, basis = secrets.token_hex(16), said.result.basis
    _add(session, node, task_id, said.pair, basis, conclusion=statement_id, concluded_by=said.made_by.pseudonym)
    if basis is Basis.SCREEN and secrets.randbelow(1_000_000) < node.settings.control_share * 1_000_000:
        promise(session, JobKind.DRAW_CONTROL, secrets.randbits(128), after_s=_control_in_s(session))


def _control_in_s(session: Session) -> float:
    """In how many seconds a control appears: within a week, about the hour of the week at which one of the newest
    conclusions was entered. So neither the conclusion before it nor a night or a Sunday tells it."""
    like = datetime.fromisoformat(secrets.choice(newest_asked(session, Basis.SCREEN, limit=LIKE_THE_NEWEST)))
    about_s = secrets.randbelow(2 * ABOUT_S) - ABOUT_S
    return ((like - now()).total_seconds() + about_s) % WEEK_S


def draw_control(node: Node, number: int) -> None:
    """Ask of a pair that nobody holds for a lead, as was promised under this number; of none where there is none. It
    is drawn before the write transaction; should it be withdrawn or sent in between, another one is."""
    task_id = f"{number:032x}"
    not_for = _like_whom(node)
    while (drawn := _draw_control(node, not_for)) is not None:
        with node.store.write() as session:
            drop_outlived(session, None)
            control = find_unsent(session, drawn, EVERYBODYS, node.node_id)
            if find_task(session, task_id) is not None:
                return  # by a worker that ended before it wrote down that it was done
            if control is not None:
                _add(session, node, task_id, pair_of(control), Basis.SCREEN, not_for=not_for)
                return


def _like_whom(node: Node) -> str | None:
    """Whom the control is not offered to: drawn from who made the newest conclusions. So it comes to nobody more often,
    beside what colleagues concluded, than to any other."""
    with node.store.read() as session:
        made = newest_concluders(session, Basis.SCREEN, limit=LIKE_THE_NEWEST)
    return secrets.choice(made) if made else None


def _draw_control(node: Node, not_for: str | None) -> int | None:
    """A pair whose exhibits were never sent, and of which some examiner has not seen a score: by chance from the lower
    half of the ranking, all of it. Were it always the lowest, one look would tell it."""
    with node.store.read() as session:
        ranking = unsent_candidates(session, EVERYBODYS, node.node_id)
        lower_half = ranking[: (len(ranking) + 1) // 2]
        for item in SystemRandom().sample(lower_half, len(lower_half)):
            if blind_examiners(session, item.exhibits, item.scans, besides=not_for):
                return item.row.candidate_id
    return None


def _add(
    session: Session,
    node: Node,
    task_id: str,
    pair: Pair,
    basis: Basis,
    *,
    conclusion: str | None = None,
    concluded_by: str | None = None,
    not_for: str | None = None,
) -> None:
    """From now on somebody is asked."""
    (exhibit_low, exhibit_high), (low, high) = blind_to(session, pair)
    add_task(
        session,
        VerificationTaskRow(
            task_id=task_id,
            conclusion=conclusion,
            concluded_by=concluded_by,
            not_for=not_for,
            basis=basis,
            scan_low=low,
            scan_high=high,
            exhibit_low=exhibit_low,
            exhibit_high=exhibit_high,
            statement_a=pair.a.record,
            statement_b=pair.b.record,
            pair=pair.model_dump_json(),
            created_at=stamp(),
            due_at=stamp_in(node.settings.second_review_h * 3600),
        ),
    )
