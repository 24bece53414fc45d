"""From a lead to a hit that both sides confirmed, with an exhibit that travels, on real nodes: what each may sign, what
it is told instead, and what a peer that checks nothing cannot bring about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Conflict, Forbidden, InvalidInput
from exchange.flows.alerts.alerts import alerts_for
from exchange.flows.alerts.deadlines import Duty, all_duties
from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits.history import Link, find_link
from exchange.flows.hits.pairs import note_said, settle_pairs
from exchange.flows.hits.stage import Stage
from exchange.flows.hits.vocabulary import CustodyDiscrepancy, NoEffect, Todo, Unexplained, Whereabouts
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.review.custody_steps import signable_steps
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.access.user_rows import add_user
from exchange.store.sync.peers import put_on_lane
from schemas import CustodyExplanation, Hit, Pair, PhysicalComparison
from schemas.vocabulary import Answer, Basis, ComparisonStep, HitStage, Jurisdiction, Role
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import (
    FIRST,
    HEAD,
    INVESTIGATOR,
    SECOND,
    exhibits,
    lead,
    said_by,
    says,
    today,
)
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.results import EXHIBITS

pytestmark = pytest.mark.slow

TOMORROW = str(date.fromisoformat(today()) + timedelta(days=1))
YESTERDAY = str(date.fromisoformat(today()) - timedelta(days=1))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


@pytest.fixture
def hit(network: Network, pair: dict[str, Any]) -> str:
    """A lead of Serbia's, of which North Macedonia asked for a comparison and Serbia agreed to today."""
    with network.nodes[RS].store.write() as session:
        add_user(session, INVESTIGATOR.pseudonym, Role.INVESTIGATOR)
    _, _, found = lead(network, pair)
    network.settle()
    for node, who, step in ((MK, INVESTIGATOR, "asked"), (RS, HEAD, "agreed")):
        says(network, node, who, "physical-comparison", hit=found.statement_id, step=step, on=today())
        network.settle()
    return found.statement_id


def record(pair: dict[str, Any], owner: str = RS) -> str:
    return str(next(side["record"] for side in pair.values() if side["issuer"] == owner))


def moves(network: Network, node: str, hit: str, step: str, pair: dict[str, Any], **fields: Any) -> str:
    given = {"on": today(), "record": record(pair), "seal": "RS-1"}
    given |= {"place": "Skopje", "seal_whole": "yes"} if step == "received" else {}
    said = says(network, node, INVESTIGATOR, "physical-comparison", hit=hit, step=step, **given | fields)
    network.settle()
    return said.statement_id


def link(network: Network, node: str, hit: str) -> Link:
    with network.nodes[node].store.read() as session:
        return find_link(session, network.nodes[node], hit, Hidden())


def duties(network: Network, node: str) -> set[Duty]:
    with network.nodes[node].store.read() as session:
        return {due.duty for due in all_duties(session, network.nodes[node])}


def test_from_a_lead_to_a_hit_that_both_confirmed_and_the_exhibit_home_again(
    network: Network, pair: dict[str, Any], hit: str
) -> None:
    sent = moves(network, RS, hit, "sent", pair)
    assert said_by(network, MK, sent).answers == _agreed(network, hit)
    assert [link(network, node, hit).progress.waits_for for node in (RS, MK)] == [(MK,)] * 2
    received = moves(network, MK, hit, "received", pair, seal="RS-2")
    assert said_by(network, RS, received).answers == sent
    (custody,) = link(network, RS, hit).progress.custody
    assert (custody.where, custody.at) == (Whereabouts.THERE, MK)
    assert custody.discrepancies == {received: (CustodyDiscrepancy.SEAL_DIFFERS,)}
    assert duties(network, RS) == {Duty.EXPLAIN}

    confirmed = {"pair": pair, "stage": "confirmed", "basis": "exhibits"}
    identified = exhibits(network, pair, "identification")
    with pytest.raises(Conflict) as refused:
        says(network, MK, FIRST, "hit", **confirmed, **identified)
    assert refused.value.code == NoEffect.CUSTODY_UNEXPLAINED
    explanation = {"hit": hit, "explains": received, "explanation": "Customs opened the parcel and sealed it anew."}
    for node, who, kind, code in (
        (RS, INVESTIGATOR, Forbidden, "forbidden"),
        (MK, HEAD, Conflict, NoEffect.NOT_THE_OWNER),
    ):
        with pytest.raises(kind) as refused:
            says(network, node, who, "custody-explanation", **explanation)
        assert refused.value.code == code
    explained = says(network, RS, HEAD, "custody-explanation", **explanation).statement_id
    network.settle()
    with pytest.raises(Conflict) as refused:
        says(network, RS, HEAD, "custody-explanation", **explanation)
    assert refused.value.code == NoEffect.EXPLAINED_BEFORE
    for node in (RS, MK):
        found = link(network, node, hit).progress
        assert (found.unexplained, found.custody[0].explanations) == ((), {received: explained})
        assert [(task.todo, task.node) for task in found.tasks] == [(Todo.CONCLUDE, MK)]
    theirs = says(network, MK, FIRST, "hit", **confirmed, **identified)
    network.settle()
    assert said_by(network, RS, theirs.statement_id).answers == received
    found = link(network, RS, hit).progress
    assert (found.stage, found.met, found.signed_by, found.unsigned) == (Stage.CONFIRMED, True, (MK,), (RS,))
    assert duties(network, RS) == {Duty.FEEDBACK}, "a comparison of its own is optional"
    assert duties(network, MK) == {Duty.RETURN, Duty.FEEDBACK}
    with network.nodes[RS].store.read() as session:
        told = alerts_for(session, network.nodes[RS], Role.INVESTIGATOR, INVESTIGATOR.pseudonym).lines
    assert {line.step for line in told} >= {ComparisonStep.RECEIVED}

    drawn = {"pair": pair, **EXHIBITS}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    second = says(network, RS, SECOND, "verification", verifies=first.statement_id, **drawn)
    rests_on = {"conclusion": first.statement_id, "verification": second.statement_id}
    says(network, RS, FIRST, "hit", **confirmed, **rests_on)
    for node in (RS, MK):
        says(network, node, INVESTIGATOR, "feedback", hit=hit, outcome="cases_joined")
    network.settle()
    for node in (RS, MK):
        found = link(network, node, hit).progress
        assert (set(found.signed_by), found.unsigned) == ({RS, MK}, ())
        assert [(task.todo, task.node) for task in found.tasks] == [(Todo.RETURN, MK)], "feedback is over before"
        assert found.due_at is not None

    returned = moves(network, MK, hit, "returned", pair, seal="MK-1")
    assert duties(network, RS) == {Duty.RECEIVE}
    back = moves(network, RS, hit, "received", pair, seal="MK-1", place="Beograd")
    for node in (RS, MK):
        found = link(network, node, hit).progress
        assert (found.custody[0].where, found.custody[0].steps) == (Whereabouts.HOME, (sent, received, returned, back))
        assert (found.tasks, found.waits_for, found.due_at) == ((), (), None)
        assert (found.stage, found.no_effect) == (Stage.CONFIRMED, {})


