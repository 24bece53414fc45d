"""How much two cropped marks of one firearm share: known from the whole scans, not from comparing the crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.areal.comparison import Comparison, compare
from matcher.areal.prepared import Prepared, prepare
from matcher.evaluate.conditions import Conditions, centroid_um, sector
from matcher.mark.regions import level_region
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, sampled
from matcher.read.topography import Topography


@dataclass(frozen=True)
class KeptPart:
    """What a crop keeps of a mark: 1 or 0 on a grid whose first point lies at ``origin_um`` (y, x) of the scan."""

    kept: Plane
    spacing_um: tuple[float, float]
    origin_um: tuple[float, float]

    @property
    def area_um2(self) -> float:
        return float(self.kept.sum()) * self.spacing_um[0] * self.spacing_um[1]


def true_overlaps(
    scans: Sequence[Topography], pairs: Sequence[tuple[int, int]], conditions: Conditions, parameters: Parameters
) -> list[float]:
    """The area that both crops of each pair show, over the smaller crop's.

    1. Prepare each scan whole, and find which part its crop keeps.
    2. Register the whole scans of each pair, lay the one crop on the other, and measure.

    ``scans``: as they were read, in the truth's order; ``pairs``: of places of scans of one firearm, which the
    whole scans register rightly. Raises ``ScanNotUsable`` for a scan that is not usable as it is.
    """
    # 1.
    places = sorted({place for pair in pairs for place in pair})
    whole: dict[int, Prepared] = {place: prepare(scans[place], parameters) for place in places}
    parts = {place: _part(scans[place], place, conditions, parameters) for place in places}

    # 2.
    return [shared(parts[a], parts[b], compare(whole[a], whole[b], parameters)) for a, b in pairs]


def _part(scan: Topography, place: int, conditions: Conditions, parameters: Parameters) -> KeptPart:
    if conditions.crop is None:
        raise ValueError("scans that were not cropped have no part that is left")
    mark = level_region(scan, parameters)
    y, x = centroid_um(mark)
    centre = (y - mark.origin_um[0], x - mark.origin_um[1])
    direction = conditions.crop_direction_deg(place)
    inside = sector(mark.weights.shape, mark.spacing_um, centre, conditions.crop, direction)
    kept = (inside & (mark.weights >= 0.5)).astype(np.float32)
    return KeptPart(kept, mark.spacing_um, mark.origin_um)


def shared(a: KeptPart, b: KeptPart, registered: Comparison) -> float:
    """The area that both show, a laid on b as the comparison of the whole scans says: of the smaller's, 0 to 1."""
    laid = sampled(a.kept, _from_b_to_a(a, b, registered), (b.kept.shape[0], b.kept.shape[1]))
    both = float(np.vdot(laid, b.kept)) * b.spacing_um[0] * b.spacing_um[1]
    smaller = min(a.area_um2, b.area_um2)
    return min(1.0, both / smaller) if smaller > 0.0 else 0.0


def _from_b_to_a(a: KeptPart, b: KeptPart, registered: Comparison) -> NDArray[np.float64]:
    """(column, row, 1) of b's grid to (column, row) of a's; see ``Comparison`` for the way from a to b."""
    turn = np.deg2rad(registered.rotation_deg)
    cosine, sine = np.cos(turn), np.sin(turn)
    back = np.array([[cosine, sine], [-sine, cosine]])  # of (x, y)

    def xy(pair: tuple[float, float]) -> NDArray[np.float64]:
        return np.array(pair[::-1])

    start = xy(b.origin_um) - xy(registered.centre_b_um) - xy(registered.shift_um)
    offset = xy(registered.centre_a_um) + back @ start - xy(a.origin_um)
    scale = 1.0 / xy(a.spacing_um)
    return np.column_stack([scale[:, None] * back * xy(b.spacing_um), scale * offset])
