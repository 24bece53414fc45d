"""What a read costs a serving node: ``python -m tests.load.measure_reads [READS] [PROCESSES]``.

One connection that stays open asks the same kind again and again: processor time of the serving process and time on the
wall, for each read, the least of three runs. Then sixteen connections ask for records at once, each as soon as it was
answered. The node is ``ffp serve`` with ten drawn records, all correlated: on SQLite, or where a number of processes
is named, one as well, on a PostgreSQL of its own. docs/load.md has the figures.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from exchange.compute import computes_for_another
from exchange.processes import children_of, cpu_s
from matcher import write_topography
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction
from tests.exchange import postgresql_server
from tests.exchange.databases import Postgresql
from tests.exchange.served import Served, serving

RECORDS, CONNECTIONS = 10, 16


def main() -> None:
    reads = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database_url, options = None, []
        if processes is not None:
            _, address = stack.enter_context(postgresql_server.one_of_its_own())
            database_url, options = Postgresql(address).new(), ["--processes", str(processes)]
        home = Path(folder) / "rs"
        node = stack.enter_context(serving(home, Jurisdiction.RS, database_url=database_url, options=options))
        records = _records(node, Path(folder))
        kinds: dict[str, Callable[[int], str]] = {
            "record": lambda turn: f"/v1/records/{records[turn % RECORDS]}",
            "page of records": lambda _: "/v1/records",
            "candidates of a record": lambda turn: f"/v1/records/{records[turn % RECORDS]}/candidates",
            "envelope": lambda turn: f"/v1/records/{records[turn % RECORDS]}/envelope",
            "status": lambda _: "/v1/status",
        }
        for kind, path in kinds.items():
            with _connected(node) as line:
                _ask(line, node, path, 60)
                cpu_ms, wall_ms = min(_timed(line, node, path, reads) for _ in range(3))
            print(f"{kind:24}{cpu_ms:6.2f} ms of processor time, {wall_ms:6.2f} ms on the wall")
        begun = time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda _: _one_of_many(node, kinds["record"], reads // 4), range(CONNECTIONS)))
        rate = CONNECTIONS * (reads // 4) / (time.monotonic() - begun)
        print(f"{CONNECTIONS} connections: {rate:.0f} records a second")


def _records(node: Served, folder: Path) -> list[str]:
    found = []
    for number in range(RECORDS):
        path = folder / "scan.x3p"
        write_topography(breech_face.draw(number // 2, 1 + number % 2), path, instrument="synthetic")
        answer = node.submit(path.read_bytes(), f"RS-{number}")
        if answer is None or answer.status_code != 201:
            raise RuntimeError("the node takes no submission")
        found.append(str(answer.json()["statement_id"]))
    node.wait_idle()
    return found


def _connected(node: Served) -> socket.socket:
    host, _, port = node.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def _one_of_many(node: Served, path: Callable[[int], str], reads: int) -> None:
    with _connected(node) as line:
        _ask(line, node, path, reads)


def _timed(line: socket.socket, node: Served, path: Callable[[int], str], reads: int) -> tuple[float, float]:
    """Milliseconds a read: processor time of the serving process, and on the wall."""
    cpu_s, begun = _cpu_s(node), time.monotonic()
    _ask(line, node, path, reads)
    return (_cpu_s(node) - cpu_s) / reads * 1e3, (time.monotonic() - begun) / reads * 1e3


def _cpu_s(node: Served) -> float:
    """Of all processes that serve; those that compute are not among them."""
    started = [process for process in children_of(node.process.pid) if not computes_for_another(process)]
    return sum(map(cpu_s, [node.process.pid, *started]))


def _ask(line: socket.socket, node: Served, path: Callable[[int], str], reads: int) -> None:
    """Raises ValueError for an answer that is none."""
    for turn in range(reads):
        line.sendall(f"GET {path(turn)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {node.token}\r\n\r\n".encode())
        came = bytearray()
        while (end := came.find(b"\r\n\r\n")) < 0:
            came += line.recv(1 << 16)
        head = bytes(came[:end]).lower()
        if b" 200 " not in head[:20]:
            raise ValueError(head.decode())
        length = int(next(row for row in head.split(b"\r\n") if row.startswith(b"content-length:")).split(b":")[1])
        while len(came) < end + 4 + length:
            came += line.recv(1 << 16)


if __name__ == "__main__":
    main()
