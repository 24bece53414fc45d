"""Galleries follow the database: what they lack is put in, what no current record has is taken out, what is damaged is
made again from the scans.

All in bounded steps, between which whoever else changes a gallery has its turn. What a step has done is on disk: after
a kill the next process finds what is left by looking what is there, and goes on with that.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import structlog

import matcher
from exchange.errors import ComputeFailed, NotFound
from exchange.flows.node.galleries import MissingAcquisitions
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import GALLERIES, PIPELINES, Variant, roles_of
from exchange.flows.scan.prepared_scans import acquisition_id_of, prepared_scan, reference_name
from exchange.store.entry.record_rows import acquisitions_with_records, prepared_acquisitions
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow

log = structlog.get_logger(__name__)

STEP = 256
"""References put in at once: some seconds where their prepared scans are there."""
_DAMAGED_AGAIN = 3


def restore_galleries(node: Node) -> None:
    """Hold every gallery against the database, and delete those of other releases. Later there is nothing to do but
    to give back what was taken out: of one shard what it holds, once that is a quarter."""
    node.galleries.delete_others(GALLERIES)
    for parameters in GALLERIES:
        make_gallery_whole(node, parameters)
        try:
            with node.galleries.changing(parameters) as writer:
                writer.compact()
        except matcher.GalleryDamaged as error:  # a reference; the check makes it again, and a query that meets it
            log.warning("the gallery is not compacted", pipeline=_name(parameters), detail=str(error))


def make_gallery_whole(node: Node, parameters: matcher.Parameters) -> int:
    """See to it that the gallery holds what the database names; returns how often it has been emptied.

    Done once after each start and each time it was emptied. Whoever asks meanwhile takes part, a step at a time.
    Raises ComputeFailed where it is damaged again and again.
    """
    damaged = 0
    while True:
        node.galleries.check_open()
        if node.galleries.is_whole(parameters):
            return node.galleries.times_emptied(parameters)
        times_emptied = node.galleries.times_emptied(parameters)
        try:
            _step(node, parameters)
        except matcher.GalleryDamaged as error:
            damaged += 1
            if damaged == _DAMAGED_AGAIN:
                raise hopeless() from error
            distrust(node, parameters, times_emptied, error)


def _step(node: Node, parameters: matcher.Parameters) -> None:
    """1. Look what the gallery lacks, unless that is known; take out what no current record has.
    2. Put in the next few; where there are none left, give back what was taken out: then it is whole.
    """
    with node.galleries.changing(parameters) as writer:
        if node.galleries.is_whole(parameters):
            return
        # 1.
        lacking = node.galleries.lacking(parameters) or _look(node, parameters, writer)

        # 2.
        if lacking.left:
            some = lacking.next(STEP)
            append(node, parameters, some)
            lacking.done += len(some)
            return
        writer.compact()
        writer.delete_others()  # of another release's layout, with the same parameters
        node.galleries.now_whole(parameters)


def _look(node: Node, parameters: matcher.Parameters, writer: matcher.GalleryWriter) -> MissingAcquisitions:
    """Read all that should be there, one after the other; of what is lacking the ids are kept."""
    marks, missing = writer.marks(), array("q")
    with node.store.read() as session:
        for row in prepared_acquisitions(session, PIPELINES):
            names = [reference_name(row, variant) for variant in _shown(row, parameters)]
            if not all([marks.mark(name) for name in names]):  # noqa: C419 - each is marked
                missing.append(row.acquisition_id)
    surplus = marks.unmarked()
    writer.erase(surplus)  # withdrawn since, perhaps: an older copy of the gallery may have been put back
    if surplus or missing:
        log.info("gallery brought up to date", pipeline=_name(parameters), lacks=len(missing), removed=len(surplus))
    return node.galleries.found_lacking(parameters, len(writer), missing)


def put(node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow) -> None:
    """Add the query, unless it is there already or its record has been superseded."""
    if record.superseded_by is None:
        with node.galleries.changing(parameters) as writer:
            lacking = _lacking(parameters, writer, acquisition)
            writer.append([_entry(node, parameters, acquisition, record, variant) for variant in lacking])


def append(node: Node, parameters: matcher.Parameters, acquisitions: Sequence[int]) -> None:
    """Add acquisitions as they are in the database now; what cannot be prepared any more is left out, and said."""
    with node.galleries.changing(parameters) as writer:
        writer.append(_entries(node, parameters, writer, acquisitions))


def mend_references(node: Node, parameters: matcher.Parameters, damaged: Sequence[bytes]) -> None:
    """Make damaged references again from their scans; those that no current record has are taken out."""
    if damaged:
        log.warning("damaged references are made again", pipeline=_name(parameters), count=len(damaged))
        with node.galleries.changing(parameters) as writer:
            writer.remove(damaged)
            append(node, parameters, list({acquisition_id_of(name) for name in damaged}))


def distrust(node: Node, parameters: matcher.Parameters, times_emptied: int, why: Exception) -> None:
    log.warning("the gallery is damaged and made anew", pipeline=_name(parameters), detail=str(why))
    node.galleries.distrust(parameters, times_emptied)


def hopeless() -> ComputeFailed:
    return ComputeFailed(
        "What is compared with was damaged again while it was asked; see to the disk. Tried again later."
    )


def left_out(acquisition: AcquisitionRow, why: Exception) -> None:
    log.warning("a reference is left out", acquisition=acquisition.acquisition_id, detail=str(why))


def _entries(
    node: Node, parameters: matcher.Parameters, writer: matcher.GalleryWriter, acquisitions: Sequence[int]
) -> Iterator[tuple[matcher.Reference, matcher.Prepared]]:
    for at in range(0, len(acquisitions), STEP):
        with node.store.read() as session:
            rows = acquisitions_with_records(session, acquisitions[at : at + STEP])
        for acquisition, record in rows.values():
            node.galleries.check_open()
            for variant in _lacking(parameters, writer, acquisition):
                try:
                    yield _entry(node, parameters, acquisition, record, variant)
                except (NotFound, matcher.ScanRefused) as error:
                    left_out(acquisition, error)


def _lacking(
    parameters: matcher.Parameters, writer: matcher.GalleryWriter, acquisition: AcquisitionRow
) -> list[Variant]:
    """The variants that stand in the gallery and are not there."""
    return [v for v in _shown(acquisition, parameters) if reference_name(acquisition, v) not in writer]


def _entry(
    node: Node, parameters: matcher.Parameters, acquisition: AcquisitionRow, record: RecordRow, variant: Variant
) -> tuple[matcher.Reference, matcher.Prepared]:
    reference = matcher.Reference(
        reference_name(acquisition, variant),
        calibre=acquisition.calibre,
        region=_shown(acquisition, parameters)[variant],
        modality=acquisition.modality,
        owner=record.issuer,
        date=date.fromisoformat(record.earliest) if record.earliest else None,
    )
    path = prepared_scan(node, acquisition, parameters, variant)
    try:
        return reference, matcher.Prepared.from_bytes(path.read_bytes())
    except matcher.ScanRefused:  # the prepared file is damaged, the scan is not
        path.unlink(missing_ok=True)
        again = prepared_scan(node, acquisition, parameters, variant)
        return reference, matcher.Prepared.from_bytes(again.read_bytes())


def _shown(acquisition: AcquisitionRow, parameters: matcher.Parameters) -> Mapping[Variant, str]:
    """The variants that stand in a gallery, with their labels."""
    return next((role.shown for role in roles_of(acquisition) if role.pipeline == parameters), {})


def _name(parameters: matcher.Parameters) -> str:
    return f"{parameters.region}, {parameters.channel}"
