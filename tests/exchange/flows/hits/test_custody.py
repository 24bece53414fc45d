"""An exhibit that travels: where it is, whose turn it is, and what a comparison rests on that it was sent for."""

from __future__ import annotations

import os
import random
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.flows.hits.rules import answered_by, weigh
from exchange.flows.hits.vocabulary import (
    MOST_HITS,
    MOST_STEPS,
    Custody,
    CustodyDiscrepancy,
    Move,
    NoEffect,
    Said,
    Stage,
    Unexplained,
    Weighed,
    Whereabouts,
)
from schemas import PhysicalComparison, statement_id, statement_payload
from schemas.vocabulary import ComparisonStep
from tests.exchange.flows.hits.hit_histories import PAIR, History, histories
from tests.schemas.examples import ISSUER, OTHER
from tests.schemas.results import NOT_ASSOCIATED, SCREEN

EXAMPLES = int(os.environ.get("FFP_PERMUTATIONS", "200"))


def found(made: History) -> Weighed:
    return weigh(PAIR, made.said)


def where(made: History) -> Custody:
    (custody,) = found(made).custody
    return custody


def begun() -> tuple[History, str, str]:
    made = History()
    lead = made.lead()
    return made, lead, made.agreed(lead)


def test_the_way_of_an_exhibit_there_and_home_again() -> None:
    made, lead, agreed = begun()
    assert (found(made).custody, found(made).turn) == ((), (ISSUER, OTHER))
    sent = made.step("sent", lead, ISSUER, agreed)
    assert (where(made).where, where(made).at, found(made).turn) == (Whereabouts.ON_ITS_WAY, None, (OTHER,))
    received = made.step("received", lead, OTHER, sent, on="2026-03-04")
    assert (where(made).where, where(made).at, where(made).since) == (Whereabouts.THERE, OTHER, date(2026, 3, 4))
    assert (found(made).stage, found(made).turn, found(made).moves) == (Stage.COMPARISON_AGREED, (OTHER,), ())
    made.confirm(OTHER, received)
    assert (found(made).stage, found(made).met) == (Stage.CONFIRMED, True)
    assert (found(made).signed_by, found(made).unsigned) == ((OTHER,), (ISSUER,))
    assert found(made).turn == (ISSUER, OTHER), "one signature is missing, and feedback of both"
    assert found(made).moves == (Move(OTHER, ComparisonStep.RETURNED, made.record_of(ISSUER)),)
    hit = made.confirm(ISSUER, received)
    assert (found(made).signed_by, found(made).unsigned) == ((ISSUER, OTHER), ())
    made.feedback(lead, ISSUER, "charged")
    made.feedback(hit, OTHER, "charged")
    assert found(made).turn == ()
    returned = made.step("returned", lead, OTHER, received, on="2026-03-06")
    assert where(made).where is Whereabouts.ON_ITS_WAY_BACK
    assert found(made).moves == (Move(ISSUER, ComparisonStep.RECEIVED, made.record_of(ISSUER)),)
    back = made.step("received", lead, ISSUER, returned, on="2026-03-07")
    assert (where(made).where, where(made).at) == (Whereabouts.HOME, ISSUER)
    assert where(made).steps == (sent, received, returned, back)
    assert not found(made).moves
    assert not found(made).no_effect
    assert found(made).stage is Stage.CONFIRMED


def test_a_side_that_has_not_signed_is_named_and_owes_its_outcome_alone() -> None:
    made, lead, agreed = begun()
    *_, received = made.trip(lead, agreed)
    made.confirm(OTHER, received)
    assert (found(made).turn, found(made).unsigned) == ((ISSUER, OTHER), (ISSUER,))
    for side in (ISSUER, OTHER):
        made.feedback(lead, side, "charged")
    assert (found(made).turn, found(made).unsigned) == ((), (ISSUER,)), "a comparison of its own is optional"


