"""Scans made ready for comparison: where they are kept, made again when they are missing, and how they are named."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import structlog

from exchange.compute import Compute
from exchange.errors import NotFound
from exchange.flows.node.delivered_scan import check_delivered, delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import Variant, photographed_of
from exchange.flows.node.region_masks import mask_digest, region_mask_of
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.inspect import Appearance, prepare_scan
from exchange.store.entry.record_rows import may_be_compared
from exchange.store.tables.record_tables import AcquisitionRow

log = structlog.get_logger(__name__)

_FOLDER, _PREPARED = re.compile("[0-9a-f]{2}"), re.compile(r"[0-9a-f]{64}\..+")


def appearance_of(
    node: Node, acquisition: AcquisitionRow, pipeline: Pipeline, variant: Variant = Variant.AS_TAKEN
) -> Appearance:
    """How an acquisition is compared. Raises NotFound when its scan is not here."""
    path, region = delivered_scan(node, acquisition), region_mask_of(acquisition)
    return Appearance(path, pipeline, photographed_of(acquisition), variant, region)


def prepared_scan(
    node: Node,
    acquisition: AcquisitionRow,
    pipeline: Pipeline,
    variant: Variant = Variant.AS_TAKEN,
    *,
    by: Compute | None = None,
) -> Path:
    """Where a prepared scan is kept; made again from the scan when it is missing, in the background by default.

    Raises NotFound when the scan is not here, or nothing can be compared on it after all.
    """
    path = delivered_prepared(node, acquisition, pipeline, variant)
    if not path.is_file():
        appearance = appearance_of(node, acquisition, pipeline, variant)
        found = (by or node.background).run(prepare_scan, appearance, path, node.settings.prepared)
        if found.not_usable is not None:
            raise NotFound(f"The scan {acquisition.sha256} cannot be prepared: {found.not_usable}")
        with node.store.read() as session:  # erasure takes rows first, then files: what was made after it is seen here
            may_stay = may_be_compared(session, acquisition.acquisition_id)
        if not may_stay:
            path.unlink(missing_ok=True)
            raise NotFound(f"The scan {acquisition.sha256} was withdrawn while it was prepared.")
    return path


def delivered_prepared(
    node: Node, acquisition: AcquisitionRow, pipeline: Pipeline, variant: Variant = Variant.AS_TAKEN
) -> Path:
    """Where a prepared scan is kept, whether or not it is there. Raises NotFound when its issuer delivered no scan."""
    check_delivered(acquisition)  # another record's may be prepared already
    return prepared_path(node, acquisition, pipeline, variant)


def prepared_path(
    node: Node, acquisition: AcquisitionRow, pipeline: Pipeline, variant: Variant = Variant.AS_TAKEN
) -> Path:
    """Its name holds all that it was made from: two records may say different things of one photograph, and mark
    different regions of one scan."""
    name = f"{acquisition.sha256}.{pipeline.digest[:16]}"
    if region := mask_digest(region_mask_of(acquisition)):
        name += f".region-{region[:32]}"
    if photographed := photographed_of(acquisition):
        name += f".{hashlib.sha256(repr(photographed).encode()).hexdigest()[:16]}.{variant.value}"
    return node.settings.prepared / name[:2] / name


def prepared_files(node: Node, sha256: str) -> list[Path]:
    """All that was prepared from a scan, for whatever record; one file in 256 is looked at."""
    return list((node.settings.prepared / sha256[:2]).glob(f"{sha256}.*"))


def reference_name(acquisition: AcquisitionRow, variant: Variant = Variant.AS_TAKEN) -> bytes:
    """The 32 bytes that name an acquisition in a gallery: the start of its record's digest, variant, and its id here.

    The id alone would name another acquisition once a backup is restored; the scan's digest may stand in several
    records.
    """
    return name_in_gallery(acquisition.statement_id, acquisition.acquisition_id, variant)


def name_in_gallery(statement_id: str, acquisition_id: int, variant: Variant) -> bytes:
    """As ``reference_name``, also for what is in the database no more."""
    return bytes.fromhex(statement_id)[:24] + bytes([variant]) + acquisition_id.to_bytes(7, "big")


def acquisition_id_of(name: bytes) -> int:
    return int.from_bytes(name[25:], "big")


def variant_of(name: bytes) -> Variant:
    return Variant(name[24])
