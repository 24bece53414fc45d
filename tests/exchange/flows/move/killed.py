"""A move in a process of its own, which is killed (SIGKILL) at a step that the test names."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_MOVE = """
import json, os, signal, sys, time
from pathlib import Path
from exchange.flows.move import move
from exchange.flows.move.move_places import parse_place
from exchange.store.move import rows
home, to, at, rows_a_time = Path(sys.argv[1]), parse_place(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rows.ROWS_A_TIME = rows_a_time
began, calls, first = time.monotonic(), 0, {}
def progress(what, done, total):
    global calls
    calls += 1
    first.setdefault(what, done)
    name, _, least = at.partition(" >= ")
    if at in (what, str(calls)) or (least and what == name and done >= int(least)):
        os.kill(os.getpid(), signal.SIGKILL)
moved = move.move_database(home, to, progress=progress)
seconds = time.monotonic() - began
[peak_kb] = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")]
cpu = time.process_time()
told = {"seconds": seconds, "cpu_s": cpu, "peak_mib": peak_kb / 1024, "rows": moved.rows, "first": first}
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Ended:
    """How a run of a move ended. ``first``: of each table, how many rows were there when the run came to it."""

    killed: bool
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    rows: int = 0
    first: dict[str, int] | None = None


def moved_until(home: Path, to: str, at: str, *, rows_a_time: int = 2) -> Ended:
    """Run the move until a step: its name, its name and how many rows there are by then (``statement >= 4000``), or how
    many steps."""
    program = [sys.executable, "-c", _MOVE, str(home), to, at, str(rows_a_time)]
    ended = subprocess.run(program, check=False, capture_output=True, text=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return Ended(killed=True) if ended.returncode else Ended(killed=False, **json.loads(ended.stdout))
