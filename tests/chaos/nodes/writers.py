"""Examiners' programs that submit without pause, to a node that may die at any moment: each goes on until it knows."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.nodes.processes import Process
from tests.exchange.running_nodes import metadata
from tests.exchange.web.conftest import tiny_scan

BREATH_S = (0.0, 0.5)
ANSWER_S = 60
_numbers = itertools.count(1)


@dataclass
class Submission:
    """One submission under its idempotency key, and what came back of it."""

    key: str
    tries: int = 0
    broken: int = 0
    """How often the connection broke before the answer."""
    was_stored: bool = False
    """Whether it turned out, after that, that it had been stored all the same."""
    receipt: dict[str, Any] | None = None


@dataclass
class Writer:
    """Submits to one node from a thread of its own, one record after the other, until it is told to end."""

    node: Process
    audience: str
    seed: int
    done: list[Submission] = field(default_factory=list)
    posting: threading.Event = field(default_factory=threading.Event)
    """Set while a submission is on its way."""
    took_s: float = 0.05
    """What the last one took that was acknowledged."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._ending = threading.Event()
        self._fault: Exception | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Returns when the last submission was acknowledged; the node must be running."""
        self._ending.set()
        self._thread.join(2 * ANSWER_S)
        self.check()
        assert not self._thread.is_alive(), self.node.log_end

    def abandon(self) -> None:
        """For a test that failed: try no more."""
        self._abandoned = True
        self._ending.set()

    def check(self) -> None:
        """Raises what went wrong in the thread."""
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                submission = Submission(f"writer-{self.seed}-{next(_numbers)}")
                self._submit_until_acknowledged(submission)
                self.done.append(submission)
                time.sleep(self._dice.uniform(*BREATH_S))
        except Exception as fault:  # noqa: BLE001 - raised again by `check`, in the test's own thread
            self._fault = fault

    def _submit_until_acknowledged(self, submission: Submission) -> None:
        sent = metadata() | {"level": "full", "audience": [self.audience], "case_reference": submission.key.upper()}
        scan = tiny_scan()
        headers = self.node.examiner | {"Idempotency-Key": submission.key}
        while submission.receipt is None and not self._abandoned:
            files = {"metadata": (None, json.dumps(sent)), "scan": ("scan.x3p", scan)}
            submission.tries += 1
            begun = time.monotonic()
            self.posting.set()
            try:
                answer = self.node.http.post("/v1/records", headers=headers, files=files)
            except httpx.ConnectError:
                time.sleep(0.05)  # nobody listens: the node is down
                continue
            except httpx.TransportError:
                submission.broken += 1
                continue
            finally:
                self.posting.clear()
            if answer.status_code in (200, 201):
                self.took_s = time.monotonic() - begun
                submission.receipt = answer.json()
                submission.was_stored = answer.status_code == 200
            else:  # a node that starts or stops says so; anything else is a fault
                assert answer.status_code == 503, answer.text
                time.sleep(0.05)
