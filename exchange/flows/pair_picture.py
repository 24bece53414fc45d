"""The picture of a pair: both scans in one frame, aligned, with their cells."""

from __future__ import annotations

import json

from exchange.flows.node import Node
from exchange.flows.pipelines import PIPELINES, Variant
from exchange.flows.prepared import appearance_of, prepared_scan
from exchange.flows.scan_work import draw_candidate
from exchange.store.candidates import StoredCandidate


def pair_picture(node: Node, found: StoredCandidate) -> bytes:
    """As PNG, drawn in a worker process. The same scans under the same parameters always give the same."""
    pipeline, comparison = PIPELINES[found.row.parameters], json.loads(found.row.comparison)
    sides = [
        (scan, Variant(comparison[f"variant_{side}"]))
        for scan, side in ((found.acquisition_a, "a"), (found.acquisition_b, "b"))
    ]
    a, b = (appearance_of(node, scan, pipeline, variant) for scan, variant in sides)
    ready = [prepared_scan(node, scan, pipeline, variant, by=node.compute) for scan, variant in sides]
    return node.compute.run(draw_candidate, a, b, *ready)
