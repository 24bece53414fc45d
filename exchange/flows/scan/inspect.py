"""What worker processes do: read, prepare and correlate scans. Plain functions of paths and bytes, no database.

They load what they need of the matcher: a process that only names them to a worker needs none of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import matcher
from exchange.flows.node.cluster import Cluster, executor_on
from exchange.flows.node.pipelines import Photographed, Variant
from exchange.flows.node.region_masks import photograph_within, topography_within
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.encode_heights import heights_of_mark
from schemas import RegionMask
from schemas.record import ScanMediaType

if TYPE_CHECKING:
    from matcher.areal.comparison import Placement
    from matcher.mark.level import LevelledMark
    from matcher.read.origin import Origin

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
class Appearance:
    """A scan in one of the ways in which it is compared, a topography in another than as taken only where its
    instrument is probed; ``photographed`` is None for a topography; ``region``: as an
    examiner marked it by hand, None where it is to be found."""

    scan: Path
    pipeline: Pipeline
    photographed: Photographed | None = None
    variant: Variant = Variant.AS_TAKEN
    region: RegionMask | None = None


class ThumbnailSize(StrEnum):
    """The picture of a scan in a list, and on the pages of few exhibits."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class PicturePaths:
    """Where the pictures of a scan are kept: those by which it is known again, and the heights that the viewer asks for
    first, where there are any and they are kept."""

    thumbnails: Mapping[ThumbnailSize, Path]
    heights: Path | None = None


@dataclass(frozen=True)
class ScanPrepared:
    """Why a scan is not usable, if it is not, and the distances (y, x) between its points. ``made_with``: instrument
    and program, as a topography's file names them; ``extent``: how much of its mark it shows, None of striae;
    ``not_pictured``: why no pictures were kept, where some were to be."""

    not_usable: str | None
    spacing_um: tuple[float, float]
    made_with: str | None = None
    extent: matcher.MarkExtent | None = None
    not_pictured: str | None = None


@dataclass(frozen=True)
class Correlated:
    """One reference that was compared, by the name that it was given; ``cells``: segments of a profile, and None of a
    mark, whose cells are found when somebody looks at the pair."""

    reference: bytes
    score: float
    congruent_cells: int | None
    cells: int | None
    comparison: str


@dataclass(frozen=True)
class SearchResult:
    """``candidates``: best first; ``damaged``: the references that could not be read."""

    candidates: list[Correlated]
    damaged: tuple[bytes, ...]


_DRAWING = ("areal.comparison", "draw.display", "draw.draw_pair", "draw.thumbnail", "read.image", "read.x3p")


def load_what_draws() -> None:
    """In a process that is kept warm: whatever is asked of it next begins at once."""
    for name in _DRAWING:
        import_module(f"matcher.{name}")


def inspect_scan(path: Path) -> ScanReport:
    """Read an untrusted scan in full. Raises matcher.ScanRefused with the reason."""
    from matcher.read.image import inspect_image
    from matcher.read.x3p import read_x3p

    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        topography = read_x3p(path)
        rows, columns = topography.heights_um.shape
        return ScanReport(X3P, (rows, columns), topography.spacing_um, topography.coverage, topography.warnings)
    image = inspect_image(path)
    return ScanReport(_IMAGES[image.media_type], image.shape, None, 1.0, image.warnings)


def prepare_scan(
    appearance: Appearance, target: Path, scratch: Path | None = None, pictures: PicturePaths | None = None
) -> ScanPrepared:
    """Clean a scan once and keep the result at ``target``; until it is whole it lies in ``scratch``, or beside it.

    ``pictures``: where those are kept too, drawn while the scan is in the memory; of what is not usable, none. A
    picture that cannot be drawn or kept, on a full disk, keeps no scan from being compared: it is drawn again at first
    look.
    """
    scan = _read(appearance)
    spacing = scan.spacing_um if isinstance(scan, matcher.Topography) else scan.um_per_pixel
    made_with = _made_with(scan.origin) if isinstance(scan, matcher.Topography) else None
    try:
        compared = _as_compared(scan, appearance)
        mark = levelled(compared, appearance.pipeline)
        prepared = _prepared(compared, mark, appearance)
    except matcher.ScanNotUsable as error:
        return ScanPrepared(str(error), spacing, made_with)
    write_whole(prepared.to_bytes(), target, scratch)
    not_pictured = None
    if pictures is not None:
        try:
            _keep_pictures(scan, mark, appearance.pipeline, pictures, scratch)
        except (OSError, matcher.ScanNotUsable) as error:
            not_pictured = str(error)
    pipeline = appearance.pipeline
    extent = None
    if isinstance(prepared, matcher.Prepared) and isinstance(pipeline, matcher.Parameters):
        extent = matcher.extent_of(prepared, pipeline)
    return ScanPrepared(None, spacing, made_with, extent, not_pictured)


