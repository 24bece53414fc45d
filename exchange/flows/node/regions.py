"""The table of regions of interest: what file names call each, and how it is compared.

A region that is compared anew takes its word in ``RegionOfInterest``, its entry here, and its term in the glossary
(``web/languages/glossary.toml``). All else follows from the entry. As a breech face is compared, without photographs:

    ComparedRegion(
        RegionOfInterest.PRIMER_EDGE, r"primer edge", replace(matcher.DEFAULT_PARAMETERS, region="primer_edge")
    )
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import matcher
from schemas.vocabulary import RegionOfInterest

Pipeline: TypeAlias = matcher.Parameters | matcher.ProfileParameters


@dataclass(frozen=True)
class Region:
    """``file_name``: what laboratories and instruments write into file names, as a pattern of small letters and single
    spaces. A region that is no more than this is stored and shared, and not compared."""

    roi: RegionOfInterest
    file_name: str

    @property
    def name(self) -> str:
        """As the command line calls it."""
        return self.roi.replace("_", " ")


@dataclass(frozen=True)
class ComparedRegion(Region):
    """``pipeline`` compares topographies; with ``relief``, photographs are compared too. Which scans are too coarse the
    parameters say themselves (``coarsest_usable_um``). Which of its scores are validated: ``validated_scores``.

    Raises ValueError where the parameters are those of another region.
    """

    pipeline: Pipeline
    relief: matcher.Parameters | None = None

    def __post_init__(self) -> None:
        if any(pipeline.region != self.roi for pipeline in self.pipelines):
            raise ValueError(f"the parameters of {self.roi} name another region")

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        return (self.pipeline,) if self.relief is None else (self.pipeline, self.relief)


REGIONS: tuple[Region, ...] = (
    ComparedRegion(
        RegionOfInterest.BREECH_FACE,
        r"breech|\bbf\b|\bbfi\b",
        matcher.DEFAULT_PARAMETERS,
        relief=matcher.RELIEF_PARAMETERS,
    ),
    Region(RegionOfInterest.CHAMBER_MARK, r"chamber|\bch\b|\bcm\b"),
    Region(RegionOfInterest.EJECTOR_MARK, r"ejector|\bej\b|\bem\b"),
    Region(RegionOfInterest.EXTRACTOR_MARK, r"extractor|\bex\b|\bxm\b"),
    ComparedRegion(RegionOfInterest.FIRING_PIN_IMPRESSION, r"firing|pin|\bfp\b|\bfpi\b", matcher.FIRING_PIN_PARAMETERS),
    Region(RegionOfInterest.FIRING_PIN_DRAG, r"drag|fpd"),
    ComparedRegion(RegionOfInterest.APERTURE_SHEAR, r"aperture|shear|\bas\b", matcher.APERTURE_SHEAR_PARAMETERS),
)
"""Where a file's name fits several, the last of them holds: a drag or a shear is of the firing pin, too."""

COMPARED: Mapping[str, ComparedRegion] = {
    region.roi: region for region in REGIONS if isinstance(region, ComparedRegion)
}
"""By word."""
