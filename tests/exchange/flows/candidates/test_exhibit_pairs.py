"""Lists whose rows are two exhibits: what stands out, what is folded, what nobody is told of; on a node's database."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from exchange.flows.blind.tasks import tasks_for
from exchange.flows.blind.visibility import note_lists, note_shown
from exchange.flows.candidates.exhibit_neighbours import Neighbours, neighbours_of
from exchange.flows.candidates.exhibit_pairs import (
    RecordExhibits,
    RestOfList,
    exhibits_across_borders,
    exhibits_of_record,
)
from exchange.flows.node.validated_scores import not_validated
from exchange.store.review.candidate_rows import CandidateFilter
from exchange.store.review.review_rows import exhibits_seen_by
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas import Maker
from schemas.vocabulary import Modality, Role
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
ALL = CandidateFilter()
FOURTH = FIRST.model_copy(update={"pseudonym": "four"})
WEAK = [f"w{number}" for number in range(5)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Serbia's a has one pair that stands out, with b, and five that do not; c has none but these five."""
    with blind_world(tmp_path_factory.mktemp("pairs")) as world:
        for name in ("a", "c"):
            world.exhibit(name)
        for name in ("b", *WEAK):
            world.exhibit(name, MK)
        world.compare("a", "b", 0.9)
        for place, name in enumerate(WEAK):
            world.compare("a", name, 0.1 + 0.01 * place)
            world.compare("c", name, 0.12 + 0.01 * place)
        with world.rs.store.write() as session:
            session.execute(update(RecordRow).where(RecordRow.issuer == "ffp-rs").values(submitted_by="one"))
    return world


def of(
    world: BlindWorld, name: str, who: Maker = FIRST, *, rest: RestOfList | None = None, after: int = 0
) -> RecordExhibits:
    record = world.records[name]
    found = exhibits_of_record(world.rs, who.role, who.pseudonym, record, rest=rest, after=after)
    assert found is not None
    return found


def around(world: BlindWorld, name: str, other: str, who: Maker = FIRST) -> Neighbours | None:
    return neighbours_of(world.rs, who.role, who.pseudonym, world.records[name], world.records[other], each_side=3)


def test_two_exhibits_are_one_row_with_their_regions_inside(world: BlindWorld) -> None:
    found = of(world, "a")
    (pair,) = found.standing
    assert (pair.record.statement_id, pair.other.statement_id) == (world.records["a"], world.records["b"])
    assert [scans.roi for scans in pair.regions] == [BREECH, PIN], "what is validated first"
    assert (pair.ranked.score, pair.more, found.ranking.clear) == (0.9, 0, 1)
    assert found.ranking.scores == pytest.approx([0.9, 0.14, 0.13, 0.12, 0.11, 0.1])


