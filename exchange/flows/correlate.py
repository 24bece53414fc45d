"""A scan has landed: prepare it, compare it with everything it may be compared with, keep the candidates."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.clock import stamp
from exchange.flows.node import Node
from exchange.flows.pipelines import PIPELINES, Pipeline, pipeline_of, why_not_correlated
from exchange.flows.references import acquisition_id_of, forget_superseded, prepared_path, reference_name, search
from exchange.flows.scan_work import Correlated, prepare_scan
from exchange.store.candidates import NewCandidate, add_candidates
from exchange.store.jobs import JobKind, promise
from exchange.store.records import (
    AcquisitionState,
    acquisition_with_record,
    acquisitions_with_records,
    correlated_otherwise,
)
from exchange.store.tables import AcquisitionRow, RecordRow
from schemas.calibre import Calibre, compatible_calibres


def correlate_acquisition(node: Node, acquisition_id: int) -> int:
    """Correlate one acquisition; returns how many candidates are new. Doing it twice changes nothing.

    1. Take what its record supersedes out of the way.
    2. What cannot be correlated is said so on the acquisition, and that is all.
    3. Prepare the scan and commit that it is prepared, *before* the references are asked: of two scans that land
       together at least one then sees the other, and no pair is lost.
    4. Compare in a worker process.
    5. Store the candidates and mark the acquisition as correlated, in one transaction.
    """
    # 1.
    with node.store.read() as session:
        acquisition, record = acquisition_with_record(session, acquisition_id)
    forget_superseded(node, record.statement_id)

    # 2.
    pipeline = pipeline_of(acquisition)
    if pipeline is None:
        _mark(node, acquisition_id, AcquisitionState.NOT_CORRELATED, why_not_correlated(acquisition))
        return 0

    # 3.
    refusal = _prepare(node, acquisition, pipeline)
    if refusal is not None:
        _mark(node, acquisition_id, AcquisitionState.NOT_USABLE, refusal)
        return 0

    # 4.
    found = search(node, acquisition, record, _calibres(acquisition), pipeline)

    # 5.
    fresh = _candidates(node, acquisition, record, found, pipeline)
    with node.store.write() as session:
        added = add_candidates(session, fresh)
        row = session.get_one(AcquisitionRow, acquisition_id)
        row.state, row.detail, row.correlated_at = AcquisitionState.CORRELATED, None, stamp()
    return added


def promise_again(node: Node) -> int:
    """After an upgrade that changed the matcher: promise to correlate anew what was correlated otherwise, or not."""
    with node.store.write() as session:
        stale = [row for row in correlated_otherwise(session, PIPELINES) if pipeline_of(row) is not None]
        for acquisition in stale:
            acquisition.state = AcquisitionState.QUEUED
            promise(session, JobKind.CORRELATE, acquisition.acquisition_id)
    return len(stale)


def _prepare(node: Node, acquisition: AcquisitionRow, pipeline: Pipeline) -> str | None:
    """Make the prepared scan and commit it; returns why it is not usable, if it is not."""
    target = prepared_path(node, acquisition.sha256, pipeline)
    prepared = node.compute.run(prepare_scan, node.blobs.path(acquisition.sha256), target, pipeline)
    if prepared.not_usable is not None:
        return prepared.not_usable
    with node.store.write() as session:
        row = session.get_one(AcquisitionRow, acquisition.acquisition_id)
        row.parameters = pipeline.digest
        row.spacing_y_um, row.spacing_x_um = prepared.spacing_um
    return None


def _calibres(acquisition: AcquisitionRow) -> frozenset[str]:
    return frozenset(calibre.value for calibre in compatible_calibres(Calibre(acquisition.calibre)))


def _candidates(
    node: Node, query: AcquisitionRow, record: RecordRow, found: Sequence[Correlated], pipeline: Pipeline
) -> list[NewCandidate]:
    """The pairs to store; a reference that no current record has any more is left out."""
    with node.store.read() as session:
        rows = acquisitions_with_records(session, [acquisition_id_of(item.reference) for item in found])
    fresh = []
    for item in found:
        reference, other = rows.get(acquisition_id_of(item.reference), (None, None))
        if reference is None or other is None:
            continue
        if reference_name(reference.acquisition_id, reference.statement_id) == item.reference:
            fresh.append(_candidate(query, record, reference, other, item, pipeline))
    return fresh


def _candidate(
    query: AcquisitionRow,
    record: RecordRow,
    reference: AcquisitionRow,
    other: RecordRow,
    found: Correlated,
    pipeline: Pipeline,
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
        parameters=pipeline.digest,
    )


def _mark(node: Node, acquisition_id: int, state: AcquisitionState, detail: str) -> None:
    with node.store.write() as session:
        row = session.get_one(AcquisitionRow, acquisition_id)
        row.state, row.detail, row.correlated_at = state, detail, stamp()
