"""Adding the two-hundredth peer costs a node no more than the sixth: who waits costs a connection, and no thread."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange.cli.serving.memory import GIVE_BACK_S
from exchange.flows.node.node import open_node
from exchange.web.metrics import pss_bytes
from schemas.vocabulary import Jurisdiction
from tests.exchange.served import Served, eventually, serving
from tests.load.light_peers import LightPeers
from tests.load.sizes import report

THREADS = 20
MEMORY_MB = 300
BYTES_A_DAY = 10_000_000
WAIT_S = 7200


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "node", Jurisdiction.RS) as served:
        yield served


@pytest.mark.slow
def test_more_peers_than_a_pool_has_connections(node: Served, tmp_path: Path) -> None:
    """httpx has ten connections unless it is told otherwise: an eleventh peer would wait for the answers of others."""
    _with_peers(node, tmp_path, 24)


@pytest.mark.long
@pytest.mark.alone
def test_two_hundred_peers(node: Served, tmp_path: Path) -> None:
    _with_peers(node, tmp_path, 200)


def _with_peers(node: Served, folder: Path, count: int) -> None:
    peers = LightPeers(folder / "peers", count)
    try:
        with closing(open_node(node.home)) as opened:
            peers.enrol_with(opened)
        peers.wait_for_news(WAIT_S)
        eventually(lambda: all(peer.waits for peer in peers.peers), 120)
        _the_last_is_heard_at_once(peers)
        eventually(lambda: all(peer.waits for peer in peers.peers), 120)
        time.sleep(GIVE_BACK_S + 10)  # threads that did something go after ten seconds, and so does what they held
        found = _quiet(node, peers, 30)
        report(f"a node with {count} peers", found)
        assert found["threads"] <= THREADS
        assert found["memory MB"] <= MEMORY_MB
        assert found["bytes a day"] <= BYTES_A_DAY * max(1.0, 40 / count)
        assert found["descriptors"] <= 3 * count + 100  # of the rest are those of a pool of connections
    finally:
        peers.close()


def _the_last_is_heard_at_once(peers: LightPeers) -> None:
    for peer in peers.peers[-3:]:
        asked = peers.asked["/v1/lane"]
        peers.tell(peer)
        eventually(lambda asked=asked: peers.asked["/v1/lane"] > asked, 10)


def _quiet(node: Served, peers: LightPeers, seconds: float) -> dict[str, float]:
    """What the node's process has and takes while nothing happens; and a day's bytes: each peer is asked, and asks,
    once in the longest time that it may be asked to wait."""
    question, answer = peers.question_bytes, peers.answer_to_a_question(wait_s=1)
    used = _processor_s(node.process.pid)
    time.sleep(seconds)
    took = _processor_s(node.process.pid) - used
    process = Path("/proc") / str(node.process.pid)
    return {
        "threads": len(list((process / "task").iterdir())),
        "descriptors": len(list((process / "fd").iterdir())),
        "memory MB": round(sum(map(pss_bytes, node.processes())) / 1e6, 1),
        "processor, share of a core": round(took / seconds, 4),
        "bytes a question": question,
        "bytes of its answer": answer,
        "bytes a day": round(2 * (question + answer) * 86_400 / WAIT_S * len(peers.peers)),
    }


def _processor_s(pid: int) -> float:
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