def test_weaker_pairs_are_read_when_they_are_asked_for(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(world, "a")
    assert (len(found.ranking.weaker), found.rest, found.following) == (5, [], None)
    assert found.ranking.highest_weaker == pytest.approx(0.14)
    monkeypatch.setattr("exchange.flows.candidates.exhibit_pairs.MOST_WEAKER", 3)
    first, second = of(world, "a", rest=RestOfList.WEAKER), of(world, "a", rest=RestOfList.WEAKER, after=3)
    assert (first.following, second.following) == (3, None)
    listed = [pair.other.statement_id for pair in (*first.rest, *second.rest)]
    assert listed == [world.records[name] for name in reversed(WEAK)]


def test_a_region_that_is_not_validated_makes_no_pair_stand_out(world: BlindWorld) -> None:
    world.exhibit("d")
    for name in ("b", *WEAK):
        world.compare("d", name, 0.12)
    with world.rs.store.write() as session:
        candidate = world.candidate("d", "b", PIN).row
        session.merge(candidate).score = 0.95
    found = of(world, "d")
    assert found.standing == []
    assert found.ranking.highest_weaker == pytest.approx(0.12)


UNMEASURED = {
    "a photograph": {"modality": Modality.REFLECTANCE},
    "a mark of less than a mm2": {"mark_mm2": 0.9},
    "a mark of unknown size": {"mark_mm2": None},
    "points 16 um apart": {"spacing_x_um": 16.0},
    "a region that was marked by hand": {"region_mask": "{}"},
}


@pytest.mark.parametrize("what", UNMEASURED)
def test_a_scan_of_a_kind_that_was_not_validated_makes_no_pair_stand_out(world: BlindWorld, what: str) -> None:
    """However high its score: it stands in a part of the list of its own."""
    with world.rs.store.write() as session:
        of_b = AcquisitionRow.statement_id == world.records["b"]
        session.execute(update(AcquisitionRow).where(of_b).values(**UNMEASURED[what]))
    found = of(world, "a", rest=RestOfList.UNVALIDATED)
    assert (found.standing, len(found.ranking.weaker)) == ([], 5)
    assert [pair.other.statement_id for pair in found.rest] == [world.records["b"]]
    assert found.ranking.scores == pytest.approx([0.14, 0.13, 0.12, 0.11, 0.1]), "not on the strip either"
    assert not_validated(found.rest[0].best) is not None


def test_exhibits_that_wait_for_a_blind_verification_are_not_there(world: BlindWorld) -> None:
    before = of(world, "a", SECOND, rest=RestOfList.WEAKER)
    world.concludes(FIRST, "a", "b", PIN)
    found = of(world, "a", SECOND, rest=RestOfList.WEAKER)
    assert found.standing == []
    assert found.ranking.scores == pytest.approx([0.14, 0.13, 0.12, 0.11, 0.1]), "not on the strip either"
    assert len(found.ranking.weaker) == len(before.ranking.weaker)
    assert around(world, "a", "b", SECOND) is None
    assert set(groups(world, SECOND).values()) == {0}
    assert len(of(world, "a").standing) == 1, "whoever concluded knows the pair"
    world.concludes(FIRST, "a", "w0")
    assert len(of(world, "a", SECOND).ranking.weaker) == 4


def test_who_was_shown_a_list_is_asked_of_no_pair_that_was_in_it_then(world: BlindWorld) -> None:
    """That it was weak, and by the line that is gone from the strip its score: a control would be known for one."""
    found = of(world, "a", SECOND)
    note_lists(world.rs, SECOND.pseudonym, {found.record.exhibit: found.ranking.exhibits})

    def asked() -> list[set[str]]:
        with world.rs.store.read() as session:
            tasks = tasks_for(session, SECOND.pseudonym)
            return [{row.statement_id for row in task.records} for task in tasks]

    world.concludes(FIRST, "a", "w0")
    assert asked() == []
    world.exhibit("late", MK)
    world.compare("a", "late", 0.1)
    world.concludes(FIRST, "a", "late")
    world.concludes(FIRST, "c", "w0")
    ours = world.records
    assert asked() == [{ours["a"], ours["late"]}, {ours["c"], ours["w0"]}], "what came after it, and other lists"
    assert len(of(world, "a", SECOND).ranking.weaker) == 4


def groups(world: BlindWorld, who: Maker, wanted: CandidateFilter = ALL, after: int = 0) -> dict[str, int]:
    """Own records across borders, by name in their order, each with how many of its pairs are shown."""
    found = exhibits_across_borders(world.rs, who.role, who.pseudonym, wanted, after=after)
    names = {record: name for name, record in world.records.items()}
    return {names[group.record.statement_id]: len(group.standing) for group in found.groups}


def test_across_borders_by_own_record_the_best_first(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(groups(world, FIRST).items()) == [("a", 1), ("c", 0)]
    assert groups(world, FOURTH) == {}, "no list is open to this examiner"
    assert groups(world, FIRST, CandidateFilter(roi=PIN)) == {"a": 1, "c": 0}
    assert groups(world, FIRST, CandidateFilter(jurisdiction="AL")) == {}
    monkeypatch.setattr("exchange.flows.candidates.exhibit_pairs.MOST_GROUPS", 1)
    monkeypatch.setattr("exchange.flows.candidates.exhibit_pairs._FIRST_STEP", 2)
    monkeypatch.setattr("exchange.flows.candidates.exhibit_pairs._STEP", 2)
    assert groups(world, FIRST) == {"a": 1}
    assert groups(world, FIRST, after=1) == {"c": 0}
    assert groups(world, FIRST, after=2) == {}


def test_what_was_opened_is_not_new(world: BlindWorld) -> None:
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    assert [pair.opened for pair in of(world, "a").standing] == [True]
    assert groups(world, FIRST, CandidateFilter(new_to="one")) == {"a": 0, "c": 0}
    assert groups(world, SECOND, CandidateFilter(new_to="two")) == {"a": 1, "c": 0}


def test_pairs_that_a_hit_joins_fold_away_in_whatever_region(world: BlindWorld) -> None:
    world.hit("ffp-rs", "a", "b", PIN)
    found = of(world, "a")
    assert (found.standing, len(found.away)) == ([], 1)
    assert found.away[0].ranked.hit is not None
    assert 0.9 not in found.ranking.scores


def test_what_stands_out_tells_whether_it_was_opened_and_concluded_and_marks_nothing_as_seen(world: BlindWorld) -> None:
    def told() -> list[tuple[str, bool, bool]]:
        return [(pair.other.statement_id, pair.opened, pair.concluded) for pair in of(world, "a").standing]

    b = world.records["b"]
    assert told() == [(b, False, False)]
    with world.rs.store.read() as session:
        exhibits = world.candidate("a", "b").exhibits
        assert exhibits_seen_by(session, "one", [exhibits]) == {}, "whoever shows it notes it"
    note_shown(world.rs, Role.EXAMINER, "one", [world.candidate("a", "b")], opened=True)
    world.concludes(FIRST, "a", "b", PIN)
    assert told() == [(b, True, True)]


def test_the_neighbours_of_a_weaker_pair_are_those_that_one_asked_for(world: BlindWorld) -> None:
    strong = around(world, "a", "b")
    assert strong is not None
    assert (strong.length, strong.previous, strong.following, len(strong.ranking.weaker)) == (1, None, None, 5)
    world.shown(FIRST, "a", "w1", BREECH)
    world.shown(FIRST, "a", "w2", BREECH)
    weak = around(world, "a", "w1")
    assert weak is not None
    assert [pair.other.statement_id for pair in weak.shown] == [world.records[name] for name in ("b", "w2", "w1")]
    assert (weak.previous, weak.following) == (world.candidate("a", "w2").row.candidate_id, None)
    assert around(world, "a", "c") is None
