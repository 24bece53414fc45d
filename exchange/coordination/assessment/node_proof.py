"""What a node's signed snapshot of maturity answers of a questionnaire, so that nobody has to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.coordination.assessment.questionnaire import Questionnaire
from exchange.coordination.maturity.maturity_snapshot import KeptPractice, Snapshot
from exchange.coordination.maturity.practice_definitions import State

_DAY: Final = len("2026-11-27")


@dataclass(frozen=True)
class NodeProof:
    """``answer``: yes where all practices hold, no where none does, else partly. ``practices``: what it rests on."""

    answer: str
    practices: tuple[KeptPractice, ...]
    on: date


def proofs_of(asked: Questionnaire, snapshot: Snapshot | None) -> Mapping[str, NodeProof]:
    """By question. A practice that the snapshot does not have, or of which it has no data, proves nothing: where that
    is so of all of a question's practices, the question is not in it."""
    if snapshot is None:
        return {}
    on = date.fromisoformat(snapshot.at[:_DAY])
    known = snapshot.practices
    found = {}
    for question in asked:
        practices = tuple(known[name] for name in question.practices if name in known)
        states = {practice.state for practice in practices}
        if not states - {State.NO_DATA}:
            continue
        answer = "yes" if states == {State.HOLDS} else "no" if State.HOLDS not in states else "partly"
        found[question.id] = NodeProof(answer, practices, on)
    return found
