"""The rules of hits for what is about to be signed here: the same as for what arrives, this node's own day, and what
this node asks of itself: a comparison between two sides rests on an exhibit that was signed for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, TypeAlias

from sqlalchemy.orm import Session

from exchange.errors import Conflict, InvalidInput
from exchange.flows.hits.history import Link, hit_history
from exchange.flows.hits.rules import (
    agreement_of,
    arrival_of,
    has_open_question,
    is_declined,
    rests_on_custody,
    weigh,
)
from exchange.flows.hits.stage import Entry
from exchange.flows.hits.vocabulary import (
    HIT_SENTENCES,
    RANK,
    NoEffect,
    Said,
    Stage,
    Whereabouts,
    begin_of,
    local_day,
)
from exchange.flows.node.node import Node
from schemas import CustodyExplanation, Feedback, Hit, Pair, PhysicalComparison, Verification
from schemas.review import CUSTODY
from schemas.vocabulary import ComparisonStep

NEW: Final = "to be signed"
"""Stands for the id of what is not signed yet."""
_LAST: Final = 2**63
"""Its place in the log: after all that is there."""

_MEET: Final = frozenset({Stage.COMPARISON_AGREED, Stage.COMPARED, Stage.CONFIRMED})
_AFTER_THE_END: Final = frozenset({ComparisonStep.DONE, ComparisonStep.RECEIVED, ComparisonStep.RETURNED})

_INVALID: Final = frozenset(
    {NoEffect.OTHER_PAIR, NoEffect.OTHER_BASIS, NoEffect.NOT_OF_THE_PAIR, NoEffect.OTHER_EXHIBIT}
)


SaidOfHit: TypeAlias = Hit | PhysicalComparison | CustodyExplanation | Feedback


def check_hit(session: Session, node: Node, said: SaidOfHit, pair: Pair) -> None:
    """Raises Conflict or InvalidInput, with the reason as its code, for what would have no effect; and for what only
    this node's own clock tells: a day that is over, or has not come, and a comparison that is said to be done, or a hit
    confirmed, of which the examiners concluded before the agreement or the exhibit had come here, or before its day."""
    named = [name for name in (getattr(said, "conclusion", None), getattr(said, "verification", None)) if name]
    history = {entry.statement_id: entry for entry in hit_history(session, node, pair, *named)}
    before = [_read_here(entry, node.node_id) for entry in history.values()]
    after = [*before, Said(NEW, said, _LAST)]
    day: date | None = None
    if _asks_too_late(said, pair, before):
        why: NoEffect | None = NoEffect.COMPARED
    elif any(isinstance(one.statement, Hit) for one in after):
        agreement = agreement_of(pair, after, NEW)
        day = getattr(agreement.statement, "on", None) if agreement is not None else None
        why = weigh(pair, after).no_effect.get(NEW) or _why_over(said)
        why = why or _why_not_sent(said, pair, after) or _why_explained(said, pair, before)
        if why is None and agreement is not None:
            why = _why_early(history[agreement.statement_id], [history[name] for name in named], node.node_id)
            arrival = arrival_of(pair, after, NEW)
            why = why or _why_not_met(pair, after)
            if why is None and arrival is not None:
                why = _why_not_there(history[arrival.statement_id], [history[name] for name in named], node.node_id)
    else:
        why = NoEffect.NO_LEAD
    if why is not None:
        kind = InvalidInput if why in _INVALID else Conflict
        named_day = f" The day is {day}." if why is NoEffect.BEFORE_THE_DAY and day is not None else ""
        raise kind(HIT_SENTENCES[why] + named_day, code=str(why))
    if isinstance(said, PhysicalComparison) and said.step is ComparisonStep.ASKED:
        _check_asks_once(said, pair, before)


def _read_here(entry: Entry, node_id: str) -> Said:
    """A partner's verification that is here was read, also before this node signed the receipt for it."""
    of_partner = isinstance(entry.statement, Verification) and entry.statement.issuer != node_id
    return replace(entry.said, countersigned_at=entry.at) if of_partner else entry.said