def _agreed(network: Network, hit: str) -> str:
    steps = [entry for entry in link(network, RS, hit).history if getattr(entry.statement, "step", "") == "agreed"]
    return steps[0].statement_id


def test_what_a_peer_explains_against_the_rules_has_no_effect(network: Network, pair: dict[str, Any], hit: str) -> None:
    """North Macedonia's node checks nothing: it confirms under a broken seal, and explains the exhibit of Serbia."""
    moves(network, RS, hit, "sent", pair)
    received = moves(network, MK, hit, "received", pair, seal="RS-2", seal_whole="no")
    mk = network.nodes[MK]
    rests_on = exhibits(network, pair, "identification")
    fields = {"pair": Pair.model_validate(pair), "stage": HitStage.CONFIRMED, "basis": Basis.EXHIBITS}
    confirmed = say(mk, Hit, FIRST, **fields, answers=received, **rests_on)
    stated = {"hit": hit, "explains": received, "explanation": "It was like that."}
    theirs = say(mk, CustodyExplanation, HEAD, **stated)
    with mk.store.write() as session:
        for name in rests_on.values():
            put_on_lane(session, RS, name)
        for said in (confirmed, theirs):
            enter(session, said, to=[RS])
            note_said(session, said.statement_id, said.statement)
    settle_pairs(mk)
    sign_head(mk)
    network.settle()
    for node in (RS, MK):
        found = link(network, node, hit).progress
        assert (found.stage, found.unexplained) == (Stage.COMPARISON_AGREED, (Unexplained(RS, received),))
        assert found.no_effect == {
            confirmed.statement_id: NoEffect.CUSTODY_UNEXPLAINED,
            theirs.statement_id: NoEffect.NOT_THE_OWNER,
        }
    says(network, RS, HEAD, "custody-explanation", **stated)
    network.settle()
    assert {link(network, node, hit).progress.stage for node in (RS, MK)} == {Stage.CONFIRMED}