def write_whole(content: bytes, target: Path, scratch: Path | None = None) -> None:
    """Keep what was made of a scan; until it is whole it lies in ``scratch``, or beside it. Raises OSError; then
    nothing is left of it, since a disk that is full needs the room."""
    part = (scratch or target.parent) / f"{target.name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        part.write_bytes(content)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _keep_pictures(
    scan: matcher.Topography | matcher.Photograph,
    mark: LevelledMark | None,
    pipeline: Pipeline,
    pictures: PicturePaths,
    scratch: Path | None,
) -> None:
    """Raises OSError, matcher.ScanNotUsable."""
    for size, path in pictures.thumbnails.items():
        write_whole(thumbnail_of(scan, mark, size), path, scratch)
    if pictures.heights is not None and mark is not None and isinstance(pipeline, matcher.Parameters):
        write_whole(heights_of_mark(mark, pipeline), pictures.heights, scratch)


def thumbnail_of(
    scan: matcher.Topography | matcher.Photograph, mark: LevelledMark | None, size: ThumbnailSize
) -> bytes:
    """The picture of a scan: the mark, where there is one, else all of it. Raises matcher.ScanNotUsable."""
    from matcher.draw.thumbnail import (
        LARGE_SIDE,
        SMALL_SIDE,
        draw_mark_thumbnail,
        draw_photograph_thumbnail,
        draw_surface_thumbnail,
    )

    side = SMALL_SIDE if size is ThumbnailSize.SMALL else LARGE_SIDE
    if isinstance(scan, matcher.Photograph):
        return draw_photograph_thumbnail(scan.brightness, side)
    return draw_surface_thumbnail(scan, side) if mark is None else draw_mark_thumbnail(mark, side)


def levelled(scan: matcher.Topography | matcher.Photograph, pipeline: Pipeline) -> LevelledMark | None:
    """A topography's mark, found and levelled; None of striae and photographs. Raises matcher.ScanNotUsable."""
    from matcher.mark.regions import level_region

    if isinstance(scan, matcher.Topography) and isinstance(pipeline, matcher.Parameters):
        return level_region(scan, pipeline)
    return None


def _made_with(origin: Origin) -> str | None:
    return ", ".join(part for part in (origin.instrument, origin.version) if part) or None


def _read(appearance: Appearance) -> matcher.Topography | matcher.Photograph:
    from matcher.read.x3p import read_x3p

    photographed = appearance.photographed
    if photographed is None:
        return read_x3p(appearance.scan)
    return matcher.read_photograph(appearance.scan, photographed.um_per_pixel, photographed.lighting)


def _as_compared(
    scan: matcher.Topography | matcher.Photograph, appearance: Appearance
) -> matcher.Topography | matcher.Photograph:
    """Only its region, where one was marked, then turned: the region was marked on the scan as it is."""
    variant = appearance.variant
    if isinstance(scan, matcher.Topography):
        within = topography_within(scan, appearance.region)
        mirrored = within.mirrored() if variant & Variant.MIRRORED else within
        return mirrored.inverted() if variant & Variant.INVERTED else mirrored
    photograph = photograph_within(scan, appearance.region)
    return photograph.mirrored() if variant & Variant.MIRRORED else photograph


def _prepared(
    scan: matcher.Topography | matcher.Photograph, mark: LevelledMark | None, appearance: Appearance
) -> matcher.Prepared | matcher.Profile:
    from matcher.areal.prepared import prepare_mark
    from matcher.areal.prepared_photograph import inverted

    match scan, appearance.pipeline:
        case matcher.Topography(), matcher.Parameters() as parameters if mark is not None:
            return prepare_mark(mark, parameters)
        case matcher.Topography(), matcher.ProfileParameters() as parameters:
            return matcher.prepare_profile(scan, parameters)
        case matcher.Photograph(), matcher.Parameters() as parameters:
            prepared = matcher.prepare_photograph(scan, parameters)
            return inverted(prepared) if appearance.variant & Variant.INVERTED else prepared
    raise matcher.ScanNotUsable("not usable: photographs of striae are not compared; scan them in 3D")


