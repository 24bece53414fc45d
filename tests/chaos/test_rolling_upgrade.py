"""Six nodes under the pilot's load are upgraded one after another, and taken back one after another.

Exhibits come at the pilot's rate all the while, from clients that repeat a submission under its key when the connection
breaks. Nodes of both releases exchange. In the end each node has each exhibit, once, and all that was signed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

import matcher
from exchange.demo.deal import DealtScan
from exchange.flows.integrity.log_check import check_and_keep
from exchange.flows.node.node import opened
from exchange.store.tables.schema_version import SCHEMA_VERSION
from matcher.synthetic import breech_face
from tests.chaos.nodes.region import JURISDICTIONS, Exhibit, Region
from tests.chaos.nodes.releases import ReleasedNode
from tests.chaos.sizes import report, sized
from tests.chaos.test_skew import assert_in_order
from tests.next_release import NEXT_SCHEMA_VERSION, THIS, Release

pytestmark = [pytest.mark.long, pytest.mark.alone]

SEED = 31
EVERY_S = 6
"""From one exhibit to the next: 150 in 15 minutes, as in the pilot."""
MOST_AT_ONCE = 60
"""Clients that wait for their answer: more than all nodes together keep waiting while one of them is away."""
BESIDE_S = sized(2, 20)
"""How long nodes of both releases run beside each other after each step."""
HEALED_S = 240

HELD = """
from collections import Counter
from sqlalchemy import select
from exchange.flows.node.node import opened
from exchange.store.tables.record_tables import RecordRow, StatementRow

with opened(Path(told["home"])) as node, node.store.read() as session:
    version = node.store.schema_version()
    rows = session.execute(select(RecordRow.statement_id, RecordRow.issuer, RecordRow.case_reference)).all()
    envelopes = session.execute(select(StatementRow.statement_id).where(StatementRow.envelope.is_not(None))).all()
