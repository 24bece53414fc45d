"""What a hit is, as a function of a set: every rule by an example, and every order of arrival by the same answer."""

from __future__ import annotations

import json
import os
import random
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.clock import LAST, day_after, hours_after
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.vocabulary import (
    AT_SIGNING,
    MOST_HITS,
    MOST_STEPS,
    NoEffect,
    Said,
    Stage,
    Weighed,
    begin_of,
)
from schemas import Hit, Pair, PhysicalComparison, parse_statement, statement_id, statement_payload
from schemas.vocabulary import FeedbackOutcome
from tests.exchange.flows.hits.hit_examples import FOLDER, bad_histories, make_files
from tests.exchange.flows.hits.hit_histories import PAIR, THIRD, History, histories
from tests.schemas.examples import ISSUER, OTHER

EXAMPLES = int(os.environ.get("FFP_PERMUTATIONS", "200"))
"""``FFP_PERMUTATIONS=2000`` for the long form."""


def found(made: History) -> Weighed:
    pair = next(said.statement.pair for said in made.said if isinstance(said.statement, Hit))
    return weigh(pair, made.said)


@pytest.mark.slow
@given(said=histories(), chance=st.randoms(use_true_random=False))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_order_of_arrival_gives_one_state(said: tuple[Said, ...], chance: random.Random) -> None:
    expected = weigh(PAIR, said)
    for _ in range(5):
        shuffled = list(said)
        chance.shuffle(shuffled)
        assert weigh(PAIR, shuffled) == expected
    assert weigh(PAIR, [*said, *said]) == expected, "a statement that came twice is one"


@pytest.mark.slow
@given(said=histories())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_but_a_retraction_or_a_decline_lowers_a_stage(said: tuple[Said, ...]) -> None:
    order = [*Stage]
    order = [Stage.NO_EFFECT, Stage.RETRACTED, Stage.LEAD, Stage.COMPARISON_ASKED, Stage.COMPARISON_AGREED]
    order += [Stage.INCONCLUSIVE, Stage.COMPARED, Stage.ELIMINATED, Stage.CONFIRMED]
    before = weigh(PAIR, said[:3]).stage
    for count in range(4, len(said) + 1):
        stage = weigh(PAIR, said[:count]).stage
        new = said[count - 1].statement
        if new.type != "retraction" and getattr(new, "step", None) not in ("declined", "sent"):
            assert order.index(stage) >= order.index(before), (new.type, before, stage)
        before = stage


def test_the_way_from_a_lead_to_a_confirmed_hit() -> None:
    made = History()
    lead = made.lead()
    assert (found(made).stage, found(made).turn) == (Stage.LEAD, (OTHER,))
    asked = made.step("asked", lead, OTHER, lead)
    assert (found(made).stage, found(made).turn) == (Stage.COMPARISON_ASKED, (ISSUER,))
    agreed = made.step("agreed", lead, ISSUER, asked)
    assert (found(made).stage, found(made).turn, str(found(made).on)) == (
        Stage.COMPARISON_AGREED,
        (ISSUER, OTHER),
        "2026-03-02",
    )
    done = made.done(lead, OTHER, agreed, first="identification")
    assert (found(made).stage, found(made).turn) == (Stage.COMPARED, (OTHER,)), "it waits for the confirmed hit"
    hit = made.confirm(OTHER, done)
    assert (found(made).stage, found(made).turn) == (Stage.CONFIRMED, (ISSUER, OTHER))
    made.feedback(lead, ISSUER, "charged")
    made.feedback(hit, OTHER, "no_use")
    made.feedback(hit, OTHER, "disputed")
    assert found(made).feedback == {ISSUER: FeedbackOutcome.CHARGED, OTHER: FeedbackOutcome.DISPUTED}
    assert found(made).disputed
    assert not found(made).no_effect


@pytest.mark.parametrize(
    ("first", "second", "stage"),
    [
        ("elimination", "elimination", Stage.ELIMINATED),
        ("elimination", "inconclusive_c", Stage.INCONCLUSIVE),
        ("identification", "elimination", Stage.INCONCLUSIVE),
        ("unsuitable", "unsuitable", Stage.INCONCLUSIVE),
        ("identification", "identification", Stage.COMPARED),
    ],
)
def test_how_a_comparison_ends(first: str, second: str, stage: Stage) -> None:
    made = History()
    lead = made.lead()
    made.done(lead, OTHER, made.agreed(lead), first=first, second=second)
    assert found(made).stage is stage


@pytest.mark.parametrize("name", bad_histories())
def test_what_breaks_a_rule_has_no_effect_and_says_why(name: str) -> None:
    made, statement, why, stage = bad_histories()[name]
    assert found(made).no_effect.get(statement) is why
    assert found(made).stage is stage


