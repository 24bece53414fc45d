"""What a hostile partner signs verifies nothing, and what a hostile node asks of a partner gives it nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Conflict, NotFound
from exchange.flows.blind.send import EVERYBODYS
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.stage import Stage
from exchange.flows.review.partners import ask_partner, offered_partners, take_back_request, tell_declined
from exchange.flows.review.reviews import read_reviews
from exchange.flows.terms.terms import state_policy
from exchange.store.review.candidate_rows import unsent_candidates
from exchange.store.review.review_rows import task_of, task_of_request
from exchange.store.sync.peers import quarantined, told_set_aside
from schemas import Conclusion, Hit, Pair, Retraction, Verification, VerificationDeclined, VerificationRequest
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, SECOND
from tests.exchange.flows.network import MK, RS, XK
from tests.exchange.flows.review.partner_world import Partners, basis_for, made_partners
from tests.schemas.results import NOT_ASSOCIATED, SCREEN

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    return made_partners(tmp_path_factory.mktemp("partners"))


@pytest.fixture
def world(made: Partners, tmp_path: Path) -> Iterator[Partners]:
    with closing(made.network.copied(tmp_path / "copy")) as network:
        yield Partners(network, made.records)


def asked(world: Partners, partner: str = MK) -> tuple[str, str]:
    """A conclusion of Serbia's, and the request to a partner to verify it."""
    said = world.concludes()
    world.used_up()
    request = ask_partner(world.node(RS), "one", said, partner)
    world.network.settle()
    return said, request


def answer(world: Partners, node_id: str, said: str, request: str | None, **fields: Any) -> str:
    """A verification that a node signs past every check of its own, and sends to the node that concluded."""
    given = {"pair": world.pair("a", "b"), "blind": True, **SCREEN} | fields
    found = world.forges(node_id, Verification, [RS], FIRST, verifies=said, request=request, **given)
    world.network.settle()
    return found


def stages(world: Partners) -> set[Stage]:
    """Of the hit on the pair, at both nodes."""
    found = set()
    for node in (world.node(RS), world.node(MK)):
        with node.store.read() as session:
            [link] = links_of(session, node, [pair_id(world.pair("a", "b"))])
        found.add(link.progress.stage)
    return found


@pytest.mark.parametrize("is_asked_anew", [False, True])
def test_a_partners_second_answer_undoes_no_lead(world: Partners, is_asked_anew: bool) -> None:
    said, request = asked(world)
    latest = request
    if is_asked_anew:
        take_back_request(world.node(RS), "one", said)
        latest = ask_partner(world.node(RS), "one", said, MK)
        world.network.settle()
    signs_lead(world, said, answer(world, MK, said, latest))
    world.network.settle()
    answer(world, MK, said, request, **NOT_ASSOCIATED)
    assert stages(world) == {Stage.LEAD}


def counts(world: Partners, said: str, verification: str) -> bool:
    """Whether a verification counts at the node that concluded; nothing else says so either."""
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    counted = review.verified is not None and review.verified.statement_id == verification
    with world.node(RS).store.read() as session:
        task = task_of(session, said)
    assert task is not None
    if review.verified is None:
        assert task.done_at is None
    if not counted:
        with pytest.raises((Conflict, NotFound)):
            signs_lead(world, said, verification)
    return counted


def signs_lead(world: Partners, said: str, verification: str) -> None:
    pair = world.pair("a", "b").model_dump(mode="json")
    rests_on = {"conclusion": said, "verification": verification}
    world.says(RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)


def test_an_answer_of_the_partner_that_was_asked_counts(world: Partners) -> None:
    said, request = asked(world)
    assert counts(world, said, answer(world, MK, said, request))


@pytest.mark.parametrize("case", ["no request", "another node's request", "a request that is none", "another pair"])
def test_an_answer_to_what_was_not_asked_verifies_nothing(world: Partners, case: str) -> None:
    said, request = asked(world)
    match case:
        case "no request":
            forged = answer(world, MK, said, None)
        case "another node's request":
            forged = answer(world, XK, said, request)
        case "a request that is none":
            forged = answer(world, MK, said, said)
        case _:
            forged = answer(world, MK, said, request, pair=world.pair("c", "b"))
    assert not counts(world, said, forged)
    assert counts(world, said, answer(world, MK, said, request)), "the partner that was asked can still answer"


