"""Pairs that an examiner sets aside: folded for that examiner alone, and back when a better scan comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.alerts.deadlines import Duty, all_duties, head_duties
from exchange.flows.alerts.worklist import worklist_of
from exchange.flows.blind.tasks import tasks_for
from exchange.flows.candidates import set_aside
from exchange.flows.candidates.exhibit_pairs import (
    CandidateFilter,
    RecordExhibits,
    RestOfList,
    exhibits_across_borders,
    exhibits_of_record,
)
from exchange.flows.candidates.set_aside import THE_REST, bring_pairs_back, set_pairs_aside
from exchange.flows.node.node import Node
from exchange.store.access.user_rows import change_role, revoke_user
from exchange.store.tables.record_tables import CandidateRow, RecordRow
from exchange.store.tables.review_tables import ExhibitsSeenRow, PairSetAsideRow
from exchange.store.terms.withdrawals import erase_rows
from schemas import Maker
from schemas.vocabulary import Role
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
WEAK = [f"w{number}" for number in range(4)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Serbia's a has one pair that stands out, with b, and four that do not."""
    with blind_world(tmp_path_factory.mktemp("aside")) as world:
        world.exhibit("a")
        for name in ("b", *WEAK):
            world.exhibit(name, MK)
        world.compare("a", "b", 0.9)
        for place, name in enumerate(WEAK):
            world.compare("a", name, 0.1 + 0.01 * place)
        with world.rs.store.write() as session:
            ours = update(RecordRow).where(RecordRow.issuer == RS)
            session.execute(ours.values(submitted_by=FIRST.pseudonym))
    return world


def of(world: BlindWorld, name: str = "a", who: Maker = FIRST) -> RecordExhibits:
    record = world.records[name]
    found = exhibits_of_record(world.rs, who.role, who.pseudonym, record, rest=RestOfList.WEAKER, aside=True)
    assert found is not None
    return found


def names(world: BlindWorld, found: RecordExhibits) -> tuple[list[str], list[str], list[str]]:
    """What stands out, what is weaker, and what was set aside."""
    called = {record: name for name, record in world.records.items()}
    parts = (found.standing, found.rest, found.aside)
    one, two, three = [[called[pair.other.statement_id] for pair in part] for part in parts]
    return one, two, three


def put(world: BlindWorld, *others: str, who: Maker = FIRST, name: str = "a") -> int:
    """With these others, or the rest."""
    chosen = {world.records[other] for other in others} if others else THE_REST
    tag = of(world, name, who).own.tag
    return set_pairs_aside(world.rs, who.pseudonym, world.records[name], tag, chosen)


def rows(node: Node) -> list[PairSetAsideRow]:
    with node.store.read() as session:
        return list(session.scalars(select(PairSetAsideRow)))


def test_what_is_set_aside_folds_and_comes_back(world: BlindWorld) -> None:
    assert names(world, of(world)) == (["b"], ["w3", "w2", "w1", "w0"], [])
    assert put(world, "b", "w3") == 2
    found = of(world)
    assert names(world, found) == ([], ["w2", "w1", "w0"], ["b", "w3"])
    assert found.own.highest_weaker == pytest.approx(0.12)
    assert (found.ranking.clear, len(found.ranking.scores)) == (1, 5), "what stands out of the list is what it was"
    assert bring_pairs_back(world.rs, FIRST.pseudonym, world.records["a"], {world.records["b"]}) == 1
    assert names(world, of(world)) == (["b"], ["w2", "w1", "w0"], ["w3"])
    assert put(world) == 4
    assert names(world, of(world)) == ([], [], ["b", "w3", "w2", "w1", "w0"])
    assert bring_pairs_back(world.rs, FIRST.pseudonym, world.records["a"], None) == 5
    assert names(world, of(world)) == (["b"], ["w3", "w2", "w1", "w0"], [])
    assert rows(world.rs) == []


def test_it_is_folded_in_the_list_of_the_other_exhibit_and_in_that_across_borders(world: BlindWorld) -> None:
    put(world, "b")
    assert names(world, of(world, "b")) == ([], [], ["a"])
    across = exhibits_across_borders(world.rs, FIRST.role, FIRST.pseudonym, CandidateFilter())
    (group,) = across.groups
    assert (len(group.standing), len(group.own.aside), len(group.own.weaker)) == (0, 1, 4)


def test_nobody_elses_list_changes(world: BlindWorld) -> None:
    before = names(world, of(world, who=SECOND)), names(world, of(world, who=HEAD))
    put(world)
    assert (names(world, of(world, who=SECOND)), names(world, of(world, who=HEAD))) == before
    with world.rs.store.read() as session:
        seen = session.scalars(select(ExhibitsSeenRow.pseudonym)).all()
    assert seen == [FIRST.pseudonym] * 5, "to set aside is to have been told"
    world.exhibit("c")
    world.compare("c", "b", 0.2)
    world.concludes(SECOND, "c", "b")
    with world.rs.store.read() as session:
        assert len(tasks_for(session, FIRST.pseudonym)) == 1, "of other exhibits they are asked as before"


