"""What worker processes do: read, prepare and correlate scans. Plain functions of paths and bytes, no database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
    """Why a scan is not usable, if it is not."""

    not_usable: str | None


@dataclass(frozen=True)
class Correlated:
    """One reference that was compared in full, by the name that it was given."""

    reference: bytes
    score: float
    congruent_cells: int
    cells: int
    comparison: str


@dataclass(frozen=True)
class Found:
    """``candidates``: best first; ``damaged``: the references that could not be read."""

    candidates: list[Correlated]
    damaged: tuple[bytes, ...]


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


def prepare_scan(scan: Path, target: Path, parameters: matcher.Parameters) -> ScanPrepared:
    """Clean a topography once and keep the result at ``target``."""
    try:
        prepared = matcher.prepare(read_topography(scan), parameters)
    except matcher.ScanNotUsable as error:
        return ScanPrepared(str(error))
    part = target.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(prepared.to_bytes())
    part.replace(target)
    return ScanPrepared(None)


def search_gallery(folder: Path, parameters: matcher.Parameters, query: Path, filters: matcher.Filters) -> Found:
    """Rank the references of a gallery that pass the filters against a prepared query, best first.

    Raises matcher.GalleryDamaged, and matcher.NotComparable where there is no gallery of these parameters.
    """
    prepared = matcher.Prepared.from_bytes(query.read_bytes())
    [found] = _gallery(folder, parameters).correlate([prepared], filters)
    candidates = [
        Correlated(
            item.reference,
            item.comparison.score,
            item.comparison.n_congruent,
            item.comparison.n_cells,
            item.comparison.to_json(),
        )
        for item in found.candidates
    ]
    return Found(candidates, found.damaged)


@lru_cache(maxsize=8)
def _gallery(folder: Path, parameters: matcher.Parameters) -> matcher.Gallery:
    """Kept open between queries: what has been mapped and checked is not mapped and checked again."""
    return matcher.Gallery(folder, parameters)


def draw_candidate(
    scan_a: Path, scan_b: Path, prepared_a: Path, prepared_b: Path, parameters: matcher.Parameters
) -> bytes:
    """The aligned pair with its cells, as PNG. Compared anew: the same scans always give the same comparison."""
    a, b = (matcher.Prepared.from_bytes(path.read_bytes()) for path in (prepared_a, prepared_b))
    comparison = matcher.compare(a, b, parameters)
    return draw_pair(read_topography(scan_a), read_topography(scan_b), comparison, parameters)
