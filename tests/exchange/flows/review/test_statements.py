"""What people say of a pair: who may, to whom it goes, and what the verifier must not have seen."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound
from exchange.flows.hits.vocabulary import LOCAL
from exchange.flows.review.statements import Spoke, may_see, speak
from exchange.store.log.statement_rows import find_statement
from exchange.store.review.review_rows import mark_seen, scans_of
from schemas import Maker, open_envelope, parse_statement
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.schemas.results import INCONCLUSIVE, NOT_ASSOCIATED, SCREEN

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK", "XK")]


def maker(pseudonym: str, role: Role = Role.EXAMINER) -> Maker:
    return Maker(pseudonym=pseudonym, role=role, signed_in=SignedInBy.TOKEN)


FIRST, SECOND = maker("examiner-1"), maker("examiner-2")
INVESTIGATOR, HEAD = maker("investigator-1", Role.INVESTIGATOR), maker("head-1", Role.HEAD)


@pytest.fixture
def pair(network: Network) -> dict[str, Any]:
    """An own record of Serbia's and one of North Macedonia's, as Serbia holds both."""
    sides = []
    for owner, scan in ((RS, b"one"), (MK, b"other")):
        record = network.record(owner, audience=["RS", "MK", "XK"], scan=scan)
        sides.append(
            {"issuer": owner, "record": record, "first_version": record, "scan": hashlib.sha256(scan).hexdigest()}
        )
    network.settle()
    a, b = sorted(sides, key=lambda side: side["record"])
    return {"a": a, "b": b}


def says(network: Network, node: str, who: Maker, kind: str, **fields: Any) -> Spoke:
    return speak(network.nodes[node], who, json.dumps({"type": kind} | fields).encode(), other_seal=True)


def knows(network: Network, node: str, statement_id: str) -> bool:
    with network.nodes[node].store.read() as session:
        return find_statement(session, statement_id) is not None


def seen_by(network: Network, pseudonym: str, statement_id: str) -> bool:
    with network.nodes[RS].store.read() as session:
        row = find_statement(session, statement_id)
        assert row is not None
        return may_see(session, network.nodes[RS], row, pseudonym)


def lead(network: Network, pair: dict[str, Any]) -> tuple[Spoke, Spoke, Spoke]:
    drawn = {"pair": pair, **INCONCLUSIVE}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    second = says(network, RS, SECOND, "verification", verifies=first.statement_id, **drawn)
    rests_on = {"conclusion": first.statement_id, "verification": second.statement_id}
    hit = says(network, RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", score=1.2, matcher="3", **rests_on)
    return first, second, hit


def test_a_conclusion_stays_at_home_until_the_hit_rests_on_both(network: Network, pair: dict[str, Any]) -> None:
    drawn = {"pair": pair, **SCREEN}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    second = says(network, RS, SECOND, "verification", verifies=first.statement_id, **drawn)
    network.settle()
    assert not knows(network, MK, first.statement_id)
    assert not knows(network, MK, second.statement_id)
    rests_on = {"conclusion": first.statement_id, "verification": second.statement_id}
    hit = says(network, RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)
    network.settle()
    assert hit.to == (MK,)
    assert all(knows(network, MK, spoke.statement_id) for spoke in (first, second, hit))
    assert not any(knows(network, XK, spoke.statement_id) for spoke in (first, second, hit))


def test_the_verifier_is_not_shown_the_first_conclusion(network: Network, pair: dict[str, Any]) -> None:
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN)
    assert seen_by(network, "examiner-1", first.statement_id)
    assert not seen_by(network, "examiner-2", first.statement_id)
    drawn = {"verifies": first.statement_id, "pair": pair, **INCONCLUSIVE}
    says(network, RS, SECOND, "verification", **drawn)
    assert seen_by(network, "examiner-2", first.statement_id)


def test_nobody_verifies_their_own_conclusion(network: Network, pair: dict[str, Any]) -> None:
    drawn = {"pair": pair, **SCREEN}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    with pytest.raises(Conflict, match="another examiner"):
        says(network, RS, FIRST, "verification", verifies=first.statement_id, **drawn)


def test_no_hit_where_the_two_do_not_agree(network: Network, pair: dict[str, Any]) -> None:
    first = says(network, RS, FIRST, "conclusion", pair=pair, **SCREEN)
    drawn = {
        "verifies": first.statement_id,
        "pair": pair,
        **NOT_ASSOCIATED,
    }
    second = says(network, RS, SECOND, "verification", **drawn)
    rests_on = {"conclusion": first.statement_id, "verification": second.statement_id}
    with pytest.raises(Conflict, match="do not agree"):
        says(network, RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)


def test_a_retraction_reaches_everyone_who_had_it_and_nobody_else(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    with pytest.raises(Conflict, match="only its issuer"):
        says(network, MK, FIRST, "retraction", retracts=hit.statement_id, reason="Not ours to take back.")
    taken_back = says(network, RS, HEAD, "retraction", retracts=hit.statement_id, reason="The wrong exhibit.")
    network.settle()
    assert taken_back.to == (MK,)
    assert knows(network, MK, taken_back.statement_id)
    assert not knows(network, XK, taken_back.statement_id)


def test_the_other_side_says_what_became_of_it_or_that_it_disputes_it(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    disputed = says(network, MK, FIRST, "feedback", hit=hit.statement_id, outcome="disputed", remark="Other breech.")
    network.settle()
    assert disputed.to == (RS,)
    assert knows(network, RS, disputed.statement_id)
    with pytest.raises(NotFound):
        says(network, XK, FIRST, "feedback", hit=hit.statement_id, outcome="no_use")


def today() -> str:
    return str(datetime.now(LOCAL).date())


def agree(network: Network, hit: str, *, on: str | None = None) -> str:
    """North Macedonia asks for a comparison, and Serbia agrees to it."""
    step = {"hit": hit, "on": on or today()}
    says(network, MK, INVESTIGATOR, "physical-comparison", step="asked", **step)
    network.settle()
    agreed = says(network, RS, HEAD, "physical-comparison", step="agreed", **step)
    network.settle()
    travel(network, hit)
    return agreed.statement_id


def travel(network: Network, hit: str) -> str:
    """Serbia sends its exhibit, and North Macedonia receives it."""
    pair = said_by(network, RS, hit).pair
    own = next(side.record for side in (pair.a, pair.b) if side.issuer == RS)
    exhibit = {"hit": hit, "on": today(), "record": own, "seal": "RS-1"}
    says(network, RS, INVESTIGATOR, "physical-comparison", step="sent", **exhibit)
    network.settle()
    arrived = {"step": "received", "place": "Skopje", "seal_whole": "yes"}
    received = says(network, MK, INVESTIGATOR, "physical-comparison", **arrived, **exhibit)
    network.settle()
    return received.statement_id


def said_by(network: Network, node: str, statement_id: str) -> Any:
    with network.nodes[node].store.read() as session:
        row = find_statement(session, statement_id)
    assert row is not None
    assert row.envelope is not None
    return parse_statement(open_envelope(row.envelope).payload)


def exhibits(network: Network, pair: dict[str, Any], conclusion: str) -> dict[str, str]:
    """Two examiners of North Macedonia's, both at the microscope."""
    drawn = {"pair": pair, "result": {"basis": "exhibits", "conclusion": conclusion}}
    first = says(network, MK, FIRST, "conclusion", **drawn)
    second = says(network, MK, SECOND, "verification", verifies=first.statement_id, **drawn)
    return {"conclusion": first.statement_id, "verification": second.statement_id}


