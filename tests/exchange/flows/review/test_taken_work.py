"""Who works on what: taken, given, put back, ended by itself; and what an examiner is not told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select, update

from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound
from exchange.flows.alerts.deadlines import Duty, waiting_here
from exchange.flows.alerts.team_work import TeamWork, team_work
from exchange.flows.alerts.worklist import WorkItem, WorkOf, worklist_of
from exchange.flows.review import taken_work
from exchange.flows.review.taken_work import (
    Assigner,
    TakenKind,
    WorkKey,
    colleagues_for,
    end_reviewed,
    give_work,
    put_work_back,
    take_work,
    work_on_records,
)
from exchange.log.audit_entry import Act, Actor, ActorKind
from exchange.store.access.user_rows import add_user, change_role, revoke_user
from exchange.store.log.audit import AuditFilter, search_entries
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.review_tables import TakenWorkRow
from exchange.store.terms.withdrawals import erase_rows
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, THIRD, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
INVESTIGATOR = Maker(pseudonym="inv", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Serbia's a and c, registered by the first examiner; a hit of the other side on c and d."""
    with blind_world(tmp_path_factory.mktemp("taken")) as world:
        for name, owner in (("a", RS), ("b", MK), ("c", RS), ("d", MK)):
            world.exhibit(name, owner)
        for one, other in (("a", "b"), ("a", "d"), ("c", "b"), ("c", "d")):
            world.compare(one, other, 0.4)
        with world.rs.store.write() as session:
            ours = update(RecordRow).where(RecordRow.issuer == RS)
            session.execute(ours.values(submitted_by=FIRST.pseudonym))
            add_user(session, INVESTIGATOR.pseudonym, INVESTIGATOR.role)
        world.hit(MK, "c", "d", PIN)
    return world


def by(who: Maker) -> Assigner:
    return Assigner(Actor(ActorKind.PERSON, who.pseudonym, who.role), "investigation", "K-1")


def exhibit(world: BlindWorld, name: str = "a") -> WorkKey:
    return WorkKey(TakenKind.EXHIBIT, world.records[name])


def items(world: BlindWorld, who: Maker, of: WorkOf | None = None) -> dict[str, WorkItem]:
    """What waits for somebody, by the page where it is done."""
    return {item.page: item for item in worklist_of(world.rs, who.role, who.pseudonym, of).items}


def hit(world: BlindWorld) -> WorkKey:
    (item,) = [item for item in items(world, INVESTIGATOR).values() if item.duty is Duty.ANSWER]
    assert item.work is not None
    return item.work.key


def candidates(world: BlindWorld, name: str = "a") -> str:
    return f"/app/records/{world.records[name]}/candidates"


def taken(world: BlindWorld) -> set[tuple[str, str]]:
    with world.rs.store.read() as session:
        return {(row.kind, row.taken_by) for row in session.scalars(select(TakenWorkRow))}


def told(world: BlindWorld, who: Maker, name: str = "a") -> str | None:
    """Who works on an exhibit, as this person is told; "nobody", or None where it is not said at all."""
    with world.rs.store.read() as session:
        row = session.get_one(RecordRow, world.records[name])
    standing = work_on_records(world.rs, who.role, who.pseudonym, [row]).get(row.statement_id)
    return None if standing is None else standing.taken.who if standing.taken else "nobody"


def test_taken_given_and_put_back_and_each_is_an_audited_act(world: BlindWorld) -> None:
    assert told(world, FIRST) == "nobody"
    take_work(world.rs, by(FIRST), [exhibit(world)])
    assert told(world, FIRST) == FIRST.pseudonym
    give_work(world.rs, by(FIRST), [exhibit(world)], SECOND.pseudonym)
    assert (told(world, FIRST), told(world, SECOND)) == (SECOND.pseudonym,) * 2
    line = items(world, SECOND)[candidates(world)]
    assert (line.duty, line.mine) == (Duty.FIRST_REVIEW, True)
    assert line.work is not None
    assert line.work.taken is not None
    assert line.work.taken.given_by == FIRST.pseudonym
    assert items(world, FIRST)[candidates(world)].mine is False
    put_work_back(world.rs, by(SECOND), [exhibit(world)])
    assert (told(world, FIRST), told(world, SECOND)) == ("nobody", None)
    assert candidates(world) not in items(world, SECOND)
    with world.rs.store.read() as session:
        found = search_entries(session, AuditFilter(act=Act.TAKE_WORK), before=None, limit=10)
    acts = [(kept.entry.actor, json.loads(kept.entry.asked or ""), kept.entry.purpose) for kept in reversed(found)]
    assert acts == [
        ("one", {"did": "take"}, "investigation"),
        ("one", {"did": "give", "to": "two"}, "investigation"),
        ("two", {"did": "put-back"}, "investigation"),
    ]
    assert all(kept.entry.subjects == (world.records["a"],) for kept in found)


