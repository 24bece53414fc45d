"""Specimens as they are shown: the two of a pair as the matcher compared them, others as they were delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.flows.node.pipelines import Variant
from exchange.flows.node.region_masks import mask_digest, region_mask_of
from exchange.store.entry.record_rows import acquisitions_of, find_record
from exchange.store.review.candidate_rows import StoredCandidate
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas import Pair, Side


@dataclass(frozen=True)
class ComparedSide:
    """One specimen. ``region``: the digest of its region where that was marked by hand; ``mirrored``: its
    scan was turned over to be compared."""

    record: RecordRow
    scan: AcquisitionRow
    mirrored: bool
    region: str | None


BothSides = tuple[ComparedSide, ComparedSide]


def compared_sides(found: StoredCandidate) -> BothSides:
    """Both specimens of a pair that was found with what its score rests on."""
    comparison = json.loads(found.row.comparison)
    turned = [Variant.MIRRORED in Variant(comparison[f"variant_{side}"]) for side in "ab"]
    return (
        shown_side(found.record_a, found.acquisition_a, mirrored=turned[0]),
        shown_side(found.record_b, found.acquisition_b, mirrored=turned[1]),
    )


def delivered_sides(session: Session, pair: Pair) -> BothSides | None:
    """Both specimens of a pair that was never compared here; None where a record or a scan is not here."""
    one, other = (_delivered(session, side) for side in (pair.a, pair.b))
    return None if one is None or other is None else (one, other)


def _delivered(session: Session, side: Side) -> ComparedSide | None:
    found = find_record(session, side.record)
    if found is None or found[0].issuer != side.issuer or found[0].restricted:
        return None
    scans = (scan for scan in acquisitions_of(session, side.record) if scan.sha256 == side.scan)
    scan = next((scan for scan in scans if scan.delivered_at is not None), None)
    return None if scan is None else shown_side(found[0], scan)


def shown_side(record: RecordRow, scan: AcquisitionRow, *, mirrored: bool = False) -> ComparedSide:
    return ComparedSide(record, scan, mirrored, mask_digest(region_mask_of(scan)))
