"""How far the node is: what it holds, what still waits, what was set aside."""

from __future__ import annotations

import json
from dataclasses import dataclass

from exchange.flows.node import Node
from exchange.store import jobs
from exchange.store.candidates import count_candidates
from exchange.store.records import count_records, counts_by_state
from exchange.store.statements import last_log_check, latest_checkpoint, log_size
from exchange.store.tables import LogCheckRow


@dataclass(frozen=True)
class NodeStatus:
    """``acquisitions`` and ``jobs`` count by state; a job in state "dead" needs the operator."""

    node_id: str
    records: int
    acquisitions: dict[str, int]
    candidates: int
    jobs: dict[str, int]
    log_size: int
    signed_size: int
    checked_at: str | None
    """When content at rest was last read again."""
    altered: tuple[str, ...]
    """What was then not what was signed, one sentence each."""


def node_status(node: Node) -> NodeStatus:
    with node.store.read() as session:
        signed, check = latest_checkpoint(session), last_log_check(session)
        return NodeStatus(
            node_id=node.node_id,
            records=count_records(session),
            acquisitions=counts_by_state(session),
            candidates=count_candidates(session),
            jobs=jobs.counts(session),
            log_size=log_size(session),
            signed_size=signed.size if signed else 0,
            checked_at=check.checked_at if check else None,
            altered=_sentences(check),
        )


def _sentences(check: LogCheckRow | None) -> tuple[str, ...]:
    if check is None or check.good:
        return ()
    return tuple(f"{found['subject']}: {found['what']}" for found in json.loads(check.report)["findings"])
