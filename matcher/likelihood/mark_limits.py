"""How much the two marks of a pair show, and how clearly; and within which limits of it a calibration model holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MarkExtent:
    """What one scan shows of its mark. Known without any other scan, so it cannot depend on what is to be judged.

    ``area_mm2``: what of the mark was measured; ``one_sidedness``: how far its centre of area lies from the mark's
    centre, in radii of a disc of that area: 0 all around, about 1 for half of a ring; ``directedness``: how clearly the
    mark's long waves run in directions (``matcher.areal.descriptor.directedness``), which noise drowns first.
    """

    area_mm2: float
    one_sidedness: float
    directedness: float


Extents = tuple[MarkExtent, MarkExtent]
"""Of the two marks of a pair, in any order."""


@dataclass(frozen=True)
class MarkLimits:
    """What a pair's marks show at the least.

    ``smaller_mm2``: area of the smaller mark; ``share``: its area over that of the larger one; ``one_sidedness``: at
    the most, of the rounder mark and of the other, None where it does not count; ``directedness``: of either mark.
    """

    smaller_mm2: float
    share: float
    one_sidedness: tuple[float, float] | None
    directedness: float

    def passed_by(self, marks: Extents) -> str | None:
        """Which limit the marks of a pair pass, in a sentence for the examiner; None where they keep all of them."""
        found = _limits((marks,), 0.0)
        if found.smaller_mm2 < self.smaller_mm2:
            return (
                f"A mark shows {found.smaller_mm2:.2f} mm2; the model was made from marks of at least "
                f"{self.smaller_mm2:.2f} mm2."
            )
        if found.share < self.share:
            return (
                f"One mark shows {found.share:.2f} of the area of the other; the model was made from pairs with at "
                f"least {self.share:.2f}."
            )
        if found.directedness < self.directedness:
            return (
                f"The lines of a mark have little direction ({found.directedness:.2f}); the model was made from marks "
                f"with at least {self.directedness:.2f}. Noise may cover the mark."
            )
        for of_pair, limit in zip(found.one_sidedness or (), self.one_sidedness or (), strict=False):
            if of_pair > limit:
                return (
                    f"A mark lies to one side of its centre ({of_pair:.2f}); the model was made from marks with at "
                    f"most {limit:.2f}."
                )
        return None


def limits_of(pairs: Sequence[Extents], outside: float, *, of_parts: bool = False) -> MarkLimits:
    """The limits that a share ``outside`` of these pairs pass, each limit by itself.

    ``of_parts``: on which side of its centre a mark lies, and how much larger the other one is, does not count.
    """
    found = _limits(pairs, outside)
    return MarkLimits(found.smaller_mm2, 0.0, None, found.directedness) if of_parts else found


def _limits(pairs: Sequence[Extents], outside: float) -> MarkLimits:
    areas, sides, directed = np.array(
        [[(one.area_mm2, one.one_sidedness, one.directedness) for one in pair] for pair in pairs]
    ).transpose(2, 0, 1)
    smaller, larger = areas.min(axis=1), areas.max(axis=1)
    return MarkLimits(
        smaller_mm2=float(np.quantile(smaller, outside)),
        share=float(np.quantile(smaller / larger, outside)),
        one_sidedness=(
            float(np.quantile(sides.min(axis=1), 1.0 - outside)),
            float(np.quantile(sides.max(axis=1), 1.0 - outside)),
        ),
        directedness=float(np.quantile(directed.min(axis=1), outside)),
    )
