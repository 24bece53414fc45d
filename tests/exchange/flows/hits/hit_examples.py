"""Sets of statements about one pair with what follows from them: ``schemas/vectors/hits``.

Made anew by ``python -m tests.exchange.flows.hits.hit_examples``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemas
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.vocabulary import NoEffect, Stage
from schemas import statement_payload
from tests.exchange.flows.hits.hit_histories import PAIR, THIRD, History
from tests.schemas.examples import ISSUER, OTHER
from tests.schemas.results import EXHIBITS

FOLDER = Path(schemas.__file__).parent / "vectors" / "hits"


def make_files() -> dict[str, bytes]:
    """By file name: the statements, and the state that every node must find."""
    examples = good_histories() | {name: made for name, (made, *_) in bad_histories().items()}
    return {f"{name}.json": _file(made) for name, made in examples.items()}


def _file(made: History) -> bytes:
    pair = next(said.statement.pair for said in made.said if isinstance(said.statement, schemas.Hit))
    found = weigh(pair, made.said)
    content: dict[str, Any] = {
        "pair": pair.model_dump(mode="json"),
        "statements": [
            {
                "statement_id": said.statement_id,
                "log_index": said.log_index,
                "countersigned_at": said.countersigned_at,
                "same_exhibits_since": said.same_exhibits_since,
                "payload": statement_payload(said.statement).decode(),
            }
            for said in made.said
        ],
        "expect": {
            "stage": found.stage,
            "brought_by": found.brought_by,
            "turn": sorted(found.turn),
            "on": str(found.on) if found.on else None,
            "feedback": dict(found.feedback),
            "disputed": found.disputed,
            "unexplained": [[one.owner, one.step] for one in found.unexplained],
            "disagreements": [[one.side, one.conclusion, one.verification] for one in found.disagreements],
            "no_effect": dict(sorted(found.no_effect.items())),
        },
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def good_histories() -> dict[str, History]:
    """Histories in which all has an effect, or had."""
    confirmed, declined, both = History(), History(), History()
    lead = confirmed.lead()
    done = confirmed.done(lead, OTHER, confirmed.agreed(lead), first="identification")
    hit = confirmed.confirm(OTHER, done)
    confirmed.feedback(lead, ISSUER, "charged")
    confirmed.feedback(hit, OTHER, "disputed")
    lead = declined.lead()
    declined.step("declined", lead, ISSUER, declined.agreed(lead))
    declined.step("asked", lead, OTHER, lead)
    ours, theirs = both.lead(ISSUER), both.lead(OTHER)
    asked, other = both.step("asked", ours, ISSUER, ours), both.step("asked", theirs, OTHER, theirs)
    both.step("declined", theirs, ISSUER, other)
    both.step("agreed", ours, OTHER, asked)
    travelled, met, anew = History(), History(), History()
    lead = travelled.lead()
    agreed = travelled.agreed(lead)
    *_, received = travelled.trip(lead, agreed)
    hit = travelled.confirm(OTHER, received)
    travelled.confirm(ISSUER, received)
    returned = travelled.step("returned", lead, OTHER, received, seal="S-2", on="2026-03-05")
    travelled.step("received", lead, ISSUER, returned, seal="S-2", place="Beograd", on="2026-03-06")
    travelled.feedback(hit, ISSUER, "charged")
    lead = met.lead()
    *_, received = met.trip(lead, met.agreed(lead), seal="S-1")
    met.confirm(OTHER, received)
    lead = anew.lead()
    agreed = anew.agreed(lead)
    anew.trip(lead, agreed, steps=4)
    anew.trip(lead, agreed, seal="S-7", on="2026-03-09")
    unexplained, explained, lost = History(), History(), History()
    for made in (unexplained, explained):
        lead = made.lead()
        agreed = made.agreed(lead)
        (sent,) = made.trip(lead, agreed, steps=1, seal="RS-SEAL-1")
        received = made.step("received", lead, OTHER, sent, seal="RS-SEAL-2", seal_whole="no")
    explained.explain(lead, received)
    explained.confirm(OTHER, received)
    lead = lost.lead()
    agreed = lost.agreed(lead)
    (sent,) = lost.trip(lead, agreed, steps=1)
    lost.explain(lead, sent)
    lost.confirm(OTHER, agreed)
    settled = History()
    apart = settled.bases(first="possible_association", second="no_association_indicated")
    settled.say("retraction", who="head-1", role="head", retracts=apart["verification"], reason="They conferred.")
    settled.lead(verifier="examiner-3")
    late = History()
    late.answered_late()
    elsewhere = History()
    elsewhere.lead_verified_by(OTHER, request="a" * 64)
    return {
        "lead-after-a-settled-disagreement": settled,
        "lead-verified-by-a-partner": elsewhere,
        "lead-with-a-late-answer-of-a-partner": late,
        "seal-broken-and-not-explained": unexplained,
        "seal-broken-and-explained": explained,
        "arrival-not-signed-and-explained": lost,
        "exhibit-travelled-and-both-signed": travelled,
        "exhibit-travelled-and-one-signed": met,
        "exhibit-sent-anew": anew,
        "confirmed-and-disputed": confirmed,
        "declined-and-asked-anew": declined,
        "both-at-once": both,
    }


def bad_histories() -> dict[str, tuple[History, str, NoEffect, Stage]]:
    """By name: what was signed, which statement has no effect, why, and how far the hit is."""
    examples: dict[str, tuple[History, str, NoEffect, Stage]] = {}

    def example(name: str, made: History, statement: str, why: NoEffect, stage: Stage) -> None:
        examples[name] = made, statement, why, stage

    made = History()
    example(
        "lead-without-association",
        made,
        made.lead(second="no_association_indicated"),
        NoEffect.NOT_AGREED,
        Stage.NO_EFFECT,
    )
    made = History()
    made.bases(first="possible_association", second="no_association_indicated")
    hit = made.lead(verifier="examiner-3")
    example("lead-after-a-disagreement", made, hit, NoEffect.DISAGREEMENT, Stage.NO_EFFECT)
    made = History()
    made.disagreed_on_other_scans()
    hit = made.lead(verifier="examiner-3")
    example("lead-after-a-disagreement-on-other-scans", made, hit, NoEffect.DISAGREEMENT, Stage.NO_EFFECT)
    made = History()
    example("lead-by-one-person", made, made.lead(verifier="examiner-1"), NoEffect.SAME_EXAMINER, Stage.NO_EFFECT)
    made = History()
    example("lead-by-a-third-node", made, made.lead(THIRD), NoEffect.NOT_A_SIDE, Stage.NO_EFFECT)
    made = History()
    hit = made.lead_verified_by(THIRD, request=None)
    example("lead-verified-by-a-node-that-was-not-asked", made, hit, NoEffect.NOT_ITS_OWN, Stage.NO_EFFECT)
    made = History()
    hit = made.lead_verified_by(THIRD, request="a" * 64)
    example("lead-verified-by-a-third-node", made, hit, NoEffect.NOT_ITS_OWN, Stage.NO_EFFECT)
    made = History()
    rests_on = made.bases(OTHER)
    hit = made.say("hit", pair=made.pair, stage="lead", basis="screen", **rests_on)
    example("lead-on-others-conclusions", made, hit, NoEffect.NOT_ITS_OWN, Stage.NO_EFFECT)
    made = History()
    hit = made.say("hit", pair=made.pair, stage="lead", basis="screen", conclusion="0" * 64, verification="1" * 64)
    example("lead-without-conclusions", made, hit, NoEffect.NOT_HERE, Stage.NO_EFFECT)
    made = History()
    rests_on = made.bases(basis="exhibits")
    hit = made.say("hit", pair=made.pair, stage="lead", basis="screen", **rests_on)
    example("lead-on-another-basis", made, hit, NoEffect.OTHER_BASIS, Stage.NO_EFFECT)
    made = History()
    made.pair = made.pair | {"a": made.pair["a"] | {"scan": "f" * 64}}
    rests_on = made.bases()
    hit = made.say("hit", pair=PAIR.model_dump(mode="json"), stage="lead", basis="screen", **rests_on)
    example("lead-of-another-pair", made, hit, NoEffect.OTHER_PAIR, Stage.NO_EFFECT)

    made = History()
    lead = made.lead()
    hit = made.confirm(OTHER, made.agreed(lead), first="inconclusive_a")
    example("confirmed-on-inconclusive", made, hit, NoEffect.NOT_IDENTIFIED, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    hit = made.confirm(OTHER, made.agreed(lead), second="inconclusive_a")
    example("confirmed-by-one-of-two", made, hit, NoEffect.NOT_IDENTIFIED, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    hit = made.confirm(OTHER, made.agreed(lead))
    made.countersign(hit, "2026-03-01T22:59:59.999Z")
    example("confirmed-before-the-day", made, hit, NoEffect.BEFORE_THE_DAY, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    asked = made.step("asked", lead, OTHER, lead)
    agreed = made.step("agreed", lead, ISSUER, asked, on="2030-01-01")
    proposed = made.step("agreed", lead, ISSUER, agreed, on="2020-01-01")
    hit = made.confirm(ISSUER, proposed)
    made.countersign(hit, "2026-03-02T10:00:00.000Z")
    example("confirmed-on-a-day-of-ones-own", made, hit, NoEffect.BEFORE_THE_DAY, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    rests_on = made.bases(OTHER, basis="exhibits", first="identification")
    agreed = made.agreed(lead)
    confirmed = {"pair": made.pair, "stage": "confirmed", "basis": "exhibits", "answers": agreed}
    hit = made.say("hit", OTHER, **confirmed, **rests_on)
    example("confirmed-on-earlier-conclusions", made, hit, NoEffect.BEFORE_AGREED, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead)
    drawn = {"pair": made.pair, **EXHIBITS}
    first = made.say("conclusion", OTHER, **drawn)
    apart = drawn | {"result": {"basis": "exhibits", "conclusion": "elimination"}}
    one = made.say("verification", OTHER, "examiner-2", verifies=first, blind=True, **apart)
    other = made.say("verification", OTHER, "examiner-3", verifies=first, blind=True, **drawn)
    made.step("done", lead, OTHER, agreed, conclusion=first, verification=one)
    confirmed = {"pair": made.pair, "stage": "confirmed", "basis": "exhibits", "answers": agreed}
    hit = made.say("hit", OTHER, conclusion=first, verification=other, **confirmed)
    example("confirmed-on-a-second-verification", made, hit, NoEffect.VERIFIED_BEFORE, Stage.INCONCLUSIVE)
    made = History()
    made.lead()
    example("confirmed-without-comparison", made, made.confirm(OTHER), NoEffect.NO_COMPARISON, Stage.LEAD)
    made = History()
    lead = made.lead()
    hit = made.confirm(OTHER, made.agreed(lead))
    conclusion = made.said[-3].statement_id
    made.retract(conclusion, OTHER)
    example("confirmed-on-taken-back", made, hit, NoEffect.TAKEN_BACK, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead)
    made.step("declined", lead, OTHER, agreed)
    example("confirmed-after-own-decline", made, made.confirm(OTHER, agreed), NoEffect.DECLINED, Stage.LEAD)

    made = History()
    lead = made.lead()
    asked = made.step("asked", lead, ISSUER, lead)
    agreed = made.step("agreed", lead, ISSUER, asked)
    example("agreed-with-oneself", made, agreed, NoEffect.OWN_QUESTION, Stage.COMPARISON_ASKED)
    made = History()
    lead = made.lead()
    example("agreed-unasked", made, made.step("agreed", lead, OTHER), NoEffect.NOT_ASKED, Stage.LEAD)
    made = History()
    lead = made.lead()
    done = made.done(lead, OTHER, made.agreed(lead), first="elimination")
    declined = made.step("declined", lead, ISSUER, made.said[4].statement_id)
    example("declined-after-comparison", made, declined, NoEffect.COMPARED, Stage.ELIMINATED)
    made = History()
    lead = made.lead()
    rests_on = made.bases(OTHER)
    done = made.step("done", lead, OTHER, made.agreed(lead), **rests_on)
    example("done-on-the-screen", made, done, NoEffect.OTHER_BASIS, Stage.COMPARISON_AGREED)
    made = History()
    lead = made.lead()
    done = made.done(lead, OTHER, first="identification", verifier="examiner-1")
    example("done-by-one-person", made, done, NoEffect.SAME_EXAMINER, Stage.LEAD)
    made = History()
    lead = made.lead()
    asked = made.step("asked", lead, THIRD, lead)
    example("asked-by-a-third-node", made, asked, NoEffect.NOT_A_SIDE, Stage.LEAD)
    made = History()
    lead = made.lead()
    back = made.retract(lead, OTHER)
    example("taken-back-by-the-other-side", made, back, NoEffect.NOT_ITS_OWN, Stage.LEAD)
    made = History()
    lead = made.lead()
    told = made.feedback(lead, THIRD, "disputed")
    example("feedback-by-a-third-node", made, told, NoEffect.NOT_A_SIDE, Stage.LEAD)
    return examples | _of_custody()


def _of_custody() -> dict[str, tuple[History, str, NoEffect, Stage]]:
    """Each exhibit that travels by what nobody may sign of it."""
    examples: dict[str, tuple[History, str, NoEffect, Stage]] = {}

    def example(
        name: str, why: NoEffect, made: History, statement: str, stage: Stage = Stage.COMPARISON_AGREED
    ) -> None:
        examples[name] = made, statement, why, stage

    def begun() -> tuple[History, str, str]:
        made = History()
        lead = made.lead()
        return made, lead, made.agreed(lead)

    made, lead, agreed = begun()
    example("sent-by-the-other-side", NoEffect.OTHERS_EXHIBIT, made, made.step("sent", lead, OTHER, agreed))
    made, lead, agreed = begun()
    other = made.step("sent", lead, ISSUER, agreed, record="f" * 64)
    example("sent-of-another-pair", NoEffect.NOT_OF_THE_PAIR, made, other)
    made = History()
    lead = made.lead()
    asked = made.step("asked", lead, ISSUER, lead)
    sent = made.step("sent", lead, ISSUER, asked)
    example("sent-before-it-was-agreed", NoEffect.NO_COMPARISON, made, sent, Stage.COMPARISON_ASKED)
    made, lead, agreed = begun()
    made.step("sent", lead, ISSUER, agreed)
    example("sent-while-it-travels", NoEffect.STILL_AWAY, made, made.step("sent", lead, ISSUER, agreed))
    made, lead, agreed = begun()
    made.step("declined", lead, ISSUER, agreed)
    sent = made.step("sent", lead, ISSUER, agreed)
    example("sent-after-own-decline", NoEffect.DECLINED, made, sent, Stage.LEAD)
    made = History()
    made.pair = made.pair | {"b": made.pair["b"] | {"issuer": ISSUER}}
    lead = made.lead()
    asked = made.step("asked", lead, ISSUER, lead)
    sent = made.step("sent", lead, ISSUER, made.step("agreed", lead, ISSUER, asked))
    example("sent-to-oneself", NoEffect.ONE_SIDE, made, sent)
    made, lead, agreed = begun()
    example("received-and-not-sent", NoEffect.NOT_SENT, made, made.step("received", lead, OTHER, agreed))
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    example("received-by-the-sender", NoEffect.OWN_SENDING, made, made.step("received", lead, ISSUER, sent))
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    other = made.step("received", lead, OTHER, sent, record=made.record_of(OTHER))
    example("received-of-the-other-exhibit", NoEffect.OTHER_EXHIBIT, made, other)
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1, on="2026-03-03")
    example("received-before-it-left", NoEffect.DAYS_IN_DISORDER, made, made.step("received", lead, OTHER, sent))
    made, lead, agreed = begun()
    sent, _ = made.trip(lead, agreed)
    example("received-twice", NoEffect.SIGNED_FOR, made, made.step("received", lead, OTHER, sent))
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    example("returned-before-it-was-received", NoEffect.NOT_RECEIVED, made, made.step("returned", lead, OTHER, sent))
    made, lead, agreed = begun()
    _, received = made.trip(lead, agreed)
    example("returned-by-the-owner", NoEffect.NOT_ITS_HOLDER, made, made.step("returned", lead, ISSUER, received))
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    example("confirmed-while-the-exhibit-travels", NoEffect.EXHIBIT_AWAY, made, made.confirm(OTHER, agreed))
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    example("done-on-an-exhibit-that-was-sent", NoEffect.EXHIBIT_AWAY, made, made.done(lead, OTHER, sent))
    made, lead, agreed = begun()
    rests_on = made.bases(OTHER, basis="exhibits", first="identification")
    *_, received = made.trip(lead, agreed)
    confirmed = {"pair": made.pair, "stage": "confirmed", "basis": "exhibits", "answers": received}
    hit = made.say("hit", OTHER, **confirmed, **rests_on)
    example("confirmed-on-conclusions-before-it-arrived", NoEffect.BEFORE_IT_ARRIVED, made, hit)
    return examples | _of_discrepancies()


def _of_discrepancies() -> dict[str, tuple[History, str, NoEffect, Stage]]:
    """Confirmed hits that a custody discrepancy stops, and explanations that nobody may sign."""
    examples: dict[str, tuple[History, str, NoEffect, Stage]] = {}

    def example(name: str, why: NoEffect, made: History, statement: str) -> None:
        examples[name] = made, statement, why, Stage.COMPARISON_AGREED

    def arrived(**seal: str) -> tuple[History, str, str]:
        made = History()
        lead = made.lead()
        (sent,) = made.trip(lead, made.agreed(lead), steps=1)
        return made, lead, made.step("received", lead, OTHER, sent, **seal)

    for name, seal in {
        "confirmed-under-another-seal": {"seal": "S-2"},
        "confirmed-under-a-broken-seal": {"seal_whole": "no"},
        "confirmed-under-a-seal-of-unknown-state": {"seal_whole": "unknown"},
    }.items():
        made, _, received = arrived(**seal)
        example(name, NoEffect.CUSTODY_UNEXPLAINED, made, made.confirm(OTHER, received))
    made, lead, received = arrived(seal="S-2")
    example("explained-by-the-other-side", NoEffect.NOT_THE_OWNER, made, made.explain(lead, received, OTHER))
    made, lead, received = arrived(seal="S-2")
    example("explained-by-a-third-node", NoEffect.NOT_A_SIDE, made, made.explain(lead, received, THIRD))
    made, lead, received = arrived(seal="S-2")
    explained = made.explain(lead, received, ISSUER, "examiner")
    example("explained-by-an-examiner", NoEffect.NOT_THE_HEAD, made, explained)
    made, lead, received = arrived(seal="S-2")
    made.explain(lead, received)
    example("explained-twice", NoEffect.EXPLAINED_BEFORE, made, made.explain(lead, received))
    made, lead, received = arrived()
    example("explained-a-seal-that-was-whole", NoEffect.NOTHING_TO_EXPLAIN, made, made.explain(lead, received))
    made, lead, _ = arrived(seal="S-2")
    example("explained-what-is-unknown", NoEffect.NOT_HERE, made, made.explain(lead, "f" * 64))
    return examples


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in make_files().items():
        (FOLDER / name).write_bytes(content)
    print(f"wrote {FOLDER}")
