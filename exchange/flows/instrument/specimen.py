"""What worker processes do of an instrument check: read a specimen's scan, and hold it against the first one.

Plain functions of paths and bytes. Nothing of a file is parsed anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matcher
from exchange.flows.node.regions import COMPARED
from matcher.instrument.specimen_figures import SpecimenFigures
from schemas.vocabulary import RegionOfInterest

SPECIMEN_REGIONS: Final[Mapping[str, matcher.Parameters]] = {
    roi: region.pipeline
    for roi, region in COMPARED.items()
    if isinstance(region.pipeline, matcher.Parameters)
    and roi in (RegionOfInterest.BREECH_FACE, RegionOfInterest.FIRING_PIN_IMPRESSION)
}
"""Of these a specimen's scan is compared: marks with an irregular texture. Striae, step heights and grids of lines say
nothing of an affine map: they look alike wherever they are laid."""


@dataclass(frozen=True)
class SpecimenScan:
    """``heights``: the map around the specimen's mark; the rest is what the file says of itself."""

    heights: bytes
    sha256: str
    spacing_um: tuple[float, float]
    maker: str | None
    model: str | None
    serial: str | None
    software: str | None
    measured: str | None
    warnings: tuple[str, ...]


def read_specimen(path: Path, roi: str) -> SpecimenScan:
    """Raises matcher.ScanRefused, matcher.ScanNotUsable."""
    from matcher.instrument.reference_map import map_of
    from matcher.instrument.surfaces import require_texture

    topography = matcher.read_topography(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    origin, kept = topography.origin, map_of(topography, SPECIMEN_REGIONS[roi])
    require_texture(kept.topography, SPECIMEN_REGIONS[roi])
    return SpecimenScan(
        kept.to_bytes(),
        sha256,
        topography.spacing_um,
        origin.manufacturer,
        origin.model,
        origin.serial,
        origin.version,
        origin.measured,
        topography.warnings,
    )


def hold_against(first: bytes, now: bytes, roi: str) -> SpecimenFigures:
    """Raises matcher.ScanNotUsable, and ScanRefused where what is kept of the first scan is damaged."""
    from matcher.instrument.reference_map import ReferenceMap
    from matcher.instrument.specimen_check import measure_specimen

    return measure_specimen(ReferenceMap.from_bytes(first), ReferenceMap.from_bytes(now), SPECIMEN_REGIONS[roi])
