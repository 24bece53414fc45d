"""What an examiner is to do, and that no line of it tells of a score that nobody asked for."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from exchange.flows.alerts.deadlines import Duty
from exchange.flows.alerts.worklist import MOST_LINES, Worklist, worklist_of
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.review_tables import ExhibitsSeenRow
from schemas.vocabulary import Role
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

SCORES = {"b": 0.9, "d": 0.12, "e": 0.1, "f": 0.08, "g": 0.11}
"""Of the pairs of Serbia's exhibit a: b stands out."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    with blind_world(tmp_path_factory.mktemp("worklist")) as made:
        made.exhibit("a", RS)
        for name, score in SCORES.items():
            made.exhibit(name, MK)
            made.compare("a", name, score)
        with made.rs.store.write() as session:
            for record in session.scalars(select(RecordRow).where(RecordRow.issuer == RS)):
                record.submitted_by = FIRST.pseudonym
    return made


def work(world: BlindWorld, pseudonym: str = FIRST.pseudonym, role: Role = Role.EXAMINER) -> Worklist:
    return worklist_of(world.rs, role, pseudonym)


def seen(world: BlindWorld) -> int:
    with world.rs.store.read() as session:
        return len(session.scalars(select(ExhibitsSeenRow.pseudonym)).all())


def test_an_own_exhibit_waits_and_nothing_is_told_of_its_scores(world: BlindWorld) -> None:
    (item,) = work(world).items
    assert (item.duty, item.mine, item.shown) == (Duty.FIRST_REVIEW, True, None)
    assert item.page == f"/app/records/{world.records['a']}/candidates"
    assert item.late
    assert (item.compared, item.scans) == (0, 2), "as the fixture left their states"
    assert [record.statement_id for record in item.records] == [world.records["a"]]
    assert seen(world) == 0
    assert work(world, SECOND.pseudonym).items == (), "it is not theirs"


def test_what_stands_out_is_told_of_pairs_that_were_shown_already(world: BlindWorld) -> None:
    world.shown(FIRST, "a", "d", REGIONS[0])
    (item,) = work(world).items
    assert item.shown is None, "the one that stands out was not shown"
    world.shown(FIRST, "a", "b", REGIONS[0])
    (item,) = work(world).items
    assert item.shown is not None
    assert (item.shown.standing_out, item.shown.jurisdictions) == (1, ("MK",))


def test_a_pair_that_waits_for_a_verification_is_told_as_that_and_nothing_else(world: BlindWorld) -> None:
    world.shown(SECOND, "a", "b", REGIONS[0], opened=True)
    world.concludes(SECOND, "a", "b", REGIONS[0])
    before = seen(world)
    items = {item.duty: item for item in work(world).items}
    task = items[Duty.VERIFICATION]
    assert {record.statement_id for record in task.records} == {world.records["a"], world.records["b"]}
    assert (task.mine, task.shown, task.scans) == (False, None, 0)
    assert items[Duty.FIRST_REVIEW].shown is None
    assert seen(world) == before
    with world.rs.store.write() as session:
        taken = take_task(session, FIRST.pseudonym, tasks_for(session, FIRST.pseudonym)[0].task_id)
    mine = next(item for item in work(world).items if item.duty is Duty.VERIFICATION)
    assert (mine.mine, mine.page) == (True, f"/app/verifications/{taken.task_id}")


def test_what_is_ready_to_leave_the_node_stands_first(world: BlindWorld) -> None:
    world.exhibit("h", RS)
    world.compare("h", "b", 0.9)
    world.shown(FIRST, "h", "b", REGIONS[0], opened=True)
    said = world.concludes(FIRST, "h", "b")
    world.verifies(SECOND, said, "h", "b")
    lead, review = work(world).items
    assert (lead.duty, review.duty) == (Duty.SEND_LEAD, Duty.FIRST_REVIEW)
    assert not lead.late
    assert review.late, "it is due earlier, and stands below nevertheless"


def test_what_is_still_being_compared_waits_for_nobody(world: BlindWorld) -> None:
    world.exhibit("h", RS)
    with world.rs.store.write() as session:
        session.get_one(RecordRow, world.records["h"]).submitted_by = FIRST.pseudonym
        first = session.scalars(
            select(AcquisitionRow).where(AcquisitionRow.statement_id == world.records["h"]).limit(1)
        ).one()
        first.state = "correlated"
    *_, item = work(world).items
    assert (item.duty, item.due_at, item.compared, item.scans) == (None, None, 1, 2)


def test_a_hit_waits_for_anybody_and_is_thereby_told(world: BlindWorld) -> None:
    hit = world.hit(MK, "a", "b", REGIONS[1])
    found = work(world, "an investigator", Role.INVESTIGATOR)
    (item,) = found.items
    assert (item.duty, item.page, item.mine) == (Duty.ANSWER, f"/app/hits/{hit.statement_id}", False)
    assert [record.issuer for record in item.records] == [RS, MK], "the own one first"
    assert (found.mine, found.anybodys, found.left_out) == (0, 1, 0)
    with world.rs.store.read() as session:
        told = session.scalars(
            select(ExhibitsSeenRow.pseudonym).where(ExhibitsSeenRow.pseudonym == "an investigator")
        ).all()
    assert len(told) == 1


def test_a_long_list_is_bounded(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_LINES >= 10
    monkeypatch.setattr("exchange.flows.alerts.worklist.MOST_LINES", 0)
    found = work(world)
    assert (found.items, found.left_out) == ((), 1)