def can_conclude_on_exhibits(link: Link) -> bool:
    """Whether what examiners conclude now on the exhibits can end the comparison: it was agreed, its day has come, and
    the exhibit that travels has arrived. Exhibits of one side need nobody's leave to meet."""
    found = link.progress
    if found.on is not None and local_day() < found.on:
        return False
    if link.pair.a.issuer == link.pair.b.issuer:
        return True
    excused = [one for one in found.custody if one.steps[-1] in one.explanations]
    if found.stage not in _MEET or any(
        one.where is Whereabouts.ON_ITS_WAY and one not in excused for one in found.custody
    ):
        return False
    return bool(excused) or any(len(one.steps) > 1 for one in found.custody)


def _check_asks_once(said: PhysicalComparison, pair: Pair, before: list[Said]) -> None:
    """Of two open questions of one side the other would have to decline each. Raises Conflict."""
    if has_open_question(pair, before, said.issuer):
        raise Conflict(
            "This side asked for the comparison already. For another day agree anew once the other side has agreed, or "
            "decline and ask again.",
            code="already-asked",
        )


def _asks_too_late(said: SaidOfHit, pair: Pair, before: list[Said]) -> bool:
    """What was compared needs no agreement any more; an exhibit that is away goes home, and one may be sent where a
    side has not signed the confirmed hit yet."""
    if not isinstance(said, PhysicalComparison) or said.step in _AFTER_THE_END:
        return False
    if not any(isinstance(one.statement, Hit) for one in before):
        return False
    found = weigh(pair, before)
    return found.stage in RANK and not (said.step is ComparisonStep.SENT and found.unsigned)


def _why_over(said: SaidOfHit) -> NoEffect | None:
    """What is agreed is to come; what happened to an exhibit has happened."""
    if not isinstance(said, PhysicalComparison) or said.on is None or said.step is ComparisonStep.DONE:
        return None
    if said.step in CUSTODY:
        return NoEffect.DAY_TO_COME if said.on > local_day() else None
    return NoEffect.DAY_IS_OVER if said.on < local_day() else None


def _why_not_sent(said: SaidOfHit, pair: Pair, after: list[Said]) -> NoEffect | None:
    """An exhibit leaves for a comparison that is still to come."""
    if not isinstance(said, PhysicalComparison) or said.step is not ComparisonStep.SENT:
        return None
    return NoEffect.DECLINED if is_declined(pair, after, said.answers or "") else None


def _why_explained(said: SaidOfHit, pair: Pair, before: list[Said]) -> NoEffect | None:
    """A step is not missing where an exhibit arrived, unless a hit waits for it."""
    if not isinstance(said, CustodyExplanation):
        return None
    found = weigh(pair, before)
    open_steps = {one.step for one in found.unexplained} | {step for one in found.custody for step in one.discrepancies}
    on_its_way = {one.steps[-1] for one in found.custody if one.where is Whereabouts.ON_ITS_WAY}
    return None if said.explains in open_steps | on_its_way else NoEffect.NOTHING_TO_EXPLAIN


def _why_not_met(pair: Pair, after: list[Said]) -> NoEffect | None:
    """Between two sides an exhibit was signed for."""
    one_side = pair.a.issuer == pair.b.issuer
    return None if one_side or rests_on_custody(pair, after, NEW) else NoEffect.NOT_MET


def _why_not_there(arrival: Entry, rests_on: list[Entry], node_id: str) -> NoEffect | None:
    """By this node's own clock: where the other side received the exhibit, its log and this one cannot be put in
    order."""
    if arrival.statement.issuer == node_id:
        return None
    came = min(arrival.received_at, arrival.at)
    return NoEffect.BEFORE_IT_ARRIVED if _first_concluded(rests_on) < came else None


def _first_concluded(rests_on: list[Entry]) -> str:
    return min(getattr(entry.statement, "stated_at", None) or entry.received_at for entry in rests_on)


def _why_early(agreement: Entry, rests_on: list[Entry], node_id: str) -> NoEffect | None:
    """By this node's own clock, which decides what is signed here and nothing else."""
    concluded = _first_concluded(rests_on)
    came = min(
        agreement.received_at, agreement.at
    )  # after a restore, the earlier time is the one that was countersigned
    if agreement.statement.issuer != node_id and concluded < came:
        return NoEffect.BEFORE_AGREED
    day = getattr(agreement.statement, "on", None)
    return NoEffect.BEFORE_THE_DAY if day is not None and (local_day() < day or concluded < begin_of(day)) else None
