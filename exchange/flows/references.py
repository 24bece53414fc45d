"""The references of correlation: kept in galleries beside the database, made again from the scans, asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import structlog

import matcher
from exchange.errors import ComputeFailed, NotFound
from exchange.flows.node import Node
from exchange.flows.pipelines import GALLERIES, Pipeline
from exchange.flows.scan_work import Correlated, prepare_scan, rank_profiles, search_gallery
from exchange.store.records import (
    acquisitions_with_records,
    prepared_acquisitions,
    references_for,
    superseded_acquisitions,
)
from exchange.store.tables import AcquisitionRow, RecordRow

log = structlog.get_logger(__name__)

_TRIES = 3
_CHUNK = 256


def prepared_scan(node: Node, sha256: str, pipeline: Pipeline) -> Path:
    """Where a prepared scan is kept; made again from the scan when it is missing.

    Raises NotFound when the scan is not here, or nothing can be compared on it after all.
    """
    path = prepared_path(node, sha256, pipeline)
    if not path.is_file():
        found = node.compute.run(prepare_scan, node.blobs.path(sha256), path, pipeline)
        if found.not_usable is not None:
            raise NotFound(f"The scan {sha256} could be prepared before and cannot now: {found.not_usable}")
    return path


def prepared_path(node: Node, sha256: str, pipeline: Pipeline) -> Path:
    return node.settings.prepared / f"{sha256}.{pipeline.digest[:16]}"


def reference_name(acquisition_id: int, statement_id: str) -> bytes:
    """The 32 bytes that name an acquisition in a gallery: the start of its record's digest, and its id here.

    The id alone would name another acquisition once a backup is restored; the scan's digest may stand in several
    records.
    """
    return bytes.fromhex(statement_id)[:24] + acquisition_id.to_bytes(8, "big")


def acquisition_id_of(name: bytes) -> int:
    return int.from_bytes(name[24:], "big")


def restore_galleries(node: Node) -> None:
    """Hold every gallery against the database, and delete those of other releases."""
    node.galleries.delete_others(GALLERIES)
    for parameters in GALLERIES:
        _make_whole(node, parameters)


def forget_superseded(node: Node, statement_id: str) -> None:
    """Take the acquisitions of the versions that a record supersedes out of the galleries: they make room."""
    with node.store.read() as session:
        gone = [reference_name(*named) for named in superseded_acquisitions(session, statement_id)]
    for parameters in GALLERIES if gone else ():
        with node.galleries.changing(parameters) as writer:
            try:
                writer.remove(gone)
            except matcher.GalleryDamaged as error:
                _distrust(node, parameters, node.galleries.times_emptied(parameters), error)


def search(
    node: Node, query: AcquisitionRow, record: RecordRow, calibres: frozenset[str], pipeline: Pipeline
) -> list[Correlated]:
    """Rank the references of the same region and one of the calibres against a prepared acquisition, best first.

    Raises ComputeFailed, StoreUnavailable: the worker tries again later.
    """
    match pipeline:
        case matcher.Parameters():
            return _search_gallery(node, query, record, calibres, pipeline)
        case matcher.ProfileParameters():
            return _search_profiles(node, query, calibres, pipeline)


def _search_gallery(
    node: Node, query: AcquisitionRow, record: RecordRow, calibres: frozenset[str], parameters: matcher.Parameters
) -> list[Correlated]:
    """1. See to it that the gallery holds what the database names, and the query itself, before it is asked: of two
       scans that land together at least one then sees the other.
    2. Ask in a worker process; the other acquisitions of the same record are left out.
    3. What is damaged is made again, and asked again; so is a gallery that was emptied meanwhile.
    """
    with node.store.read() as session:
        own = prepared_acquisitions(session, parameters.digest, query.statement_id)
    filters = matcher.Filters(
        calibres=calibres,
        regions=frozenset({query.roi}),
        excluded=frozenset(reference_name(*named) for named in own),
    )
    for _ in range(_TRIES):
        # 1.
        times_emptied = _make_whole(node, parameters)
        try:
            _put(node, parameters, query, record)

            # 2.
            prepared = prepared_scan(node, query.sha256, parameters)
            found = node.compute.run(search_gallery, node.galleries.folder(parameters), parameters, prepared, filters)

            # 3.
            _mend(node, parameters, found.damaged)
        except (matcher.GalleryDamaged, matcher.NotComparable) as error:
            _distrust(node, parameters, times_emptied, error)
            continue
        if not found.damaged and _make_whole(node, parameters) == times_emptied:
            return found.candidates
    raise _hopeless()


def _search_profiles(
    node: Node, query: AcquisitionRow, calibres: frozenset[str], parameters: matcher.ProfileParameters
) -> list[Correlated]:
    """1. Read from the database which profiles there are: the query was committed as prepared before.
    2. Compare in a worker process.
    3. What is damaged is made again, and asked again.
    """
    for _ in range(_TRIES):
        # 1.
        with node.store.read() as session:
            rows = references_for(session, query, calibres, parameters.digest)
        references = list(_prepared(node, rows, parameters))

        # 2.
        found = node.compute.run(rank_profiles, prepared_scan(node, query.sha256, parameters), references, parameters)
        if not found.damaged:
            return found.candidates

        # 3.
        for name, path in references:
            if name in found.damaged:
                path.unlink(missing_ok=True)
    raise _hopeless()


def _prepared(
    node: Node, rows: Sequence[AcquisitionRow], parameters: matcher.ProfileParameters
) -> Iterator[tuple[bytes, Path]]:
    for row in rows:
        try:
            path = prepared_scan(node, row.sha256, parameters)
        except (NotFound, matcher.ScanRefused) as error:
            _left_out(row, error)
        else:
            yield reference_name(row.acquisition_id, row.statement_id), path


def _left_out(acquisition: AcquisitionRow, why: Exception) -> None:
    log.warning("a reference is left out", acquisition=acquisition.acquisition_id, detail=str(why))


def _make_whole(node: Node, parameters: matcher.Parameters) -> int:
    """See to it that the gallery holds what the database names; returns how often it has been emptied.

    Done once after each start and each time it was emptied; whoever asks meanwhile waits.
    """
    with node.galleries.changing(parameters):
        for _ in range(_TRIES):
            if node.galleries.is_whole(parameters):
                return node.galleries.times_emptied(parameters)
            try:
                _reconcile(node, parameters)
            except matcher.GalleryDamaged as error:
                _distrust(node, parameters, node.galleries.times_emptied(parameters), error)
            else:
                node.galleries.now_whole(parameters)
        raise _hopeless()


def _reconcile(node: Node, parameters: matcher.Parameters) -> None:
    """Append what the gallery lacks, remove what no current record has."""
    with node.store.read() as session:
        prepared = prepared_acquisitions(session, parameters.digest)
    wanted = {reference_name(*named): named[0] for named in prepared}
    with node.galleries.changing(parameters) as writer:
        there = set(writer.references())
        surplus, missing = there - wanted.keys(), [wanted[name] for name in wanted if name not in there]
        writer.remove(surplus)
        _append(node, parameters, missing)
        writer.compact()
    if surplus or missing:
        log.info("gallery brought up to date", pipeline=_name(parameters), added=len(missing), removed=len(surplus))


def _distrust(node: Node, parameters: matcher.Parameters, times_emptied: int, why: Exception) -> None:
    log.warning("the gallery is damaged and made anew", pipeline=_name(parameters), detail=str(why))
    node.galleries.distrust(parameters, times_emptied)


def _hopeless() -> ComputeFailed:
    return ComputeFailed(
        "What is compared with was damaged again while it was asked; see to the disk. Tried again later."
    )


def _name(parameters: matcher.Parameters) -> str:
    return f"{parameters.region}, {parameters.channel}"


def _append(node: Node, parameters: matcher.Parameters, acquisitions: Sequence[int]) -> None:
    """Add acquisitions as they are in the database now; what cannot be prepared any more is left out, and said."""
    with node.galleries.changing(parameters) as writer:
        writer.append(_entries(node, parameters, acquisitions))


def _entries(
    node: Node, parameters: matcher.Parameters, acquisitions: Sequence[int]
) -> Iterator[tuple[matcher.Reference, matcher.Prepared]]:
    for at in range(0, len(acquisitions), _CHUNK):
        node.galleries.check_open()
        with node.store.read() as session:
            rows = acquisitions_with_records(session, acquisitions[at : at + _CHUNK])
        for acquisition, record in rows.values():
            try:
                yield _entry(node, parameters, acquisition, record)
            except (NotFound, matcher.ScanRefused) as error:
                _left_out(acquisition, error)


def _entry(
    node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow
) -> tuple[matcher.Reference, matcher.Prepared]:
    reference = matcher.Reference(
        reference_name(acquisition.acquisition_id, acquisition.statement_id),
        calibre=acquisition.calibre,
        region=acquisition.roi,
        modality=acquisition.modality,
        jurisdiction=record.jurisdiction,
        date=date.fromisoformat(record.earliest) if record.earliest else None,
    )
    path = prepared_scan(node, acquisition.sha256, parameters)
    try:
        return reference, matcher.Prepared.from_bytes(path.read_bytes())
    except matcher.ScanRefused:  # the prepared file is damaged, the scan is not
        path.unlink(missing_ok=True)
        return reference, matcher.Prepared.from_bytes(prepared_scan(node, acquisition.sha256, parameters).read_bytes())


def _put(node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow) -> None:
    """Add the query, unless it is there already or its record has been superseded."""
    with node.galleries.changing(parameters) as writer:
        name = reference_name(acquisition.acquisition_id, acquisition.statement_id)
        if name not in writer and record.superseded_by is None:
            writer.append([_entry(node, parameters, acquisition, record)])


def _mend(node: Node, parameters: matcher.Parameters, damaged: Sequence[bytes]) -> None:
    """Make damaged references again from their scans; those that no current record has are taken out."""
    if damaged:
        log.warning("damaged references are made again", pipeline=_name(parameters), count=len(damaged))
        with node.galleries.changing(parameters) as writer:
            writer.remove(damaged)
            _append(node, parameters, [acquisition_id_of(name) for name in damaged])
