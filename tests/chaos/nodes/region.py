"""Six nodes of a region on this machine, each in processes of its own, and what can be made to go wrong with each."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx

from exchange.demo.deal import DealtScan
from exchange.flows.node.node import create_node, opened
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import enrol_with_each_other
from tests.chaos.fault_proxy import FaultProxy
from tests.chaos.nodes.processes import Process
from tests.exchange.running_nodes import free_port

JURISDICTIONS = (
    Jurisdiction.AL,
    Jurisdiction.BA,
    Jurisdiction.XK,
    Jurisdiction.ME,
    Jurisdiction.RS,
    Jurisdiction.MK,
)
SMALL_DISK, OTHER_CLOCK = Jurisdiction.BA, Jurisdiction.ME
DISK_BYTES = 700 * 1024 * 1024
RESTART_S = 5
"""As RestartSec in deploy/ffp.service: a node that starts while its disk is full ends with an error."""
ACKNOWLEDGED_S = 180
HEALED_S = 60


@dataclass
class Exhibit:
    """One submission to the node of its jurisdiction, repeated under one key until it is acknowledged."""

    scan: DealtScan
    sent_at: datetime
    receipt: dict[str, Any] | None = None
    refused: list[int] = field(default_factory=list)
    """The statuses of a node that could not take it then; 0 where the connection broke."""

    @property
    def name(self) -> str:
        """Of the statement. Raises AssertionError where there is none yet."""
        assert self.receipt is not None, self.scan.case_reference
        name: str = self.receipt["statement_id"]
        return name


@dataclass
class Region:
    nodes: dict[Jurisdiction, Process]
    lines: dict[Jurisdiction, FaultProxy]
    clock: Path
    """Of the node whose clock can be set: by how many seconds it is wrong."""
    disk: Path | None
    """Of the node with a small disk: where it is mounted. None where nobody may mount one."""
    exhibits: list[Exhibit] = field(default_factory=list)
    killing: threading.Lock = field(default_factory=threading.Lock)
    restarts: list[Jurisdiction] = field(default_factory=list)
    """Whom the supervisor started again."""

    def send(self, scan: DealtScan) -> Exhibit:
        """As an examiner's program does, from a thread of its own. Raises AssertionError for any other refusal than
        that of a node which is down, starts, or has no room."""
        exhibit = Exhibit(scan, datetime.now(UTC))
        self.exhibits.append(exhibit)
        node, content = self.nodes[scan.jurisdiction], scan.path.read_bytes()
        headers = node.examiner | {"Idempotency-Key": scan.case_reference}
        deadline = time.monotonic() + ACKNOWLEDGED_S
        while exhibit.receipt is None:
            assert time.monotonic() < deadline, f"{scan.case_reference}: {exhibit.refused}\n{node.log_end}"
            files = {"metadata": (None, json.dumps(_metadata(scan))), "scan": ("scan.x3p", content)}
            try:
                answer = node.http.post("/v1/records", headers=headers, files=files)
            except httpx.TransportError:
                exhibit.refused.append(0)
                time.sleep(0.5)
                continue
            if answer.status_code in (200, 201):
                exhibit.receipt = answer.json()
            else:
                assert answer.status_code in (429, 503, 507), answer.text
                exhibit.refused.append(answer.status_code)
                time.sleep(0.5)
        return exhibit

    def kill(self, jurisdiction: Jurisdiction, down_s: float) -> str:
        node = self.nodes[jurisdiction]
        with self.killing:
            node.kill()
        time.sleep(down_s)
        node.start()
        return f"{jurisdiction}: kill -9, down for {down_s:.1f} s"

    def kill_pool(self, jurisdiction: Jurisdiction) -> str:
        """One of the processes in which the node correlates or reads scans."""
        children = self.nodes[jurisdiction].session()
        victims = [child for child in children if b"multiprocessing" in _command(child)]
        for victim in victims[:1]:
            os.kill(victim, signal.SIGKILL)
        return f"{jurisdiction}: kill -9 of {len(victims[:1])} of its {len(victims)} pool processes"

    def fill_disk(self, seconds: float) -> str:
        if self.disk is None:
            return "full disk: not tried, nobody may mount one here"
        ballast = self.disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                while file.write(bytes(1024 * 1024)):
                    pass
        except OSError:  # full, which is what was wanted
            time.sleep(seconds)
        ballast.unlink()
        return f"{SMALL_DISK}: disk full for {seconds:.0f} s"

    def start_on_full_disk(self, seconds: float) -> str:
        """As after a clean end: of the database nothing lies in memory, and there is no room to put it there again."""
        if self.disk is None:
            return "start on a full disk: not tried, nobody may mount one here"
        node = self.nodes[SMALL_DISK]
        with self.killing:
            node.kill()
        for shared in node.home.glob("*-shm"):
            shared.unlink()
        with ThreadPoolExecutor(1) as pool:
            filling = pool.submit(self.fill_disk, seconds)
            while shutil.disk_usage(self.disk).free and not filling.done():
                time.sleep(0.01)
            node.start()
            filling.result()
        return f"{SMALL_DISK}: started on a full disk, full for {seconds:.0f} s"

    def set_clock(self, ahead_s: int, seconds: float) -> str:
        _write(self.clock, str(ahead_s))
        time.sleep(seconds)
        _write(self.clock, "0")
        return f"{OTHER_CLOCK}: clock {ahead_s:+d} s for {seconds:.0f} s"

    def cut(self, share: float) -> str:
        for line in self.lines.values():
            line.share = share
        return f"everywhere: {share:.0%} of connections cut"

    def wait_ready(self) -> None:
        deadline = time.monotonic() + HEALED_S
        for node in self.nodes.values():
            while node.failed:
                assert time.monotonic() < deadline, node.log_end
                time.sleep(0.1)
            node.wait_ready()

    def supervise(self, ending: threading.Event) -> None:
        """Start again each node that ended with an error, as the unit of deploy/ has it."""
        while not ending.wait(RESTART_S):
            for jurisdiction, node in self.nodes.items():
                with self.killing:
                    if node.failed:
                        self.restarts.append(jurisdiction)
                        node.start()


@contextmanager
def region(folder: Path, seed: int) -> Iterator[Region]:
    """All made, enrolled with each other and running, each reached by the others through a line that can be cut."""
    with ExitStack() as stack:
        disk = _mounted(folder / SMALL_DISK, stack)
        clock = folder / "clock"
        _write(clock, "0")
        nodes, lines = {}, {}
        for number, jurisdiction in enumerate(JURISDICTIONS):
            public, port = free_port(), free_port()
            home = folder / jurisdiction / "home"
            create_node(home, jurisdiction=jurisdiction, url=f"http://127.0.0.1:{public}", port=port)
            program = ("tests.chaos.nodes.other_clock", str(clock)) if jurisdiction is OTHER_CLOCK else ()
            nodes[jurisdiction] = Process(home, port, _settings(jurisdiction), program=program)
            lines[jurisdiction] = FaultProxy(public, port, share=0, seed=seed + number)
            stack.callback(lines[jurisdiction].close)
        _enrol(list(nodes.values()))
        made = Region(nodes, lines, clock, disk)
        for node in nodes.values():
            stack.callback(node.kill)
            node.start()
        made.wait_ready()
        supervisor = stack.enter_context(ThreadPoolExecutor(1))
        ending = threading.Event()
        stack.callback(ending.set)
        watched = supervisor.submit(made.supervise, ending)
        yield made
        ending.set()
        watched.result()


def in_turn(steps: Sequence[Callable[[], str]], every_s: float, ending: threading.Event) -> list[str]:
    """Do one thing after the other, at fixed moments unless one takes longer; returns what was done."""
    done = []
    begun = time.monotonic()
    for number, step in enumerate(steps):
        if ending.wait(max(0.0, begun + number * every_s - time.monotonic())):
            break
        done.append(step())
    return done


def faults_for(made: Region, seconds: float, dice: random.Random) -> tuple[list[Callable[[], str]], float]:
    """Each kind at least once, kills most often; and how far apart they come."""
    victims = [*JURISDICTIONS] * max(1, round(seconds / 100))
    dice.shuffle(victims)
    steps: list[Callable[[], str]] = [
        lambda victim=victim: made.kill(victim, dice.uniform(0.5, 6)) for victim in victims
    ]
    steps += [
        lambda: made.fill_disk(min(20, seconds / 10)),
        lambda: made.start_on_full_disk(max(6, min(20, seconds / 10))),
        lambda: made.set_clock(600, min(20, seconds / 10)),
        lambda: made.set_clock(-600, min(20, seconds / 10)),
        lambda: made.kill_pool(Jurisdiction.RS),
        lambda: made.kill_pool(Jurisdiction.MK),
    ]
    dice.shuffle(steps)
    return steps, seconds / len(steps)


def _metadata(scan: DealtScan) -> dict[str, Any]:
    return {
        "case_reference": scan.case_reference,
        "exhibit": {"kind": "crime_scene", "calibre": "9 mm Luger"},
        "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
        "handling": {"code": "H0"},
        "level": "full",
        "audience": [name for name in JURISDICTIONS if name != scan.jurisdiction],
        "retention_until": "2036-12-31",
    }


def _settings(jurisdiction: Jurisdiction) -> dict[str, str]:
    settings = {"FFP_NODE_WORKERS": "1", "FFP_NODE_PULL_INTERVAL_S": "1"}
    if jurisdiction is SMALL_DISK:
        settings["FFP_NODE_MIN_FREE_BYTES"] = "1"  # so that it is the disk that says no, in the midst of something
    return settings


def _write(path: Path, text: str) -> None:
    """At once as a whole: the node reads it at any moment."""
    part = path.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(path)


def _mounted(folder: Path, stack: ExitStack) -> Path | None:
    """A small disk of its own, where this user may mount one."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return None
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return None
    stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
    return folder


def _enrol(nodes: list[Process]) -> None:
    with ExitStack() as stack:
        for one, other in combinations([stack.enter_context(opened(node.home)) for node in nodes], 2):
            enrol_with_each_other(one, other)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""
