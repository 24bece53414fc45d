"""What is sent for blind verification: each conclusion that leads somewhere, at once; and controls, pairs that nobody
holds for a lead, each at a time of its own. A task does not tell which of the two it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from random import SystemRandom

from sqlalchemy.orm import Session

from exchange.clock import now, stamp, stamp_in
from exchange.flows.blind.visibility import blind_to, needs_verification, pair_of
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.node.jobs import JobKind, promise
from exchange.store.review.candidate_rows import CandidateView, StoredCandidate, find_unsent, unsent_candidates
from exchange.store.review.review_rows import (
    add_task,
    blind_examiners,
    drop_outlived,
    exhibits_seen_by,
    find_task,
    newest_sent,
)
from exchange.store.tables.review_tables import VerificationTaskRow
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
    like = datetime.fromisoformat(secrets.choice(newest_sent(session, Basis.SCREEN, limit=LIKE_THE_NEWEST)).created_at)
    about_s = secrets.randbelow(2 * ABOUT_S) - ABOUT_S
    return ((like - now()).total_seconds() + about_s) % WEEK_S


def draw_control(node: Node, number: int, not_for: str | None = None) -> None:
    """Ask of a pair that nobody holds for a lead, as was promised under this number; of none where there is none. It
    is drawn before the write transaction; should it be withdrawn or sent in between, another one is.

    ``not_for``: whom the control is not offered to, drawn from who made the newest conclusions where none is named. So
    it comes to nobody more often, beside what colleagues concluded, than to any other.
    """
    task_id = f"{number:032x}"
    like = like_newest(node) if not_for is None else None
    not_for = like.concluded_by if like is not None else not_for
    while (drawn := _draw_control(node, not_for)) is not None:
        with node.store.write() as session:
            drop_outlived(session, None)
            control = find_unsent(session, drawn, EVERYBODYS, node.node_id)
            if find_task(session, task_id) is not None:
                return  # by a worker that ended before it wrote down that it was done
            if control is not None:
                _add(session, node, task_id, pair_of(control), Basis.SCREEN, not_for=not_for)
                return


def like_newest(node: Node) -> VerificationTaskRow | None:
    """One of the newest conclusions that were sent, by chance: a control is made like it."""
    with node.store.read() as session:
        sent = newest_sent(session, Basis.SCREEN, limit=LIKE_THE_NEWEST)
    return secrets.choice(sent) if sent else None


def _draw_control(node: Node, not_for: str | None) -> int | None:
    """One of the ``controls_to_draw`` of which some examiner has not seen a score."""
    with node.store.read() as session:
        for item in controls_to_draw(session, node, not_for):
            if blind_examiners(session, item.exhibits, item.scans, besides=not_for):
                return item.row.candidate_id
    return None


def controls_to_draw(session: Session, node: Node, not_for: str | None) -> Iterator[StoredCandidate]:
    """Pairs whose exhibits were never sent, by chance from the lower half of the ranking, all of it. Were it always the
    lowest, one look would tell it. The examiner whom a control is like was shown its score, as before a conclusion:
    else the lists that this examiner opened would tell a control."""
    ranking = unsent_candidates(session, EVERYBODYS, node.node_id)
    lower_half = ranking[: (len(ranking) + 1) // 2]
    shown = {item.exhibits for item in lower_half}
    if not_for is not None:
        shown &= exhibits_seen_by(session, not_for, shown).keys()
    for item in SystemRandom().sample(lower_half, len(lower_half)):
        if item.exhibits in shown:
            yield item


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
    (exhibit_low, exhibit_high), (low, high) = blind_to(pair)
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
