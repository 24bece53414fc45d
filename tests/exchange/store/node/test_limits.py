"""Limits hold for all processes of a node together, and end with the process that used them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.errors import StoreUnavailable
from exchange.store.entry.draft_files import DraftFiles
from exchange.store.node.rate_limits import NodeLimits

TRIES = """
import sys
from pathlib import Path
from exchange.store.node.rate_limits import NodeLimits

limits = NodeLimits(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(limits.wait_s("192.0.2.1", 20, 60_000) == 0 for _ in range(50)))
"""
HOLDS = """
import sys
from pathlib import Path
from exchange.store.node.rate_limits import NodeLimits

with NodeLimits(Path(sys.argv[1])).turn("ffp-mk news", 2) as there_is_one:
    print(there_is_one, flush=True)
    sys.stdin.read()
"""
DRAFT = """
import sys
from pathlib import Path
from exchange.store.entry.draft_files import DraftFiles

files, count = DraftFiles(Path(sys.argv[1]), min_free_bytes=1), Path(sys.argv[2])
for _ in range(200):
    with files.alone("a-draft"):
        count.write_text(str(int(count.read_text()) + 1))
"""


@contextlib.contextmanager
def process(program: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout
    return started.stdout.readline().strip()


@pytest.fixture
def at() -> list[float]:
    return [1_000.0]


@pytest.fixture
def limits(tmp_path: Path, at: list[float]) -> NodeLimits:
    return NodeLimits(tmp_path / "limits", lambda: at[0])


def test_tries_of_two_processes_count_together(tmp_path: Path) -> None:
    """A hundred at once, of which a single process would let in twenty of its fifty."""
    with process(TRIES, tmp_path) as one, process(TRIES, tmp_path) as other:
        for started in (one, other):
            assert line_of(started) == "ready"
        for started in (one, other):
            assert started.stdin
            started.stdin.write("go\n")
            started.stdin.flush()
        taken = int(line_of(one)) + int(line_of(other))
    assert taken == 20


def test_so_many_at_once_and_then_one_after_the_other(limits: NodeLimits, at: list[float]) -> None:
    assert [limits.wait_s("x", 20, 60) for _ in range(20)] == [0.0] * 20
    assert limits.wait_s("x", 20, 60) == pytest.approx(3)
    assert limits.wait_s("x", 20, 60) == pytest.approx(3), "what was refused was not counted"
    assert limits.wait_s("y", 20, 60) == 0
    at[0] += 3
    assert limits.wait_s("x", 20, 60) == 0
    assert limits.wait_s("x", 20, 60) > 0
    at[0] += 60
    assert [limits.wait_s("x", 20, 60) for _ in range(21)][-2:] == [0, pytest.approx(3)]


def test_a_clock_that_begins_anew_locks_nobody_out(limits: NodeLimits, at: list[float]) -> None:
    """That of the machine does so when it is started."""
    at[0] = 5_000_000.0
    for _ in range(21):
        limits.wait_s("x", 20, 60)
    at[0] = 10.0
    assert limits.wait_s("x", 20, 60) == 0


def test_a_turn_of_another_process_counts_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    limits = NodeLimits(tmp_path)
    with process(HOLDS, tmp_path) as other:
        assert line_of(other) == "True"
        with limits.turn("ffp-mk news", 2) as second, limits.turn("ffp-mk news", 2) as third:
            assert (second, third) == (True, False)
            with limits.turn("ffp-mk words", 2) as another:
                assert another
        other.kill()
        other.wait()
    with limits.turn("ffp-mk news", 2) as first, limits.turn("ffp-mk news", 2) as second:
        assert (first, second) == (True, True)


@pytest.mark.parametrize(
    "use", [lambda limits: limits.wait_s("x", 1, 1), lambda limits: limits.turn("x", 1).__enter__()]
)
def test_what_cannot_be_counted_is_not_let_in(tmp_path: Path, use: Callable[[NodeLimits], object]) -> None:
    (tmp_path / "limits").write_text("a file in the place of the folder")
    with pytest.raises(StoreUnavailable, match="limits"):
        use(NodeLimits(tmp_path / "limits"))


def test_names_are_spread_over_the_slots(tmp_path: Path) -> None:
    """A thousand addresses that try once lock out none of each other."""
    limits = NodeLimits(tmp_path, lambda: 1_000.0)
    taken = Counter(limits.wait_s(f"198.51.100.{number}", 2, 60) == 0 for number in range(1_000))
    assert taken[True] >= 999


def test_one_process_at_a_time_works_on_a_draft(tmp_path: Path) -> None:
    """Two that each add one two hundred times: none is lost, and no lock stays behind."""
    folder, count = tmp_path / "drafts", tmp_path / "count"
    count.write_text("0")
    with process(DRAFT, folder, count) as one, process(DRAFT, folder, count) as other:
        assert (one.wait(60), other.wait(60)) == (0, 0)
    assert count.read_text() == "400"
    assert list(folder.iterdir()) == []
    with DraftFiles(folder, min_free_bytes=1).alone("a-draft"):
        assert [path.name for path in folder.iterdir()] == ["a-draft.lock"]