@pytest.mark.parametrize("stage", ["lead", "asked", "agreed", "compared"])
def test_a_stated_outcome_ends_the_turn_at_each_stage(stage: str) -> None:
    made = History()
    lead = made.lead()
    if stage != "lead":
        asked = made.step("asked", lead, OTHER, lead)
    if stage in ("agreed", "compared"):
        agreed = made.step("agreed", lead, ISSUER, asked)
        *_, received = made.trip(lead, agreed)
    if stage == "compared":
        made.done(lead, OTHER, received, first="identification")
    (turn,) = found(made).turn
    made.feedback(lead, turn, "under_investigation")
    assert found(made).turn == (turn,), "no outcome yet"
    made.feedback(lead, turn, "no_use")
    assert found(made).turn == ()
    assert [move.step for move in found(made).moves] == (
        [ComparisonStep.RETURNED] if stage in ("agreed", "compared") else []
    ), "nobody compares it any more"


def test_exhibits_that_were_carried_by_hand_have_no_custody_and_one_signature_stands() -> None:
    """As a peer may sign that checks nothing."""
    made, lead, agreed = begun()
    made.confirm(OTHER, agreed)
    for side in (ISSUER, OTHER):
        made.feedback(lead, side, "charged")
    assert (found(made).stage, found(made).turn, found(made).met) == (Stage.CONFIRMED, (), False)
    assert (found(made).signed_by, found(made).unsigned) == ((OTHER,), (ISSUER,)), "the page says whose is missing"


def test_exhibits_of_one_side_have_met_and_one_signature_is_all() -> None:
    made = History()
    made.pair = made.pair | {"b": made.pair["b"] | {"issuer": ISSUER}}
    made.lead()
    made.confirm(ISSUER)
    pair = made.said[-1].statement.pair  # type: ignore[union-attr]  # a hit
    told = weigh(pair, made.said)
    assert (told.stage, told.met, told.signed_by, told.unsigned) == (Stage.CONFIRMED, True, (ISSUER,), ())


def test_the_node_finds_what_a_step_answers() -> None:
    made, lead, agreed = begun()

    def answers(step: str, issuer: str) -> str | None:
        made.step(step, lead, issuer, lead)
        new = made.said.pop().statement
        assert isinstance(new, PhysicalComparison)
        return answered_by(PAIR, made.said, new)

    assert answers("sent", ISSUER) == agreed
    sent = made.step("sent", lead, ISSUER, agreed)
    assert answers("received", OTHER) == sent
    received = made.step("received", lead, OTHER, sent)
    made.confirm(OTHER)
    confirmed = made.said.pop().statement
    assert answered_by(PAIR, made.said, confirmed) == received  # type: ignore[arg-type]  # a hit
    assert answers("returned", OTHER) == received
    returned = made.step("returned", lead, OTHER, received)
    assert answers("received", ISSUER) == returned


def test_a_seal_that_is_not_as_it_left_is_kept_and_told() -> None:
    made, lead, agreed = begun()
    sent = made.step("sent", lead, ISSUER, agreed, seal="S-1")
    received = made.step("received", lead, OTHER, sent, seal="S-2", seal_whole="no")
    assert where(made).discrepancies == {received: (CustodyDiscrepancy.SEAL_DIFFERS, CustodyDiscrepancy.SEAL_BROKEN)}
    assert not found(made).no_effect
    assert found(made).unexplained == (Unexplained(ISSUER, received),)
    returned = made.step("returned", lead, OTHER, received, seal="S-3")
    back = made.step("received", lead, ISSUER, returned, seal="S-3", seal_whole="not_examined")
    assert where(made).discrepancies[back] == (CustodyDiscrepancy.SEAL_NOT_KNOWN,)


def test_a_broken_seal_stops_confirmation_until_the_owners_head_explains_it() -> None:
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1, seal="RS-SEAL-1")
    received = made.step("received", lead, OTHER, sent, seal="RS-SEAL-2", seal_whole="no")
    assert (found(made).stage, found(made).turn) == (Stage.COMPARISON_AGREED, (ISSUER,)), "the owner's turn"
    hit = made.confirm(OTHER, received)
    assert (found(made).stage, found(made).no_effect) == (
        Stage.COMPARISON_AGREED,
        {hit: NoEffect.CUSTODY_UNEXPLAINED},
    )
    for wrong in (made.explain(lead, received, OTHER), made.explain(lead, received, ISSUER, "examiner")):
        assert wrong in found(made).no_effect
    assert found(made).stage is Stage.COMPARISON_AGREED
    explained = made.explain(lead, received)
    assert (found(made).stage, found(made).unexplained) == (Stage.CONFIRMED, ())
    again = made.explain(lead, received)
    assert found(made).no_effect[again] is NoEffect.EXPLAINED_BEFORE, "the page shows one of each step"
    assert where(made).explanations == {received: explained}
    made.retract(explained)
    assert found(made).stage is Stage.CONFIRMED, "nobody undoes the other side's hit by taking an explanation back"


