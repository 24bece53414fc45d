"""The duty of the leading worker for the region's coordination: to keep snapshots of maturity when they are due."""

from __future__ import annotations

from typing import Final

from exchange.coordination.maturity.keep_snapshot import keep_when_due
from exchange.worker.leader_duties import WorkerPart
from exchange.worker.loops import Loop

SNAPSHOTS_S: Final = 3600
"""Seconds between two looks for a half-year that ended and whose snapshot is not kept."""

WORKER: Final = WorkerPart(lambda node: [Loop("snapshots of maturity", lambda: keep_when_due(node), SNAPSHOTS_S)])
