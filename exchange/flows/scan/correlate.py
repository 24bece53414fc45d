"""A scan has landed: prepare it, compare it with everything it may be compared with, keep the candidates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import structlog

from exchange.clock import seconds_between, stamp
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES, Variant, roles_of, why_not_correlated
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.inspect import Correlated, prepare_scan
from exchange.flows.scan.instrument_probe import instrument_in_words, promise_probe
from exchange.flows.scan.prepared_scans import (
    acquisition_id_of,
    appearance_of,
    prepared_path,
    reference_name,
    variant_of,
)
from exchange.flows.scan.references import calibres_for, erase_traces, find_candidates, forget_superseded
from exchange.flows.scan.scan_thumbnail import picture_paths
from exchange.store.entry.record_rows import (
    AcquisitionState,
    acquisition_with_record,
    acquisitions_with_records,
    correlated_otherwise,
)
from exchange.store.entry.scan_instruments import note_instrument
from exchange.store.node.jobs import JobKind, promise
from exchange.store.review.candidate_rows import NewCandidate, add_candidates
from exchange.store.review.webhook_rows import WebhookEvent, announce_event
from exchange.store.scan.candidate_delays import note_delay
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.truth.known_pair_rows import promise_scores
from schemas.vocabulary import Modality

log = structlog.get_logger(__name__)


def correlate_acquisition(node: Node, acquisition_id: int) -> int:
    """Correlate one acquisition; returns how many candidates are new. Doing it twice changes nothing.

    1. Take what its record supersedes out of the way.
    2. What cannot be correlated is said so on the acquisition, and that is all.
    3. Prepare the scan and commit that it is prepared, *before* the references are asked: of two scans that land
       together at least one then sees the other, and no pair is lost.
    4. Compare in a worker process.
    5. Store the candidates, mark the acquisition as correlated, and promise a probe where its instrument is new, and
       scores with other test fires of an own one, in one transaction.
    """
    # 1.
    with node.store.read() as session:
        acquisition, record = acquisition_with_record(session, acquisition_id)
    forget_superseded(node, record.statement_id)

    # 2.
    roles = roles_of(acquisition)
    if not roles:
        _mark(node, acquisition_id, AcquisitionState.NOT_CORRELATED, why_not_correlated(acquisition))
        return 0

    # 3.
    refusal = _prepare(node, acquisition, record, roles[0].pipeline)
    if refusal is not None:
        _mark(node, acquisition_id, AcquisitionState.NOT_USABLE, refusal)
        erase_traces(node, acquisition)
        return 0

    # 4.
    fresh = []
    for role in roles:
        try:
            found = find_candidates(node, acquisition, record, calibres_for(node, acquisition), role)
        except NotFound as error:
            if role is roles[0]:
                raise
            log.warning("not compared in a further way", acquisition=acquisition_id, detail=str(error))
        else:
            fresh += _candidates(node, acquisition, record, found, role.pipeline)

    # 5.
    with node.store.write() as session:
        row = session.get(AcquisitionRow, acquisition_id)
        if row is not None:
            added = add_candidates(session, fresh)
            row.state, row.detail, row.correlated_at = AcquisitionState.CORRELATED, None, stamp()
            if row.first_correlated_at is None:
                row.first_correlated_at = row.correlated_at
                origin = "own" if record.issuer == node.node_id else "peer"
                note_delay(session, origin, seconds_between(record.received_at, row.correlated_at))
                if origin == "own":
                    announce_event(session, WebhookEvent.CANDIDATES, record.statement_id)
            promise_probe(session, node, row, record)
            promise_scores(session, row, record, own=node.node_id)
            return added
    erase_traces(node, acquisition)  # withdrawn meanwhile
    return 0


def promise_correlations_again(node: Node) -> int:
    """After an upgrade that changed the matcher: promise to correlate anew what was correlated otherwise, or not."""
    with node.store.write() as session:
        stale = [row for row in correlated_otherwise(session, PIPELINES) if roles_of(row)]
        for acquisition in stale:
            acquisition.state = AcquisitionState.QUEUED
            promise(session, JobKind.CORRELATE, acquisition.acquisition_id)
    return len(stale)


def _prepare(node: Node, acquisition: AcquisitionRow, record: RecordRow, pipeline: Pipeline) -> str | None:
    """Make the prepared scan and commit it, with the instrument of a topography; its pictures by the way. Returns
    why it is not usable, if it is not."""
    target = prepared_path(node, acquisition, pipeline)
    appearance = appearance_of(node, acquisition, pipeline)
    pictures = picture_paths(node, acquisition)
    prepared = node.background.run(prepare_scan, appearance, target, node.settings.prepared, pictures)
    if prepared.not_usable is not None:
        return prepared.not_usable
    if prepared.not_pictured is not None:
        log.warning("no pictures are kept", acquisition=acquisition.acquisition_id, detail=prepared.not_pictured)
    with node.store.write() as session:
        row = session.get(AcquisitionRow, acquisition.acquisition_id)
        if row is None:
            return "The record was withdrawn."
        row.parameters = pipeline.digest
        row.spacing_y_um, row.spacing_x_um = prepared.spacing_um
        if (mark := prepared.extent) is not None:
            row.mark_mm2, row.mark_one_sidedness = mark.area_mm2, mark.one_sidedness
            row.mark_directedness = mark.directedness
        if row.modality == Modality.TOPOGRAPHY:
            words = instrument_in_words(session, row, record.issuer, prepared.made_with)
            note_instrument(session, row.acquisition_id, words)
    return None


def _candidates(
    node: Node,
    query: AcquisitionRow,
    record: RecordRow,
    found: Sequence[tuple[Variant, Correlated]],
    pipeline: Pipeline,
) -> list[NewCandidate]:
    """The pairs to store; a reference that no current record has any more is left out."""
    with node.store.read() as session:
        rows = acquisitions_with_records(session, [acquisition_id_of(item.reference) for _, item in found])
    fresh = []
    for asked, item in found:
        reference, other = rows.get(acquisition_id_of(item.reference), (None, None))
        if reference is None or other is None:
            continue
        if reference_name(reference, variant_of(item.reference)) == item.reference:
            item = replace(item, comparison=_with_variants(item, asked))
            fresh.append(_candidate(query, record, reference, other, item, pipeline))
    return fresh


def _with_variants(found: Correlated, asked: Variant) -> str:
    """The explanation, with how either photograph was turned."""
    variants = {"variant_a": asked.value, "variant_b": variant_of(found.reference).value}
    return json.dumps({**json.loads(found.comparison), **variants}, allow_nan=False)


def _candidate(
    query: AcquisitionRow,
    record: RecordRow,
    reference: AcquisitionRow,
    other: RecordRow,
    found: Correlated,
    pipeline: Pipeline,
) -> NewCandidate:
    explained = json.loads(found.comparison)
    return NewCandidate(
        a=query,
        b=reference,
        cross_border=record.jurisdiction != other.jurisdiction,
        same_case=(record.issuer, record.case_reference) == (other.issuer, other.case_reference),
        score=found.score,
        congruent_cells=found.congruent_cells,
        cells=found.cells,
        rotation_deg=explained.get("rotation_deg"),
        matcher_version=explained["matcher_version"],
        comparison=found.comparison,
        parameters=pipeline.digest,
    )


def _mark(node: Node, acquisition_id: int, state: AcquisitionState, detail: str) -> None:
    with node.store.write() as session:
        row = session.get(AcquisitionRow, acquisition_id)
        if row is not None:
            row.state, row.detail, row.correlated_at = state, detail, stamp()
