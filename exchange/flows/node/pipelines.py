"""Which of the matcher's pipelines compare an acquisition, as what it stands in a gallery, and whom it asks for.

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
from typing import TypeAlias

import matcher
from exchange.store.tables.records import AcquisitionRow
from schemas.vocabulary import Lighting, Modality, RegionOfInterest

Pipeline: TypeAlias = matcher.Parameters | matcher.ProfileParameters

HEIGHTS, RELIEF = matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS
GALLERIES = (HEIGHTS, RELIEF, matcher.FIRING_PIN_PARAMETERS)
"""Pipelines whose references are kept in a gallery; profiles take 1 kB each and are read from their files."""

PIPELINES: dict[str, Pipeline] = {
    pipeline.digest: pipeline for pipeline in (*GALLERIES, matcher.APERTURE_SHEAR_PARAMETERS)
}
"""Those of this release, by digest. Results under other parameters are neither shown nor mixed in."""


class Variant(IntFlag):
    """How a photograph is compared: instruments differ in which way up their heights are, and where nobody noted
    whence the light came, bumps may be dents."""

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


_FACE = RegionOfInterest.BREECH_FACE
_PLAIN, _MIRRORED, _INVERTED = f"{_FACE}", f"{_FACE}, mirrored", f"{_FACE}, inverted"
_LABELS = dict(zip(VARIANTS, (_PLAIN, _MIRRORED, _INVERTED, f"{_FACE}, mirrored and inverted"), strict=True))
_SHADED = f"{_FACE}, found by its heights"
"""In the gallery of relief: what meets everything but ring light in the gallery of heights."""


def roles_of(acquisition: AcquisitionRow) -> tuple[PipelineRole, ...]:
    """How an acquisition is compared, the pipeline that must succeed first; empty: see ``why_not_correlated``."""
    photographed = photographed_of(acquisition)
    match acquisition.roi, acquisition.modality:
        case RegionOfInterest.BREECH_FACE, Modality.TOPOGRAPHY:
            return _of_topography()
        case RegionOfInterest.BREECH_FACE, Modality.REFLECTANCE if photographed is not None:
            return _of_photograph(photographed)
        case RegionOfInterest.FIRING_PIN_IMPRESSION, Modality.TOPOGRAPHY:
            return (_alone(matcher.FIRING_PIN_PARAMETERS, acquisition.roi),)
        case RegionOfInterest.APERTURE_SHEAR, Modality.TOPOGRAPHY:
            return (_alone(matcher.APERTURE_SHEAR_PARAMETERS, acquisition.roi),)
    return ()


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
    if acquisition.roi != _FACE:
        return f"Photographs are correlated by their breech face; this one shows {acquisition.roi}."
    return (
        "To be correlated, a photograph needs lateral_resolution_um (its micrometres per pixel) and lighting: ring, or "
        "side with light_hour. Submit the record again with them; it supersedes this one."
    )


def _alone(pipeline: Pipeline, roi: str) -> PipelineRole:
    return PipelineRole(pipeline, {Variant.AS_TAKEN: roi}, (Ask(Variant.AS_TAKEN, frozenset({roi})),))


def _of_topography() -> tuple[PipelineRole, ...]:
    every, ring = frozenset(_LABELS.values()), frozenset({_PLAIN, _MIRRORED})
    return (
        PipelineRole(HEIGHTS, {Variant.AS_TAKEN: _PLAIN}, (Ask(Variant.AS_TAKEN, every),)),
        PipelineRole(RELIEF, {Variant.AS_TAKEN: _SHADED}, (Ask(Variant.AS_TAKEN, ring),)),
    )


def _of_photograph(photographed: Photographed) -> tuple[PipelineRole, ...]:
    if photographed.lighting.kind != "side":
        others = Ask(Variant.AS_TAKEN, frozenset({_PLAIN, _SHADED}))
        turned = Ask(Variant.MIRRORED, frozenset({_SHADED}), topographies_only=True)
        return (PipelineRole(RELIEF, {Variant.AS_TAKEN: _PLAIN, Variant.MIRRORED: _MIRRORED}, (others, turned)),)
    sign_known = photographed.lighting.azimuth_deg is not None
    shown = {variant: label for variant, label in _LABELS.items() if not (sign_known and variant & Variant.INVERTED)}
    asks = [
        # of two photographs either may be inverted, not both; neither is mirrored
        Ask(variant, frozenset({_PLAIN, _INVERTED} if variant is Variant.AS_TAKEN else {_PLAIN}), bool(variant & 1))
        for variant in shown
    ]
    ring = Ask(Variant.AS_TAKEN, frozenset({_PLAIN}))
    return PipelineRole(HEIGHTS, shown, tuple(asks)), PipelineRole(RELIEF, {Variant.AS_TAKEN: _SHADED}, (ring,))
