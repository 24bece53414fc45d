"""The other owner verifies blind where no examiner of the node is left; a third node owns neither record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.errors import Conflict, ExchangeError, NotFound
from exchange.flows.blind.verifications import (
    take_verification,
    verifications_of,
)
from exchange.flows.blind.visibility import hidden_pairs
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.stage import Stage
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.review.judge_blind import judge_blind, take_judgement_back
from exchange.flows.review.partners import (
    MOST_OF_ONE,
    ask_partner,
    draw_control_here_or_at_partner,
    offered_partners,
    tell_declined,
)
from exchange.flows.review.reviews import read_reviews
from exchange.flows.terms.terms import state_policy
from exchange.store.access.user_rows import add_user
from exchange.store.review.review_rows import mark_exhibits
from exchange.store.tables.review_tables import VerificationTaskRow
from schemas import Verification
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, SECOND
from tests.exchange.flows.network import MK, RS, XK
from tests.exchange.flows.review.partner_world import APART, ASSOCIATED, Partners, basis_for, made_partners
from tests.schemas.results import SCREEN

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    return made_partners(tmp_path_factory.mktemp("partners"))


@pytest.fixture
def world(made: Partners, tmp_path: Path) -> Iterator[Partners]:
    with closing(made.network.copied(tmp_path / "copy")) as network:
        yield Partners(network, made.records)


def test_a_partner_is_offered_where_nobody_is_left(world: Partners) -> None:
    said = world.concludes()
    assert offered_partners(world.node(RS), "one", said) == [], "a colleague is left"
    with pytest.raises(Conflict, match="can still verify") as refused:
        ask_partner(world.node(RS), "one", said, MK)
    assert refused.value.code == "examiner-left"
    world.used_up()
    assert offered_partners(world.node(RS), "one", said) == [MK], "no third node"
    assert offered_partners(world.node(RS), "two", said) == [], "who concluded asks"
    with pytest.raises(NotFound):
        ask_partner(world.node(RS), "two", said, MK)


def test_the_other_owner_is_offered_where_it_may_have_both_records(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    state_policy(world.node(RS), HEAD, (), (basis_for(Jurisdiction.XK),))
    assert offered_partners(world.node(RS), "one", said) == []
    for partner in (MK, XK):
        with pytest.raises(Conflict) as refused:
            ask_partner(world.node(RS), "one", said, partner)
        assert refused.value.code == "no-partner"


def test_a_lead_rests_on_a_partners_verification_at_both_sides(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    spoke = world.judges(MK)
    world.network.settle()

    [signed] = world.kinds(RS, "verification", MK)
    assert (signed.blind, signed.verifies, signed.pair) == (True, said, world.pair("a", "b"))
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is not None
    assert (review.verified.statement_id, review.agreed, review.due_at) == (spoke.statement_id, True, None)
    rests_on = {"conclusion": said, "verification": spoke.statement_id}
    pair = world.pair("a", "b").model_dump(mode="json")
    world.says(RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)
    world.network.settle()
    for node_id in (RS, MK):
        node = world.node(node_id)
        with node.store.read() as session:
            [link] = links_of(session, node, [pair_id(world.pair("a", "b"))])
        assert (link.progress.stage, dict(link.progress.no_effect)) == (Stage.LEAD, {}), node_id


@pytest.mark.parametrize("is_late", [True, False])
def test_an_answer_of_a_partner_that_comes_late_leaves_the_lead(world: Partners, is_late: bool) -> None:
    """What was read before stops it, also while the receipt for it is not signed yet."""
    said, third = world.concludes(), FIRST.model_copy(update={"pseudonym": "examiner-3"})
    with world.node(RS).store.write() as session:
        add_user(session, third.pseudonym, Role.EXAMINER)
    world.used_up()
    world.used_up(RS, third)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    world.judges(MK, APART)
    pair = world.pair("a", "b").model_dump(mode="json")
    verification = world.forges(
        RS, Verification, [MK], third, verifies=said, pair=world.pair("a", "b"), blind=True, result=SCREEN["result"]
    )
    if not is_late:
        world.network.work(MK)
        world.network.pull(RS, MK)
        assert world.kinds(RS, "verification", MK)
    lead = {"pair": pair, "stage": "lead", "basis": "screen", "conclusion": said, "verification": verification}
    if not is_late:
        with pytest.raises(Conflict) as refused:
            world.says(RS, FIRST, "hit", **lead)
        assert refused.value.code == NoEffect.DISAGREEMENT
        return
    world.says(RS, FIRST, "hit", **lead)
    world.network.settle()
    for node_id in (RS, MK):
        node = world.node(node_id)
        with node.store.read() as session:
            [link] = links_of(session, node, [pair_id(world.pair("a", "b"))])
        assert (link.progress.stage, len(link.progress.disagreements)) == (Stage.LEAD, 1), node_id


def test_the_partner_learns_two_records_and_nothing_of_the_conclusion(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    [request] = world.kinds(MK, "verification-request", RS)
    assert request.model_dump(exclude={"contract", "nonce", "issuer", "stated_at", "made_by", "type"}) == {
        "to": MK,
        "conclusion": said,
        "pair": world.pair("a", "b").model_dump(),
    }
    assert request.made_by.role is Role.NODE
    assert world.kinds(MK, "conclusion", RS) == []
    assert world.kinds(XK, "verification-request", RS) == []
    [task] = verifications_of(world.node(MK), "one", most_done=9).tasks
    assert {row.statement_id for row in task.records} == {world.records["a"], world.records["b"]}
    with world.node(MK).store.read() as session:
        assert hidden_pairs(session, Role.EXAMINER, "two").exhibits == frozenset(), "it hides nothing there"


def test_an_examiner_of_the_partner_who_was_shown_a_score_is_not_asked(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    world.used_up(MK, FIRST)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert world.tasks(MK, FIRST) == []
    [task] = world.tasks(MK, SECOND)
    take_verification(world.node(MK), "two", task)
    world.used_up(MK, SECOND)
    with pytest.raises(ExchangeError):
        judge_blind(world.node(MK), SECOND, task, ASSOCIATED, None)
    assert world.kinds(MK, "verification", MK) == []


def test_a_partner_without_a_blind_examiner_declines(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    world.used_up(MK)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    [declined] = world.kinds(RS, "verification-declined", MK)
    assert declined.to == RS
    assert world.tasks(MK) == world.tasks(MK, SECOND) == []
    assert offered_partners(world.node(RS), "one", said) == []


def test_what_was_asked_is_over_when_the_conclusion_is_taken_back(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.tasks(MK)) == 1
    world.says(RS, FIRST, "retraction", retracts=said, reason="The wrong scan.")
    world.network.settle()
    assert world.tasks(MK) == []


def test_a_verification_that_nobody_asked_for_verifies_nothing(world: Partners) -> None:
    """A peer that learned the conclusion's id somehow, and a node that signs for another."""
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    pair = world.pair("a", "b").model_dump(mode="json")
    with pytest.raises(NotFound):
        world.says(MK, FIRST, "verification", verifies=said, pair=pair, request="f" * 64, **SCREEN)
    [task] = world.tasks(MK)
    with world.node(MK).store.read() as session:
        request = session.get_one(VerificationTaskRow, task).request
    with pytest.raises(NotFound):
        world.says(MK, FIRST, "verification", verifies=said, pair=pair, request=request, **SCREEN)
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is None