def test_each_step_out_of_order_is_refused_with_the_step_that_comes_next(
    network: Network, pair: dict[str, Any], hit: str
) -> None:
    own = record(pair, MK)
    with pytest.raises(Conflict, match="Nobody signed that this exhibit was sent here"):
        moves(network, MK, hit, "received", pair)
    with pytest.raises(Conflict, match="Only the owner of an exhibit signs that it was sent"):
        moves(network, MK, hit, "sent", pair)
    with pytest.raises(InvalidInput, match="neither one of this pair"):
        moves(network, RS, hit, "sent", pair, record="f" * 64)
    with pytest.raises(Conflict, match="has not come"):
        moves(network, RS, hit, "sent", pair, on=TOMORROW)
    moves(network, RS, hit, "sent", pair)
    with pytest.raises(Conflict, match="is not home again"):
        moves(network, RS, hit, "sent", pair)
    with pytest.raises(Conflict, match="does not sign that it arrived"):
        moves(network, RS, hit, "received", pair)
    with pytest.raises(Conflict, match="Nobody signed that this exhibit was received"):
        moves(network, MK, hit, "returned", pair)
    with pytest.raises(Conflict, match="before the day of the step"):
        moves(network, MK, hit, "received", pair, on=YESTERDAY)
    found = exhibits(network, pair, "inconclusive_b")
    with pytest.raises(Conflict, match="An exhibit travels for this comparison"):
        says(network, MK, FIRST, "physical-comparison", hit=hit, step="done", **found)
    moves(network, MK, hit, "received", pair)
    with pytest.raises(Conflict, match="was signed already"):
        moves(network, MK, hit, "received", pair)
    with pytest.raises(Conflict, match="Only the side that received an exhibit"):
        moves(network, RS, hit, "returned", pair)
    with pytest.raises(Conflict, match="before the one that travels was received"):
        says(network, MK, FIRST, "physical-comparison", hit=hit, step="done", **found)
    assert link(network, MK, hit).progress.custody[0].where is Whereabouts.THERE
    assert own not in {one.record for one in link(network, MK, hit).progress.custody}


def offered(network: Network, node: str, hit: str) -> list[tuple[str, str, bool]]:
    """What a page offers to sign: the step, whose exhibit, and whether the hit waits for it."""
    found = signable_steps(network.nodes[node], INVESTIGATOR, link(network, node, hit))
    owners = {side.record: side.issuer for side in (link(network, node, hit).pair.a, link(network, node, hit).pair.b)}
    return [(str(one.step), owners[one.record], one.is_next) for one in found if one.refused is None]


def test_what_may_be_signed_is_offered_also_of_the_second_exhibit(
    network: Network, pair: dict[str, Any], hit: str
) -> None:
    assert offered(network, RS, hit) == [("sent", RS, True)]
    assert offered(network, MK, hit) == [("sent", MK, True)]
    moves(network, RS, hit, "sent", pair)
    assert offered(network, RS, hit) == []
    assert offered(network, MK, hit) == [("received", RS, True), ("sent", MK, False)]
    moves(network, MK, hit, "sent", pair, record=record(pair, MK))
    assert offered(network, MK, hit) == [("received", RS, True)]
    assert offered(network, RS, hit) == [("received", MK, True)]
    moves(network, MK, hit, "received", pair)
    moves(network, RS, hit, "received", pair, record=record(pair, MK))
    assert offered(network, RS, hit) == [("returned", MK, False)], "it may go home before anybody concluded"
    moves(network, RS, hit, "returned", pair, record=record(pair, MK))
    moves(network, MK, hit, "received", pair, record=record(pair, MK))
    assert ("sent", MK, False) in offered(network, MK, hit), "and leave anew"
    confirmed = {"pair": pair, "stage": "confirmed", "basis": "exhibits"}
    says(network, MK, FIRST, "hit", **confirmed, **exhibits(network, pair, "identification"))
    network.settle()
    assert offered(network, MK, hit) == [("returned", RS, True), ("sent", MK, False)], "Serbia has not confirmed yet"


def _unchecked(node: Node, step: ComparisonStep, hit: str, answers: str, pair: dict[str, Any], **fields: Any) -> str:
    """Signed and sent by a node that checks nothing."""
    received = step is ComparisonStep.RECEIVED
    given: dict[str, Any] = {"record": record(pair), "seal": "X", "on": date.fromisoformat(today()), "answers": answers}
    given |= {"place": "Nowhere", "seal_whole": Answer.YES} if received else {}
    said = say(node, PhysicalComparison, INVESTIGATOR, hit=hit, step=step, **given | fields)
    with node.store.write() as session:
        enter(session, said, to=[MK if node.node_id == RS else RS])
        note_said(session, said.statement_id, said.statement)
    settle_pairs(node)
    sign_head(node)
    return said.statement_id


def test_a_peer_that_checks_nothing_moves_no_exhibit_by_its_own_word(
    network: Network, pair: dict[str, Any], hit: str
) -> None:
    rs, mk, agreed = network.nodes[RS], network.nodes[MK], _agreed(network, hit)
    sent = _unchecked(rs, ComparisonStep.SENT, hit, agreed, pair)
    own = _unchecked(rs, ComparisonStep.RECEIVED, hit, sent, pair)
    back = _unchecked(rs, ComparisonStep.RETURNED, hit, own, pair)
    alien = _unchecked(mk, ComparisonStep.SENT, hit, agreed, pair, record="f" * 64)
    theirs = _unchecked(mk, ComparisonStep.SENT, hit, agreed, pair)
    network.settle()
    for node in (RS, MK):
        found = link(network, node, hit).progress
        assert found.no_effect == {
            own: NoEffect.OWN_SENDING,
            back: NoEffect.NOT_ITS_HOLDER,
            alien: NoEffect.NOT_OF_THE_PAIR,
            theirs: NoEffect.OTHERS_EXHIBIT,
        }
        assert found.custody[0].steps == (sent,)
        assert found.stage is Stage.COMPARISON_AGREED