def test_several_at_once_and_which_lines_are_asked_for(world: BlindWorld) -> None:
    link = hit(world)
    take_work(world.rs, by(SECOND), [link])
    page = f"/app/hits/{link.name}"
    found = worklist_of(world.rs, Role.EXAMINER, FIRST.pseudonym)
    assert (found.mine, found.anybodys, found.colleagues) == (2, 0, 1)
    assert page not in items(world, FIRST, WorkOf.MINE) | items(world, FIRST, WorkOf.NOBODYS)
    assert set(items(world, SECOND, WorkOf.MINE)) == {page}
    assert [record.issuer for record in items(world, SECOND, WorkOf.MINE)[page].records] == [RS, MK]
    give_work(world.rs, by(FIRST), [link, exhibit(world)], SECOND.pseudonym)
    assert set(items(world, SECOND, WorkOf.MINE)) == {page, candidates(world)}
    put_work_back(world.rs, by(FIRST), [link, exhibit(world)])
    assert set(items(world, FIRST, WorkOf.NOBODYS)) == {page}


def test_a_colleague_may_take_over_since_it_is_no_lock(world: BlindWorld) -> None:
    link = hit(world)
    take_work(world.rs, by(FIRST), [link])
    take_work(world.rs, by(INVESTIGATOR), [link])
    assert taken(world) == {("hit", INVESTIGATOR.pseudonym)}


def test_who_may_take_and_give_what(world: BlindWorld) -> None:
    link = hit(world)
    with pytest.raises(Forbidden):
        take_work(world.rs, by(HEAD), [link])
    with pytest.raises(Forbidden):
        take_work(world.rs, by(INVESTIGATOR), [exhibit(world)])
    for to in (INVESTIGATOR.pseudonym, HEAD.pseudonym, "nobody-here"):
        with pytest.raises(InvalidInput) as refused:
            give_work(world.rs, by(FIRST), [exhibit(world), link], to)
        assert refused.value.code == "not-theirs-to-do"
    with pytest.raises(InvalidInput):
        take_work(world.rs, by(FIRST), [])
    for said in ("", "exhibit", "pair." + "a" * 64, "hit." + "A" * 64, "hit." + "a" * 63):
        with pytest.raises(InvalidInput):
            WorkKey.parse(said)
    assert WorkKey.parse(str(link)) == link
    assert taken(world) == set()
    give_work(world.rs, by(HEAD), [exhibit(world), link], SECOND.pseudonym)
    assert taken(world) == {("exhibit", SECOND.pseudonym), ("hit", SECOND.pseudonym)}
    people = colleagues_for(world.rs, [TakenKind.EXHIBIT, TakenKind.HIT], besides=FIRST.pseudonym)
    assert {one.pseudonym for one in people} == {SECOND.pseudonym, INVESTIGATOR.pseudonym}
    assert [one.pseudonym for one in colleagues_for(world.rs, [TakenKind.EXHIBIT], besides="one")] == ["two"]


def test_of_another_examiners_exhibit_nothing_is_told(world: BlindWorld) -> None:
    """Whoever may be asked to verify a pair does not know who looked at its exhibits."""
    take_work(world.rs, by(FIRST), [exhibit(world)])
    assert told(world, SECOND) is None
    assert (told(world, INVESTIGATOR), told(world, HEAD)) == (FIRST.pseudonym,) * 2
    for act in (take_work, put_work_back):
        with pytest.raises(NotFound):
            act(world.rs, by(SECOND), [exhibit(world)])


@pytest.mark.parametrize("who", [FIRST, SECOND])
def test_after_a_conclusion_of_a_third_registrar_and_holder_are_told_what_they_were(
    world: BlindWorld, who: Maker
) -> None:
    """As after a control was drawn: a conclusion is preceded by an opening, and a control by none."""
    with world.rs.store.write() as session:
        add_user(session, THIRD.pseudonym, THIRD.role)
    give_work(world.rs, by(HEAD), [exhibit(world)], SECOND.pseudonym)
    before = told(world, who), candidates(world) in items(world, who)
    world.shown(THIRD, "a", "b", REGIONS[0], opened=True)
    world.concludes(THIRD, "a", "b")
    assert (told(world, who), candidates(world) in items(world, who)) == before == (SECOND.pseudonym, True)


def test_a_hidden_hit_can_neither_be_taken_nor_seen(world: BlindWorld) -> None:
    link = hit(world)
    take_work(world.rs, by(INVESTIGATOR), [link])
    world.concludes(FIRST, "c", "d", BREECH)
    with pytest.raises(NotFound):
        take_work(world.rs, by(SECOND), [link])
    with pytest.raises(NotFound):
        put_work_back(world.rs, by(SECOND), [link])
    give_work(world.rs, by(HEAD), [link], SECOND.pseudonym)
    assert f"/app/hits/{link.name}" not in items(world, SECOND), "it is theirs once they may read it"
    assert f"/app/hits/{link.name}" in items(world, FIRST)