def test_whoever_set_a_pair_aside_is_asked_of_it_no_more_than_whoever_was_shown_it(world: BlindWorld) -> None:
    put(world, "w0")
    world.concludes(SECOND, "a", "w0")
    with world.rs.store.read() as session:
        assert tasks_for(session, FIRST.pseudonym) == []
    assert not any("w0" in part for part in names(world, of(world))), "and it is hidden as ever"


@pytest.mark.parametrize("region", REGIONS)
def test_a_better_scan_brings_a_pair_back(world: BlindWorld, region: str) -> None:
    put(world, "w3")
    with world.rs.store.write() as session:
        candidate = world.candidate("a", "w3", region).row.candidate_id
        session.execute(update(CandidateRow).where(CandidateRow.candidate_id == candidate).values(score=0.14))
    assert "w3" in names(world, of(world))[1]
    assert names(world, of(world))[2] == []
    put(world, "w3")
    assert names(world, of(world))[2] == ["w3"], "set aside anew, with what was seen now"
    with world.rs.store.write() as session:
        session.execute(update(CandidateRow).where(CandidateRow.candidate_id == candidate).values(score=0.05))
    assert names(world, of(world))[2] == ["w3"], "a lower one does not"


def test_a_list_that_grew_since_it_was_shown_is_looked_at_again(world: BlindWorld) -> None:
    tag = of(world).own.tag
    world.exhibit("late", MK)
    world.compare("a", "late", 0.95)
    with pytest.raises(Conflict) as refused:
        set_pairs_aside(world.rs, FIRST.pseudonym, world.records["a"], tag, THE_REST)
    assert refused.value.code == "list-changed"
    assert rows(world.rs) == []


def test_only_open_pairs_are_set_aside(world: BlindWorld) -> None:
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    world.concludes(FIRST, "a", "b")
    world.hit(MK, "a", "w3", PIN)
    with pytest.raises(NotFound):
        put(world, "b")
    with pytest.raises(NotFound):
        put(world, "w3")
    assert put(world) == 3
    assert names(world, of(world)) == (["b"], [], ["w2", "w1", "w0"])
    with pytest.raises(InvalidInput):
        put(world)
    with pytest.raises(NotFound):
        set_pairs_aside(world.rs, FIRST.pseudonym, "ab" * 32, "", THE_REST)


def test_whoever_set_one_aside_has_looked_at_the_exhibit(world: BlindWorld) -> None:
    def due() -> tuple[list[Duty], list[Duty]]:
        mine = [item.duty for item in worklist_of(world.rs, Role.EXAMINER, FIRST.pseudonym).items if item.duty]
        return mine, [item.duty for item in head_duties(world.rs, HEAD.pseudonym)[1]]

    assert due() == ([Duty.FIRST_REVIEW], [Duty.FIRST_REVIEW])
    put(world, "w0", who=SECOND)
    assert due() == ([Duty.FIRST_REVIEW], [Duty.FIRST_REVIEW]), "a colleague's own view is no look"
    put(world, "w1")
    assert due() == ([], [])
    assert [item.duty for item in worklist_of(world.rs, Role.EXAMINER, FIRST.pseudonym).items] == [None]
    with world.rs.store.read() as session:
        assert all_duties(session, world.rs) == []


def test_it_goes_with_the_person_the_role_and_the_record(world: BlindWorld) -> None:
    put(world, "b", "w0")
    put(world, "b", who=SECOND)
    with world.rs.store.write() as session:
        change_role(session, SECOND.pseudonym, Role.INVESTIGATOR)
    assert {row.pseudonym for row in rows(world.rs)} == {FIRST.pseudonym}
    with world.rs.store.write() as session:
        erase_rows(session, world.records["w0"])
    assert len(rows(world.rs)) == 1
    with world.rs.store.write() as session:
        revoke_user(session, FIRST.pseudonym)
    assert rows(world.rs) == []


@pytest.mark.parametrize(
    ("meanwhile", "left"),
    [
        (lambda world, session: erase_rows(session, world.records["b"]), 1),
        (lambda world, session: erase_rows(session, world.records["a"]), 0),
        (lambda world, session: revoke_user(session, FIRST.pseudonym), 0),
        (lambda world, session: change_role(session, FIRST.pseudonym, Role.INVESTIGATOR), 0),
    ],
    ids=["the other exhibit is withdrawn", "this one is", "the person is revoked", "the role changes"],
)
def test_what_goes_while_it_is_set_aside_leaves_no_row(
    world: BlindWorld,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[BlindWorld, Session], None],
    left: int,
) -> None:
    """Between the list that was read and the row that is written."""
    noted = set_aside.note_lists

    def late(*args: Any) -> None:
        noted(*args)
        with world.rs.store.write() as session:
            meanwhile(world, session)

    monkeypatch.setattr(set_aside, "note_lists", late)
    put(world, "b", "w0")
    assert len(rows(world.rs)) == left
