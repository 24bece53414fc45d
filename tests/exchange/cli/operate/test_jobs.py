"""``ffp job``: what waits and why is listed; what was given up is tried again, and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.node.node import Node, create_node, opened
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.node.jobs import JobKind, JobState, fail, promise, take, wait
from exchange.store.tables.log import AuditRow
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import fill
from tests.exchange.cli.conftest import Ffp, refusal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A node with three records. The scan of the first was given up, that of the second waits, that of the third is to
    be correlated; and a control is still to be drawn."""
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node:
        fill(node, 3)
        _give_work(node)
    return home


def _give_work(node: Node) -> None:
    with node.store.write() as session:
        for scan in session.scalars(select(AcquisitionRow)).all():
            scan.delivered_at = "2026-01-01T00:00:00.000Z"
            promise(session, JobKind.CORRELATE, scan.acquisition_id)
        first = take(session, JobKind.CORRELATE, owner="w", lease_s=60)
        assert first is not None
        assert fail(session, first, "compute-failed: A worker process died twice over this scan.", max_attempts=1)
        session.get_one(AcquisitionRow, int(first.subject)).state = AcquisitionState.FAILED
        second = take(session, JobKind.CORRELATE, owner="w", lease_s=60)
        assert second is not None
        wait(session, second, "compute-away: The cluster does not answer.", pause_s=60)
        promise(session, JobKind.DRAW_CONTROL, 1)


def states(home: Path) -> list[str]:
    with opened(home) as node, node.store.read() as session:
        return list(session.scalars(select(JobRow.state).where(JobRow.kind == "correlate").order_by(JobRow.job_id)))


def acts(home: Path) -> list[tuple[str, str, int]]:
    with opened(home) as node, node.store.read() as session:
        return [(row.act, row.actor, row.count) for row in session.scalars(select(AuditRow)) if row.act == "retry-work"]


@pytest.mark.parametrize("words", [("job", "retry"), ("token", "revoke")])
@pytest.mark.parametrize("number", ["0", str(2**63), "9" * 40])
def test_a_number_that_no_row_has_is_refused_in_words(
    ffp: Ffp, home: Path, words: tuple[str, str], number: str
) -> None:
    said = ffp(*words, number, "--home", home)
    assert said.code == 2
    assert "Error: Invalid value for" in said.err


def test_words_of_a_terminal_that_is_not_in_utf_8_are_refused_in_words(ffp: Ffp, home: Path) -> None:
    said = ffp("user", "role", "marko.\udce6", "examiner", "--home", home)
    assert refusal(said) == "ffp: 'marko.\\udce6' is not UTF-8; set the terminal to UTF-8, and type it anew."


def test_dead_ones_first_with_what_they_failed_of(ffp: Ffp, home: Path) -> None:
    with opened(home) as node, node.store.read() as session:
        scan = session.scalars(select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id)).first()
        assert scan is not None
        named = f"scan 0 of the record {scan.statement_id}"
    said = ffp("job", "list", "--home", home)
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) == 3, "a control that is to be drawn is nobody's business"
    reason = "compute-failed: A worker process died twice over this scan."
    assert lines[0].split("\t")[1:] == ["dead", "correlate", named, "1", "", reason]
    assert "compute-away: The cluster does not answer." in said.out
    told = json.loads(ffp("job", "list", "--json", "--home", home).out)
    assert [(job["state"], job["attempts"], job["next"] is None) for job in told] == [
        ("dead", 1, True),
        ("pending", 0, False),
        ("pending", 0, False),
    ]
    assert len(json.loads(ffp("job", "list", "--dead", "--json", "--home", home).out)) == 1
    assert len(json.loads(ffp("job", "list", "--limit", "2", "--json", "--home", home).out)) == 2


def test_what_was_given_up_is_tried_again_with_all_its_attempts(ffp: Ffp, home: Path) -> None:
    [dead] = json.loads(ffp("job", "list", "--dead", "--json", "--home", home).out)
    said = ffp("job", "retry", str(dead["number"]), "--home", home)
    assert said.code == 0
    assert "Tried again: 1." in said.out
    assert states(home) == [JobState.PENDING] * 3
    with opened(home) as node, node.store.read() as session:
        job = session.get_one(JobRow, dead["number"])
        scan = session.get_one(AcquisitionRow, int(job.subject))
        assert (job.attempts, scan.state, scan.detail) == (0, AcquisitionState.QUEUED, None)
    assert acts(home) == [("retry-work", "console", 1)]


def test_all_that_were_given_up(ffp: Ffp, home: Path) -> None:
    assert "Tried again: 1." in ffp("job", "retry", "--all-dead", "--home", home).out
    said = ffp("job", "retry", "--all-dead", "--home", home)
    assert (said.code, said.out) == (0, "No job is dead.\n")
    assert ffp("job", "list", "--dead", "--home", home).out == "No job is dead.\n"
    assert len(acts(home)) == 1, "what changed nothing is no act"


def test_one_that_is_not_dead_or_not_there_and_nothing_changes(ffp: Ffp, home: Path) -> None:
    jobs = json.loads(ffp("job", "list", "--json", "--home", home).out)
    dead, waiting = str(jobs[0]["number"]), str(jobs[1]["number"])
    with opened(home) as node, node.store.read() as session:
        control = str(session.scalars(select(JobRow.job_id).where(JobRow.kind == JobKind.DRAW_CONTROL)).one())
    assert "There is no job 99." in refusal(ffp("job", "retry", dead, "99", "--home", home))
    assert f"There is no job {control}." in refusal(ffp("job", "retry", dead, control, "--home", home))
    assert "Not given up" in refusal(ffp("job", "retry", dead, waiting, "--home", home))
    assert "--all-dead" in refusal(ffp("job", "retry", "--home", home))
    assert "--all-dead" in refusal(ffp("job", "retry", dead, "--all-dead", "--home", home))
    assert states(home)[0] == JobState.DEAD
    assert acts(home) == []


def test_a_node_without_work(ffp: Ffp, tmp_path: Path) -> None:
    create_node(tmp_path / "new", jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    assert ffp("job", "list", "--home", tmp_path / "new").out == "No job waits; all is done.\n"
    assert json.loads(ffp("job", "list", "--json", "--home", tmp_path / "new").out) == []
