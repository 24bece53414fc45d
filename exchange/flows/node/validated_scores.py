"""Which scores are validated: by region, by what was compared with what, and by how much of the marks the scans show.

``VALIDATED`` is the only table. Each entry names the conditions of docs/validation.md whose figures justify it; a test
compares the two. What no entry names is not validated: photographs, since the dossier has figures of drawn ones alone;
firing pin impressions and aperture shears, of which it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import matcher
from schemas.vocabulary import Modality, RegionOfInterest

if TYPE_CHECKING:
    from exchange.store.review.candidate_rows import StoredCandidate
    from exchange.store.review.exhibit_pair_rows import ScanPairScore
    from exchange.store.tables.record_tables import AcquisitionRow


class ComparedKinds(StrEnum):
    """What was compared with what."""

    TOPOGRAPHIES = "topographies"
    PHOTOGRAPHS = "photographs"
    PHOTOGRAPH_WITH_TOPOGRAPHY = "a photograph with a topography"


class MarksShown(StrEnum):
    """How much of the two marks the scans show, as the dossier's conditions have it."""

    WHOLE = "whole marks"
    PART_WITH_WHOLE = "a part with a whole mark"
    PARTS = "parts of marks"


class ScanFacts(NamedTuple):
    """What decides of one scan whether its scores are validated. ``spacing_um``: the larger distance between its
    points; ``mark_mm2``: the area of the mark; None where they are not known. ``mended``: its region was marked by
    hand; ``drawn``: a program drew it, for an exercise."""

    modality: str
    spacing_um: float | None
    mark_mm2: float | None
    mended: bool = False
    drawn: bool = False


VALIDATED: Final[Mapping[tuple[str, ComparedKinds, MarksShown], tuple[str, ...]]] = {
    (RegionOfInterest.BREECH_FACE, ComparedKinds.TOPOGRAPHIES, MarksShown.WHOLE): (
        "as they are",
        *(f"turned at random, seed {seed}" for seed in range(1, 6)),
        "white noise, 1 SD",
        "points 3.125 um apart",
        "points 12.5 um apart",
        "3.125, 6.25 and 12.5 um mixed",
        "centres up to 300 um off",
        "a fifth of the mark cut off one side",
    ),
    (RegionOfInterest.BREECH_FACE, ComparedKinds.TOPOGRAPHIES, MarksShown.PART_WITH_WHOLE): (
        "half of the mark, with whole marks",
        "half of the mark, with whole marks, centres up to 150 um off",
    ),
    (RegionOfInterest.BREECH_FACE, ComparedKinds.TOPOGRAPHIES, MarksShown.PARTS): (
        "half of the mark, with another half",
    ),
}
"""The conditions whose goals were reached on every set of real scans. Finer points than 3.125 um are averaged by the
matcher before anything else; coarser ones than 12.5 um were not measured."""
VALIDATED_VERSION: Final = "5"
"""The matcher's version that docs/validation.md is about."""
WHOLE_MARK_MM2: Final = matcher.DEFAULT_PARAMETERS.partial_mark_area_mm2
LEAST_MARK_MM2: Final = WHOLE_MARK_MM2 / 2
"""Half of the smallest whole mark: with quarters of marks the dossier missed its goals."""
COARSEST_UM: Final = 12.5
UNMEASURED_REGION: Final = (
    "Not validated: scores of this region were measured on drawn marks alone, on no real scans of known firearm."
)
_ROUNDING: Final = 1.01
"""Files state distances in other units, and round them."""


def why_not_validated(
    roi: str, one: ScanFacts | None, other: ScanFacts | None, *, version: str | None = None
) -> str | None:
    """The sentence that stands next to a score of two scans; None where scores of this kind were validated. ``one`` and
    ``other``: None of a scan that is not known here; ``version``: of the matcher that made the score, this node's where
    none is named."""
    if all(roi != region for region, _, _ in VALIDATED):
        return UNMEASURED_REGION
    if one is None or other is None:
        return "Not validated: a scan that was compared is not known here."
    kinds = _kinds(one, other)
    if all((roi, kinds) != (region, compared) for region, compared, _ in VALIDATED):
        return f"Not validated: scores of {kinds} were measured on drawn photographs alone, on no real ones."
    if (version or matcher.MATCHER_VERSION) != VALIDATED_VERSION:
        return f"Not validated: the validation is of matcher version {VALIDATED_VERSION}."
    if (doubt := _doubt_of_scans(one, other)) is not None:
        return doubt
    areas = [scan.mark_mm2 for scan in (one, other) if scan.mark_mm2 is not None]
    if len(areas) < 2:
        return "Not validated: how much of the mark a scan shows is not known."
    if min(areas) < LEAST_MARK_MM2:
        return f"Not validated: a scan shows less than {LEAST_MARK_MM2:g} mm2 of a mark."
    if (roi, kinds, _shown(areas)) not in VALIDATED:
        return "Not validated: scores of such marks were not measured."
    return None


def scan_facts(scan: AcquisitionRow) -> ScanFacts:
    return ScanFacts(scan.modality, coarser(scan.spacing_y_um, scan.spacing_x_um), scan.mark_mm2, scan.region_mended)


def coarser(*spacings_um: float | None) -> float | None:
    return max((step for step in spacings_um if step is not None), default=None)


def not_validated(found: StoredCandidate) -> str | None:
    """As ``why_not_validated``, of a compared pair."""
    return why_not_validated(found.roi, scan_facts(found.acquisition_a), scan_facts(found.acquisition_b))


def is_validated(found: ScanPairScore) -> bool:
    """Whether a score of a list of numbers may be held against those that were validated."""
    one = ScanFacts(found.modality_a, coarser(found.spacing_y_a, found.spacing_x_a), found.mark_mm2_a, found.mended_a)
    other = ScanFacts(found.modality_b, coarser(found.spacing_y_b, found.spacing_x_b), found.mark_mm2_b, found.mended_b)
    return why_not_validated(found.roi, one, other) is None


def _doubt_of_scans(one: ScanFacts, other: ScanFacts) -> str | None:
    """What docs/validation.md has no figure of, however much the scans show."""
    for scan in (one, other):
        if scan.drawn:
            return "Not validated: the marks of an exercise are drawn."
        if scan.mended:
            return "Not validated: the region of a scan was marked by hand."
        if scan.spacing_um is not None and scan.spacing_um > COARSEST_UM * _ROUNDING:
            return f"Not validated: the points of a scan lie more than {COARSEST_UM:g} um apart."
    return None


def _kinds(one: ScanFacts, other: ScanFacts) -> ComparedKinds:
    photographs = sum(scan.modality != Modality.TOPOGRAPHY for scan in (one, other))
    every = ComparedKinds.TOPOGRAPHIES, ComparedKinds.PHOTOGRAPH_WITH_TOPOGRAPHY, ComparedKinds.PHOTOGRAPHS
    return every[photographs]


def _shown(areas: list[float]) -> MarksShown:
    parts = sum(area < WHOLE_MARK_MM2 for area in areas)
    return (MarksShown.WHOLE, MarksShown.PART_WITH_WHOLE, MarksShown.PARTS)[parts]
