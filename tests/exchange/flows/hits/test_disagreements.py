"""A side does not conclude anew until a verifier agrees: who found otherwise takes it back, or the head does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Conflict
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.stage import Stage
from exchange.flows.hits.vocabulary import NoEffect
from exchange.store.access.users import add_user
from schemas import Maker, Pair
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.hits.hit_histories import PAIR, History
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, HEAD, SECOND, knows, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.examples import OTHER
from tests.schemas.results import INCONCLUSIVE, NOT_ASSOCIATED, SCREEN

THIRD = Maker(pseudonym="examiner-3", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)


def disputed() -> tuple[History, dict[str, str]]:
    made = History()
    return made, made.bases(first="possible_association", second="no_association_indicated")


def test_a_verifier_who_agrees_later_makes_no_lead() -> None:
    made, _ = disputed()
    hit = made.lead(verifier="examiner-3")
    found = weigh(PAIR, made.said)
    assert (found.stage, found.no_effect[hit]) == (Stage.NO_EFFECT, NoEffect.DISAGREEMENT)


def test_taking_the_own_conclusion_back_settles_nothing() -> None:
    made, apart = disputed()
    made.retract(apart["conclusion"])
    hit = made.lead(verifier="examiner-3")
    assert weigh(PAIR, made.said).no_effect[hit] is NoEffect.DISAGREEMENT


@pytest.mark.parametrize(
    ("who", "role", "settles"),
    [("examiner-2", "examiner", True), ("head-1", "head", True), ("examiner-1", "examiner", False)],
)
def test_whose_retraction_settles_it(who: str, role: str, settles: bool) -> None:
    made, apart = disputed()
    made.say("retraction", who=who, role=role, retracts=apart["verification"], reason="They conferred.")
    made.lead(verifier="examiner-3")
    assert (weigh(PAIR, made.said).stage is Stage.LEAD) is settles


def test_a_disagreement_of_later_undoes_no_lead() -> None:
    made = History()
    made.lead()
    made.bases(first="possible_association", second="no_association_indicated", verifier="examiner-3")
    assert weigh(PAIR, made.said).stage is Stage.LEAD


def test_a_disagreement_of_the_other_side_stops_nobody() -> None:
    made = History()
    made.bases(OTHER, first="possible_association", second="no_association_indicated")
    made.lead()
    assert weigh(PAIR, made.said).stage is Stage.LEAD


@pytest.mark.parametrize("conclusion", ["identification", "elimination"])
def test_on_the_exhibits_the_outcome_stays_inconclusive(conclusion: str) -> None:
    made = History()
    lead = made.lead()
    agreed = made.agreed(lead)
    *_, received = made.trip(lead, agreed)
    apart = made.bases(OTHER, first=conclusion, second="inconclusive_a", basis="exhibits")
    made.step("done", lead, OTHER, received, **apart)
    if conclusion == "identification":
        later = made.confirm(OTHER, received, verifier="examiner-3")
    else:
        later = made.done(lead, OTHER, received, first=conclusion, verifier="examiner-3")
    found = weigh(PAIR, made.said)
    assert (found.stage, found.no_effect[later]) == (Stage.INCONCLUSIVE, NoEffect.DISAGREEMENT)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        for node in made.nodes.values():
            with node.store.write() as session:
                for who in (FIRST, SECOND, THIRD, HEAD):
                    add_user(session, who.pseudonym, who.role)
        yield made


def stage(network: Network, node: str, pair: dict[str, Any]) -> Stage:
    with network.nodes[node].store.read() as session:
        (link,) = links_of(session, network.nodes[node], [pair_id(Pair.model_validate(pair))])
    return link.progress.stage


def test_verifying_a_conclusion_that_was_taken_back_undoes_no_later_lead(
    network: Network, pair: dict[str, Any]
) -> None:
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    says(network, RS, FIRST, "retraction", retracts=first, reason="Concluded anew.")
    second = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    verified = says(network, RS, SECOND, "verification", verifies=second, pair=pair, **SCREEN).statement_id
    lead = {"pair": pair, "stage": "lead", "basis": "screen", "conclusion": second, "verification": verified}
    says(network, RS, FIRST, "hit", **lead)
    says(network, RS, THIRD, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED)
    network.settle()
    assert {stage(network, node, pair) for node in (RS, MK)} == {Stage.LEAD}


def test_both_nodes_read_the_disagreement_and_find_the_same(network: Network, pair: dict[str, Any]) -> None:
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    otherwise = says(network, RS, SECOND, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED).statement_id
    back = says(network, RS, FIRST, "retraction", retracts=first, reason="To conclude anew.").statement_id
    anew = says(network, RS, FIRST, "conclusion", pair=pair, **INCONCLUSIVE).statement_id
    agrees = says(network, RS, THIRD, "verification", verifies=anew, pair=pair, **INCONCLUSIVE).statement_id
    lead = {"pair": pair, "stage": "lead", "basis": "screen", "conclusion": anew, "verification": agrees}
    with pytest.raises(Conflict) as refused:
        says(network, RS, FIRST, "hit", **lead)
    assert refused.value.code == NoEffect.DISAGREEMENT
    settled = says(network, RS, HEAD, "retraction", retracts=otherwise, reason="They conferred.").statement_id
    network.settle()
    assert not any(knows(network, MK, name) for name in (first, otherwise, back, settled))
    says(network, RS, FIRST, "hit", **lead)
    network.settle()
    assert all(knows(network, MK, name) for name in (first, otherwise, back, settled, anew, agrees))
    assert {stage(network, node, pair) for node in (RS, MK)} == {Stage.LEAD}
