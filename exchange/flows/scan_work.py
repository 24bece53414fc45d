"""What worker processes do: read, prepare and correlate scans. Plain functions of paths and bytes, no database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import matcher
from matcher.explain import draw_pair
from matcher.image import inspect_image
from matcher.x3p import read_topography
from schemas.statements import ScanMediaType

X3P: ScanMediaType = "application/x-x3p"
_IMAGES: dict[str, ScanMediaType] = {kind: kind for kind in ("image/png", "image/tiff", "image/jpeg")}


@dataclass(frozen=True)
class ScanReport:
    """What the reader found: the media type by content, the size in points or pixels, doubts for the examiner."""

    media_type: ScanMediaType
    shape: tuple[int, int]
    spacing_um: tuple[float, float] | None
    coverage: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ScanPrepared:
    """The prefilter descriptor of a prepared scan, or why there is none."""

    descriptor: bytes | None
    not_usable: str | None


@dataclass(frozen=True)
class Correlated:
    """One reference that was compared in full; ``reference`` is its place in the list that was given."""

    reference: int
    score: float
    congruent_cells: int
    cells: int
    comparison: str


def inspect_scan(path: Path) -> ScanReport:
    """Read an untrusted scan in full. Raises matcher.ScanRefused with the reason."""
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        topography = read_topography(path)
        rows, columns = topography.heights_um.shape
        return ScanReport(X3P, (rows, columns), topography.spacing_um, topography.coverage, topography.warnings)
    image = inspect_image(path)
    return ScanReport(_IMAGES[image.media_type], (image.height, image.width), None, 1.0, image.warnings)


def prepare_scan(scan: Path, target: Path) -> ScanPrepared:
    """Clean a topography once and keep the result at ``target``; the descriptor goes into the database."""
    try:
        prepared = matcher.prepare(read_topography(scan))
    except matcher.ScanNotUsable as error:
        return ScanPrepared(None, str(error))
    part = target.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(prepared.to_bytes())
    part.replace(target)
    return ScanPrepared(prepared.descriptor.tobytes(), None)


def correlate_scan(query: Path, references: list[Path], descriptors: list[bytes]) -> list[Correlated]:
    """Rank prepared references against a prepared query, best first."""
    prepared = matcher.Prepared.from_bytes(query.read_bytes())
    shape = prepared.descriptor.shape
    matrix = np.stack([np.frombuffer(item, dtype=prepared.descriptor.dtype).reshape(shape) for item in descriptors])
    ranked = matcher.correlate(
        prepared, matrix, lambda index: matcher.Prepared.from_bytes(references[index].read_bytes())
    )
    return [
        Correlated(
            item.index,
            item.comparison.score,
            item.comparison.n_congruent,
            item.comparison.n_cells,
            item.comparison.to_json(),
        )
        for item in ranked
    ]


def draw_candidate(scan_a: Path, scan_b: Path, prepared_a: Path, prepared_b: Path) -> bytes:
    """The aligned pair with its cells, as PNG. Compared anew: the same scans always give the same comparison."""
    a, b = (matcher.Prepared.from_bytes(path.read_bytes()) for path in (prepared_a, prepared_b))
    return draw_pair(read_topography(scan_a), read_topography(scan_b), matcher.compare(a, b))
