"""The references of correlation: asked, and taken out of the galleries. ``gallery_upkeep`` puts them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import assert_never

import structlog

import matcher
from exchange.calibre_pairs import calibres_beside
from exchange.errors import NotFound, StoreUnavailable
from exchange.flows.node.cluster import not_blamed
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import GALLERIES, VARIANTS, Ask, PipelineRole, Variant
from exchange.flows.scan.gallery_upkeep import distrust, hopeless, left_out, make_gallery_whole, mend_references, put
from exchange.flows.scan.inspect import Correlated, rank_stored_profiles, search_gallery
from exchange.flows.scan.prepared_scans import (
    acquisition_id_of,
    name_in_gallery,
    prepared_files,
    prepared_scan,
    reference_name,
)
from exchange.store.entry.record_rows import (
    acquisitions_of,
    may_be_compared,
    references_for,
    superseded_acquisitions,
)
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Modality

log = structlog.get_logger(__name__)

TRIES = 3


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
    for path in prepared_files(node, acquisition.sha256):
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
                found = _search_profiles(node, query, record, calibres, role.pipeline)
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
        owners=owners_for(node, record),
        excluded=frozenset(own),
    )

    def made_ready() -> Path:
        put(node, parameters, query, record)
        return prepared_scan(node, query, parameters, ask.variant)

    return ask_gallery(node, parameters, made_ready, filters)


def ask_gallery(
    node: Node, parameters: matcher.Parameters, made_ready: Callable[[], Path], filters: matcher.Filters
) -> list[Correlated]:
    """Rank a gallery's references against a prepared scan, which ``made_ready`` gives once the gallery is whole.

    What is damaged is made again, and asked again; so is a gallery that was emptied meanwhile. Raises ComputeFailed.
    """
    for _ in range(TRIES):
        times_emptied = make_gallery_whole(node, parameters)
        try:
            prepared = made_ready()
            with not_blamed(node.cluster):
                found = node.background.run(
                    search_gallery, node.galleries.folder(parameters), parameters, prepared, filters, node.cluster
                )
            mend_references(node, parameters, found.damaged)
        except (matcher.GalleryDamaged, matcher.NotComparable) as error:
            distrust(node, parameters, times_emptied, error)
            continue
        except matcher.GalleryInUse as error:
            raise StoreUnavailable(str(error)) from error
        except OSError as error:  # may not be read, or too many files are open: no fault of the scan
            raise StoreUnavailable(f"The gallery cannot be read ({error.strerror}); tried again later.") from error
        if not found.damaged and make_gallery_whole(node, parameters) == times_emptied:
            return found.candidates
    raise hopeless()


def _search_profiles(
    node: Node,
    query: AcquisitionRow,
    record: RecordRow,
    calibres: frozenset[str],
    parameters: matcher.ProfileParameters,
) -> list[Correlated]:
    """1. Read from the database which profiles there are: the query was committed as prepared before.
    2. Compare in a worker process.
    3. What is damaged is made again, and asked again.
    """
    for _ in range(TRIES):
        # 1.
        with node.store.read() as session:
            rows = references_for(session, query, calibres, parameters.digest, owners_for(node, record))
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
            left_out(row, error)
        else:
            yield reference_name(row), path


def calibres_for(node: Node, acquisition: AcquisitionRow) -> frozenset[str]:
    """Those of references that one firearm may share with it, by this laboratory's pairs too."""
    return calibres_beside(acquisition.calibre, node.settings.calibre_pairs)


def owners_for(node: Node, record: RecordRow) -> frozenset[str] | None:
    """The nodes whose references a record is compared with; None for all. A record of another node is compared with
    this node's own: a pair of two other nodes is for its owners to find (docs/sharing.md)."""
    return None if record.issuer == node.node_id else frozenset({node.node_id})


def all_names(acquisition: AcquisitionRow) -> list[bytes]:
    """All names that an acquisition may have, in whatever gallery."""
    return [reference_name(acquisition, variant) for variant in VARIANTS]