def test_a_request_that_a_peer_signs_in_its_own_name_lets_nobody_verify(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    request = world.forges(XK, VerificationRequest, [RS, MK], to=MK, conclusion=said, pair=world.pair("a", "b"))
    assert not counts(world, said, answer(world, MK, said, request))


def test_an_answer_after_the_partner_declined_verifies_nothing(world: Partners) -> None:
    said, request = asked(world)
    world.forges(MK, VerificationDeclined, [RS], to=RS, request=request, because="Nobody is left.")
    world.network.settle()
    assert MK not in offered_partners(world.node(RS), "one", said)
    assert not counts(world, said, answer(world, MK, said, request))


def test_a_partner_that_declines_after_it_answered_undoes_nothing(world: Partners) -> None:
    said, request = asked(world)
    first = answer(world, MK, said, request)
    world.forges(MK, VerificationDeclined, [RS], to=RS, request=request, because="Nobody is left.")
    world.network.settle()
    assert counts(world, said, first)


def test_the_first_answer_counts_and_no_second(world: Partners) -> None:
    said, request = asked(world)
    first = answer(world, MK, said, request, **NOT_ASSOCIATED)
    second = answer(world, MK, said, request)
    assert counts(world, said, first)
    assert not counts(world, said, second)


def test_an_answer_to_another_request_is_not_used_again(world: Partners) -> None:
    """The conclusion was taken back, and made anew."""
    said, request = asked(world)
    world.says(RS, FIRST, "retraction", retracts=said, reason="The wrong scan.")
    anew = world.concludes()
    again = ask_partner(world.node(RS), "one", anew, MK)
    world.network.settle()
    for verifies, names in ((said, request), (said, again), (anew, request)):
        forged = answer(world, MK, verifies, names)
        [review] = [
            one for one in read_reviews(world.node(RS), world.pair("a", "b"), "one") if one.statement_id == anew
        ]
        assert review.verified is None, forged


def test_a_request_may_be_taken_back_and_a_late_answer_does_not_count(world: Partners) -> None:
    said, request = asked(world)
    with pytest.raises(NotFound):
        take_back_request(world.node(RS), "two", said)
    take_back_request(world.node(RS), "one", said)
    assert not counts(world, said, answer(world, MK, said, request))
    assert world.tasks(MK) == []
    assert offered_partners(world.node(RS), "one", said) == [MK], "it may be asked anew"
    anew = ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert counts(world, said, answer(world, MK, said, anew))
    with pytest.raises(NotFound):
        take_back_request(world.node(RS), "one", said)


def test_a_partner_whose_last_examiner_was_shown_a_score_declines_then(world: Partners) -> None:
    said, _ = asked(world, MK)
    world.used_up(MK, FIRST)
    tell_declined(world.node(MK))
    assert world.kinds(MK, "verification-declined", MK) == [], "an examiner is left"
    world.used_up(MK, SECOND)
    tell_declined(world.node(MK))
    world.network.settle()
    assert offered_partners(world.node(RS), "one", said) == []


def test_a_node_may_not_ask_of_a_record_that_it_may_not_have(world: Partners) -> None:
    """North Macedonia shares nothing with Serbia any more: its examiners judge nothing of its record for Serbia."""
    said = world.concludes()
    world.used_up()
    state_policy(world.node(MK), HEAD, (), (basis_for(Jurisdiction.XK),))
    request = world.forges(RS, VerificationRequest, [MK], to=MK, conclusion=said, pair=world.pair("a", "b"))
    world.network.settle()
    assert world.tasks(MK) == world.tasks(MK, SECOND) == []
    [declined] = world.kinds(MK, "verification-declined", MK)
    assert declined.request == request


def test_a_request_that_names_another_exhibit_is_declined_as_one_of_a_record_that_is_not_here(world: Partners) -> None:
    said, pair = world.concludes(), world.pair("a", "b").model_dump(mode="json")
    world.used_up()
    theirs = next(side for side in ("a", "b") if pair[side]["issuer"] == MK)
    requests = []
    for changed in ({"first_version": "7" * 64}, {"record": ("0" if theirs == "a" else "f") * 64}):
        named = Pair.model_validate(pair | {theirs: pair[theirs] | changed})
        requests.append(world.forges(RS, VerificationRequest, [MK], to=MK, conclusion=said, pair=named))
        world.network.settle()
    assert world.tasks(MK) == []
    declined = world.kinds(MK, "verification-declined", MK)
    assert [(one.request, one.because) for one in declined] == [(name, declined[0].because) for name in requests]


@pytest.mark.parametrize("owner", [MK, XK])
def test_a_node_asks_of_no_pair_of_others_and_of_no_conclusion_of_others(world: Partners, owner: str) -> None:
    """A node that owns neither record, and one that names a conclusion of the node that it asks."""
    own = world.says(MK, FIRST, "conclusion", pair=world.pair("a", "b").model_dump(mode="json"), **SCREEN)
    asker = XK if owner == MK else RS
    request = world.forges(
        asker, VerificationRequest, [MK], to=MK, conclusion=own.statement_id, pair=world.pair("a", "b")
    )
    world.network.settle()
    with world.node(MK).store.read() as session:
        task = task_of_request(session, request)
    assert task is None or task.done_at is not None
    assert len(world.tasks(MK, SECOND)) == 1, "its own"


def test_a_retraction_by_another_node_ends_no_request(world: Partners) -> None:
    said, request = asked(world)
    world.forges(XK, Retraction, [RS, MK], retracts=request, reason="It is over.")
    world.network.settle()
    assert len(world.tasks(MK)) == 1
    assert counts(world, said, answer(world, MK, said, request))


def test_a_partner_verifies_no_conclusion_of_its_own(world: Partners) -> None:
    """A side names itself as the partner, with a conclusion and a verification of one examiner."""
    pair: Pair = world.pair("a", "b")
    said = world.forges(MK, Conclusion, [RS], FIRST, pair=pair, **SCREEN)
    request = world.forges(MK, VerificationRequest, [RS], to=MK, conclusion=said, pair=pair)
    verified = world.forges(
        MK, Verification, [RS], FIRST, verifies=said, request=request, pair=pair, blind=True, **SCREEN
    )
    rests_on = {"conclusion": said, "verification": verified}
    world.forges(MK, Hit, [RS], FIRST, pair=pair, stage="lead", basis="screen", **rests_on)
    world.network.settle()
    with world.node(RS).store.read() as session:
        [link] = links_of(session, world.node(RS), [pair_id(pair)])
    assert link.progress.stage is not Stage.LEAD


def test_a_retraction_that_a_peer_signs_keeps_nobody_from_retracting(world: Partners) -> None:
    said = world.concludes()
    world.forges(MK, Retraction, [RS], retracts=said, reason="It is over.")
    world.network.settle()
    world.says(RS, FIRST, "retraction", retracts=said, reason="The wrong scan.")
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.retracted


def test_a_third_node_blocks_no_request_by_its_conclusion(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    world.forges(XK, VerificationRequest, [MK], to=MK, conclusion=said, pair=world.pair("c", "d"))
    world.network.settle()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.tasks(MK)) == 1


def test_what_other_nodes_ask_takes_no_pair_from_the_controls(world: Partners) -> None:
    def controls() -> int:
        with world.node(RS).store.read() as session:
            return len(unsent_candidates(session, EVERYBODYS, RS))

    before = controls()
    world.forges(MK, VerificationRequest, [RS], to=RS, conclusion="e" * 64, pair=world.pair("a", "b"))
    world.network.settle()
    assert before == controls() > 0


@pytest.mark.parametrize("is_control", [True, False])
def test_a_partner_does_not_learn_from_a_forged_answer_whether_it_was_sent_a_control(
    world: Partners, is_control: bool
) -> None:
    said, _ = asked(world)
    with world.node(MK).store.read() as session:
        before = told_set_aside(session, RS)
    answer(world, MK, "e" * 64 if is_control else said, "f" * 64)
    with world.node(RS).store.read() as session:
        assert told_set_aside(session, MK) == before == 0
        assert quarantined(session, MK) == 1
