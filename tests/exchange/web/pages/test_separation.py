"""Own separation: what an examiner and the head see of the scores of their own test fires."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select

import matcher
from exchange.flows.truth.separation import Separation
from exchange.store.tables.log import AuditRow
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.truth import KnownPairRow
from exchange.web.pages.truth.separation_pages import DRAWING_HEIGHT, DRAWING_WIDTH, MIDDLE, drawing_of
from matcher.likelihood.scored_pairs import read_score_table
from matcher.synthetic import breech_face
from schemas.vocabulary import Role
from tests.exchange.running_nodes import DONE_S, RunningNode
from tests.exchange.web.pages.conftest import Person

SHOWN = Separation("breech_face", None, None, 6, 3, 3, "2026-01-02", "2026-11-30", (0.41, 0.9, 1.0), (0.0, 0.02, 0.44))


def test_bars_of_one_firearm_rise_and_bars_of_two_fall() -> None:
    drawn = drawing_of(SHOWN)
    assert drawn is not None
    assert all(bar.y + bar.height == MIDDLE for bar in drawn.true)
    assert all(bar.y == MIDDLE for bar in drawn.different)
    assert [round(bar.x) for bar in drawn.true] == [216, 486, 513], "a score of 1 stands in the last bar"
    assert max(bar.height for bar in (*drawn.true, *drawn.different)) <= 70 < DRAWING_HEIGHT - MIDDLE
    assert [(tick.x, tick.score) for tick in drawn.ticks][::4] == [(0.0, 0.0), (DRAWING_WIDTH, 1.0)]


def test_one_pair_among_thousands_is_seen_and_scores_below_0_have_their_place() -> None:
    drawn = drawing_of(replace(SHOWN, different=(-0.2, *(0.01,) * 5000)))
    assert drawn is not None
    assert drawn.different[0].height == 2
    assert drawn.ticks[0].score == -1.0
    assert drawing_of(replace(SHOWN, true=(), different=())) is None


def test_how_far_two_kinds_of_pairs_lie_apart() -> None:
    assert SHOWN.gap == pytest.approx(-0.03)
    assert SHOWN.overlapping == 1
    assert replace(SHOWN, true=()).gap is None


@pytest.fixture(scope="module")
def testing(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """The node of all these tests, with four test fires of two firearms; afterwards they are none."""
    folder, names = tmp_path_factory.mktemp("fired"), []
    for firearm, shot in ((41, 1), (41, 2), (42, 1), (42, 2)):
        path = folder / f"{firearm}-{shot}.x3p"
        matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="Scope <A>")
        held = {"firearm_id": f"F-{firearm}", "kind": "pistol", "calibre": "9x19"}
        exhibit = {"kind": "test_fire", "calibre": "9x19", "firearm": held}
        sent = node.submit(path, case_reference=f"RS-{firearm}-{shot}", exhibit=exhibit)
        assert sent.status_code == 201, sent.text
        names.append(sent.json()["statement_id"])
    yield node
    with node.node.store.write() as session:
        session.execute(delete(KnownPairRow))
        for name in names:
            session.get_one(RecordRow, name).kind = "crime_scene"


def wait_scored(person: Person, pairs: int) -> None:
    """Until a worker has scored all pairs, and looked at every test fire."""
    done, deadline = {"done": pairs, "all": pairs}, time.monotonic() + DONE_S
    while (
        person.get("/app/separation/progress").json() != done
        or "Scores that are missing" in person.get("/app/separation").text
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_what_is_missing_is_said_plainly(signed_in: Callable[[Role], Person]) -> None:
    shown = signed_in(Role.HEAD).get("/app/separation").text
    assert "register test fires with their firearm" in shown
    assert "this node gives no likelihood ratios" in shown
    assert "<svg" not in shown.split("<main", 1)[1]


@pytest.mark.slow
def test_a_worker_scores_test_fires_and_the_page_draws_them(
    testing: RunningNode, signed_in: Callable[[Role], Person], tmp_path: Path
) -> None:
    examiner = signed_in(Role.EXAMINER)
    wait_scored(examiner, 6)
    shown = examiner.get("/app/separation").text
    assert 'role="img" aria-label="' in shown
    assert "9 mm Luger · Scope &lt;A&gt;" in shown, "what a file calls its instrument is text"
    assert '<td class="number">2</td><td class="number">4</td>' in shown, "pairs of one firearm, and of two"
    assert "Score what is missing" not in shown
    assert "style=" not in shown, "the policy of the pages allows none"

    table = examiner.get("/app/separation/scores.csv")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert sorted(row["hypothesis"] for row in rows) == ["0", "0", "0", "0", "1", "1"]
    assert "F-41" not in table.text, "nobody learns the score of a certain pair"
    assert "RS-41" not in table.text
    (tmp_path / "scores.csv").write_bytes(table.content)
    assert read_score_table(tmp_path / "scores.csv", "score").n_firearms == 2
    with testing.node.store.read() as session:
        acts = [(row.actor, row.count) for row in session.scalars(select(AuditRow)) if row.act == "read-separation"]
    assert acts == [(examiner.pseudonym, 6)]


@pytest.mark.slow
def test_what_is_missing_is_scored_at_a_button(testing: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    head = signed_in(Role.HEAD)
    wait_scored(head, 6)
    with testing.node.store.write() as session:
        session.execute(delete(KnownPairRow))
    shown = head.get("/app/separation").text
    assert "0 of 6 pairs are scored" in shown
    assert "Score what is missing" in shown
    assert head.post("/app/separation", {"csrf": head.csrf()}).status_code == 303
    wait_scored(head, 6)
