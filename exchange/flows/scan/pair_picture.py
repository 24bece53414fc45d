"""The picture of a pair: both scans in one frame, aligned, with their cells."""

from __future__ import annotations

import hashlib
import json

from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES, Variant
from exchange.flows.scan.inspect import draw_candidate
from exchange.flows.scan.prepared_scans import appearance_of, prepared_scan
from exchange.store.review.candidate_rows import StoredCandidate


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


def picture_tag(found: StoredCandidate) -> str:
    """Of all that the picture follows from: both scans, how the matcher compared them, and its own version."""
    scans = (found.acquisition_a.sha256, found.acquisition_b.sha256)
    drawn_from = repr((*scans, found.row.parameters, found.row.comparison))
    return hashlib.sha256(drawn_from.encode()).hexdigest()
