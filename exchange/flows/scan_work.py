"""What worker processes do: read, prepare and correlate scans. Plain functions of paths and bytes, no database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matcher
from exchange.flows.pipelines import Pipeline
from matcher.explain import draw_pair
from matcher.explain_profiles import draw_profiles
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
    """Why a scan is not usable, if it is not, and the distances (y, x) between its points."""

    not_usable: str | None
    spacing_um: tuple[float, float]


@dataclass(frozen=True)
class Correlated:
    """One reference that was compared in full, by the name that it was given; ``cells``: or segments of a profile."""

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


def prepare_scan(scan: Path, target: Path, pipeline: Pipeline) -> ScanPrepared:
    """Clean a topography once and keep the result at ``target``."""
    topography = read_topography(scan)
    try:
        match pipeline:
            case matcher.Parameters():
                content = matcher.prepare(topography, pipeline).to_bytes()
            case matcher.ProfileParameters():
                content = matcher.prepare_profile(topography, pipeline).to_bytes()
    except matcher.ScanNotUsable as error:
        return ScanPrepared(str(error), topography.spacing_um)
    part = target.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(target)
    return ScanPrepared(None, topography.spacing_um)


def search_gallery(folder: Path, parameters: matcher.Parameters, query: Path, filters: matcher.Filters) -> Found:
    """Rank the references of a gallery that pass the filters against a prepared query, best first.

    Raises matcher.GalleryDamaged, and matcher.NotComparable where there is no gallery of these parameters.
    """
    prepared = matcher.Prepared.from_bytes(query.read_bytes())
    [found] = _gallery(folder, parameters).correlate([prepared], filters)
    return Found([_correlated(item.reference, item.comparison) for item in found.candidates], found.damaged)


def rank_profiles(
    query: Path, references: Sequence[tuple[bytes, Path]], parameters: matcher.ProfileParameters
) -> Found:
    """Rank prepared profiles, given with their names, against a prepared query, best first."""
    profiles, damaged = [], []
    for name, path in references:
        try:
            profiles.append((name, matcher.Profile.from_bytes(path.read_bytes())))
        except matcher.ScanRefused:
            damaged.append(name)
    asked = matcher.Profile.from_bytes(query.read_bytes())
    ranked = matcher.rank_profiles(asked, [profile for _, profile in profiles], parameters)
    return Found([_correlated(profiles[item.index][0], item.comparison) for item in ranked], tuple(damaged))


def _correlated(reference: bytes, comparison: matcher.Comparison | matcher.ProfileComparison) -> Correlated:
    match comparison:
        case matcher.Comparison():
            parts = comparison.n_cells
        case matcher.ProfileComparison():
            parts = comparison.n_segments
    return Correlated(reference, comparison.score, comparison.n_congruent, parts, comparison.to_json())


@lru_cache(maxsize=8)
def _gallery(folder: Path, parameters: matcher.Parameters) -> matcher.Gallery:
    """Kept open between queries: what has been mapped and checked is not mapped and checked again."""
    return matcher.Gallery(folder, parameters)


def draw_candidate(scan_a: Path, scan_b: Path, prepared_a: Path, prepared_b: Path, pipeline: Pipeline) -> bytes:
    """The aligned pair with its cells or segments, as PNG. Compared anew: the same scans always give the same."""
    scans = read_topography(scan_a), read_topography(scan_b)
    ready = prepared_a.read_bytes(), prepared_b.read_bytes()
    match pipeline:
        case matcher.Parameters():
            a, b = map(matcher.Prepared.from_bytes, ready)
            return draw_pair(*scans, matcher.compare(a, b, pipeline), pipeline)
        case matcher.ProfileParameters():
            one, other = map(matcher.Profile.from_bytes, ready)
            return draw_profiles(*scans, matcher.compare_profiles(one, other, pipeline), pipeline)
