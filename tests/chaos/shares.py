"""Where the processor's time goes: the running function is looked at every few milliseconds of it.

The work is not slowed down by that, as it is by a profiler that follows every call.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SAMPLE_S = 0.005
MANY = 50
"""Fewer samples than these say nothing of shares."""

_WORK = (
    (
        "signatures",
        {"verify_envelope", "open_checkpoint", "verify_cosignature", "cosign", "verify_response", "sign_request"},
    ),
    ("JSON and contract", {"parse_lane_page", "check_json", "open_envelope", "parse_statement"}),
    ("proofs and heads", {"verify_inclusion", "verify_consistency", "next_head"}),
    ("database", {"_store", "add_records", "promise_new", "failed_fetches", "standing_alarm"}),
    ("network", {"fetch_lane", "send_report"}),
)
"""By function of this node; the innermost that is named here counts. All of SQLAlchemy is the database."""
_OURS = ("/exchange/", "/schemas/")


class Shares:
    """Samples by kind of work."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def of(self, work: str) -> float | None:
        """None when too few samples were taken."""
        total = self.samples.total()
        return self.samples[work] / total if total >= MANY else None

    def rounded(self) -> dict[str, float]:
        total = max(1, self.samples.total())
        return {work: round(count / total, 3) for work, count in self.samples.most_common()}

    def look(self, frame: FrameType | None) -> None:
        self.samples[_work_of(frame)] += 1


@contextmanager
def sampled() -> Iterator[Shares]:
    """Samples the main thread while the block runs, on processor time, so that waiting counts for nothing."""
    shares = Shares()
    before = signal.signal(signal.SIGPROF, lambda _number, frame: shares.look(frame))
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
    try:
        yield shares
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _work_of(frame: FrameType | None) -> str:
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if "/sqlalchemy/" in file:
            return "database"
        for work, functions in _WORK:
            if name in functions and any(folder in file for folder in _OURS):
                return work
        frame = frame.f_back
    return "other"
