"""The rules of hits for what is about to be signed here: the same as for what arrives, and this node's own day."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from exchange import clock
from exchange.errors import Conflict, InvalidInput
from exchange.flows.hit_rules import agreed_day, weigh
from exchange.flows.hit_stage import LOCAL, RANK, SENTENCES, NoEffect, Said
from exchange.flows.links import history_of
from exchange.flows.node import Node
from schemas import Feedback, Hit, Pair, PhysicalComparison
from schemas.vocabulary import ComparisonStep

NEW: Final = "to be signed"
"""Stands for the id of what is not signed yet."""
_LAST: Final = 2**63
"""Its place in the log: after all that is there."""

_INVALID: Final = frozenset({NoEffect.OTHER_PAIR, NoEffect.OTHER_BASIS})


def check_hit(session: Session, node: Node, said: Hit | PhysicalComparison | Feedback, pair: Pair) -> None:
    """Raises Conflict or InvalidInput, with the reason as its code, for what would have no effect; and for a comparison
    that is said to be done, or a hit confirmed, before the agreed day has come here."""
    named = [name for name in (getattr(said, "conclusion", None), getattr(said, "verification", None)) if name]
    before = [entry.said for entry in history_of(session, node, pair, *named)]
    after = [*before, Said(NEW, said, _LAST)]
    if _asks_too_late(said, pair, before):
        why: NoEffect | None = NoEffect.COMPARED
    elif any(isinstance(one.statement, Hit) for one in after):
        why = weigh(pair, after).no_effect.get(NEW) or _why_early(pair, after)
    else:
        why = NoEffect.NO_LEAD
    if why is not None:
        kind = InvalidInput if why in _INVALID else Conflict
        raise kind(SENTENCES[why], code=str(why))


def _asks_too_late(said: Hit | PhysicalComparison | Feedback, pair: Pair, before: list[Said]) -> bool:
    if not isinstance(said, PhysicalComparison) or said.step is ComparisonStep.DONE:
        return False
    has_hit = any(isinstance(one.statement, Hit) for one in before)
    return has_hit and weigh(pair, before).stage in RANK


def _why_early(pair: Pair, after: list[Said]) -> NoEffect | None:
    """By this node's own clock, which decides what is signed here and nothing else."""
    day = agreed_day(pair, after, NEW)
    return NoEffect.BEFORE_THE_DAY if day is not None and clock.now().astimezone(LOCAL).date() < day else None
