"""How far a hit is: worked out of what was signed about it, the same on both sides of the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from exchange.clock import stamp
from exchange.config import Settings
from schemas import AnyStatement, Conclusion, Feedback, Hit, PhysicalComparison, Retraction
from schemas.vocabulary import AfteConclusion, ComparisonStep, FeedbackOutcome, HitStage

LOCAL = ZoneInfo("Europe/Belgrade")
"""The day on which exhibits meet ends with the region's midnight."""


class Stage(StrEnum):
    LEAD = "lead"
    COMPARISON_ASKED = "comparison_asked"
    COMPARISON_AGREED = "comparison_agreed"
    CONFIRMED = "confirmed"
    INCONCLUSIVE = "inconclusive"
    ELIMINATED = "eliminated"
    RETRACTED = "retracted"


CLOSED = frozenset({Stage.INCONCLUSIVE, Stage.ELIMINATED, Stage.RETRACTED})


@dataclass(frozen=True)
class Entry:
    """One signed step of a hit's history, as this node knows it. ``at`` is when it came to be known here."""

    statement_id: str
    statement: AnyStatement
    at: str
    log_index: int


@dataclass(frozen=True)
class Progress:
    """``waits_for`` are the nodes whose turn it is until ``due_at``; none when the hit is closed, or when all is said.
    ``feedback`` is each node's last word on what became of it, ``on`` the day that was agreed."""

    stage: Stage
    since: str
    due_at: str | None
    waits_for: tuple[str, ...]
    disputed: bool
    feedback: dict[str, FeedbackOutcome]
    on: date | None

    def late(self, now: str) -> bool:
        return self.due_at is not None and self.due_at < now


def progress(history: Sequence[Entry], terms: Settings) -> Progress:
    """Follow a hit through what was said of it, in its order; the first hit is the lead."""
    hit = next(entry.statement for entry in history if isinstance(entry.statement, Hit))
    sides = tuple(dict.fromkeys((hit.pair.a.issuer, hit.pair.b.issuer)))
    retracted = {entry.statement.retracts for entry in history if isinstance(entry.statement, Retraction)}
    concluded = {entry.statement_id: entry.statement for entry in history if isinstance(entry.statement, Conclusion)}
    stage, since, spoke, on = Stage.LEAD, history[0].at, hit.issuer, None
    feedback: dict[str, FeedbackOutcome] = {}
    standing = False
    for entry in history:
        if entry.statement_id in retracted:
            continue
        match entry.statement:
            case Hit() as said:
                stage = Stage.CONFIRMED if said.stage is HitStage.CONFIRMED else Stage.LEAD
                since, spoke, standing = entry.at, said.issuer, True
            case PhysicalComparison() as said if standing:
                stage = _after(said, concluded)
                since, spoke, on = entry.at, said.issuer, said.on if stage is Stage.COMPARISON_AGREED else None
            case Feedback() as said:
                feedback[said.issuer] = said.outcome
            case _:
                pass
    if not standing:
        stage, since = Stage.RETRACTED, max(entry.at for entry in history if isinstance(entry.statement, Retraction))
    due, waits = _due(stage, since, spoke, on, sides, feedback, terms)
    disputed = FeedbackOutcome.DISPUTED in feedback.values()
    return Progress(stage, since, due, waits, disputed, feedback, on)


def _after(said: PhysicalComparison, concluded: dict[str, Conclusion]) -> Stage:
    match said.step:
        case ComparisonStep.ASKED:
            return Stage.COMPARISON_ASKED
        case ComparisonStep.AGREED:
            return Stage.COMPARISON_AGREED
        case ComparisonStep.DECLINED:
            return Stage.LEAD
        case ComparisonStep.DONE:
            first = concluded.get(said.conclusion or "")
            apart = first is not None and first.conclusion is AfteConclusion.ELIMINATION
            return Stage.ELIMINATED if apart else Stage.INCONCLUSIVE


def _due(
    stage: Stage,
    since: str,
    spoke: str,
    on: date | None,
    sides: tuple[str, ...],
    feedback: dict[str, FeedbackOutcome],
    terms: Settings,
) -> tuple[str | None, tuple[str, ...]]:
    """Until when, and whose turn it is."""
    if stage in CLOSED:
        return None, ()
    if stage is Stage.COMPARISON_AGREED and on is not None:
        return stamp(datetime.combine(on + timedelta(days=1), time(), LOCAL)), sides
    if stage is Stage.CONFIRMED:
        silent = tuple(side for side in sides if side not in feedback)
        return (_later(since, terms.feedback_h), silent) if silent else (None, ())
    return _later(since, terms.comparison_answer_h), tuple(side for side in sides if side != spoke)


def _later(since: str, hours: int) -> str:
    return stamp(datetime.fromisoformat(since) + timedelta(hours=hours))
