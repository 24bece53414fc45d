"""Histories of one hit, made up: valid ones, and ones in which anything was signed by anybody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from exchange.flows.hits.vocabulary import Said
from schemas import AnyStatement, Pair, PhysicalComparison, parse_statement, statement_id, statement_payload
from tests.schemas.examples import ISSUER, OTHER, encoded
from tests.schemas.results import SCREEN
from tests.schemas.statement_examples import pair_fields

PAIR = Pair.model_validate(pair_fields())
THIRD = "ffp-al"
CUSTODY = ("sent", "received", "returned")
ON_SCREEN = {
    "identification": "possible_association",
    "inconclusive_b": "inconclusive",
    "elimination": "no_association_indicated",
    "unsuitable": "unsuitable_for_examination",
}
"""What is concluded on the screen where this would be concluded on the exhibits."""


@dataclass
class History:
    """Statements as they are signed, each at the next place in its issuer's log."""

    pair: dict[str, Any] = field(default_factory=pair_fields)
    said: list[Said] = field(default_factory=list)

    def say(
        self, kind: str, issuer: str = ISSUER, who: str = "examiner-1", role: str = "examiner", **fields: Any
    ) -> str:
        number = len(self.said)
        head = {
            "contract": "1.0",
            "nonce": hashlib.sha256(b"%d" % number).hexdigest(),
            "issuer": issuer,
            "made_by": {"pseudonym": who, "role": role, "signed_in": "token"},
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
        first: str | None = None,
        second: str | None = None,
        basis: str = "screen",
        verifier: str = "examiner-2",
    ) -> dict[str, str]:
        first = first or {"screen": "inconclusive", "exhibits": "inconclusive_a"}[basis]
        results = [{"basis": basis, "conclusion": conclusion} for conclusion in (first, second or first)]
        one = self.say("conclusion", issuer, pair=self.pair, result=results[0])
        other = self.say("verification", issuer, verifier, verifies=one, pair=self.pair, result=results[1], blind=True)
        return {"conclusion": one, "verification": other}

    def lead(self, issuer: str = ISSUER, **bases: Any) -> str:
        return self.say("hit", issuer, pair=self.pair, stage="lead", basis="screen", **self.bases(issuer, **bases))

    def lead_verified_by(self, node: str, *, request: str | None) -> str:
        """A lead on this side's conclusion and another node's verification, by an examiner of the same pseudonym."""
        drawn = {"pair": self.pair, **SCREEN}
        first = self.say("conclusion", **drawn)
        second = self.say("verification", node, verifies=first, blind=True, request=request, **drawn)
        return self.say("hit", pair=self.pair, stage="lead", basis="screen", conclusion=first, verification=second)

    def disagreed_on_other_scans(self, basis: str = "screen", since: int = -1) -> dict[str, str]:
        """A disagreement of this side on another pair of scans and versions of the same two exhibits."""
        before, own = len(self.said), self.pair
        self.pair = {side: {**fields, "scan": "d" * 64} for side, fields in own.items()}
        first, second = {
            "screen": ("possible_association", "no_association_indicated"),
            "exhibits": ("identification", "elimination"),
        }[basis]
        apart = self.bases(first=first, second=second, basis=basis)
        self.pair = own
        self.said[before:] = [replace(one, same_exhibits_since=since) for one in self.said[before:]]
        return apart

    def answered_late(self) -> tuple[str, str]:
        """A lead, and the answer of a partner that was asked for its conclusion, which found otherwise."""
        bases = self.bases(first="possible_association")
        lead = self.say("hit", pair=self.pair, stage="lead", basis="screen", **bases)
        otherwise = {"basis": "screen", "conclusion": "no_association_indicated"}
        fields = {"verifies": bases["conclusion"], "pair": self.pair, "result": otherwise, "blind": True}
        return lead, self.say("verification", OTHER, request="a" * 64, **fields)

    def step(self, step: str, hit: str, issuer: str = ISSUER, answers: str | None = None, **fields: Any) -> str:
        if step in ("asked", "agreed"):
            fields.setdefault("on", "2026-03-02")
        if step in CUSTODY:
            given = {"on": "2026-03-02", "record": self.record_of(ISSUER), "seal": "S-1"}
            given |= {"place": "Skopje", "seal_whole": "yes"} if step == "received" else {}
            fields = given | fields
        return self.say("physical-comparison", issuer, hit=hit, step=step, answers=answers, **fields)

    def record_of(self, issuer: str) -> str:
        """Of the exhibit of a side."""
        return str(next(side["record"] for side in self.pair.values() if side["issuer"] == issuer))

    def trip(self, hit: str, agreed: str, owner: str = ISSUER, steps: int = 2, **fields: Any) -> list[str]:
        """An exhibit of its owner's, as far as so many steps bring it: sent, received, returned, received."""
        other = OTHER if owner == ISSUER else ISSUER
        way = [("sent", owner), ("received", other), ("returned", other), ("received", owner)]
        made = [agreed]
        for step, issuer in way[:steps]:
            made.append(self.step(step, hit, issuer, made[-1], record=self.record_of(owner), **fields))
        return made[1:]

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

    def explain(self, hit: str, step: str, issuer: str = ISSUER, role: str = "head") -> str:
        fields = {"hit": hit, "explains": step, "explanation": "Customs opened the parcel and sealed it anew."}
        return self.say("custody-explanation", issuer, f"{role}-1", role, **fields)

    def retract(self, statement: str, issuer: str = ISSUER) -> str:
        return self.say("retraction", issuer, retracts=statement, reason="A reason.")

    def feedback(self, hit: str, issuer: str = OTHER, outcome: str = "no_use") -> str:
        return self.say("feedback", issuer, hit=hit, outcome=outcome)

    def state(self, statement: str, at: str) -> str:
        """With when it was signed, as its issuer says: another statement, with another id."""
        found = next(one for one in self.said if one.statement_id == statement)
        stated = found.statement.model_copy(update={"stated_at": at})
        new = replace(found, statement=stated, statement_id=statement_id(statement_payload(stated)))
        self.said = [new if one.statement_id == statement else one for one in self.said]
        return new.statement_id

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
    found = draw(st.sampled_from(("identification", *ON_SCREEN)))
    ways = ["lead", "asked", "agreed", "agreed", "declined", "done", "confirm", "retract", "said", "custody", "custody"]
    ways += ["explain"]
    match draw(st.sampled_from(ways)):
        case "lead":
            made.lead(issuer, first=ON_SCREEN[found], verifier=verifier)
        case "done":
            made.done(hit, issuer, answers, first=found, verifier=verifier)
        case "confirm":
            made.confirm(issuer, answers, first=found, verifier=verifier)
        case "retract":
            made.retract(draw(st.sampled_from(ids)), issuer)
        case "explain":
            role = draw(st.sampled_from(("head", "head", "examiner")))
            made.explain(hit, draw(st.sampled_from([*steps, hit])), draw(st.sampled_from((ISSUER, OTHER))), role)
        case "custody":
            _move(draw, made, issuer, hit, steps)
        case "said":
            made.feedback(hit, issuer, draw(st.sampled_from(("disputed", "no_use", "charged"))))
        case step:
            made.step(step, hit, issuer, answers, on=draw(st.sampled_from(("2026-03-02", "2026-03-09"))))


