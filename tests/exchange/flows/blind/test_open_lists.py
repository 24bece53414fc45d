"""Scored lists are open to who works on an exhibit; another examiner opens one after a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from exchange.errors import Conflict, NotFound
from exchange.flows.blind.open_lists import open_list, scored_list
from exchange.flows.candidates.candidates import find_candidate, ranked_across_borders, ranked_for_record
from exchange.flows.candidates.exhibit_list import list_exhibits
from exchange.flows.candidates.exhibit_pairs import CandidateFilter, exhibits_across_borders, exhibits_of_record
from exchange.flows.candidates.set_aside import THE_REST, set_pairs_aside
from exchange.flows.review.taken_work import Assigner, TakenKind, WorkKey, give_work
from exchange.flows.terms.withdraw import withdraw
from exchange.log.audit_entry import Actor, ActorKind
from exchange.store.access.user_rows import add_user
from exchange.store.review.review_rows import blind_examiners
from exchange.store.tables.record_tables import CandidateRow, RecordRow
from exchange.store.tables.review_tables import OpenedListRow
from schemas.vocabulary import Role, WithdrawalReason
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, THIRD, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """The first examiner registered a and c, and nobody opened a list; the laboratory has three examiners."""
    with blind_world(tmp_path_factory.mktemp("lists")) as world:
        world.looking = ()
        for name, owner in (("a", RS), ("b", MK), ("c", RS), ("d", MK)):
            world.exhibit(name, owner)
        for one, other, score in (("a", "b", 0.9), ("c", "b", 0.3), ("a", "d", 0.2)):
            world.compare(one, other, score)
        with world.rs.store.write() as session:
            add_user(session, THIRD.pseudonym, THIRD.role)
            session.execute(update(RecordRow).where(RecordRow.issuer == RS).values(submitted_by=FIRST.pseudonym))
    return world


def across(world: BlindWorld, role: Role, pseudonym: str) -> set[str]:
    found = exhibits_across_borders(world.rs, role, pseudonym, CandidateFilter())
    names = {record: name for name, record in world.records.items()}
    return {names[group.record.statement_id] for group in found.groups}


def may_verify(world: BlindWorld, one: str, other: str) -> list[str]:
    found = world.candidate(one, other)
    with world.rs.store.read() as session:
        return blind_examiners(session, found.exhibits, found.scans, besides="one")


def test_who_works_on_an_exhibit_has_its_list_open(world: BlindWorld) -> None:
    assert across(world, FIRST.role, "one") == {"a", "c"}
    assert across(world, SECOND.role, "two") == set()
    found = exhibits_of_record(world.rs, FIRST.role, "one", world.records["a"])
    assert found is not None
    assert len(found.ranking.open) == 2


def test_a_list_that_is_not_open_gives_nothing_and_costs_nothing(world: BlindWorld) -> None:
    record, node = world.records["a"], world.rs
    candidate = world.candidate("a", "b").row.candidate_id
    for refused in (
        lambda: exhibits_of_record(node, SECOND.role, "two", record),
        lambda: ranked_for_record(node, SECOND.role, "two", record, limit=9),
        lambda: set_pairs_aside(node, "two", record, "", THE_REST),
    ):
        with pytest.raises(Conflict) as error:
            refused()
        assert error.value.code == "list-not-open"
    assert ranked_across_borders(node, SECOND.role, "two", limit=9).pairs == []
    assert find_candidate(node, SECOND.role, "two", candidate) is None, "as one that is not there"
    assert may_verify(world, "a", "b") == ["three", "two"]


def test_the_cost_names_who_could_still_verify(world: BlindWorld) -> None:
    record = world.records["a"]
    before = scored_list(world.rs, SECOND.role, "two", record)
    assert (before.is_open, before.left) == (False, ("three",))
    after = open_list(world.rs, SECOND.role, "two", record)
    assert (after.is_open, after.left) == (True, ("three",))
    last = scored_list(world.rs, THIRD.role, "three", record)
    assert (last.is_open, last.left) == (False, ()), "then a partner verifies"
    assert scored_list(world.rs, FIRST.role, "one", record).is_open
    assert scored_list(world.rs, Role.INVESTIGATOR, "inv", record).is_open, (
        "a person who verifies nothing has all lists open"
    )
    with pytest.raises(NotFound):
        scored_list(world.rs, SECOND.role, "two", "0" * 64)


def test_who_opened_a_list_is_shown_its_pairs_and_those_of_no_other(world: BlindWorld) -> None:
    open_list(world.rs, SECOND.role, "two", world.records["a"])
    assert across(world, SECOND.role, "two") == {"a"}
    assert exhibits_of_record(world.rs, SECOND.role, "two", world.records["a"]) is not None
    assert find_candidate(world.rs, SECOND.role, "two", world.candidate("a", "b").row.candidate_id) is not None
    assert find_candidate(world.rs, SECOND.role, "two", world.candidate("c", "b").row.candidate_id) is None
    with pytest.raises(Conflict):
        exhibits_of_record(world.rs, SECOND.role, "two", world.records["c"])


def test_an_exhibit_that_was_given_is_open_while_it_is(world: BlindWorld) -> None:
    head = Assigner(Actor(ActorKind.PERSON, HEAD.pseudonym, HEAD.role))
    give_work(world.rs, head, [WorkKey(TakenKind.EXHIBIT, world.records["a"])], "two")
    assert across(world, SECOND.role, "two") == {"a"}
    assert scored_list(world.rs, THIRD.role, "three", world.records["a"]).left == ()
    give_work(world.rs, head, [WorkKey(TakenKind.EXHIBIT, world.records["a"])], "three")
    assert across(world, SECOND.role, "two") == set()


def test_what_a_hit_joins_is_open_to_each_reader_of_the_hit(world: BlindWorld) -> None:
    world.hit(MK, "c", "b", PIN)
    candidate = world.candidate("c", "b").row.candidate_id
    assert find_candidate(world.rs, SECOND.role, "two", candidate) is not None


def test_an_opened_list_goes_with_its_exhibit(world: BlindWorld) -> None:
    open_list(world.rs, SECOND.role, "two", world.records["a"])
    withdraw(world.rs, HEAD, world.records["a"], WithdrawalReason.ENTERED_IN_ERROR)
    world.network.settle()
    with world.rs.store.read() as session:
        assert session.scalars(select(OpenedListRow.exhibit)).all() == []


def test_the_list_of_exhibits_depends_on_no_score(world: BlindWorld, tmp_path: Path) -> None:
    def listed(of: BlindWorld) -> list[tuple[str, bool, int, int]]:
        found = list_exhibits(of.rs, "two", roi=None, before=None, limit=30)
        assert found.following is None
        return [(item.record.statement_id, item.is_open, item.scans, item.compared) for item in found.items]

    before = listed(world)
    assert [name for name, *_ in before] == [world.records["c"], world.records["a"]], "the newest first"
    with world.rs.store.write() as session:
        session.execute(update(CandidateRow).values(score=1.0 - CandidateRow.score))
    assert listed(world) == before
    with world.rs.store.write() as session:
        session.query(CandidateRow).delete()
    assert listed(world) == before
