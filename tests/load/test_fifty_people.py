"""Fifty people browse a node that correlates without pause: how long they wait for a page."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.nodes.processes import Process
from tests.exchange.running_nodes import free_port
from tests.load import world as worlds
from tests.load.people import MIX, browse
from tests.load.sizes import is_full, report

pytestmark = [pytest.mark.long, pytest.mark.alone]

PAGE_MS = 300
"""What 95 of 100 pages may take, on two cores that do nothing else."""
GENEROUS_MS = 2_000
"""The same on a machine that does other things too."""


def test_pages_come_while_the_node_correlates(tmp_path: Path) -> None:
    """$FFP_LOAD=full: 100,000 references for three minutes; else 10,000 for twenty seconds."""
    full = is_full()
    size, seconds = (worlds.FULL, 180.0) if full else (worlds.SMALL, 20.0)
    port = free_port()
    world = worlds.make(tmp_path / "world", size, port)
    try:
        node = Process(tmp_path / "world" / "rs", port)
        with node.running():
            figures = measured(node, world, seconds)
    finally:
        worlds.forget(tmp_path / "world")

    figures = {"references": size.references, **figures}
    report("fifty people", figures)
    assert figures["errors"] == {}
    assert figures["correlated meanwhile"] > 0
    assert figures["still waiting"] > 0, "there was a time in which nothing was correlated"
    idle = figures["load of the machine before"] <= (os.cpu_count() or 1)
    assert figures["answers"]["all pages"]["p95 ms"] < (PAGE_MS if full and idle else GENEROUS_MS), figures


def measured(node: Process, world: worlds.World, seconds: float) -> dict[str, Any]:
    """What the people waited, once the first scan that waited is correlated: then galleries are whole and mapped."""
    load = os.getloadavg()[0]
    begun = _correlated(node.get("/v1/status"))
    node.wait_for(lambda status: _correlated(status) > begun, seconds=300)
    browse(node.url, world, 10, seed=1)
    before, cpu = node.get("/v1/status"), node.cpu_s()
    began = time.monotonic()
    told = browse(node.url, world, seconds, seed=2)
    took = time.monotonic() - began
    cpu, after = node.cpu_s() - cpu, node.get("/v1/status")
    return {
        "people": len(world.people),
        "seconds": round(took, 1),
        "mix of a hundred": MIX,
        "load of the machine before": round(load, 2),
        "load of the machine after": round(os.getloadavg()[0], 2),
        "answers": told.figures(),
        "errors": dict(told.errors),
        "correlated meanwhile": _correlated(after) - _correlated(before),
        "still waiting": after["acquisitions"].get("queued", 0),
        "share of a core, the serving process": round(cpu / took, 2),
    }


def _correlated(status: dict[str, Any]) -> int:
    found: int = status["acquisitions"].get("correlated", 0)
    return found
