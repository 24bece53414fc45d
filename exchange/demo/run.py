"""The demo's story: deal, start, enrol, submit, watch, rank, report, end."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from exchange.demo.deal import JURISDICTIONS, DealtScan, deal_folder, deal_synthetic, jurisdiction_name
from exchange.demo.demo_processes import DemoNode, enrol_all, make_node
from exchange.demo.demo_report import print_header, print_kept, print_outcome
from exchange.demo.outcome import Outcome, Submitted, judge_outcome
from exchange.errors import ComputeFailed
from schemas.vocabulary import Role

CORRELATION_TIMEOUT_S = 600


def run_demo(scans: Path | None, *, seed: int, json_out: Path | None, keep: bool) -> int:
    """Returns the exit code: 0 when every pair was correlated at both of its owners."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="ffp-demo-") as folder, stoppable() as go_on:
        nodes: list[DemoNode] = []
        try:
            print_header(console, scans, seed)
            dealt = deal_folder(scans, seed) if scans else _drawn(Path(folder), seed, console)
            nodes = _started(Path(folder), console, go_on)
            outcome = _exchanged(nodes, dealt, console, go_on)
            print_outcome(console, outcome)
            if json_out is not None:
                json_out.write_text(json.dumps(outcome.to_json(seed=seed, synthetic=scans is None), indent=2) + "\n")
                console.print(f"Written: {json_out}")
            if keep:
                print_kept(console, nodes)
                signal.pause()
        except KeyboardInterrupt:
            console.print("\nStopping the nodes.")
            return 0 if keep else 130
        finally:
            with ThreadPoolExecutor() as pool:
                list(pool.map(DemoNode.stop, nodes))
        return 0 if outcome.complete else 1


def _drawn(folder: Path, seed: int, console: Console) -> list[DealtScan]:
    drawn = folder / "scans"
    drawn.mkdir()
    with console.status("Drawing synthetic breech faces"):
        return deal_synthetic(drawn, seed)


def _started(folder: Path, console: Console, go_on: Callable[[], None]) -> list[DemoNode]:
    nodes = [make_node(jurisdiction, folder) for jurisdiction in JURISDICTIONS]
    with console.status("Starting three nodes"):
        try:
            for node in nodes:
                node.start()
            for node in nodes:
                node.wait_ready()
            enrol_all(nodes)
            go_on()
        except BaseException:
            for node in nodes:
                node.stop()
            raise
    for node in nodes:
        console.print(
            f"  {jurisdiction_name(node.jurisdiction):<16} {node.url}  fingerprint {node.fingerprint[:17]} ..."
        )
    return nodes


def _exchanged(nodes: list[DemoNode], dealt: list[DealtScan], console: Console, go_on: Callable[[], None]) -> Outcome:
    by_jurisdiction = {node.jurisdiction: node for node in nodes}
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        sending = progress.add_task("Submitting over REST", total=len(dealt))
        watching = {
            node.jurisdiction: progress.add_task(
                f"Correlated in {jurisdiction_name(node.jurisdiction)}", total=len(dealt)
            )
            for node in nodes
        }

        def send(scan: DealtScan) -> Submitted:
            submitted = by_jurisdiction[scan.jurisdiction].submit(scan, audience=JURISDICTIONS)
            progress.advance(sending)
            return submitted

        with ThreadPoolExecutor(len(nodes)) as pool:
            submissions = list(pool.map(send, dealt))
        deadline = time.monotonic() + CORRELATION_TIMEOUT_S
        waiting = list(nodes)
        while waiting:
            go_on()
            for node in list(waiting):
                done = _correlated(node)
                progress.update(watching[node.jurisdiction], completed=done)
                if done >= len(dealt):
                    waiting.remove(node)
            if waiting and time.monotonic() > deadline:
                raise ComputeFailed(f"Not all was correlated in {CORRELATION_TIMEOUT_S} s:\n{waiting[0].log_end()}")
            time.sleep(0.2)
    listed = {node.jurisdiction: _all_candidates(node) for node in nodes}
    listed[nodes[0].jurisdiction] = [_looked_at(nodes[0], candidate) for candidate in listed[nodes[0].jurisdiction]]
    return judge_outcome(submissions, listed)


def _correlated(node: DemoNode) -> int:
    status = node.get("/v1/status", Role.OPERATOR)
    broken = {state: count for state, count in status["acquisitions"].items() if state in ("failed", "not-usable")}
    if broken:
        raise ComputeFailed(f"{jurisdiction_name(node.jurisdiction)} set scans aside: {broken}\n{node.log_end()}")
    return int(status["acquisitions"].get("correlated", 0))


def _looked_at(node: DemoNode, candidate: dict[str, Any]) -> dict[str, Any]:
    """With its cells, which a list does not look for."""
    return dict(node.get(f"/v1/candidates/{candidate['candidate_id']}", Role.INVESTIGATOR))


def _all_candidates(node: DemoNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = "/v1/candidates?min_score=-10&limit=200"
    while True:
        page = node.get(path, Role.INVESTIGATOR)
        found += page["items"]
        if page["next"] is None:
            return found
        path = f"/v1/candidates?min_score=-10&limit=200&cursor={page['next']}"


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """SIGTERM ends the demo as Ctrl-C does: with its nodes.

    Yields what raises again, once asked to end: what a signal raises inside a callback of the garbage collector
    Python only prints, and here not even that.
    """
    asked = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        raise KeyboardInterrupt

    def go_on() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    def unraisable(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not KeyboardInterrupt:
            print_it(dropped)

    print_it = sys.unraisablehook
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.unraisablehook = unraisable
    try:
        yield go_on
    finally:
        sys.unraisablehook = print_it
        for number, handler in before.items():
            signal.signal(number, handler)
