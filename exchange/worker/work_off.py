"""Do what is due of a node that nobody serves just now, in this process and at once."""

from __future__ import annotations

import random
import threading
from typing import Final

from exchange.flows.node.node import Node
from exchange.net.client import PeerClient
from exchange.patience import Patience
from exchange.store.node.jobs import JobKind
from exchange.worker.job_runner import JobRunner

WORKED_OFF: Final = (JobKind.FETCH_SCAN, JobKind.CORRELATE, JobKind.ERASE, JobKind.SEND_QUERY)
"""What an exchange waits for. Controls of blind verification, probes and messages come when the node runs."""


def work_off(node: Node, client: PeerClient, *, answers: bool) -> int:
    """Do all jobs of these kinds that are due by the clock, with ``answers`` to peers' queries or without; returns how
    many were taken. What fails is logged, and due again later."""
    runner = JobRunner(node, client, "nobody-serves", Patience(random.Random()), threading.Event())
    taken = 0
    for kind in (*WORKED_OFF, JobKind.ANSWER_QUERY) if answers else WORKED_OFF:
        while runner.drain(kind):
            taken += 1
    return taken