def test_every_reason_has_an_example() -> None:
    shown = {why for _, _, why, _ in bad_histories().values()}
    below = {NoEffect.RESTS_ON_NONE, NoEffect.NO_LEAD, NoEffect.TOO_MANY}
    assert set(NoEffect) - shown == below | AT_SIGNING
    made = History()
    lead = made.lead(second="no_association_indicated")
    asked = made.step("asked", lead, OTHER, lead)
    agreed = made.step("agreed", lead, ISSUER, asked)
    assert found(made).no_effect[asked] is NoEffect.NO_LEAD
    assert found(made).no_effect[agreed] is NoEffect.NO_LEAD
    assert found(made).no_effect[lead] is NoEffect.NOT_AGREED
    told = made.feedback(lead)
    assert found(made).no_effect[told] is NoEffect.RESTS_ON_NONE


def test_a_decline_ends_a_question_with_all_that_was_agreed_on_it() -> None:
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead, asked_by=OTHER, agreed_by=ISSUER)
    made.step("declined", lead, OTHER, agreed)
    assert (found(made).stage, found(made).turn) == (Stage.LEAD, (ISSUER,))
    asked = made.step("asked", lead, ISSUER, lead)
    assert found(made).stage is Stage.COMPARISON_ASKED
    made.step("agreed", lead, OTHER, asked, on="2026-04-01")
    assert str(found(made).on) == "2026-04-01"


def test_two_sides_at_once() -> None:
    """Two leads on one pair, two questions at once, both confirmed: one state each."""
    made = History()
    ours, theirs = made.lead(ISSUER), made.lead(OTHER)
    assert found(made).turn == (ISSUER, OTHER)
    asked = made.step("asked", ours, ISSUER, ours)
    other = made.step("asked", theirs, OTHER, theirs)
    assert (found(made).stage, found(made).turn) == (Stage.COMPARISON_ASKED, (ISSUER, OTHER))
    made.step("declined", theirs, ISSUER, other)
    agreed = made.step("agreed", ours, OTHER, asked)
    assert found(made).stage is Stage.COMPARISON_AGREED, "one question was declined, the other agreed"
    made.confirm(OTHER, agreed)
    mine = made.confirm(ISSUER, agreed)
    assert found(made).stage is Stage.CONFIRMED
    made.retract(mine, ISSUER)
    assert found(made).stage is Stage.CONFIRMED, "the other side's stands"
    made.done(ours, ISSUER, agreed, first="elimination")
    assert found(made).stage is Stage.CONFIRMED
    assert found(made).disputed, "one side confirms and the other eliminates"


def test_a_step_that_answers_nothing_has_no_effect() -> None:
    made = History()
    lead = made.lead()
    made.step("asked", lead, OTHER, lead)
    agreed = made.step("agreed", lead, ISSUER)
    done = made.done(lead, OTHER, first="elimination")
    assert found(made).stage is Stage.COMPARISON_ASKED
    assert found(made).no_effect == {agreed: NoEffect.NOT_ASKED, done: NoEffect.NO_COMPARISON}


def test_a_lead_that_is_taken_back_takes_its_questions_with_it_and_no_confirmation() -> None:
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead)
    made.retract(lead, ISSUER)
    assert found(made).stage is Stage.RETRACTED
    made.confirm(OTHER, agreed)
    assert found(made).stage is Stage.CONFIRMED, "another node's statement on the exhibits"


def test_exhibits_of_one_side_meet_without_anybodys_leave() -> None:
    made = History()
    made.pair = made.pair | {"b": made.pair["b"] | {"issuer": ISSUER}}
    made.lead()
    made.confirm(ISSUER)
    pair = made.said[-1].statement.pair  # type: ignore[union-attr]  # a hit
    assert weigh(pair, made.said).stage is Stage.CONFIRMED


def test_a_long_chain_of_agreements_is_followed_to_its_question() -> None:
    made = History()
    lead = made.lead()
    step = made.step("asked", lead, OTHER, lead)
    for number in range(2 * MOST_STEPS - 1):
        step = made.step("agreed", lead, (ISSUER, OTHER)[number % 2], step)
    assert found(made).stage is Stage.COMPARISON_AGREED
    assert found(made).brought_by == step
    more = made.step("agreed", lead, OTHER, step)
    assert found(made).no_effect == {more: NoEffect.TOO_MANY}


def test_of_one_sides_hits_the_first_count() -> None:
    made = History()
    first = made.lead()
    for _ in range(MOST_HITS - 1):
        made.say("hit", pair=made.pair, stage="lead", basis="screen", conclusion="0" * 64, verification="1" * 64)
    more = [made.lead(), made.confirm(ISSUER, made.agreed(first))]
    assert {name: found(made).no_effect[name] for name in more} == dict.fromkeys(more, NoEffect.TOO_MANY)
    assert found(made).stage is Stage.COMPARISON_AGREED
    made.confirm(OTHER, made.said[-4].statement_id)
    assert found(made).stage is Stage.CONFIRMED, "the other side has its own"


