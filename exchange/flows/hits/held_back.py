"""What a peer signed of a hit long ago and shows only now. It must not undo what this node signed meanwhile.

The rules of hits let the first of several statements of one side count, by its log (``exchange.flows.hits.rules``). A
peer could sign one, hold it back, let this node confirm a hit on the next one, and show the first then. An honest node
puts what it signs of a hit on the lane at once, and so in the order of its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.hits.history import hit_history, hits_of, pair_id
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.vocabulary import Said
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import showed_later_ones
from exchange.store.log.statement_rows import find_statement
from schemas import Hit, Pair, PhysicalComparison, open_envelope, parse_statement
from schemas.review import CUSTODY
from schemas.vocabulary import ComparisonStep, HitStage

SHOWN_LATE: Final = "held-back"
"""The reason for which it is set aside."""
MOST_WEIGHED: Final = 60
"""Statements of the peer on one pair: more than two FFPs need, and few enough to weigh them for each that it held
back."""
_ENDS: Final = CUSTODY | {ComparisonStep.DONE}


def undoes_own(session: Session, node: Node, held: Said, position: int) -> bool:
    """Whether a hit, or a step of one, at a place of its issuer's lane takes the effect from what this node signed,
    although that lane had shown later ones before: confirmed hits, comparisons that were done, exhibits that were sent
    or received. What was held back otherwise, or was not given in its time, counts as if it had come then."""
    said = held.statement
    pair = _pair_of(session, said)
    if pair is None or not showed_later_ones(
        session, said.issuer, pair_id(pair), position=position, log_index=held.log_index
    ):
        return False
    named = [name for name in (getattr(said, "conclusion", None), getattr(said, "verification", None)) if name]
    before = [_read(entry.said, node.node_id) for entry in hit_history(session, node, pair, *named)]
    standing = _standing(node, pair, before)
    if not standing:
        return False
    if sum(one.statement.issuer == said.issuer for one in before) > MOST_WEIGHED:
        return True
    return not standing <= _standing(node, pair, [*before, held])


def _standing(node: Node, pair: Pair, said: Sequence[Said]) -> set[str]:
    """What this node signed that others rest on, and that has an effect."""
    own = {one.statement_id for one in said if one.statement.issuer == node.node_id and _is_end(one)}
    return own - weigh(pair, said).no_effect.keys() if own else set()


def _read(said: Said, own: str) -> Said:
    """An own statement as it is once the other side signs to have read it, at this moment at the earliest: whether it
    stood before an agreed day is judged by that time."""
    waits = said.statement.issuer == own and said.countersigned_at is None
    return replace(said, countersigned_at=stamp()) if waits else said


def _is_end(said: Said) -> bool:
    match said.statement:
        case Hit() as hit:
            return hit.stage is HitStage.CONFIRMED
        case PhysicalComparison() as step:
            return step.step in _ENDS
        case _:
            return False


def _pair_of(session: Session, said: object) -> Pair | None:
    """None of a step of a hit that is not here: it has no effect."""
    if isinstance(said, Hit):
        return said.pair if hits_of(session, said.pair) else None
    row = find_statement(session, said.hit) if isinstance(said, PhysicalComparison) else None
    if row is None or row.envelope is None or row.type != "hit":
        return None
    hit = parse_statement(open_envelope(row.envelope).payload)
    return hit.pair if isinstance(hit, Hit) and hits_of(session, hit.pair) else None