def test_both_identify_under_a_broken_seal_and_the_confirmed_hit_waits() -> None:
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    received = made.step("received", lead, OTHER, sent, seal_whole="no")
    done = made.done(lead, OTHER, received, first="identification")
    hit = made.confirm(OTHER, done)
    assert (found(made).stage, found(made).no_effect) == (Stage.COMPARED, {hit: NoEffect.CUSTODY_UNEXPLAINED})
    assert found(made).turn == (ISSUER,)
    made.explain(lead, received)
    assert found(made).stage is Stage.CONFIRMED


def test_an_exhibit_that_came_home_under_a_broken_seal_is_explained_before_its_owner_confirms() -> None:
    """Each owner explains the way of its own exhibit."""
    made, lead, agreed = begun()
    sent = made.step("sent", lead, ISSUER, agreed)
    received = made.step("received", lead, OTHER, sent)
    returned = made.step("returned", lead, OTHER, received)
    back = made.step("received", lead, ISSUER, returned, seal_whole="no")
    (theirs,) = made.trip(lead, agreed, OTHER, steps=1)
    here = made.step("received", lead, ISSUER, theirs, record=made.record_of(OTHER), seal="S-9")
    assert found(made).unexplained == tuple(
        Unexplained(side["issuer"], {ISSUER: back, OTHER: here}[side["issuer"]]) for side in made.pair.values()
    )
    assert found(made).turn == (ISSUER, OTHER)
    hit = made.confirm(ISSUER, here)
    assert found(made).no_effect[hit] is NoEffect.CUSTODY_UNEXPLAINED
    made.explain(lead, back, ISSUER)
    assert found(made).no_effect[hit] is NoEffect.CUSTODY_UNEXPLAINED, "one of two"
    made.explain(lead, here, OTHER)
    assert (found(made).stage, found(made).no_effect) == (Stage.CONFIRMED, {})


def test_a_broken_seal_of_an_earlier_trip_is_explained_before_a_hit_is_confirmed() -> None:
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    broken = made.step("received", lead, OTHER, sent, seal_whole="no")
    returned = made.step("returned", lead, OTHER, broken)
    made.step("received", lead, ISSUER, returned)
    *_, received = made.trip(lead, agreed)
    assert found(made).unexplained == (Unexplained(ISSUER, broken),)
    hit = made.confirm(OTHER, received)
    assert found(made).no_effect[hit] is NoEffect.CUSTODY_UNEXPLAINED
    made.explain(lead, broken)
    assert found(made).stage is Stage.CONFIRMED


def test_a_seal_that_broke_on_the_way_home_undoes_no_confirmed_hit() -> None:
    made, lead, agreed = begun()
    *_, received = made.trip(lead, agreed)
    made.confirm(OTHER, received)
    made.confirm(ISSUER, received)
    returned = made.step("returned", lead, OTHER, received)
    back = made.step("received", lead, ISSUER, returned, seal="S-2", seal_whole="no")
    assert (found(made).stage, found(made).no_effect, found(made).unexplained) == (Stage.CONFIRMED, {}, ())
    assert where(made).discrepancies.keys() == {back}, "it is displayed all the same"


def test_an_arrival_that_nobody_signed_is_explained_by_the_owner() -> None:
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    hit = made.confirm(OTHER, agreed)
    assert found(made).no_effect == {hit: NoEffect.EXHIBIT_AWAY}
    assert found(made).unexplained == (Unexplained(ISSUER, sent),)
    assert where(made).discrepancies == {sent: (CustodyDiscrepancy.STEP_MISSING,)}
    wrong = made.explain(lead, sent, OTHER)
    assert found(made).no_effect == {hit: NoEffect.EXHIBIT_AWAY, wrong: NoEffect.NOT_THE_OWNER}
    made.explain(lead, sent)
    assert (found(made).stage, found(made).met) == (Stage.CONFIRMED, False)