@pytest.mark.parametrize("issuer", [OTHER, THIRD])
def test_what_one_node_signs_of_a_hit_is_weighed_in_no_time(issuer: str) -> None:
    made = History()
    lead = made.lead(OTHER)
    asked = made.step("asked", lead, ISSUER, lead)
    step = agreed = made.step("agreed", lead, OTHER, asked)
    rests_on = made.bases(OTHER, basis="exhibits", first="inconclusive_a")
    index = len(made.said)
    for number in range(4000):
        match number % 4:
            case 0:
                step = _at(made, index, "agreed", lead, issuer, agreed)
            case 1:
                step = _at(made, index, "agreed", lead, issuer, step)
            case 2:
                _at(made, index, "done", lead, issuer, None, **rests_on)
            case _:
                _at(made, index, "declined", lead, issuer, step)
        index += 1
    began = time.process_time()
    found(made)
    assert time.process_time() - began < 1


def _at(made: History, index: int, step: str, lead: str, issuer: str, answers: str | None, **fields: str) -> str:
    """At a place of the log that is known, which ``History`` counts for each anew."""
    on = date(2026, 3, 2) if step == "agreed" else None
    head = made.said[0].statement.model_dump(include={"contract", "made_by"})
    said = PhysicalComparison.model_validate(
        head
        | {"type": "physical-comparison", "issuer": issuer, "nonce": f"{index:064x}", "hit": lead, "step": step}
        | {"on": on, "answers": answers, **fields}
    )
    made.said.append(Said(statement_id(statement_payload(said)), said, index))
    return made.said[-1].statement_id


def test_a_day_moves_when_both_sides_spoke_for_it() -> None:
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead, asked_by=OTHER, agreed_by=ISSUER)
    proposed = made.step("agreed", lead, ISSUER, agreed, on="2026-04-01")
    assert str(found(made).on) == "2026-03-02"
    assert found(made).proposed == {ISSUER: date(2026, 4, 1)}
    other = made.step("agreed", lead, OTHER, proposed, on="2026-04-02")
    assert str(found(made).on) == "2026-03-02", "each proposed another"
    assert found(made).proposed == {ISSUER: date(2026, 4, 1), OTHER: date(2026, 4, 2)}
    last = made.step("agreed", lead, ISSUER, other, on="2026-04-02")
    assert (str(found(made).on), found(made).brought_by) == ("2026-04-02", last)
    assert not found(made).proposed
    made.step("agreed", lead, ISSUER, proposed, on="2026-04-01")
    assert str(found(made).on) == "2026-04-02", "an earlier proposal brings nothing back"
    hit = made.confirm(ISSUER, agreed)
    made.countersign(hit, "2026-03-20T10:00:00.000Z")
    assert found(made).no_effect[hit] is NoEffect.BEFORE_THE_DAY, "its issuer itself had agreed to the later day"


@pytest.mark.parametrize("day", [date.min, date.max])
def test_no_day_is_too_far(day: date) -> None:
    assert begin_of(day)[:2] in ("19", "20", "21")
    assert hours_after("9999-12-31T23:59:59.999Z", 10_000) == LAST
    assert day_after(date.max).year == 2200


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_the_committed_sets_have_the_state_that_they_name(name: str) -> None:
    told = json.loads((FOLDER / name).read_bytes())
    said = []
    for one in told["statements"]:
        payload = one["payload"].encode()
        assert statement_id(payload) == one["statement_id"]
        statement = parse_statement(payload)
        said.append(
            Said(one["statement_id"], statement, one["log_index"], one["countersigned_at"], one["same_exhibits_since"])
        )
    seen, expected = weigh(Pair.model_validate(told["pair"]), said), told["expect"]
    assert (seen.stage, seen.brought_by, sorted(seen.turn)) == tuple(
        expected[part] for part in ("stage", "brought_by", "turn")
    )
    assert (str(seen.on) if seen.on else None, seen.disputed) == (expected["on"], expected["disputed"])
    assert (seen.feedback, seen.no_effect) == (expected["feedback"], expected["no_effect"])
    told_of = [[one.side, one.conclusion, one.verification] for one in seen.disagreements]
    assert told_of == expected["disagreements"]


def test_the_committed_sets_are_those_of_the_examples() -> None:
    made = make_files()
    assert made == {path.name: path.read_bytes() for path in FOLDER.iterdir()}, (
        "write them anew with: python -m tests.exchange.flows.hits.hit_examples"
    )
