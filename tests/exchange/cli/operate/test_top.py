"""``ffp top``: what is counted is what is there; the live view ends at once and leaves the terminal as it was."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select as sql_select

from exchange.clock import stamp, stamp_in
from exchange.flows.node.node import create_node, opened
from exchange.flows.operate.activity import Watch
from exchange.store.node import workers
from exchange.store.node.jobs import JobKind, JobState, promise, take
from exchange.store.node.workers import WorkerIdentity
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import fill
from tests.exchange.cli.conftest import Ffp
from tests.exchange.peer_cards import card_of
from tests.exchange.running_nodes import RunningNode, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Four records came; one scan is correlated by the leading worker, one was just done, one waits since a minute and
    one was given up. A control is still to be drawn. One peer's clock is off."""
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=free_port())
    with opened(home) as node:
        fill(node, 4)
        with node.store.write() as session:
            done, at_work, late, dead = session.scalars(sql_select(AcquisitionRow)).all()
            done.correlated_at = stamp()
            promise(session, JobKind.CORRELATE, at_work.acquisition_id)
            assert take(session, JobKind.CORRELATE, owner="leader", lease_s=60)
            promise(session, JobKind.CORRELATE, late.acquisition_id)
            promise(session, JobKind.PROBE, dead.acquisition_id)
            promise(session, JobKind.DRAW_CONTROL, 1)
            for job in session.scalars(sql_select(JobRow).where(JobRow.state == JobState.PENDING)):
                job.not_before = stamp_in(-90)
                job.state = JobState.DEAD if job.kind == JobKind.PROBE else job.state
            for name in ("leader", "other"):
                place = f"here, process {name}, {home}"
                workers.show_worker(session, WorkerIdentity(name, place, "machine", "home", stamp_in(-5)), lease_s=60)
            workers.lead(session, "leader")
            session.add(_peer("ffp-mk", clock_ahead_s=300.0, pulled_at=stamp_in(-30), alarm="It forked."))
            session.add(_peer("ffp-al", clock_ahead_s=None, pulled_at=None, alarm=None))
            session.add(_peer("ffp-ua", clock_ahead_s=None, pulled_at=None, alarm=None, state=PeerState.REVOKED))
    return home


def _peer(name: str, *, state: PeerState = PeerState.ENROLLED, **more: Any) -> PeerRow:
    return PeerRow(
        node_id=name,
        jurisdiction=name[-2:].upper(),
        url=f"https://{name}.example",
        card=card_of(name, f"https://{name}.example"),
        legal_basis="x",
        state=state,
        enrolled_at=stamp(),
        cursor_head=b"",
        cursor_count=7,
        **more,
    )


def test_one_look_has_what_is_there(ffp: Ffp, home: Path) -> None:
    said = ffp("top", "--once", "--json", "--home", home)
    assert said.code == 0, said
    told = json.loads(said.out)
    assert (told["node_id"], told["answers"], told["requests"]) == ("ffp-rs", False, None)
    correlate, probe = told["queue"]
    assert (correlate["kind"], correlate["waiting"], correlate["running"], correlate["dead"]) == ("correlate", 1, 1, 0)
    assert 89 < correlate["oldest_s"] < 120
    assert (probe["kind"], probe["dead"], probe["oldest_s"]) == ("probe", 1, None)
    working = {worker["place"].split()[2]: (worker["leads"], worker["doing"]) for worker in told["workers"]}
    assert working == {"leader,": (True, {"correlate": 1}), "other,": (False, {})}
    peers = {peer["node_id"]: peer for peer in told["peers"]}
    assert set(peers) == {"ffp-al", "ffp-mk"}, "whom nobody asks any more is left out"
    assert (peers["ffp-mk"]["clock_off"], peers["ffp-mk"]["alarm"], peers["ffp-mk"]["received"]) == (True, True, 7)
    assert 29 < peers["ffp-mk"]["answered_s"] < 60
    assert (peers["ffp-al"]["answered_s"], peers["ffp-al"]["clock_off"]) == (None, False)
    assert (told["records"], told["correlations"], told["queries"]) == (4, 1, 0)
    assert 0 < told["disk_reserve_bytes"] < told["disk_free_bytes"]


def test_in_words_and_after_the_minute_is_over(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = ffp("top", "--once", "--home", home).out
    assert "queue\tcorrelate\t1\t1\t0\t90 s\n" in out
    assert "\tleads\t0 s\t1 correlate\n" in out
    assert "peer\tffp-mk\tenrolled\t30 s\t" in out
    assert "+300 s off\talarm\n" in out
    assert "peer\tffp-al\tenrolled\tnever\t" in out
    monkeypatch.setattr("exchange.flows.operate.activity.WINDOW_S", 0)
    assert "in the last minute\trecords\t0\n" in ffp("top", "--once", "--home", home).out


def test_it_writes_nothing_and_needs_no_key(ffp: Ffp, home: Path) -> None:
    for path in (home / "keys").iterdir():
        path.unlink()
    before = {
        path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and "node.db" not in path.name
    }
    assert ffp("top", "--once", "--home", home).code == 0
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and "node.db" not in path.name}
    assert before == after


def test_of_a_node_that_runs_requests_are_counted(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    from exchange.web.metrics import metrics_served

    monkeypatch.setenv("FFP_NODE_METRICS_PORT", str(free_port()))
    running = start_node(Jurisdiction.RS)
    assert running.node.settings.metrics_port is not None
    watch = Watch(running.node.settings, running.node.store)
    with metrics_served(running.node):
        first = watch.look()
        assert (first.answers, first.requests) == (True, None), "there is nothing yet to compare with"
        for _ in range(20):
            assert running.http.get(f"{running.url}/healthz").status_code == 200
        second = watch.look()
    assert second.requests is not None
    assert second.requests > 20
    assert len(second.workers) == 1


@pytest.mark.parametrize("end", ["q", "\x03"])
def test_the_live_view_ends_at_once_and_leaves_the_terminal_as_it_was(home: Path, end: str) -> None:
    own, other = pty.openpty()
    before = termios.tcgetattr(other)
    words = [sys.executable, "-m", "exchange.cli.main", "top", "--interval", "0.5", "--home", str(home)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "50"}
    with subprocess.Popen(
        words,
        stdin=other,
        stdout=other,
        stderr=other,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: _take_terminal(other),
    ) as process:
        written = b""
        while written.count(b"q ends") < 3:  # drawn, and drawn anew
            assert select.select([own], [], [], 60)[0], written
            written += os.read(own, 65536)
        os.write(own, end.encode())
        began = time.monotonic()
        while process.poll() is None and time.monotonic() < began + 20:
            if select.select([own], [], [], 0.05)[0]:
                written += os.read(own, 65536)
        assert process.wait(1) == 0
    assert b"ffp-mk" in written
    assert b"\x1b[?1049l" in written, "the screen from before is back"
    assert termios.tcgetattr(other)[3] == before[3]
    os.close(own)
    os.close(other)


def _take_terminal(terminal: int) -> None:
    import fcntl

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
