"""The rules of hits for what is about to be signed here: the same as for what arrives, and this node's own day."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from exchange import clock
from exchange.errors import Conflict, InvalidInput
from exchange.flows.hits.history import hit_history
from exchange.flows.hits.rules import agreement_of, has_open_question, weigh
from exchange.flows.hits.stage import Entry
from exchange.flows.hits.vocabulary import HIT_SENTENCES, LOCAL, RANK, NoEffect, Said, begin_of
from exchange.flows.node.node import Node
from schemas import Feedback, Hit, Pair, PhysicalComparison
from schemas.vocabulary import ComparisonStep

NEW: Final = "to be signed"
"""Stands for the id of what is not signed yet."""
_LAST: Final = 2**63
"""Its place in the log: after all that is there."""

_INVALID: Final = frozenset({NoEffect.OTHER_PAIR, NoEffect.OTHER_BASIS})


def check_hit(session: Session, node: Node, said: Hit | PhysicalComparison | Feedback, pair: Pair) -> None:
    """Raises Conflict or InvalidInput, with the reason as its code, for what would have no effect; and for what only
    this node's own clock tells: a day that is over, and a comparison that is said to be done, or a hit confirmed, of
    which the examiners concluded before the agreement had come here, or before its day."""
    named = [name for name in (getattr(said, "conclusion", None), getattr(said, "verification", None)) if name]
    history = {entry.statement_id: entry for entry in hit_history(session, node, pair, *named)}
    before = [entry.said for entry in history.values()]
    after = [*before, Said(NEW, said, _LAST)]
    day: date | None = None
    if _asks_too_late(said, pair, before):
        why: NoEffect | None = NoEffect.COMPARED
    elif any(isinstance(one.statement, Hit) for one in after):
        agreement = agreement_of(pair, after, NEW)
        day = getattr(agreement.statement, "on", None) if agreement is not None else None
        why = weigh(pair, after).no_effect.get(NEW) or _why_over(said)
        if why is None and agreement is not None:
            why = _why_early(history[agreement.statement_id], [history[name] for name in named], node.node_id)
    else:
        why = NoEffect.NO_LEAD
    if why is not None:
        kind = InvalidInput if why in _INVALID else Conflict
        named_day = f" The day is {day}." if why is NoEffect.BEFORE_THE_DAY and day is not None else ""
        raise kind(HIT_SENTENCES[why] + named_day, code=str(why))
    if isinstance(said, PhysicalComparison) and said.step is ComparisonStep.ASKED:
        _check_asks_once(said, pair, before)


def _check_asks_once(said: PhysicalComparison, pair: Pair, before: list[Said]) -> None:
    """Of two open questions of one side the other would have to decline each. Raises Conflict."""
    if has_open_question(pair, before, said.issuer):
        raise Conflict(
            "This side asked for the comparison already. For another day agree anew once the other side has agreed, or "
            "decline and ask again.",
            code="already-asked",
        )


def _asks_too_late(said: Hit | PhysicalComparison | Feedback, pair: Pair, before: list[Said]) -> bool:
    if not isinstance(said, PhysicalComparison) or said.step is ComparisonStep.DONE:
        return False
    has_hit = any(isinstance(one.statement, Hit) for one in before)
    return has_hit and weigh(pair, before).stage in RANK


def _today() -> date:
    return clock.now().astimezone(LOCAL).date()


def _why_over(said: Hit | PhysicalComparison | Feedback) -> NoEffect | None:
    day = said.on if isinstance(said, PhysicalComparison) and said.step is not ComparisonStep.DONE else None
    return NoEffect.DAY_IS_OVER if day is not None and day < _today() else None


def _why_early(agreement: Entry, rests_on: list[Entry], node_id: str) -> NoEffect | None:
    """By this node's own clock, which decides what is signed here and nothing else."""
    concluded = min(getattr(entry.statement, "stated_at", None) or entry.received_at for entry in rests_on)
    came = min(
        agreement.received_at, agreement.at
    )  # after a restore, the earlier time is the one that was countersigned
    if agreement.statement.issuer != node_id and concluded < came:
        return NoEffect.BEFORE_AGREED
    day = getattr(agreement.statement, "on", None)
    return NoEffect.BEFORE_THE_DAY if day is not None and (_today() < day or concluded < begin_of(day)) else None