def test_an_explained_step_excuses_no_seal() -> None:
    made, lead, agreed = begun()
    (sent,) = made.trip(lead, agreed, steps=1)
    made.explain(lead, sent)
    received = made.step("received", lead, OTHER, sent, seal="S-2")
    hit = made.confirm(OTHER, received)
    assert found(made).no_effect == {hit: NoEffect.CUSTODY_UNEXPLAINED}


def test_two_exhibits_that_passed_each_other_were_not_at_one_place() -> None:
    made, lead, agreed = begun()
    *_, here = made.trip(lead, agreed, ISSUER)
    theirs, _ = made.trip(lead, agreed, OTHER)
    hit = made.confirm(OTHER, here)
    assert found(made).no_effect == {hit: NoEffect.CUSTODY_UNEXPLAINED}
    assert found(made).unexplained == (Unexplained(OTHER, theirs),), "its own exhibit never came home"
    made.explain(lead, theirs, OTHER)
    assert found(made).stage is Stage.CONFIRMED


def test_a_comparison_for_which_no_exhibit_travelled_has_no_missing_step() -> None:
    made, _, agreed = begun()
    made.confirm(OTHER, agreed)
    assert (found(made).stage, found(made).unexplained) == (Stage.CONFIRMED, ())


def test_nobody_undoes_the_other_sides_hit_by_sending_an_exhibit_afterwards() -> None:
    made, lead, agreed = begun()
    hit = made.state(made.confirm(OTHER, agreed), "2026-03-02T10:00:00.000Z")
    (sent,) = made.trip(lead, agreed, steps=1)
    assert found(made).no_effect == {hit: NoEffect.EXHIBIT_AWAY}, "which was first is not known yet"
    made.countersign(sent, "2026-03-02T10:00:01.000Z")
    assert (found(made).stage, found(made).no_effect) == (Stage.CONFIRMED, {})
    made.countersign(sent, "2026-03-02T09:59:59.000Z")
    assert found(made).no_effect == {hit: NoEffect.EXHIBIT_AWAY}, "it had read that the exhibit was on its way"


def test_a_side_that_sent_its_exhibit_confirms_what_the_other_side_received_alone() -> None:
    made, lead, agreed = begun()
    hit = made.confirm(ISSUER, agreed)
    *_, received = made.trip(lead, agreed)
    assert (found(made).stage, found(made).no_effect) == (Stage.CONFIRMED, {}), "it was signed before, by its own log"
    other = made.confirm(ISSUER, agreed)
    assert found(made).no_effect == {other: NoEffect.EXHIBIT_AWAY}
    made.retract(hit, ISSUER)
    made.confirm(ISSUER, received)
    assert (found(made).stage, found(made).met) == (Stage.CONFIRMED, True)


def test_what_was_received_before_by_ones_own_log_was_met_whatever_is_answered() -> None:
    made, lead, agreed = begun()
    made.trip(lead, agreed)
    made.confirm(OTHER, agreed)
    assert (found(made).stage, found(made).met) == (Stage.CONFIRMED, True)


def test_both_exhibits_may_travel_each_on_its_own_way() -> None:
    made, lead, agreed = begun()
    ours, theirs = made.trip(lead, agreed, ISSUER), made.trip(lead, agreed, OTHER, steps=1)
    assert {one.owner: one.where for one in found(made).custody} == {
        ISSUER: Whereabouts.THERE,
        OTHER: Whereabouts.ON_ITS_WAY,
    }
    assert found(made).turn == (ISSUER, OTHER)
    assert {name for one in found(made).custody for name in one.steps} == {*ours, *theirs}


def test_an_exhibit_whose_comparison_was_declined_goes_home() -> None:
    made, lead, agreed = begun()
    made.trip(lead, agreed)
    made.step("declined", lead, ISSUER, agreed)
    assert found(made).stage is Stage.LEAD
    assert found(made).moves == (Move(OTHER, ComparisonStep.RETURNED, made.record_of(ISSUER)),)


