"""How far the node is: what it holds, what still waits, what was set aside."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.flows.node import Node
from exchange.store import jobs
from exchange.store.candidates import count_candidates
from exchange.store.records import count_records, counts_by_state
from exchange.store.statements import latest_checkpoint, log_size


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


def node_status(node: Node) -> NodeStatus:
    with node.store.read() as session:
        signed = latest_checkpoint(session)
        return NodeStatus(
            node_id=node.node_id,
            records=count_records(session),
            acquisitions=counts_by_state(session),
            candidates=count_candidates(session),
            jobs=jobs.counts(session),
            log_size=log_size(session),
            signed_size=signed.size if signed else 0,
        )
