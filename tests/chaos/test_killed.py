"""kill -9 at random moments while nodes take submissions, read from each other and sign their heads.

In the end every acknowledged record is there once, at both; no log has a gap or a fork, no lane lost or repeats
anything. A process that is killed loses what it had in memory, never what the operating system had taken over: this is
no test of power loss.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from exchange.flows.node.node import create_node, opened
from exchange.log.checkpoint import Checkpoint, parse_text
from schemas.vocabulary import Jurisdiction
from tests.chaos.archive import POLICY, enrol_with_each_other
from tests.chaos.nodes.processes import Process
from tests.chaos.nodes.writers import Submission, Writer
from tests.chaos.sizes import report, sized
from tests.chaos.wholeness import assert_whole, checkpoints_seen, interrupted_in
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.running_nodes import free_port

pytestmark = pytest.mark.slow

SEED = 9
WRITERS = 2
"""For each node."""
DONE_S = 120
"""After the last kill, and a second more for each record: a busy machine is no fault."""
PATIENCE_S = 3
"""How long a moment is waited for that a kill is aimed at."""
databases = databases_fixture("sqlite", "postgresql")
RS, MK = "ffp-rs", "ffp-mk"

Kind = TypeVar("Kind")


class Aim(StrEnum):
    """What a kill is meant to interrupt."""

    SUBMISSION = "a submission"
    CHECKPOINT = "the signing of a head"
    SYNC = "a pull"
    START = "a start"


@dataclass
class Trial:
    """Two nodes, who writes to them, and what was seen of their logs, between kills and after each."""

    nodes: dict[str, Process]
    dice: random.Random
    writers: list[Writer] = field(default_factory=list)
    interrupted: Counter[str] = field(default_factory=Counter)
    heads: dict[str, set[Checkpoint]] = field(default_factory=lambda: {RS: set(), MK: set()})

    def __post_init__(self) -> None:
        writing = [(self.nodes[RS], "MK"), (self.nodes[MK], "RS")] * WRITERS  # what one is given is for the other
        self.writers = [Writer(node, audience, seed) for seed, (node, audience) in enumerate(writing)]

    def see(self, node_id: str, note: bytes) -> None:
        """A signed head of a node, as somebody else was shown it."""
        self.heads[node_id].add(parse_text(note.decode().split("\n\n")[0] + "\n"))

    def written_to(self, node: Process) -> list[Submission]:
        return [submission for writer in self.writers if writer.node is node for submission in writer.done]


def test_killed_at_random_moments_there_is_no_gap_no_duplicate_and_no_fork(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PULL_INTERVAL_S": "0.2", "WORKERS": "1"}.items():
        monkeypatch.setenv(f"FFP_NODE_{name}", value)
    trial = Trial(_make_nodes(databases, tmp_path), random.Random(SEED))
    aims = _dealt(list(Aim), sized(5, 50), trial.dice)
    victims = _dealt([RS, MK], len(aims), trial.dice)
    began = time.monotonic()
    with _running(trial):
        for aim, victim in zip(aims, victims, strict=True):
            _kill_and_start_again(trial, aim, victim)
            for writer in trial.writers:
                writer.check()
        for node in trial.nodes.values():
            node.wait_ready()
        for writer in trial.writers:
            writer.end()
        _wait_until_all_is_done(trial)
        for node in trial.nodes.values():
            node.stop()
    report(f"killed, {databases.name}", _figures(trial, aims) | {"seconds": round(time.monotonic() - began, 1)})
    with opened(trial.nodes[RS].home) as rs, opened(trial.nodes[MK].home) as mk:
        for node, other in ((rs, mk), (mk, rs)):
            receipts = [submission.receipt for submission in trial.written_to(trial.nodes[node.node_id])]
            assert_whole(node, other, receipts=receipts, seen=trial.heads[node.node_id])
    assert all(len(some) > 1 for some in trial.heads.values()), "heads were seen before they could be forgotten"


def _figures(trial: Trial, aims: list[Aim]) -> dict[str, object]:
    submissions = [submission for writer in trial.writers for submission in writer.done]
    broken = [submission for submission in submissions if submission.broken]
    return {
        "kills": len(aims),
        "seed": SEED,
        "aimed at": {str(aim): aims.count(aim) for aim in Aim},
        "found interrupted": dict(sorted(trial.interrupted.items())),
        "records": {name: len(trial.written_to(node)) for name, node in trial.nodes.items()},
        "submissions broken off": len(broken),
        "of these stored already": sum(submission.was_stored for submission in broken),
        "heads seen from outside": {name: len(heads) for name, heads in trial.heads.items()},
    }


def _make_nodes(databases: Databases, folder: Path) -> dict[str, Process]:
    """Two nodes that are enrolled with each other, on that kind of database."""
    made = {}
    for name, jurisdiction in ((RS, Jurisdiction.RS), (MK, Jurisdiction.MK)):
        port = free_port()
        create_node(
            folder / name,
            jurisdiction=jurisdiction,
            url=f"http://127.0.0.1:{port}",
            port=port,
            database_url=databases.new(),
        )
        made[name] = Process(folder / name, port)
    with opened(made[RS].home) as rs, opened(made[MK].home) as mk:
        enrol_with_each_other(rs, mk)
    return made


def _dealt(kinds: list[Kind], count: int, dice: random.Random) -> list[Kind]:
    """As many of each as of any other, in an order that nobody chose."""
    dealt = [kinds[number % len(kinds)] for number in range(count)]
    dice.shuffle(dealt)
    return dealt


def _kill_and_start_again(trial: Trial, aim: Aim, victim: str) -> None:
    """One kill in five takes both nodes."""
    node, other = trial.nodes[victim], trial.nodes[MK if victim == RS else RS]
    if aim is not Aim.START:
        for running in trial.nodes.values():
            running.wait_ready()
    match aim:
        case Aim.SUBMISSION:
            writers = [writer for writer in trial.writers if writer.node is node]
            _wait_for(lambda: any(writer.posting.is_set() for writer in writers))
            if trial.dice.random() < 1 / 2:
                time.sleep(trial.dice.uniform(0, 1.2 * max(writer.took_s for writer in writers)))
            else:  # as something is committed: before, between or after that and the answer
                before = _written(node)
                _wait_for(lambda: _written(node) != before)
                time.sleep(trial.dice.uniform(0, 0.02))
        case Aim.CHECKPOINT:
            # the file stands for the few milliseconds between the database's commit and the end of the step
            _wait_for((node.home / "last-head.part").exists)
            time.sleep(trial.dice.choice((0, trial.dice.uniform(0, 0.01))))
        case Aim.SYNC:
            before = _head_file(other)
            _wait_for(lambda: _head_file(other) != before)
            time.sleep(trial.dice.uniform(0, 0.4))  # the reader asks every 0.2 s
        case Aim.START:
            node.kill()
            node.start()
            time.sleep(trial.dice.uniform(0.3, 3))
    killed = [node, other] if trial.dice.random() < 1 / 5 else [node]
    for dead in killed:
        dead.kill()
    for dead in killed:
        trial.interrupted += Counter(interrupted_in(dead.home))
    for each in trial.nodes.values():
        for log, note in checkpoints_seen(each.home).items():
            trial.see(log, note)
    for dead in killed:
        dead.start()


def _head_file(node: Process) -> int:
    try:
        return (node.home / "last-head").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _written(node: Process) -> list[int]:
    """Changes whenever the database's files do, or, where these are elsewhere, a scan gets its name."""
    written = (*node.home.glob("node.db*"), *node.home.glob("blobs/*"))
    return sorted(path.stat().st_mtime_ns for path in written)