@pytest.mark.slow
@given(said=histories(24), chance=st.randoms(use_true_random=False))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_exhibit_is_in_one_place_in_whatever_order_its_steps_come(
    said: tuple[Said, ...], chance: random.Random
) -> None:
    expected = weigh(PAIR, said)
    shuffled = list(said)
    chance.shuffle(shuffled)
    assert weigh(PAIR, shuffled) == expected
    records = [one.record for one in expected.custody]
    assert len(records) == len(set(records))
    steps = {one.statement_id: one.statement for one in said}
    for one in expected.custody:
        assert not set(one.steps) & expected.no_effect.keys()
        kinds = [str(getattr(steps[name], "step", "")) for name in one.steps]
        assert kinds == (["sent", "received", "returned", "received"] * len(kinds))[: len(kinds)]
        assert [steps[name].issuer for name in one.steps] == (
            [one.owner, one.other, one.other, one.owner] * len(kinds)
        )[: len(kinds)]


def test_an_older_verification_that_is_named_afterwards_undoes_no_confirmed_hit() -> None:
    """The side that signed the lead verified its conclusion twice, and names the first verification once the other side
    has confirmed: this ends its own lead, and nothing of the other side's."""
    made = History()
    drawn = {"pair": made.pair, **SCREEN}
    first = made.say("conclusion", OTHER, **drawn)
    apart = drawn | {**NOT_ASSOCIATED}
    older = made.say("verification", OTHER, "examiner-2", verifies=first, blind=True, **apart)
    named = made.say("verification", OTHER, "examiner-3", verifies=first, blind=True, **drawn)
    told = {"pair": made.pair, "stage": "lead", "basis": "screen", "conclusion": first}
    lead = made.say("hit", OTHER, verification=named, **told)
    *_, received = made.trip(lead, made.agreed(lead))
    made.confirm(ISSUER, received)
    assert (found(made).stage, found(made).no_effect) == (Stage.CONFIRMED, {lead: NoEffect.DISAGREEMENT})
    late = made.step("done", lead, OTHER, received, conclusion=first, verification=older)
    again = made.say("hit", OTHER, verification=older, **told)
    assert found(made).stage is Stage.CONFIRMED
    assert set(found(made).no_effect) == {lead, late, again}
    assert found(made).no_effect[again] is NoEffect.VERIFIED_BEFORE


def test_ten_thousand_steps_of_custody_are_weighed_in_no_time() -> None:
    made, lead, agreed = begun()
    began = len(made.said)
    head = made.said[0].statement.model_dump(include={"contract", "made_by"})
    record = made.record_of(ISSUER)
    answers = agreed
    for number in range(10_000):
        issuer, step = ((ISSUER, "sent"), (OTHER, "received"), (OTHER, "returned"), (ISSUER, "received"))[number % 4]
        fields = {"answers": agreed if step == "sent" else answers, "record": record, "seal": "S-1", "on": "2026-03-02"}
        fields |= {"place": "Skopje", "seal_whole": "yes"} if step == "received" else {}
        made_of = head | {"type": "physical-comparison", "issuer": issuer, "nonce": f"{number:064x}", "hit": lead}
        said = PhysicalComparison.model_validate(made_of | {"step": step, **fields})
        made.said.append(Said(statement_id(statement_payload(said)), said, began + number))
        answers = made.said[-1].statement_id
    started = time.process_time()
    told = found(made)
    assert time.process_time() - started < 2
    (custody,) = told.custody
    assert len(custody.steps) <= 2 * MOST_STEPS
    assert set(told.no_effect.values()) <= {NoEffect.TOO_MANY, NoEffect.RESTS_ON_NONE}
    assert told.stage is Stage.COMPARISON_AGREED


@pytest.mark.slow
def test_as_many_steps_and_ends_as_count_are_weighed_in_no_time() -> None:
    """Of both sides, each end resting on what travels: what a peer signs of one hit makes nobody else wait."""
    made, lead, agreed = begun()
    while sum(one.statement.issuer == OTHER for one in made.said) < MOST_STEPS:
        way = made.trip(lead, agreed, steps=4)
    rests_on = made.bases(OTHER, basis="exhibits", first="inconclusive_b")
    for number in range(MOST_STEPS):
        made.step("done", lead, OTHER, (way[1], agreed, None)[number % 3], remark=str(number), **rests_on)
    for number in range(MOST_HITS):
        made.confirm(OTHER, (way[1], agreed)[number % 2])
    started = time.process_time()
    found(made)
    assert time.process_time() - started < 2
