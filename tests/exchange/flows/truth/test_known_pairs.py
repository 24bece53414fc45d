"""Own test fires are scored with one another, in the background, and shown by groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

import matcher
from exchange.clock import stamp
from exchange.flows.truth.known_pairs import promise_missing, score_test_fire, scoring_progress
from exchange.flows.truth.separation import OwnSeparation, Separation, known_pairs, own_separation
from exchange.flows.truth.test_fires import calibre_groups, may_share_firearm
from exchange.store.entry.exhibits import exhibits_of
from exchange.store.node.jobs import JobKind
from exchange.store.review.review_rows import scans_of
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.tables.truth import KnownPairRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.terms.withdrawals import erase_rows, restrict
from matcher.synthetic import breech_face
from tests.exchange.flows.truth.laboratory import Laboratory, laboratory

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two shots of each of two firearms, and one of a third."""
    folder, found = tmp_path_factory.mktemp("drawn"), {}
    for firearm, shot in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        found[f"{firearm}-{shot}"] = folder / f"{firearm}-{shot}.x3p"
        matcher.write_topography(breech_face.draw(firearm, shot), found[f"{firearm}-{shot}"], instrument="Scope A")
    return found


@pytest.fixture
def own(tmp_path: Path, drawn: dict[str, Path]) -> Iterator[Laboratory]:
    """Four test fires of two firearms, and an exhibit from a scene that is nobody's truth."""
    with laboratory(tmp_path / "node") as made:
        for name in ("1-1", "1-2", "2-1", "2-2"):
            made.register(drawn[name], f"F-{name[0]}")
        made.register(drawn["3-1"], None)
        yield made


def promised(own: Laboratory) -> list[int]:
    with own.node.store.read() as session:
        return sorted(
            int(row) for row in session.scalars(select(JobRow.subject).where(JobRow.kind == JobKind.KNOWN_PAIRS))
        )


def do_all(own: Laboratory) -> int:
    """What a worker does."""
    done = sum(score_test_fire(own.node, number) for number in promised(own))
    with own.node.store.write() as session:
        session.execute(delete(JobRow).where(JobRow.kind == JobKind.KNOWN_PAIRS))
    return done


def whole(found: OwnSeparation) -> Separation:
    return next(group for group in found.groups if group.roi == "breech_face")


def test_each_pair_is_scored_once_when_test_fires_arrive(own: Laboratory, drawn: dict[str, Path]) -> None:
    assert len(promised(own)) == 4, "the exhibit from a scene is not among them"
    before = own_separation(own.node)
    assert (before.progress.scored, before.progress.pairs, before.progress.waiting) == (0, 6, 4)
    assert do_all(own) == 6
    group = whole(own_separation(own.node))
    assert (group.firearms, group.with_pairs, group.scans) == (2, 2, 4)
    assert (len(group.true), len(group.different)) == (2, 4)
    assert group.gap is not None
    assert group.gap > 0.0
    assert group.overlapping == 0
    assert (group.calibres, group.instrument) == (("9 mm Luger",), "Scope A")
    a, b = (matcher.prepare(matcher.read_topography(drawn[name])) for name in ("1-1", "1-2"))
    assert matcher.compare(a, b).score in group.true, "the score that a candidate list shows"
    assert scoring_progress(own.node).missing == 0
    assert promise_missing(own.node) == 0
    assert score_test_fire(own.node, own_scans(own)[0]) == 0, "doing it twice changes nothing"


def own_scans(own: Laboratory) -> list[int]:
    with own.node.store.read() as session:
        return list(session.scalars(select(AcquisitionRow.acquisition_id).order_by(AcquisitionRow.acquisition_id)))


def test_scores_of_another_matcher_are_made_anew(own: Laboratory) -> None:
    do_all(own)
    with own.node.store.write() as session:
        session.execute(update(KnownPairRow).values(parameters="ab" * 32, score=0.5))
    assert (scoring_progress(own.node).scored, whole(own_separation(own.node)).true) == (0, ())
    assert promise_missing(own.node) == 3, "of each pair the first"
    assert do_all(own) == 6
    with own.node.store.read() as session:
        assert {row.parameters for row in session.scalars(select(KnownPairRow))} == {matcher.DEFAULT_PARAMETERS.digest}


def test_what_was_withdrawn_or_restricted_is_in_no_pair(own: Laboratory, drawn: dict[str, Path]) -> None:
    do_all(own)
    with own.node.store.read() as session:
        names = [row.statement_id for row in session.scalars(select(RecordRow).order_by(RecordRow.sequence))]
    with own.node.store.write() as session:
        erase_rows(session, names[0])
        restrict(session, names[2])
    group = whole(own_separation(own.node))
    assert (group.scans, len(group.true), len(group.different)) == (2, 0, 1)
    with own.node.store.read() as session:
        assert len(session.scalars(select(KnownPairRow)).all()) == 1
    own.register(drawn["1-1"], "F-1", supersedes=names[1])
    do_all(own)
    assert whole(own_separation(own.node)).scans == 2, "the newer version stands for the older one"


def test_a_pair_that_waits_for_a_blind_verification_is_not_shown(own: Laboratory) -> None:
    do_all(own)
    pair = known_pairs(own.node)[0]
    low, high = exhibits_of(pair.one.record.exhibit, pair.other.record.exhibit)
    scan_low, scan_high = scans_of(pair.one.scan.sha256, pair.other.scan.sha256)
    with own.node.store.write() as session:
        session.add(
            VerificationTaskRow(
                task_id="ab" * 16,
                basis="screen",
                scan_low=scan_low,
                scan_high=scan_high,
                exhibit_low=low,
                exhibit_high=high,
                statement_a=pair.one.record.statement_id,
                statement_b=pair.other.record.statement_id,
                pair="{}",
                created_at=stamp(),
                due_at=stamp(),
            )
        )
    assert len(known_pairs(own.node)) == 5
    group = whole(own_separation(own.node))
    assert len(group.true) + len(group.different) == 5
    with own.node.store.write() as session:
        session.execute(update(VerificationTaskRow).values(done_at=stamp()))
    assert len(known_pairs(own.node)) == 6


def test_groups_of_calibres_and_instruments(own: Laboratory, drawn: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "other.x3p"
    matcher.write_topography(breech_face.draw(3, 1), path, instrument="Scope B")
    own.register(path, "F-3")
    own.register(drawn["3-1"], "F-4", calibre=".45 ACP", case_reference="RS-45")
    do_all(own)
    found = [(group.calibres, group.instrument, group.scans) for group in own_separation(own.node).groups]
    assert found == [
        (None, None, 6),
        ((".45 ACP",), "Scope A", 1),
        (("9 mm Luger",), "Scope A", 4),
        (("9 mm Luger",), "Scope B", 1),
    ]
    assert scoring_progress(own.node).pairs == 10, "a .45 and a 9 mm are compared by nobody"


def test_calibres_that_one_firearm_may_have_fired_stand_together() -> None:
    assert may_share_firearm(".22 LR", ".22 Short")
    assert not may_share_firearm("unknown", "9 mm Luger"), "of a known firearm that says nothing"
    assert may_share_firearm("unknown", "unknown")
    assert calibre_groups(["9 mm Luger", ".22 LR", "unknown", ".22 Short"]) == [
        (".22 LR", ".22 Short"),
        ("9 mm Luger",),
        ("unknown",),
    ]