def _wait_for(condition: Callable[[], bool]) -> None:
    """At most for ``PATIENCE_S``: a kill at another moment than it was meant for is a random one too."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.0005)


@contextmanager
def _running(trial: Trial) -> Iterator[None]:
    """Both nodes serve and are written to, and somebody asks for their signed heads all the time and forgets none."""
    ending = threading.Event()
    watching = threading.Thread(target=_watch, args=(trial, ending), daemon=True)
    with ExitStack() as stack:
        for node in trial.nodes.values():
            stack.callback(node.kill)
            node.start()
        for node in trial.nodes.values():
            node.wait_ready()
        for writer in trial.writers:
            stack.callback(writer.abandon)
            writer.start()
        watching.start()
        stack.callback(watching.join, 30)
        stack.callback(ending.set)
        yield


def _watch(trial: Trial, ending: threading.Event) -> None:
    while not ending.wait(0.1):
        for name, node in trial.nodes.items():
            try:
                answer = node.http.get("/v1/log/checkpoint", headers=node.examiner, timeout=5)
            except httpx.TransportError:  # it is down
                continue
            if answer.status_code == httpx.codes.OK:
                trial.see(name, answer.content)


def _wait_until_all_is_done(trial: Trial) -> None:
    records = {name: len(trial.written_to(node)) for name, node in trial.nodes.items()}
    wanted = {"acquisitions": {"not-usable": sum(records.values())}, "jobs": {}}
    for node in trial.nodes.values():
        node.wait_for(
            lambda status: (
                {name: status[name] for name in wanted} == wanted and status["signed_size"] == status["log_size"]
            ),
            seconds=DONE_S + sum(records.values()),
        )
    for name, other in ((RS, MK), (MK, RS)):
        trial.nodes[name].wait_for_peer(
            other, lambda peer, mine=records[name]: peer["acknowledged"] == mine + POLICY and peer["alarm"] is None
        )