def _move(draw: st.DrawFn, made: History, issuer: str, hit: str, steps: list[str]) -> None:
    """A step of an exhibit, most often one that follows on the last step, by whom it may be."""
    step, owner = draw(st.sampled_from(CUSTODY)), draw(st.sampled_from((ISSUER, OTHER)))
    answers = draw(st.sampled_from([steps[-1], *steps])) if steps else hit
    last = next((one.statement for one in made.said if one.statement_id == answers), None)
    if isinstance(last, PhysicalComparison) and draw(st.booleans()):
        follows = {"agreed": "sent", "sent": "received", "received": "returned", "returned": "received"}
        step = follows.get(last.step, step)
        owner = next((one["issuer"] for one in made.pair.values() if one["record"] == last.record), owner)
        issuer = {"sent": owner, "returned": last.issuer}.get(step, OTHER if last.issuer == ISSUER else ISSUER)
    record = draw(st.sampled_from([made.record_of(owner)] * 8 + ["f" * 64]))
    day = draw(st.sampled_from(("2026-03-02", "2026-03-02", "2026-03-09")))
    whole = {"seal_whole": draw(st.sampled_from(("yes", "yes", "no", "unknown")))} if step == "received" else {}
    seal = draw(st.sampled_from(("S-1", "S-1", "S-2")))
    made.step(step, hit, issuer, answers, record=record, on=day, seal=seal, **whole)