def test_both_exhibits_meet_and_what_was_found_reaches_the_other_side(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    about = {"hit": hit.statement_id}
    asked = says(network, MK, INVESTIGATOR, "physical-comparison", step="asked", on=today(), place="Skopje", **about)
    with pytest.raises(Conflict, match="cannot agree to it itself"):
        says(network, MK, INVESTIGATOR, "physical-comparison", step="agreed", on=today(), **about)
    assert asked.to == (RS,)
    network.settle()
    assert knows(network, RS, asked.statement_id)
    with pytest.raises(InvalidInput, match="names the day"):
        says(network, RS, HEAD, "physical-comparison", step="agreed", **about)
    with pytest.raises(InvalidInput, match="names its conclusion"):
        says(network, MK, FIRST, "physical-comparison", step="done", **about)
    found = exhibits(network, pair, "inconclusive_b")
    with pytest.raises(Conflict, match="No comparison of the exhibits was agreed"):
        says(network, MK, FIRST, "physical-comparison", step="done", **about, **found)
    agreed = says(network, RS, HEAD, "physical-comparison", step="agreed", on=today(), **about)
    network.settle()
    assert said_by(network, MK, agreed.statement_id).answers == asked.statement_id
    with pytest.raises(Conflict, match="before the comparison was agreed"):
        says(network, MK, FIRST, "physical-comparison", step="done", **about, **found)
    found = exhibits(network, pair, "inconclusive_b")
    with pytest.raises(Conflict, match="rests on an exhibit that was sent and received"):
        says(network, MK, FIRST, "physical-comparison", step="done", **about, **found)
    received = travel(network, hit.statement_id)
    with pytest.raises(Conflict, match="before the one that travels was received"):
        says(network, MK, FIRST, "physical-comparison", step="done", **about, **found)
    found = exhibits(network, pair, "inconclusive_b")
    done = says(network, MK, FIRST, "physical-comparison", step="done", **about, **found)
    assert said_by(network, MK, done.statement_id).answers == received
    network.settle()
    assert all(knows(network, RS, statement_id) for statement_id in (done.statement_id, *found.values()))
    with pytest.raises(NotFound):
        says(network, XK, FIRST, "physical-comparison", step="asked", **about)


def test_a_confirmed_hit_rests_on_the_exhibits_and_on_nothing_taken_back(
    network: Network, pair: dict[str, Any]
) -> None:
    first, second, hit = lead(network, pair)
    network.settle()
    seen = {"conclusion": first.statement_id, "verification": second.statement_id}
    with pytest.raises(InvalidInput, match="another basis"):
        says(network, RS, FIRST, "hit", pair=pair, stage="confirmed", basis="exhibits", **seen)
    agree(network, hit.statement_id)
    found = exhibits(network, pair, "identification")
    confirmed = {"pair": pair, "stage": "confirmed", "basis": "exhibits"}
    says(network, MK, SECOND, "retraction", retracts=found["verification"], reason="The light was wrong.")
    with pytest.raises(Conflict, match="taken back"):
        says(network, MK, FIRST, "hit", **confirmed, **found)
    with pytest.raises(Conflict, match="both examiners identified"):
        says(network, MK, FIRST, "hit", **confirmed, **exhibits(network, pair, "inconclusive_b"))
    hit = says(network, MK, FIRST, "hit", **confirmed, **exhibits(network, pair, "identification"))
    assert hit.to == (RS,)


def test_nothing_is_confirmed_before_the_agreed_day(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    agree(network, hit.statement_id, on=str(date.fromisoformat(today()) + timedelta(days=1)))
    confirmed = {"pair": pair, "stage": "confirmed", "basis": "exhibits"}
    found = exhibits(network, pair, "identification")
    for draft in (
        {"kind": "hit", **confirmed},
        {"kind": "physical-comparison", "step": "done", "hit": hit.statement_id},
    ):
        with pytest.raises(Conflict, match="had not come"):
            says(network, MK, FIRST, **draft, **found)


def test_whoever_was_shown_the_score_does_not_verify(network: Network, pair: dict[str, Any]) -> None:
    drawn = {"pair": pair, **SCREEN}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    with network.nodes[RS].store.write() as session:
        mark_seen(session, SECOND.pseudonym, [scans_of(pair["a"]["scan"], pair["b"]["scan"])], opened=False)
    with pytest.raises(Conflict, match="were shown a score of these two exhibits"):
        says(network, RS, SECOND, "verification", verifies=first.statement_id, **drawn)
    says(network, RS, maker("examiner-3"), "verification", verifies=first.statement_id, **drawn)


def test_a_pair_of_two_others_is_theirs_to_tell(network: Network, pair: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="Neither record"):
        says(
            network,
            XK,
            FIRST,
            "conclusion",
            pair=pair,
            **SCREEN,
        )


def test_a_message_goes_to_whom_it_is_written(network: Network) -> None:
    sent = says(network, RS, INVESTIGATOR, "message", to=MK, text="May we meet?\nOn Thursday.")
    network.settle()
    assert knows(network, MK, sent.statement_id)
    assert not knows(network, XK, sent.statement_id)
    with pytest.raises(NotFound, match="no enrolled peer"):
        says(network, RS, INVESTIGATOR, "message", to="ffp-al", text="Hello.")


def test_case_data_is_disclosed_to_one_who_has_the_record(network: Network) -> None:
    shared, kept = network.record(RS, audience=["MK"]), network.record(RS, audience=["XK"])
    case_data = {"to": MK, "legal_basis": "Test agreement, article 4", "serial_number": "synthetic 0001"}
    told = says(network, RS, HEAD, "disclosure", record=shared, **case_data)
    network.settle()
    assert knows(network, MK, told.statement_id)
    assert not knows(network, XK, told.statement_id)
    with pytest.raises(Conflict, match="may not have the record"):
        says(network, RS, HEAD, "disclosure", record=kept, **case_data)


@pytest.mark.parametrize(
    ("who", "draft", "refused"),
    [
        (INVESTIGATOR, {"type": "conclusion"}, Forbidden),
        (FIRST, {"type": "disclosure"}, Forbidden),
        (FIRST, {"type": "record"}, InvalidInput),
        (FIRST, {"type": "message", "to": MK, "text": "x", "issuer": XK}, InvalidInput),
        (FIRST, {"type": "message", "to": MK, "text": "two\u202e directions"}, InvalidInput),
        (FIRST, {"type": "message", "to": MK}, InvalidInput),
        (FIRST, ["message"], InvalidInput),
    ],
)
def test_what_may_not_be_said(network: Network, who: Maker, draft: object, refused: type[Exception]) -> None:
    size = network.size(RS)
    with pytest.raises(refused):
        speak(network.nodes[RS], who, json.dumps(draft).encode())
    assert network.size(RS) == size
