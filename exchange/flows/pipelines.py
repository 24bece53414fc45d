"""Which of the matcher's pipelines compares an acquisition, by region and kind of scan."""

from __future__ import annotations

from typing import TypeAlias

import matcher
from exchange.store.tables import AcquisitionRow
from schemas.vocabulary import Modality, RegionOfInterest

Pipeline: TypeAlias = matcher.Parameters | matcher.ProfileParameters

_TOPOGRAPHIES: dict[str, Pipeline] = {
    RegionOfInterest.BREECH_FACE: matcher.DEFAULT_PARAMETERS,
    RegionOfInterest.FIRING_PIN_IMPRESSION: matcher.FIRING_PIN_PARAMETERS,
    RegionOfInterest.APERTURE_SHEAR: matcher.APERTURE_SHEAR_PARAMETERS,
}

PIPELINES: dict[str, Pipeline] = {pipeline.digest: pipeline for pipeline in _TOPOGRAPHIES.values()}
"""Those of this release, by digest. Results under other parameters are neither shown nor mixed in."""

GALLERIES = tuple(pipeline for pipeline in PIPELINES.values() if isinstance(pipeline, matcher.Parameters))
"""Those whose references are kept in a gallery; profiles take 1 kB each and are read from their files."""


def pipeline_of(acquisition: AcquisitionRow) -> Pipeline | None:
    """What compares the acquisition; None where nothing does, see ``why_not_correlated``."""
    return _TOPOGRAPHIES.get(acquisition.roi) if acquisition.modality == Modality.TOPOGRAPHY else None


def why_not_correlated(acquisition: AcquisitionRow) -> str:
    """The sentence for the examiner where ``pipeline_of`` is None."""
    if acquisition.modality != Modality.TOPOGRAPHY:
        return "Photographs are stored and shared, but not yet correlated by this release."
    return f"The region {acquisition.roi} is stored and shared, but not yet correlated by this release."