print(json.dumps({"version": version, "records": [list(row) for row in rows], "signed": len(envelopes)}))
"""


@contextmanager
def six(folder: Path, release: Release) -> Iterator[Region]:
    """Nodes that this release made, enrolled with each other and running."""
    with ExitStack() as stack:
        nodes = {name: ReleasedNode(folder / name / "home", release, name) for name in JURISDICTIONS}
        for node in nodes.values():
            node.meet(*(other for other in nodes.values() if other is not node))
        for node in nodes.values():
            stack.callback(node.kill)
            node.start()
        for node in nodes.values():
            node.wait_ready()
        yield Region(dict(nodes), {}, folder / "clock", None)


def exhibits(folder: Path) -> Iterator[DealtScan]:
    """As many as are asked for, each drawn then: three cases of each firearm, in three countries."""
    for number in count():
        firearm, case = divmod(number, 3)
        path = folder / f"synthetic {firearm}-{case}.x3p"
        drawn = breech_face.draw(firearm_seed=SEED * 1000 + firearm, shot_seed=case)
        matcher.write_topography(drawn, path, instrument="synthetic")
        jurisdiction = JURISDICTIONS[number % len(JURISDICTIONS)]
        yield DealtScan(path, jurisdiction, f"{jurisdiction}-2026-{number:04d}", f"{firearm}")


class Clients:
    """Send one exhibit after another, at fixed moments, until told to stop. Whatever became of one, the next is sent
    when it is due."""

    def __init__(self, made: Region, folder: Path) -> None:
        self._made, self._scans = made, exhibits(folder)
        self._ending = threading.Event()
        self.sent: list[Future[Exhibit]] = []

    def run(self) -> None:
        due = time.monotonic()
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            for scan in self._scans:
                if self._ending.wait(max(0.0, due - time.monotonic())):
                    return
                due += EVERY_S
                self.sent.append(pool.submit(self._made.send, scan))

    def wait_for_first(self) -> None:
        """Until its record is acknowledged. Raises what the first client did, before anything is upgraded."""
        while not self.sent:
            time.sleep(0.05)
        self.sent[0].result()

    def stop(self) -> None:
        self._ending.set()


def test_a_rolling_upgrade_and_back_loses_and_refuses_nothing(tmp_path: Path, next_release: Release) -> None:
    (drawn := tmp_path / "scans").mkdir()
    began = time.monotonic()
    with six(tmp_path, THIS) as made, ThreadPoolExecutor(1) as pool, ExitStack() as stopping:
        nodes = [node for node in made.nodes.values() if isinstance(node, ReleasedNode)]
        clients = Clients(made, drawn)
        stopping.callback(clients.stop)
        going = pool.submit(clients.run)
        clients.wait_for_first()
        rolling = time.monotonic()
        up = _one_after_another(nodes, lambda node: node.upgrade(next_release))
        assert {node.runs.run(HELD, home=node.home)["version"] for node in nodes} == {NEXT_SCHEMA_VERSION}
        sent_up = len(clients.sent)
        back = _one_after_another(
            nodes, lambda node: node.go_back(THIS, SCHEMA_VERSION, tmp_path / f"backups-{node.node_id}")
        )
        rolled_s = time.monotonic() - rolling
        clients.stop()
        going.result()
        unanswered = sum(future.exception() is not None for future in clients.sent)
        healing = time.monotonic()
        _wait_until_all_is_everywhere(made)
        healed_s = time.monotonic() - healing
        for node in nodes:
            node.stop()
    kept = _keep(made, nodes)
    answers = [status for exhibit in made.exhibits for status in exhibit.refused]
    figures: dict[str, Any] = {
        "nodes": len(nodes),
        "exhibits": len(made.exhibits),
        "of these while nodes went up": sent_up,
        "schema version before, of the next release, and in the end": [
            SCHEMA_VERSION,
            NEXT_SCHEMA_VERSION,
            kept.pop("version"),
        ],
        "seconds of the whole roll": round(rolled_s, 1),
        "longest a node was away, going up and back, s": [round(max(up), 1), round(max(back), 1)],
        "connections that broke and were tried again": answers.count(0),
        "answers that asked to try again (429, 503, 507)": len(answers) - answers.count(0),
        "refused": unanswered,
        **kept,
        "seconds until all was everywhere": round(healed_s, 1),
        "seconds": round(time.monotonic() - began, 1),
    }
    report("rolling upgrade", figures)
    assert sent_up >= len(nodes)
    assert len(made.exhibits) - sent_up >= len(nodes)
    assert {exhibit.scan.jurisdiction for exhibit in made.exhibits} == set(JURISDICTIONS)
    versions = figures["schema version before, of the next release, and in the end"]
    assert versions == [SCHEMA_VERSION, NEXT_SCHEMA_VERSION, SCHEMA_VERSION]
    assert (figures["refused"], figures["lost"], figures["doubled"]) == (0, 0, 0)


def _one_after_another(nodes: Sequence[ReleasedNode], step: Callable[[ReleasedNode], None]) -> list[float]:
    """How long each node was away."""
    away = []
    for node in nodes:
        since = time.monotonic()
        step(node)
        away.append(time.monotonic() - since)
        time.sleep(BESIDE_S)
    return away


def _wait_until_all_is_everywhere(made: Region) -> None:
    """Each node has each record with its scan, and has signed all of its log."""
    deadline = time.monotonic() + HEALED_S
    for node in made.nodes.values():
        node.wait_for(
            lambda status: (
                sum(status["acquisitions"].values()) == len(made.exhibits)
                and "awaiting-scan" not in status["acquisitions"]
                and status["signed_size"] == status["log_size"]
            ),
            seconds=max(1, deadline - time.monotonic()),
        )


def _keep(made: Region, nodes: Sequence[ReleasedNode]) -> dict[str, Any]:
    """What this release finds in the end: all of it is read again."""
    acknowledged = {exhibit.name for exhibit in made.exhibits if exhibit.receipt is not None}
    lost = doubled = 0
    versions = set()
    for node in nodes:
        held = THIS.run(HELD, home=node.home)
        versions.add(held["version"])
        records = {name: (issuer, case) for name, issuer, case in held["records"]}
        lost += len(acknowledged - records.keys())
        doubled += len(records) - len(set(records.values()))
        with opened(node.home) as whole:
            checked = check_and_keep(whole, lambda _what, _done, _total: None)
        assert (checked.good, checked.findings) == (True, [])
        assert checked.scans == len(made.exhibits)
    for owner, reader in pairwise([*nodes, nodes[0]]):
        assert_in_order(owner, reader)
    [version] = versions
    return {"version": version, "lost": lost, "doubled": doubled}
