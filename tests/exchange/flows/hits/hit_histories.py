"""Histories of one hit, made up: valid ones, and ones in which anything was signed by anybody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from exchange.flows.hits.vocabulary import Said
from schemas import AnyStatement, Pair, parse_statement, statement_id, statement_payload
from tests.schemas.examples import ISSUER, OTHER, encoded
from tests.schemas.statement_examples import pair_fields

PAIR = Pair.model_validate(pair_fields())
THIRD = "ffp-al"


@dataclass
class History:
    """Statements as they are signed, each at the next place in its issuer's log."""

    pair: dict[str, Any] = field(default_factory=pair_fields)
    said: list[Said] = field(default_factory=list)

    def say(self, kind: str, issuer: str = ISSUER, who: str = "examiner-1", **fields: Any) -> str:
        number = len(self.said)
        head = {
            "contract": "1.0",
            "nonce": hashlib.sha256(b"%d" % number).hexdigest(),
            "issuer": issuer,
            "made_by": {"pseudonym": who, "role": "examiner", "signed_in": "token"},
            "type": kind,
        }
        said = encoded(head | {name: value for name, value in fields.items() if value is not None})
        statement: AnyStatement = parse_statement(said)
        index = sum(one.statement.issuer == issuer for one in self.said)
        self.said.append(Said(statement_id(statement_payload(statement)), statement, index))
        return self.said[-1].statement_id

    def bases(
        self,
        issuer: str = ISSUER,
        *,
        first: str = "inconclusive_a",
        second: str | None = None,
        basis: str = "screen",
        verifier: str = "examiner-2",
    ) -> dict[str, str]:
        drawn = {"pair": self.pair, "basis": basis}
        one = self.say("conclusion", issuer, conclusion=first, **drawn)
        other = self.say("verification", issuer, verifier, verifies=one, conclusion=second or first, **drawn)
        return {"conclusion": one, "verification": other}

    def lead(self, issuer: str = ISSUER, **bases: Any) -> str:
        return self.say("hit", issuer, pair=self.pair, stage="lead", basis="screen", **self.bases(issuer, **bases))

    def step(self, step: str, hit: str, issuer: str = ISSUER, answers: str | None = None, **fields: Any) -> str:
        if step in ("asked", "agreed"):
            fields.setdefault("on", "2026-03-02")
        return self.say("physical-comparison", issuer, hit=hit, step=step, answers=answers, **fields)

    def agreed(self, hit: str, *, asked_by: str = ISSUER, agreed_by: str = OTHER) -> str:
        asked = self.step("asked", hit, asked_by, hit)
        return self.step("agreed", hit, agreed_by, asked)

    def done(self, hit: str, issuer: str = OTHER, answers: str | None = None, **bases: Any) -> str:
        return self.step("done", hit, issuer, answers, **self.bases(issuer, basis="exhibits", **bases))

    def confirm(
        self, issuer: str = OTHER, answers: str | None = None, first: str = "identification", **bases: Any
    ) -> str:
        rests_on = self.bases(issuer, basis="exhibits", first=first, **bases)
        return self.say("hit", issuer, pair=self.pair, stage="confirmed", basis="exhibits", answers=answers, **rests_on)

    def retract(self, statement: str, issuer: str = ISSUER) -> str:
        return self.say("retraction", issuer, retracts=statement, reason="A reason.")

    def feedback(self, hit: str, issuer: str = OTHER, outcome: str = "no_use") -> str:
        return self.say("feedback", issuer, hit=hit, outcome=outcome)

    def countersign(self, statement: str, at: str) -> None:
        self.said = [replace(one, countersigned_at=at) if one.statement_id == statement else one for one in self.said]


@st.composite
def histories(draw: st.DrawFn, most: int = 12) -> tuple[Said, ...]:
    """Up to ``most`` statements by the two sides, now and then by a third, that name each other at random; half of
    those that may name what they answer do."""
    made = History()
    made.lead(draw(st.sampled_from((ISSUER, OTHER))))
    while len(made.said) < draw(st.integers(3, most)) and len(made.said) <= most - 3:
        _another(draw, made)
    return tuple(made.said)


def _another(draw: st.DrawFn, made: History) -> None:
    issuer = draw(st.sampled_from((ISSUER, ISSUER, OTHER, OTHER, OTHER, THIRD)))
    ids = [one.statement_id for one in made.said]
    hits = [one.statement_id for one in made.said if one.statement.type == "hit"]
    steps = [one.statement_id for one in made.said if one.statement.type == "physical-comparison"]
    answers = draw(st.sampled_from([None, None, *steps, *steps, *hits]))
    hit, verifier = draw(st.sampled_from(hits)), draw(st.sampled_from(("examiner-2", "examiner-2", "examiner-1")))
    found = draw(st.sampled_from(("identification", "identification", "elimination", "inconclusive_b", "unsuitable")))
    match draw(
        st.sampled_from(("lead", "asked", "agreed", "agreed", "declined", "done", "confirm", "retract", "said"))
    ):
        case "lead":
            made.lead(issuer, first=found, verifier=verifier)
        case "done":
            made.done(hit, issuer, answers, first=found, verifier=verifier)
        case "confirm":
            made.confirm(issuer, answers, first=found, verifier=verifier)
        case "retract":
            made.retract(draw(st.sampled_from(ids)), issuer)
        case "said":
            made.feedback(hit, issuer, draw(st.sampled_from(("disputed", "no_use", "charged"))))
        case step:
            made.step(step, hit, issuer, answers, on=draw(st.sampled_from(("2026-03-02", "2026-03-09"))))