def search_gallery(
    folder: Path, parameters: matcher.Parameters, query: Path, filters: matcher.Filters, cluster: Cluster | None = None
) -> SearchResult:
    """Rank the references of a gallery that pass the filters against a prepared query, best first.

    Raises matcher.GalleryDamaged, matcher.NotComparable where there is no gallery of these parameters, and
    ComputeAway where the cluster does not answer.
    """
    prepared = matcher.Prepared.from_bytes(query.read_bytes())
    with executor_on(cluster) as executor:
        [found] = _gallery(folder, parameters).correlate([prepared], filters, executor)
    return SearchResult([_correlated(item.reference, item.placement) for item in found.candidates], found.damaged)


def verify_shard(folder: Path, parameters: matcher.Parameters, shard: str) -> tuple[bytes, ...]:
    """The names of a shard's references that are not what was written."""
    return matcher.Gallery(folder, parameters).verify({shard})


def rank_stored_profiles(
    query: Path, references: Sequence[tuple[bytes, Path]], parameters: matcher.ProfileParameters
) -> SearchResult:
    """Rank prepared profiles, given with their names, against a prepared query, best first."""
    profiles, damaged = [], []
    for name, path in references:
        try:
            profiles.append((name, matcher.Profile.from_bytes(path.read_bytes())))
        except matcher.ScanRefused:
            damaged.append(name)
    asked = matcher.Profile.from_bytes(query.read_bytes())
    ranked = matcher.rank_profiles(asked, [profile for _, profile in profiles], parameters)
    return SearchResult([_correlated(profiles[item.index][0], item.comparison) for item in ranked], tuple(damaged))


def score_prepared(query: Path, others: Sequence[Path], pipeline: Pipeline) -> list[float | None]:
    """The scores of a prepared scan with others, in their order; None of one that cannot be read. It is what a gallery
    gives of the same pair, without looking for the best ones first.

    Raises matcher.ScanRefused where the query itself cannot be read.
    """
    from matcher.areal.comparison import ComparisonView, placement_of

    scores: list[float | None] = []
    match pipeline:
        case matcher.Parameters():
            view = ComparisonView(matcher.Prepared.from_bytes(query.read_bytes()), pipeline)

            def score(other: bytes) -> float:
                return placement_of(view, ComparisonView(matcher.Prepared.from_bytes(other), pipeline)).score

        case _:
            profile = matcher.Profile.from_bytes(query.read_bytes())

            def score(other: bytes) -> float:
                return matcher.compare_profiles(profile, matcher.Profile.from_bytes(other), pipeline).score

    for other in others:
        try:
            scores.append(score(other.read_bytes()))
        except (matcher.ScanRefused, OSError):
            scores.append(None)
    return scores


def _correlated(reference: bytes, found: Placement | matcher.ProfileComparison) -> Correlated:
    match found:
        case matcher.ProfileComparison():
            return Correlated(reference, found.score, found.n_congruent, found.n_segments, found.to_json())
        case _:
            return Correlated(reference, found.score, None, None, found.to_json())


@lru_cache(maxsize=8)
def _gallery(folder: Path, parameters: matcher.Parameters) -> matcher.Gallery:
    """Kept open between queries: what has been mapped and checked is not mapped and checked again."""
    return matcher.Gallery(folder, parameters)


def draw_candidate(a: Appearance, b: Appearance, prepared_a: Path, prepared_b: Path) -> bytes:
    """The aligned pair with its cells or segments, as PNG. Compared anew: the same scans always give the same."""
    from matcher.draw.draw_pair import draw_pair
    from matcher.draw.explain_profiles import draw_profiles

    first, second = _as_compared(_read(a), a), _as_compared(_read(b), b)
    ready_a, ready_b = prepared_a.read_bytes(), prepared_b.read_bytes()
    match first, second, a.pipeline:
        case matcher.Topography(), matcher.Topography(), matcher.ProfileParameters() as parameters:
            profile_a, profile_b = matcher.Profile.from_bytes(ready_a), matcher.Profile.from_bytes(ready_b)
            return draw_profiles(first, second, matcher.compare_profiles(profile_a, profile_b, parameters), parameters)
        case _, _, matcher.Parameters() as parameters:
            mark_a, mark_b = matcher.Prepared.from_bytes(ready_a), matcher.Prepared.from_bytes(ready_b)
            return draw_pair(first, second, matcher.compare(mark_a, mark_b, parameters), parameters)
    raise matcher.ScanNotUsable("not usable: photographs of striae are not compared; scan them in 3D")
