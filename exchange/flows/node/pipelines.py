"""Which of the matcher's pipelines compare an acquisition, as what it stands in a gallery, and whom it asks for.

The table of regions names the pipelines. A region whose photographs are compared has one of heights and one of relief.
Every pair meets in one pipeline, and its score is the same whichever of the two asks: a photograph alone is turned
upside down or inverted, a topography never.

| | stands in the gallery of heights | stands in the gallery of relief |
|---|---|---|
| topography | as it is | to be found by photographs of unknown or ring light |
| photograph, side light | as taken and mirrored, where no hour is noted inverted too | likewise |
| photograph, ring or unknown light | - | as taken and mirrored |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

import matcher
from exchange.flows.node.regions import COMPARED, Pipeline
from schemas.vocabulary import Lighting, Modality

if TYPE_CHECKING:  # a worker process that is waited for loads no database
    from exchange.store.tables.record_tables import AcquisitionRow

PIPELINES: dict[str, Pipeline] = {
    pipeline.digest: pipeline for region in COMPARED.values() for pipeline in region.pipelines
}
"""Those of this release, by digest. Results under other parameters are neither shown nor mixed in."""

GALLERIES = tuple(pipeline for pipeline in PIPELINES.values() if isinstance(pipeline, matcher.Parameters))
"""Pipelines whose references are kept in a gallery; profiles take 1 kB each and are read from their files."""


class Variant(IntFlag):
    """How a photograph is compared: instruments differ in which way up their heights are, and where nobody noted
    whence the light came, bumps may be dents. A topography is compared as it was taken; so its instrument is probed."""

    AS_TAKEN = 0
    MIRRORED = 1
    INVERTED = 2


VARIANTS = tuple(Variant(value) for value in range(4))


@dataclass(frozen=True)
class Photographed:
    """What the record says of a photograph."""

    um_per_pixel: float
    lighting: matcher.Lighting


@dataclass(frozen=True)
class Ask:
    """One query: in which variant, for references with which labels."""

    variant: Variant
    labels: frozenset[str]
    topographies_only: bool = False


@dataclass(frozen=True)
class PipelineRole:
    """``shown``: the variants of an acquisition that stand in the pipeline's gallery, each with its label."""

    pipeline: Pipeline
    shown: Mapping[Variant, str]
    asks: tuple[Ask, ...]


class _Labels:
    """Of a region's references in its galleries. ``shaded``: in the gallery of relief, what meets everything but ring
    light in the gallery of heights."""

    def __init__(self, roi: str) -> None:
        self.plain, self.mirrored, self.inverted = roi, f"{roi}, mirrored", f"{roi}, inverted"
        both = f"{roi}, mirrored and inverted"
        self.all = dict(zip(VARIANTS, (self.plain, self.mirrored, self.inverted, both), strict=True))
        self.shaded = f"{roi}, found by its heights"


def roles_of(acquisition: AcquisitionRow) -> tuple[PipelineRole, ...]:
    """How an acquisition is compared, the pipeline that must succeed first; empty: see ``why_not_correlated``."""
    region, photographed = COMPARED.get(acquisition.roi), photographed_of(acquisition)
    if region is None:
        return ()
    labels = _Labels(region.roi.value)
    if acquisition.modality == Modality.TOPOGRAPHY:
        return _of_topography(labels, region.pipeline, region.relief)
    if photographed is None or region.relief is None:
        return ()
    return _of_photograph(photographed, labels, region.pipeline, region.relief)


def photographed_of(acquisition: AcquisitionRow) -> Photographed | None:
    """What is known of a photograph; None for a topography, and where the record does not say what is needed."""
    size = acquisition.lateral_resolution_um
    if acquisition.modality != Modality.REFLECTANCE or size is None or acquisition.lighting == Lighting.NONE:
        return None
    hour = "" if acquisition.light_hour is None else f":{acquisition.light_hour}"
    return Photographed(size, matcher.Lighting.parse(f"{acquisition.lighting}{hour}"))


def why_not_correlated(acquisition: AcquisitionRow) -> str:
    """The sentence for the examiner where an acquisition has no role."""
    if acquisition.modality != Modality.REFLECTANCE:
        return f"The region {acquisition.roi} is stored and shared, but not yet correlated by this release."
    photographs = [region for region in COMPARED.values() if region.relief is not None]
    if acquisition.roi not in {region.roi for region in photographs}:
        known = " or ".join(region.name for region in photographs)
        return f"Photographs are correlated by their {known}; this one shows {acquisition.roi}."
    return (
        "To be correlated, a photograph needs lateral_resolution_um (its micrometres per pixel) and lighting: ring, or "
        "side with light_hour. Submit the record again with them; it supersedes this one."
    )


def _of_topography(labels: _Labels, heights: Pipeline, relief: Pipeline | None) -> tuple[PipelineRole, ...]:
    plain, shaded = {Variant.AS_TAKEN: labels.plain}, {Variant.AS_TAKEN: labels.shaded}
    if relief is None:
        return (PipelineRole(heights, plain, (Ask(Variant.AS_TAKEN, frozenset({labels.plain})),)),)
    every, ring = frozenset(labels.all.values()), frozenset({labels.plain, labels.mirrored})
    return (
        PipelineRole(heights, plain, (Ask(Variant.AS_TAKEN, every),)),
        PipelineRole(relief, shaded, (Ask(Variant.AS_TAKEN, ring),)),
    )


def _of_photograph(
    photographed: Photographed, labels: _Labels, heights: Pipeline, relief: Pipeline
) -> tuple[PipelineRole, ...]:
    plain, shaded = frozenset({labels.plain}), frozenset({labels.shaded})
    if photographed.lighting.kind != "side":
        others = Ask(Variant.AS_TAKEN, plain | shaded)
        turned = Ask(Variant.MIRRORED, shaded, topographies_only=True)
        both = {Variant.AS_TAKEN: labels.plain, Variant.MIRRORED: labels.mirrored}
        return (PipelineRole(relief, both, (others, turned)),)
    sign_known = photographed.lighting.azimuth_deg is not None
    shown = {variant: label for variant, label in labels.all.items() if not (sign_known and variant & Variant.INVERTED)}
    asks = [
        # of two photographs either may be inverted, not both; neither is mirrored
        Ask(variant, plain | {labels.inverted} if variant is Variant.AS_TAKEN else plain, bool(variant & 1))
        for variant in shown
    ]
    ring = PipelineRole(relief, {Variant.AS_TAKEN: labels.shaded}, (Ask(Variant.AS_TAKEN, plain),))
    return PipelineRole(heights, shown, tuple(asks)), ring
