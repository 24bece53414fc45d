"""The references of correlation: kept in galleries beside the database, made again from the scans, asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import assert_never

import structlog

import matcher
from exchange.errors import ComputeFailed, NotFound
from exchange.flows.node.cluster import not_blamed
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import GALLERIES, PIPELINES, VARIANTS, Ask, PipelineRole, Variant, roles_of
from exchange.flows.scan.inspect import Correlated, rank_stored_profiles, search_gallery
from exchange.flows.scan.prepared import acquisition_id_of, name_in_gallery, prepared_scan, reference_name
from exchange.store.entry.records import (
    acquisitions_of,
    acquisitions_with_records,
    may_be_compared,
    prepared_acquisitions,
    references_for,
    superseded_acquisitions,
)
from exchange.store.tables.records import AcquisitionRow, RecordRow
from schemas.calibre import Calibre, compatible_calibres
from schemas.vocabulary import Modality

log = structlog.get_logger(__name__)

TRIES = 3
_CHUNK = 256


def restore_galleries(node: Node) -> None:
    """Hold every gallery against the database, and delete those of other releases."""
    node.galleries.delete_others(GALLERIES)
    for parameters in GALLERIES:
        _make_whole(node, parameters)


def forget_superseded(node: Node, statement_id: str) -> None:
    """Take the acquisitions of the versions that a record supersedes out of the galleries: they make room."""
    with node.store.read() as session:
        gone = [(row.statement_id, row.acquisition_id) for row in superseded_acquisitions(session, statement_id)]
    _forget(node, gone)


def _forget(node: Node, acquisitions: Sequence[tuple[str, int]]) -> None:
    """Take acquisitions, each named by its record and its id here, out of every gallery."""
    _change(node, acquisitions, matcher.GalleryWriter.remove)


def erase_entries(node: Node, acquisitions: Sequence[tuple[str, int]]) -> None:
    """As ``_forget``, and their bytes in the galleries are overwritten."""
    _change(node, acquisitions, matcher.GalleryWriter.erase)


def _change(
    node: Node,
    acquisitions: Sequence[tuple[str, int]],
    take_out: Callable[[matcher.GalleryWriter, Sequence[bytes]], int],
) -> None:
    gone = [name_in_gallery(*acquisition, variant) for acquisition in acquisitions for variant in VARIANTS]
    for parameters in GALLERIES if gone else ():
        for _ in range(TRIES):
            times_emptied = node.galleries.times_emptied(parameters)
            try:
                with node.galleries.changing(parameters) as writer:
                    take_out(writer, gone)
                break
            except matcher.GalleryDamaged as error:
                distrust(node, parameters, times_emptied, error)
        else:
            raise hopeless()


def erase_traces(node: Node, acquisition: AcquisitionRow) -> None:
    """Nothing is left of an acquisition that was withdrawn, or restricted, while it was compared."""
    with node.store.read() as session:
        if may_be_compared(session, acquisition.acquisition_id):
            return
    erase_entries(node, [(acquisition.statement_id, acquisition.acquisition_id)])
    for path in list(node.settings.prepared.glob(f"{acquisition.sha256}.*")):
        path.unlink(missing_ok=True)


def find_candidates(
    node: Node, query: AcquisitionRow, record: RecordRow, calibres: frozenset[str], role: PipelineRole
) -> list[tuple[Variant, Correlated]]:
    """Rank the references that a role asks for, of one of the calibres, against a prepared acquisition.

    Returns one entry for each reference, with the variant of the query that it agrees with best; in no order.
    Raises ComputeFailed, StoreUnavailable: the worker tries again later.
    """
    best: dict[int, tuple[Variant, Correlated]] = {}
    for ask in role.asks:
        match role.pipeline:
            case matcher.Parameters():
                found = _search_gallery(node, query, record, calibres, role.pipeline, ask)
            case matcher.ProfileParameters():
                found = _search_profiles(node, query, calibres, role.pipeline)
            case other:
                assert_never(other)
        for item in found:
            reference = acquisition_id_of(item.reference)
            if reference not in best or item.score > best[reference][1].score:
                best[reference] = ask.variant, item
    return list(best.values())


def _search_gallery(
    node: Node,
    query: AcquisitionRow,
    record: RecordRow,
    calibres: frozenset[str],
    parameters: matcher.Parameters,
    ask: Ask,
) -> list[Correlated]:
    """1. See to it that the gallery holds what the database names, and the query itself, before it is asked: of two
       scans that land together at least one then sees the other.
    2. Ask in a worker process; the other acquisitions of the same record are left out.
    3. What is damaged is made again, and asked again; so is a gallery that was emptied meanwhile.
    """
    with node.store.read() as session:
        own = [name for row in acquisitions_of(session, query.statement_id) for name in all_names(row)]
    filters = matcher.Filters(
        calibres=calibres,
        regions=ask.labels,
        modalities=frozenset({Modality.TOPOGRAPHY.value}) if ask.topographies_only else None,
        excluded=frozenset(own),
    )

    def made_ready() -> Path:
        _put(node, parameters, query, record)
        return prepared_scan(node, query, parameters, ask.variant)

    return ask_gallery(node, parameters, made_ready, filters)


def ask_gallery(
    node: Node, parameters: matcher.Parameters, made_ready: Callable[[], Path], filters: matcher.Filters
) -> list[Correlated]:
    """Rank a gallery's references against a prepared scan, which ``made_ready`` gives once the gallery is whole.

    What is damaged is made again, and asked again; so is a gallery that was emptied meanwhile. Raises ComputeFailed.
    """
    for _ in range(TRIES):
        times_emptied = _make_whole(node, parameters)
        try:
            prepared = made_ready()
            with not_blamed(node.cluster):
                found = node.background.run(
                    search_gallery, node.galleries.folder(parameters), parameters, prepared, filters, node.cluster
                )
            _mend(node, parameters, found.damaged)
        except (matcher.GalleryDamaged, matcher.NotComparable) as error:
            distrust(node, parameters, times_emptied, error)
            continue
        if not found.damaged and _make_whole(node, parameters) == times_emptied:
            return found.candidates
    raise hopeless()


def _search_profiles(
    node: Node, query: AcquisitionRow, calibres: frozenset[str], parameters: matcher.ProfileParameters
) -> list[Correlated]:
    """1. Read from the database which profiles there are: the query was committed as prepared before.
    2. Compare in a worker process.
    3. What is damaged is made again, and asked again.
    """
    for _ in range(TRIES):
        # 1.
        with node.store.read() as session:
            rows = references_for(session, query, calibres, parameters.digest)
        references = list(prepared_profiles(node, rows, parameters))

        # 2.
        found = node.background.run(
            rank_stored_profiles, prepared_scan(node, query, parameters), references, parameters
        )
        if not found.damaged:
            return found.candidates

        # 3.
        for name, path in references:
            if name in found.damaged:
                path.unlink(missing_ok=True)
    raise hopeless()


def prepared_profiles(
    node: Node, rows: Sequence[AcquisitionRow], parameters: matcher.ProfileParameters
) -> Iterator[tuple[bytes, Path]]:
    for row in rows:
        try:
            path = prepared_scan(node, row, parameters)
        except (NotFound, matcher.ScanRefused) as error:
            _left_out(row, error)
        else:
            yield reference_name(row), path


def _left_out(acquisition: AcquisitionRow, why: Exception) -> None:
    log.warning("a reference is left out", acquisition=acquisition.acquisition_id, detail=str(why))


def calibres_for(acquisition: AcquisitionRow) -> frozenset[str]:
    """Those of references that one firearm may share with it."""
    return frozenset(calibre.value for calibre in compatible_calibres(Calibre(acquisition.calibre)))


def all_names(acquisition: AcquisitionRow) -> list[bytes]:
    """All names that an acquisition may have, in whatever gallery."""
    return [reference_name(acquisition, variant) for variant in VARIANTS]


def _shown(acquisition: AcquisitionRow, parameters: matcher.Parameters) -> Mapping[Variant, str]:
    """The variants that stand in a gallery, with their labels."""
    return next((role.shown for role in roles_of(acquisition) if role.pipeline == parameters), {})


def _make_whole(node: Node, parameters: matcher.Parameters) -> int:
    """See to it that the gallery holds what the database names; returns how often it has been emptied.

    Done once after each start and each time it was emptied; whoever asks meanwhile waits.
    """
    node.galleries.check_open()
    if node.galleries.is_whole(parameters):
        return node.galleries.times_emptied(parameters)
    with node.galleries.changing(parameters):
        for _ in range(TRIES):
            if node.galleries.is_whole(parameters):
                return node.galleries.times_emptied(parameters)
            try:
                _reconcile(node, parameters)
            except matcher.GalleryDamaged as error:
                distrust(node, parameters, node.galleries.times_emptied(parameters), error)
            else:
                node.galleries.now_whole(parameters)
        raise hopeless()


def _reconcile(node: Node, parameters: matcher.Parameters) -> None:
    """Append what the gallery lacks, remove what no current record has."""
    with node.store.read() as session:
        wanted = {
            reference_name(row, variant): row.acquisition_id
            for row in prepared_acquisitions(session, PIPELINES)
            for variant in _shown(row, parameters)
        }
    with node.galleries.changing(parameters) as writer:
        there = set(writer.references())
        surplus, missing = there - wanted.keys(), [wanted[name] for name in wanted if name not in there]
        writer.remove(surplus)
        _append(node, parameters, list(dict.fromkeys(missing)))
        writer.compact()
        writer.delete_others()  # of another release's layout, with the same parameters
    if surplus or missing:
        log.info("gallery brought up to date", pipeline=_name(parameters), added=len(missing), removed=len(surplus))


def distrust(node: Node, parameters: matcher.Parameters, times_emptied: int, why: Exception) -> None:
    log.warning("the gallery is damaged and made anew", pipeline=_name(parameters), detail=str(why))
    node.galleries.distrust(parameters, times_emptied)


def hopeless() -> ComputeFailed:
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
            for variant in _shown(acquisition, parameters):
                try:
                    yield _entry(node, parameters, acquisition, record, variant)
                except (NotFound, matcher.ScanRefused) as error:
                    _left_out(acquisition, error)


def _entry(
    node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow, variant: Variant
) -> tuple[matcher.Reference, matcher.Prepared]:
    reference = matcher.Reference(
        reference_name(acquisition, variant),
        calibre=acquisition.calibre,
        region=_shown(acquisition, parameters)[variant],
        modality=acquisition.modality,
        jurisdiction=record.jurisdiction,
        date=date.fromisoformat(record.earliest) if record.earliest else None,
    )
    path = prepared_scan(node, acquisition, parameters, variant)
    try:
        return reference, matcher.Prepared.from_bytes(path.read_bytes())
    except matcher.ScanRefused:  # the prepared file is damaged, the scan is not
        path.unlink(missing_ok=True)
        again = prepared_scan(node, acquisition, parameters, variant)
        return reference, matcher.Prepared.from_bytes(again.read_bytes())


def _put(node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow) -> None:
    """Add the query, unless it is there already or its record has been superseded."""
    with node.galleries.changing(parameters) as writer:
        lacking = [v for v in _shown(acquisition, parameters) if reference_name(acquisition, v) not in writer]
        if lacking and record.superseded_by is None:
            writer.append([_entry(node, parameters, acquisition, record, variant) for variant in lacking])


def _mend(node: Node, parameters: matcher.Parameters, damaged: Sequence[bytes]) -> None:
    """Make damaged references again from their scans; those that no current record has are taken out."""
    if damaged:
        log.warning("damaged references are made again", pipeline=_name(parameters), count=len(damaged))
        with node.galleries.changing(parameters) as writer:
            writer.remove(damaged)
            _append(node, parameters, list({acquisition_id_of(name) for name in damaged}))
