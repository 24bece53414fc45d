"""How much a node takes: ``python -m tests.load.measure_submissions [--processes N] [--senders N] [--seconds S]``.

Fifty programs submit, each the next as soon as the last was answered; who is sent away with 429 comes again when told
to. Prints what was taken a second, how long those that were let in waited, and the processor time of one submission,
by where it went. The node is ``ffp serve`` on a PostgreSQL of its own, without a worker: what correlates has the lowest
priority beside it. $FFP_TEST_POSTGRESQL_FSYNC=on for a server that waits for its disk; docs/load.md has the figures.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.compute import computes_for_another
from exchange.flows.node.node import create_node, opened
from exchange.processes import cpu_s
from exchange.store.access.user_rows import add_user
from matcher import write_topography
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.chaos.nodes.processes import Process
from tests.exchange import postgresql_server
from tests.exchange.databases import Postgresql
from tests.exchange.running_nodes import free_port
from tests.load.people import percentile
from tests.load.traffic import SUBMISSION, Known, crowd

DRAWN, TOKENS = 6, 8


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--senders", type=int, default=50)
    asked.add_argument("--seconds", type=float, default=20)
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, served_on_postgresql(Path(folder), wanted.processes) as node:
        with opened(node.home) as own, own.store.write() as session:
            known = Known([add_user(session, f"program-{number}", Role.EXAMINER) for number in range(TOKENS)])
        scans = _drawn(Path(folder))
        crowd(node.url, known, scans, wanted.senders, 2.0)  # warm, with other files than those that are measured
        load, used, begun = os.getloadavg()[0], _used(node), time.monotonic()
        told, away = crowd(node.url, known, scans[::-1], wanted.senders, wanted.seconds)
        seconds = time.monotonic() - begun
        spent = {part: s - used[part] for part, s in _used(node).items()}
    took = told.took_ms[SUBMISSION]
    print(f"{wanted.processes} processes, {wanted.senders} senders, load of the machine before {load:.1f}")
    print(f"{len(took) / seconds:.1f} submissions a second, {away} times sent away, errors {dict(told.errors)}")
    print(f"half within {percentile(took, 0.5):.0f} ms, 99 of 100 within {percentile(took, 0.99):.0f} ms")
    print("processor time of one, ms: " + ", ".join(f"{part} {s / len(took) * 1e3:.1f}" for part, s in spent.items()))


@contextmanager
def served_on_postgresql(folder: Path, processes: int) -> Iterator[Process]:
    """A new node that so many processes serve while the block runs, on a server of its own, without a worker."""
    home, port = folder / "rs", free_port()
    with postgresql_server.one_of_its_own() as (_, address):
        database, url = Postgresql(address).new(), f"http://127.0.0.1:{port}"
        create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=port, database_url=database)
        node = Process(home, port, options=["--no-worker", "--processes", str(processes)])
        with node.running():
            yield node


def _drawn(folder: Path) -> list[Path]:
    paths = [folder / f"{firearm}.x3p" for firearm in range(DRAWN)]
    for firearm, path in enumerate(paths):
        write_topography(breech_face.draw(firearm, 1), path, instrument="synthetic")
    return paths


def _used(node: Process) -> dict[str, float]:
    """Seconds of the processor so far: of the processes that serve, and of those that read scans for them."""
    found = dict.fromkeys(("serving", "reading", "database"), 0.0)
    for process in node.session():
        found["reading" if computes_for_another(process) else "serving"] += cpu_s(process)
    for process in Path("/proc").glob("[0-9]*"):
        if _name(process) == "postgres":
            found["database"] += cpu_s(int(process.name))
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8").strip()
    except OSError:  # it has ended
        return ""


if __name__ == "__main__":
    main()
