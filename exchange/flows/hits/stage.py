"""The stage of a hit, and its deadline: what `exchange.flows.hits.rules` weighed, with times.

No clock decides the stage. A deadline runs from the time at which the other side countersigned the statement that
brought the hit to its stage: both sides know that time. Until then it runs from the time at which the statement became
known here, and is marked so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import assert_never

from exchange.clock import LAST, day_after, hours_after
from exchange.config import Settings
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.vocabulary import (
    Custody,
    HitTask,
    NoEffect,
    OpenDisagreement,
    Said,
    Todo,
    Unexplained,
    Weighed,
    Whereabouts,
    begin_of,
)
from exchange.flows.hits.vocabulary import Stage as Stage
from schemas import AnyStatement, Hit, Pair
from schemas.vocabulary import ComparisonStep, FeedbackOutcome


@dataclass(frozen=True)
class Entry:
    """One signed step of a hit's history, as this node knows it. ``received_at`` is when it came to be known here;
    ``countersigned_at`` when the other side signed that it had read it; ``same_exhibits_since`` as `Said` has it."""

    statement_id: str
    statement: AnyStatement
    received_at: str
    log_index: int
    countersigned_at: str | None = None
    same_exhibits_since: int | None = None

    @property
    def at(self) -> str:
        """The time that both sides have, as soon as there is one."""
        return self.countersigned_at or self.received_at

    @property
    def said(self) -> Said:
        return Said(self.statement_id, self.statement, self.log_index, self.countersigned_at, self.same_exhibits_since)


def both_have(statement: AnyStatement, read_at: str | None) -> str | None:
    """The time that counts of when the other side states that it had read a statement. No later than ``LAST``, and no
    earlier than its issuer states to have signed it: who reads cannot put it before its day, nor make it late."""
    return min(max(read_at, getattr(statement, "stated_at", None) or ""), LAST) if read_at is not None else None


@dataclass(frozen=True)
class HitProgress:
    """``tasks`` is what is to be done, by whom and until when; ``waits_for`` are the nodes whose turn it is, ``due_at``
    when the first of it is due; none when all is said and every exhibit is at home. ``custody``, ``unexplained``,
    ``disagreements``, ``met``, ``signed_by`` and ``unsigned``: as they were weighed.
    ``feedback`` is each node's last word on what became of it, ``on`` the day that was agreed, ``proposed``
    the other day that each side would have. ``provisional``: the times are this node's own, since the other side has
    not countersigned yet. ``no_effect``: what counts for nothing, and why."""

    stage: Stage
    since: str
    due_at: str | None
    waits_for: tuple[str, ...]
    disputed: bool
    feedback: Mapping[str, FeedbackOutcome]
    on: date | None
    proposed: Mapping[str, date]
    provisional: bool
    no_effect: Mapping[str, NoEffect]
    tasks: tuple[HitTask, ...]
    custody: tuple[Custody, ...]
    unexplained: tuple[Unexplained, ...]
    disagreements: tuple[OpenDisagreement, ...]
    met: bool
    signed_by: tuple[str, ...]
    unsigned: tuple[str, ...]

    def late(self, now: str) -> bool:
        return self.due_at is not None and self.due_at < now


def progress(history: Sequence[Entry], terms: Settings) -> HitProgress:
    """How far the hit is of which this is the history, in whatever order. It holds one hit at least."""
    pair = pair_of_hit(history)
    found = weigh(pair, (entry.said for entry in history))
    by = next(entry for entry in history if entry.statement_id == found.brought_by)
    at = {entry.statement_id: entry.at for entry in history}
    tasks = (*_of_stage(pair, found, by.at, at, terms), *_of_custody(found, by.at, at, terms))
    due = min((task.due_at for task in tasks), default=None)
    waiting = {task.node for task in tasks}
    return HitProgress(
        stage=found.stage,
        since=by.at,
        due_at=due,
        waits_for=tuple(dict.fromkeys((*(node for node in found.turn if node in waiting), *sorted(waiting)))),
        disputed=found.disputed,
        feedback=found.feedback,
        on=found.on,
        proposed=found.proposed,
        provisional=by.countersigned_at is None and found.stage is not Stage.COMPARISON_AGREED and due is not None,
        no_effect=found.no_effect,
        tasks=tasks,
        custody=found.custody,
        unexplained=found.unexplained,
        disagreements=found.disagreements,
        met=found.met,
        signed_by=found.signed_by,
        unsigned=found.unsigned,
    )


def _of_stage(pair: Pair, found: Weighed, since: str, at: Mapping[str, str], terms: Settings) -> list[HitTask]:
    """What the stage asks for of those whose turn it is. Where a custody discrepancy stops confirmation, its
    explanation is due first; the comparison is due again from the last explanation on."""
    explain = {one.owner: at[one.step] for one in reversed(found.unexplained)}
    explained = [at[name] for one in found.custody for name in one.explanations.values()]
    tasks = []
    for node in found.turn:
        if node in explain:
            tasks.append(HitTask(Todo.EXPLAIN, node, hours_after(explain[node], terms.comparison_answer_h)))
        elif (todo := _awaited(pair, found, node)) is not None:
            again = [hours_after(moment, terms.comparison_answer_h) for moment in explained]
            tasks.append(HitTask(todo, node, max([_due(todo, since, found.on, terms), *again])))
    return tasks


def _awaited(pair: Pair, found: Weighed, node: str) -> Todo | None:
    """What the stage expects of a side; None where nothing is left to do."""
    match found.stage:
        case Stage.LEAD:
            return Todo.ASK
        case Stage.COMPARISON_ASKED:
            return Todo.AGREE
        case Stage.COMPARISON_AGREED:
            away = [one for one in found.custody if one.where is not Whereabouts.HOME]
            if any(one.where is Whereabouts.ON_ITS_WAY and one.other == node for one in away):
                return Todo.RECEIVE
            return Todo.CONCLUDE if away or pair.a.issuer == pair.b.issuer else Todo.SEND
        case Stage.COMPARED:
            return Todo.CONFIRM
        case Stage.CONFIRMED:
            return Todo.OUTCOME
        case Stage.INCONCLUSIVE | Stage.ELIMINATED | Stage.RETRACTED | Stage.NO_EFFECT:
            return None
        case _:
            assert_never(found.stage)


def _of_custody(found: Weighed, since: str, at: Mapping[str, str], terms: Settings) -> list[HitTask]:
    """What is to be received or returned: from its last step on, or from when nobody needs the exhibit any more."""
    last = {custody.record: at[custody.steps[-1]] for custody in found.custody}
    tasks = []
    for move in found.moves:
        returns = move.step is ComparisonStep.RETURNED
        begun = max(since, last[move.record]) if returns else last[move.record]
        todo = Todo.RETURN if returns else Todo.RECEIVE
        tasks.append(HitTask(todo, move.node, hours_after(begun, terms.comparison_answer_h)))
    return tasks


def pair_of_hit(history: Sequence[Entry]) -> Pair:
    return next(entry.statement.pair for entry in history if isinstance(entry.statement, Hit))


def _due(todo: Todo, since: str, on: date | None, terms: Settings) -> str:
    """Until when the stage asks for it."""
    if on is not None:
        return begin_of(day_after(on))
    match todo:
        case Todo.OUTCOME:
            return hours_after(since, terms.feedback_h)
        case Todo.CONFIRM:
            return hours_after(since, terms.dissemination_h)
        case _:
            return hours_after(since, terms.comparison_answer_h)