def test_it_ends_when_a_pair_was_looked_at(world: BlindWorld) -> None:
    take_work(world.rs, by(FIRST), [exhibit(world)])
    world.shown(FIRST, "a", "b", BREECH)
    assert taken(world) == {("exhibit", "one")}, "a list was shown, and none was opened"
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    assert told(world, FIRST) is None
    with pytest.raises(NotFound):
        take_work(world.rs, by(FIRST), [exhibit(world)])


def test_it_ends_when_all_is_said_of_a_hit(world: BlindWorld) -> None:
    link = hit(world)
    take_work(world.rs, by(FIRST), [link])
    world.says(FIRST, "retraction", MK, retracts=link.name, reason="The wrong exhibit.")
    world.network.settle()
    assert f"/app/hits/{link.name}" not in items(world, FIRST)
    assert taken(world) == set()


def test_it_ends_with_the_account_the_role_and_the_record(world: BlindWorld) -> None:
    link = hit(world)
    give_work(world.rs, by(HEAD), [exhibit(world), link], SECOND.pseudonym)
    with world.rs.store.write() as session:
        change_role(session, SECOND.pseudonym, Role.EXAMINER)
    assert len(taken(world)) == 2, "the same role"
    with world.rs.store.write() as session:
        change_role(session, SECOND.pseudonym, Role.INVESTIGATOR)
    assert taken(world) == set()
    take_work(world.rs, by(INVESTIGATOR), [link])
    with world.rs.store.write() as session:
        revoke_user(session, INVESTIGATOR.pseudonym)
    assert taken(world) == set()
    take_work(world.rs, by(FIRST), [link, exhibit(world)])
    with world.rs.store.write() as session:
        erase_rows(session, world.records["a"])
        erase_rows(session, world.records["d"])
    assert taken(world) == set()


def in_state(world: BlindWorld, state: str) -> None:
    with world.rs.store.write() as session:
        session.execute(update(AcquisitionRow).values(state=state))


def test_what_was_reviewed_stays_in_no_table(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends when nobody's list has it any more, and not before: an opening shows to no colleague."""
    monkeypatch.setattr(taken_work, "TAKEN_LOOKED_AT", 1)
    in_state(world, "correlated")
    give_work(world.rs, by(FIRST), [exhibit(world)], SECOND.pseudonym)
    take_work(world.rs, by(FIRST), [exhibit(world, "c")])

    def held_against_what_waits() -> None:
        after = end_reviewed(world.rs)
        while after:
            after = end_reviewed(world.rs, after)

    held_against_what_waits()
    assert taken(world) == {("exhibit", "two"), ("exhibit", "one")}
    world.shown(SECOND, "a", "b", BREECH, opened=True)
    held_against_what_waits()
    assert told(world, SECOND) is None
    assert told(world, FIRST) == "two", "who registered it is told of no colleague's opening"
    world.shown(FIRST, "a", "b", BREECH)
    assert told(world, FIRST) is None
    held_against_what_waits()
    assert taken(world) == {("exhibit", "one")}, "it waits for nobody any more; the other one does"


def test_what_is_compared_anew_stays_taken(world: BlindWorld) -> None:
    take_work(world.rs, by(FIRST), [exhibit(world)])
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    for state, left in (("queued", {("exhibit", "one")}), ("correlated", set())):
        in_state(world, state)
        end_reviewed(world.rs)
        assert taken(world) == left


def test_a_hit_that_goes_while_it_is_taken_leaves_no_row(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    link, noted = hit(world), taken_work.note_hits

    def late(*args: Any) -> None:
        noted(*args)
        world.says(FIRST, "retraction", MK, retracts=link.name, reason="The wrong exhibit.")
        world.network.settle()

    monkeypatch.setattr(taken_work, "note_hits", late)
    with pytest.raises(Conflict):
        take_work(world.rs, by(FIRST), [link])
    assert taken(world) == set()


def test_who_is_revoked_while_taking_takes_nothing(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    link, noted = hit(world), taken_work.note_hits

    def late(*args: Any) -> None:
        noted(*args)
        with world.rs.store.write() as session:
            revoke_user(session, FIRST.pseudonym)

    monkeypatch.setattr(taken_work, "note_hits", late)
    with pytest.raises(InvalidInput):
        take_work(world.rs, by(FIRST), [link, exhibit(world)])
    assert taken(world) == set()


def test_the_head_sees_who_has_how_much_and_what_is_late_and_nobodys(world: BlindWorld) -> None:
    def team() -> TeamWork:
        with world.rs.store.read() as session:
            waiting = waiting_here(session, world.rs)
        return team_work(world.rs, HEAD.pseudonym, waiting)

    link = hit(world)
    found = team()
    assert found.shares == ()
    assert {item.page for item in found.late} == {candidates(world), candidates(world, "c")}, "the hit is in time"
    give_work(world.rs, by(HEAD), [exhibit(world), link], SECOND.pseudonym)
    found = team()
    assert [item.page for item in found.late] == [candidates(world, "c")]
    (share,) = found.shares
    assert (share.who, share.exhibits, share.hits, share.late) == (SECOND.pseudonym, 1, 1, 1)