def test_a_partner_takes_its_verification_back(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    [task] = world.tasks(MK)
    world.judges(MK)
    world.network.settle()
    take_judgement_back(world.node(MK), FIRST, task, "The wrong scan.")
    world.network.settle()
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert (review.verified, review.verification_taken_back) == (None, True)


def test_a_partner_is_sent_controls_that_look_alike(world: Partners) -> None:
    settings = world.node(RS).settings.model_copy(update={"control_share": 1.0})
    world.network.nodes[RS] = replace(world.node(RS), settings=settings)
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    draw_control_here_or_at_partner(world.node(RS), 7)
    draw_control_here_or_at_partner(world.node(RS), 7)  # by a worker that ended before it wrote down that it was done
    world.network.settle()
    lead, control = world.kinds(MK, "verification-request", RS)
    assert [len(one.conclusion) for one in (lead, control)] == [64, 64]
    assert (lead.made_by, lead.to) == (control.made_by, control.to)
    assert control.pair != lead.pair
    assert len(world.tasks(MK)) == 2
    with world.node(MK).store.read() as session:
        rows = session.scalars(select(VerificationTaskRow)).all()
        forms = {(row.basis, row.asked_by, row.concluded_by, row.not_for) for row in rows}
    assert len(forms) == 1, "nothing at the partner tells which is which"
    for task in world.tasks(MK):
        take_verification(world.node(MK), "one", task)
        judge_blind(world.node(MK), FIRST, task, APART, None)
    world.network.settle()
    answers = world.kinds(RS, "verification", MK)
    assert all(isinstance(one, Verification) for one in answers)
    assert len(answers) == 2
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is not None


def test_a_node_that_asks_without_end_is_declined(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    with world.node(MK).store.write() as session:
        for number in range(MOST_OF_ONE):
            row = VerificationTaskRow(
                task_id=f"{number:032x}",
                conclusion=None,
                concluded_by=None,
                not_for=None,
                basis="screen",
                scan_low="a",
                scan_high="b",
                exhibit_low="a",
                exhibit_high="b",
                statement_a="a",
                statement_b="b",
                pair="",
                created_at="2026-01-01T00:00:00.000Z",
                due_at="2026-01-01T00:00:00.000Z",
                request=f"{number:064x}",
                asked_by=RS,
            )
            session.add(row)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.kinds(RS, "verification-declined", MK)) == 1
    tell_declined(world.node(MK))
    world.network.settle()
    assert len(world.kinds(RS, "verification-declined", MK)) == 1, "once"


def test_an_exhibit_that_waits_at_the_partner_too_is_judged_for_itself_first(world: Partners) -> None:
    """Else two tasks on one pair would tell that neither is a control."""
    said = world.concludes()
    world.used_up()
    pair = world.pair("a", "b").model_dump(mode="json")
    world.says(MK, FIRST, "conclusion", pair=pair, **SCREEN)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.tasks(MK, SECOND)) == 1
    world.judges(MK, who=SECOND)
    with world.node(MK).store.write() as session:
        mark_exhibits(session, "one", [])
    assert len(world.tasks(MK, SECOND)) == 1, "then the other node's"


def test_an_examiner_answers_one_request_about_two_exhibits(world: Partners) -> None:
    """A node whose conclusion was not agreed with asks the same node again."""
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    world.judges(MK, APART)
    world.network.settle()
    world.says(RS, FIRST, "retraction", retracts=said, reason="Another look.")
    ask_partner(world.node(RS), "one", world.concludes(), MK)
    world.network.settle()
    assert world.tasks(MK, FIRST) == []
    assert len(world.tasks(MK, SECOND)) == 1
