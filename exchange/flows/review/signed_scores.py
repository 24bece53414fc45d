"""Whether the score that a signed hit states is validated, by what this node knows of the two scans."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from exchange.flows.node.validated_scores import scan_facts, why_not_validated
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import AnyStatement, Hit, Side
from schemas.vocabulary import RegionOfInterest


def not_validated_by_statement(session: Session, said: Iterable[tuple[str, AnyStatement]]) -> dict[str, str]:
    """By the statements' ids, why the score that a hit states is not validated."""
    doubts = {name: _not_validated(session, one) for name, one in said if isinstance(one, Hit)}
    return {name: doubt for name, doubt in doubts.items() if doubt is not None}


def _not_validated(session: Session, said: Hit) -> str | None:
    if said.score is None:
        return None
    one, other = (_scan_of(session, side) for side in (said.pair.a, said.pair.b))
    roi = next((scan.roi for scan in (one, other) if scan is not None), RegionOfInterest.UNKNOWN)
    facts = (None if scan is None else scan_facts(scan) for scan in (one, other))
    return why_not_validated(roi, *facts, version=said.matcher or "not stated")


def _scan_of(session: Session, side: Side) -> AcquisitionRow | None:
    return next((scan for scan in acquisitions_of(session, side.record) if scan.sha256 == side.scan), None)
