"""Two exhibits have one review, whatever pair of their scans it was signed on; what was signed before stays."""

from __future__ import annotations

import json

import pytest

from exchange.errors import Conflict
from exchange.flows.blind.visibility import pair_of
from exchange.flows.candidates.exhibit_reviews import pair_to_sign, scan_pairs_of
from exchange.flows.review.reviews import read_reviews
from exchange.flows.review.statements import would_sign
from schemas import Pair
from schemas.vocabulary import Role
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, SECOND, BlindWorld
from tests.exchange.flows.network import MK
from tests.schemas.results import EXHIBITS, INCONCLUSIVE, NOT_ASSOCIATED, SCREEN

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A node that checks nothing."""
    monkeypatch.setattr("exchange.flows.review.statements.check_one_review", lambda *_: None)
    return monkeypatch


def reviews(world: BlindWorld, region: str, pseudonym: str = "one") -> list[str]:
    """The conclusions that stand on the page of a scan pair."""
    pair = Pair.model_validate(world.pair("a", "b", region))
    return [review.statement_id for review in read_reviews(world.rs, pair, pseudonym) if not review.retracted]


def signed_on(world: BlindWorld, region: str) -> str:
    """The region on which a conclusion is signed that is made on the page of another."""
    found = world.candidate("a", "b", region)
    said = read_reviews(world.rs, pair_of(found), "one")
    return pair_to_sign(found, scan_pairs_of(world.rs, Role.EXAMINER, "one", found), said).roi


def test_a_conclusion_is_the_review_of_all_scan_pairs(world: BlindWorld) -> None:
    said = world.concludes(FIRST, "a", "b", PIN)
    assert reviews(world, BREECH) == reviews(world, PIN) == [said.statement_id]
    assert reviews(world, BREECH, "two") == [], "nobody else is told before it is verified"


@pytest.mark.parametrize("more", [SCREEN, NOT_ASSOCIATED, EXHIBITS])
def test_a_second_one_on_other_scans_is_refused(world: BlindWorld, more: dict[str, dict[str, str]]) -> None:
    said = world.concludes(FIRST, "a", "b", PIN)
    with pytest.raises(Conflict, match=said.statement_id) as refused:
        world.concludes(FIRST, "a", "b", BREECH, **more)
    assert refused.value.code == "concluded-on-other-scans"
    draft = json.dumps({"type": "conclusion", "pair": world.pair("a", "b", BREECH), **more}).encode()
    with world.rs.store.read() as session:
        assert not would_sign(session, world.rs, FIRST, draft)


def test_other_exhibits_and_the_same_scans_are_no_hindrance(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", PIN)
    world.concludes(FIRST, "c", "b", BREECH)
    world.verifies(SECOND, first, "a", "b", PIN)
    world.concludes(FIRST, "a", "b", PIN, **INCONCLUSIVE)


def test_another_examiner_is_told_where_it_stands_once_it_may_be_read(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", PIN)
    world.verifies(SECOND, first, "a", "b", PIN)
    with pytest.raises(Conflict, match=first.statement_id):
        world.concludes(SECOND, "a", "b", BREECH)


def test_once_it_was_taken_back_other_scans_may_be_chosen(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", PIN)
    world.says(FIRST, "retraction", retracts=first.statement_id, reason="The light was wrong.")
    assert signed_on(world, PIN) == BREECH
    world.concludes(FIRST, "a", "b", BREECH)


def test_it_is_signed_on_the_strongest_scans_or_where_it_stands(world: BlindWorld) -> None:
    assert (signed_on(world, PIN), signed_on(world, BREECH)) == (BREECH, BREECH)
    world.concludes(FIRST, "a", "b", PIN)
    assert (signed_on(world, PIN), signed_on(world, BREECH)) == (PIN, PIN)


def test_a_hit_on_other_scans_can_be_confirmed(world: BlindWorld) -> None:
    """The other side chose them, and what confirms its hit is of its pair."""
    mine = world.concludes(FIRST, "a", "b", BREECH)
    world.verifies(SECOND, mine, "a", "b", BREECH)
    world.hit(MK, "a", "b", PIN)
    world.concludes(FIRST, "a", "b", PIN, **EXHIBITS)


def test_two_conclusions_of_before_are_read_and_verified(world: BlindWorld, before: pytest.MonkeyPatch) -> None:
    on_breech, on_pin = (world.concludes(FIRST, "a", "b", region) for region in REGIONS)
    before.undo()
    both = [on_breech.statement_id, on_pin.statement_id]
    assert reviews(world, BREECH) == reviews(world, PIN) == both
    for region, said in zip(REGIONS, (on_breech, on_pin), strict=True):
        world.verifies(SECOND, said, "a", "b", region)
    assert reviews(world, BREECH, "two") == both
    for region in REGIONS:
        world.concludes(FIRST, "a", "b", region, **INCONCLUSIVE)
