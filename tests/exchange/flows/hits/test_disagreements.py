"""A side does not conclude anew until a verifier agrees: who found otherwise takes it back, or the head does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Conflict
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.stage import Stage
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.terms.withdraw import withdraw
from exchange.store.access.user_rows import add_user
from exchange.store.hits.joined_pairs import stored_stage
from schemas import Maker, Pair
from schemas.vocabulary import Jurisdiction, Role, SignedInBy, WithdrawalReason
from tests.exchange.flows.hits.hit_histories import PAIR, History
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, HEAD, SECOND, knows, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.examples import ISSUER, OTHER, exhibit_fields
from tests.schemas.results import INCONCLUSIVE, NOT_ASSOCIATED, SCREEN
from tests.schemas.statement_examples import pair_fields

THIRD = Maker(pseudonym="examiner-3", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)


def lead_of_two(network: Network, pair: dict[str, Any], verifier: Maker, result: dict[str, Any]) -> dict[str, Any]:
    """A conclusion of the first examiner of Serbia, verified with the same result, and the lead that rests on both."""
    concluded = says(network, RS, FIRST, "conclusion", pair=pair, **result).statement_id
    verified = says(network, RS, verifier, "verification", verifies=concluded, pair=pair, **result).statement_id
    return {"pair": pair, "stage": "lead", "basis": "screen", "conclusion": concluded, "verification": verified}


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


def test_a_disagreement_on_other_scans_of_the_exhibits_stops_a_lead() -> None:
    made = History()
    apart = made.disagreed_on_other_scans()
    hit = made.lead(verifier="examiner-3")
    assert weigh(PAIR, made.said).no_effect[hit] is NoEffect.DISAGREEMENT
    made.say("retraction", who="head-1", role="head", retracts=apart["verification"], reason="They conferred.")
    assert weigh(PAIR, made.said).stage is Stage.LEAD


@pytest.mark.parametrize(("since", "stands"), [(1, False), (9, True)])
def test_a_number_that_is_entered_after_a_lead_undoes_nothing(since: int, stands: bool) -> None:
    made = History()
    made.disagreed_on_other_scans(since=since)
    made.lead(verifier="examiner-3")
    assert (weigh(PAIR, made.said).stage is Stage.LEAD) is stands


@pytest.mark.parametrize("basis", ["screen", "exhibits"])
def test_no_lead_between_two_sides_passes_a_disagreement_on_either_basis(basis: str) -> None:
    made = History()
    made.disagreed_on_other_scans("exhibits" if basis == "screen" else "screen")
    bases = made.bases(basis=basis, verifier="examiner-3")
    hit = made.say("hit", pair=made.pair, stage="lead", basis=basis, **bases)
    assert weigh(PAIR, made.said).no_effect[hit] is NoEffect.DISAGREEMENT


@pytest.mark.parametrize(("basis", "passes"), [("screen", True), ("exhibits", False)])
def test_exhibits_of_one_side_under_the_microscope_pass_a_disagreement_on_the_screen(basis: str, passes: bool) -> None:
    made = History(pair={side: {**fields, "issuer": ISSUER} for side, fields in pair_fields().items()})
    made.disagreed_on_other_scans(basis)
    bases = made.bases(basis="exhibits", verifier="examiner-3")
    made.say("hit", pair=made.pair, stage="lead", basis="exhibits", **bases)
    assert (weigh(Pair.model_validate(made.pair), made.said).stage is Stage.LEAD) is passes


@pytest.mark.parametrize("conclusion", ["identification", "elimination"])
def test_a_comparison_that_is_done_passes_a_disagreement_on_the_screen_and_a_confirmed_hit_does_not(
    conclusion: str,
) -> None:
    made = History()
    lead = made.lead()
    *_, received = made.trip(lead, made.agreed(lead))
    made.bases(OTHER, first="possible_association", second="no_association_indicated")
    made.done(lead, OTHER, received, first=conclusion, verifier="examiner-3")
    expected = {"identification": Stage.COMPARED, "elimination": Stage.ELIMINATED}[conclusion]
    assert weigh(PAIR, made.said).stage is expected
    hit = made.confirm(OTHER, received, verifier="examiner-3")
    assert weigh(PAIR, made.said).no_effect[hit] is NoEffect.DISAGREEMENT


READ, LATER = "2026-03-01T09:00:00.000Z", "2026-03-01T10:00:00.000Z"


def test_a_late_answer_of_a_partner_leaves_the_lead_and_stops_the_confirmed_hit() -> None:
    made = History()
    lead, answer = made.answered_late()
    lead = made.state(lead, READ)
    made.countersign(answer, LATER)
    found = weigh(PAIR, made.said)
    assert (found.stage, [one.verification for one in found.disagreements]) == (Stage.LEAD, [answer])
    *_, received = made.trip(lead, made.agreed(lead), owner=OTHER)
    hit = made.state(made.confirm(ISSUER, received, verifier="examiner-3"), "2026-03-03T10:00:00.000Z")
    assert weigh(PAIR, made.said).no_effect[hit] is NoEffect.DISAGREEMENT
    made.say("retraction", OTHER, "head-1", "head", retracts=answer, reason="They conferred.")
    found = weigh(PAIR, made.said)
    assert (found.stage, found.disagreements) == (Stage.CONFIRMED, ())


@pytest.mark.parametrize(("signed_at", "stands"), [(READ, True), (LATER, False), (None, False)])
def test_a_lead_is_stopped_by_an_answer_that_its_side_had_read(signed_at: str | None, stands: bool) -> None:
    made = History()
    lead, answer = made.answered_late()
    made.countersign(answer, "2026-03-01T09:30:00.000Z")
    if signed_at is not None:
        made.state(lead, signed_at)
    assert (weigh(PAIR, made.said).stage is Stage.LEAD) is stands


def test_a_late_answer_undoes_no_confirmed_hit() -> None:
    made = History()
    bases = made.bases(first="possible_association")
    lead = made.say("hit", pair=made.pair, stage="lead", basis="screen", **bases)
    *_, received = made.trip(lead, made.agreed(lead), owner=OTHER)
    hit = made.confirm(ISSUER, received, verifier="examiner-3")
    otherwise = {"basis": "screen", "conclusion": "no_association_indicated"}
    fields = {"verifies": bases["conclusion"], "pair": made.pair, "result": otherwise, "blind": True}
    made.say("verification", OTHER, request="a" * 64, **fields)
    found = weigh(PAIR, made.said)
    assert (found.stage, hit in found.no_effect, len(found.disagreements)) == (Stage.CONFIRMED, False, 1)


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
    says(network, RS, FIRST, "hit", **lead_of_two(network, pair, SECOND, SCREEN))
    says(network, RS, THIRD, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED)
    network.settle()
    assert {stage(network, node, pair) for node in (RS, MK)} == {Stage.LEAD}


def test_both_nodes_read_the_disagreement_and_find_the_same(network: Network, pair: dict[str, Any]) -> None:
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    otherwise = says(network, RS, SECOND, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED).statement_id
    back = says(network, RS, FIRST, "retraction", retracts=first, reason="To conclude anew.").statement_id
    lead = lead_of_two(network, pair, THIRD, INCONCLUSIVE)
    with pytest.raises(Conflict) as refused:
        says(network, RS, FIRST, "hit", **lead)
    assert refused.value.code == NoEffect.DISAGREEMENT
    settled = says(network, RS, HEAD, "retraction", retracts=otherwise, reason="They conferred.").statement_id
    network.settle()
    assert not any(knows(network, MK, name) for name in (first, otherwise, back, settled))
    says(network, RS, FIRST, "hit", **lead)
    network.settle()
    assert all(
        knows(network, MK, name) for name in (first, otherwise, back, settled, lead["conclusion"], lead["verification"])
    )
    assert {stage(network, node, pair) for node in (RS, MK)} == {Stage.LEAD}


def amended(network: Network, record: str) -> str:
    return network.record(RS, audience=["MK"], scan=b"one", supersedes=record)


def amended_twice(network: Network, record: str, owner: str = RS, scan: bytes = b"one") -> str:
    """The other side never has the version in the middle."""
    middle = network.record(owner, audience=[], scan=scan, supersedes=record)
    return network.record(owner, audience=["RS", "MK"], scan=scan, supersedes=middle)


def scanned_again(network: Network, record: str) -> str:
    return network.record(RS, audience=["MK"], scan=b"again", supersedes=record)


def renumbered_and_entered_anew(network: Network, record: str) -> str:
    """With the number that a second version had, after the record was withdrawn."""
    again = {"audience": ["MK"], "case_reference": "RS-2026-77"}
    second = network.record(RS, exhibit=exhibit_fields(item="9"), supersedes=record, **again)
    network.settle()
    withdraw(network.nodes[RS], HEAD, second, WithdrawalReason.ENTERED_IN_ERROR)
    network.settle()
    return network.record(RS, exhibit=exhibit_fields(item="9"), scan=b"again", **again)


@pytest.mark.slow
@pytest.mark.parametrize("enter", [amended, amended_twice, scanned_again, renumbered_and_entered_anew])
def test_a_disagreement_follows_the_exhibit_on_both_nodes(
    network: Network, pair: dict[str, Any], enter: Callable[[Network, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the side that concludes signs what its node would refuse."""
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    otherwise = says(network, RS, SECOND, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED).statement_id
    own = next(side["record"] for side in pair.values() if side["issuer"] == RS)
    again = enter(network, own)
    network.settle()
    scan = b"one" if enter in (amended, amended_twice) else b"again"
    sides = [side for side in pair.values() if side["issuer"] == MK]
    first_version = again if enter is renumbered_and_entered_anew else own
    version = {"record": again, "first_version": first_version}
    sides.append({"issuer": RS, **version, "scan": hashlib.sha256(scan).hexdigest()})
    a, b = sorted(sides, key=lambda side: str(side["record"]))
    later = {"a": a, "b": b}
    lead = lead_of_two(network, later, THIRD, SCREEN)
    with pytest.raises(Conflict) as refused:
        says(network, RS, FIRST, "hit", **lead)
    assert refused.value.code == NoEffect.DISAGREEMENT
    monkeypatch.setattr("exchange.flows.review.statements.check_hit", lambda *_: None)
    says(network, RS, FIRST, "hit", **lead)
    network.settle()
    assert [stage(network, node, later) for node in (RS, MK)] == [Stage.NO_EFFECT] * 2
    says(network, RS, HEAD, "retraction", retracts=otherwise, reason="They conferred.")
    network.settle()
    assert [stage(network, node, later) for node in (RS, MK)] == [Stage.LEAD] * 2
    for node in (RS, MK):
        with network.nodes[node].store.read() as session:
            assert stored_stage(session, pair_id(Pair.model_validate(later))) == Stage.LEAD


@pytest.mark.slow
def test_a_version_that_a_side_never_had_hides_no_disagreement(network: Network, pair: dict[str, Any]) -> None:
    """Nor does its later release change a hit."""
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id
    says(network, RS, SECOND, "verification", verifies=first, pair=pair, **NOT_ASSOCIATED)
    side = next(name for name in pair if pair[name]["issuer"] == MK)
    newest = amended_twice(network, pair[side]["record"], MK, b"other")
    network.settle()
    a, b = sorted(({**one, "record": newest} if one is pair[side] else one for one in pair.values()), key=_record_of)
    later = {"a": a, "b": b}
    lead = lead_of_two(network, later, THIRD, SCREEN)
    with pytest.raises(Conflict) as refused:
        says(network, RS, FIRST, "hit", **lead)
    assert refused.value.code == NoEffect.DISAGREEMENT


def _record_of(side: dict[str, str]) -> str:
    return side["record"]
