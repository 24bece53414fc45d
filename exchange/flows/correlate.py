"""A scan has landed: prepare it, compare it with everything it may be compared with, keep the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matcher
from exchange.clock import stamp
from exchange.flows.node import Node
from exchange.flows.scan_work import Correlated, correlate_scan, prepare_scan
from exchange.store.candidates import NewCandidate, add_candidates
from exchange.store.jobs import JobKind, promise
from exchange.store.records import AcquisitionState, acquisition_with_record, correlated_otherwise, references_for
from exchange.store.tables import AcquisitionRow, RecordRow
from schemas.calibre import Calibre, compatible_calibres
from schemas.vocabulary import Modality, RegionOfInterest

PARAMETERS = matcher.DEFAULT_PARAMETERS.digest
"""Results under other parameters are neither shown nor mixed in."""


def correlate_acquisition(node: Node, acquisition_id: int) -> int:
    """Correlate one acquisition; returns how many candidates are new. Doing it twice changes nothing.

    1. What cannot be correlated yet is said so on the acquisition, and that is all.
    2. Prepare the scan and commit that it is prepared, *before* the references are read: of two scans that land
       together at least one then sees the other, and no pair is lost.
    3. Compare in a worker process.
    4. Store the candidates and mark the acquisition as correlated, in one transaction.
    """
    with node.store.read() as session:
        acquisition = session.get_one(AcquisitionRow, acquisition_id)
    if refusal := _not_correlated(acquisition):
        _mark(node, acquisition_id, AcquisitionState.NOT_CORRELATED, refusal)
        return 0

    refusal = _prepare(node, acquisition)
    if refusal is not None:
        _mark(node, acquisition_id, AcquisitionState.NOT_USABLE, refusal)
        return 0

    with node.store.read() as session:
        query, record = acquisition_with_record(session, acquisition_id)
        references = references_for(session, query, _calibres(query))
    found = _compare(node, query, [reference for reference, _ in references])
    fresh = [_candidate(query, record, *references[item.reference], item) for item in found]

    with node.store.write() as session:
        added = add_candidates(session, fresh)
        row = session.get_one(AcquisitionRow, acquisition_id)
        row.state, row.detail, row.correlated_at = AcquisitionState.CORRELATED, None, stamp()
    return added


def prepared_scan(node: Node, sha256: str) -> Path:
    """Where a prepared scan is kept; made again from the scan when it is missing."""
    path = _prepared_path(node, sha256)
    if not path.is_file():
        node.compute.run(prepare_scan, node.blobs.path(sha256), path)
    return path


def promise_again(node: Node) -> int:
    """After an upgrade that changed the matcher: promise to correlate anew what was correlated otherwise."""
    with node.store.write() as session:
        stale = correlated_otherwise(session, PARAMETERS)
        for acquisition in stale:
            acquisition.state = AcquisitionState.QUEUED
            promise(session, JobKind.CORRELATE, acquisition.acquisition_id)
    return len(stale)


def _prepared_path(node: Node, sha256: str) -> Path:
    return node.settings.prepared / f"{sha256}.{PARAMETERS[:16]}"


def _not_correlated(acquisition: AcquisitionRow) -> str | None:
    if acquisition.modality != Modality.TOPOGRAPHY:
        return "Photographs are stored and shared, but not yet correlated by this release."
    if acquisition.roi != RegionOfInterest.BREECH_FACE:
        return f"The region {acquisition.roi} is stored and shared, but not yet correlated by this release."
    return None


def _prepare(node: Node, acquisition: AcquisitionRow) -> str | None:
    """Make the prepared scan and commit it; returns why it is not usable, if it is not."""
    target = _prepared_path(node, acquisition.sha256)
    prepared = node.compute.run(prepare_scan, node.blobs.path(acquisition.sha256), target)
    if prepared.descriptor is None:
        return prepared.not_usable or "The matcher found nothing to compare."
    with node.store.write() as session:
        row = session.get_one(AcquisitionRow, acquisition.acquisition_id)
        row.parameters, row.descriptor = PARAMETERS, prepared.descriptor
    return None


def _compare(node: Node, query: AcquisitionRow, references: Sequence[AcquisitionRow]) -> list[Correlated]:
    if not references:
        return []
    return node.compute.run(
        correlate_scan,
        prepared_scan(node, query.sha256),
        [prepared_scan(node, reference.sha256) for reference in references],
        [reference.descriptor or b"" for reference in references],
    )


def _calibres(acquisition: AcquisitionRow) -> frozenset[str]:
    return frozenset(calibre.value for calibre in compatible_calibres(Calibre(acquisition.calibre)))


def _candidate(
    query: AcquisitionRow, record: RecordRow, reference: AcquisitionRow, other: RecordRow, found: Correlated
) -> NewCandidate:
    return NewCandidate(
        a=query,
        b=reference,
        cross_border=record.jurisdiction != other.jurisdiction,
        same_case=(record.issuer, record.case_reference) == (other.issuer, other.case_reference),
        score=found.score,
        congruent_cells=found.congruent_cells,
        cells=found.cells,
        comparison=found.comparison,
        parameters=PARAMETERS,
    )


def _mark(node: Node, acquisition_id: int, state: AcquisitionState, detail: str) -> None:
    with node.store.write() as session:
        row = session.get_one(AcquisitionRow, acquisition_id)
        row.state, row.detail, row.correlated_at = state, detail, stamp()
