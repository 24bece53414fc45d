"""Which unit a file is really in. The standard says metres; enough files hold micrometres to look twice.

The ranges of what can be on a cartridge case are narrower than the factor of a million between the two units,
so a file that fits one of them fits no other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.read.canonical import ANISOTROPY, RELIEF_UM, SPACING_RANGE_UM, relief
from matcher.read.x3p.document import Axis

UM_PER_M = 1e6


def spacing_um(spacing: tuple[float, float], warnings: list[str]) -> tuple[float, float]:
    """(y, x) spacing in micrometres, of a file that may hold metres or micrometres.

    Raises ScanRefused: "implausible-units" when neither fits, or the spacing is 1, which is what software
    writes when it does not know; "spacing-out-of-range" when y and x are of different orders.
    """
    if max(spacing) > ANISOTROPY * min(spacing):
        raise ScanRefused(
            "spacing-out-of-range",
            f"Points are {spacing[0]:g} apart in y and {spacing[1]:g} in x: no instrument samples like that.",
        )
    for unit, factor in (("metres", UM_PER_M), ("micrometres", 1.0)):
        if all(SPACING_RANGE_UM[0] <= step * factor <= SPACING_RANGE_UM[1] for step in spacing) and spacing != (
            1.0,
            1.0,
        ):
            if unit != "metres":
                warnings.append(
                    f"Distances between points are read as micrometres ({spacing[0]:g} and {spacing[1]:g}): "
                    "as metres, which the standard prescribes, they are impossible."
                )
            return spacing[0] * factor, spacing[1] * factor
    raise ScanRefused(
        "implausible-units",
        f"Points are stated to be {spacing[0]:g} and {spacing[1]:g} apart, which is possible neither in metres nor "
        "in micrometres: export the scan with its real lateral scale.",
    )


def height_factor_um(sample: NDArray[np.float64], axis: Axis, warnings: list[str]) -> float:
    """What stored heights are multiplied with to be micrometres, judged by the relief of a sample of them.

    A factor has to be named by the file: metres, micrometres, or, on an axis of floats, the increment, which
    some writers apply and others leave as a relic. The one that makes a possible relief is taken.

    Raises ScanRefused: "implausible-units" when none does, or several do.
    """
    increment = axis.increment
    if increment is not None and not 0 < increment < math.inf:
        increment = None
    if axis.dtype.kind == "i":
        if increment is None:
            raise ScanRefused("implausible-units", "Heights are integers and main.xml does not say how large one is.")
        candidates = {increment * UM_PER_M: "", increment: "micrometres"}
    else:
        candidates = {UM_PER_M: "", 1.0: "micrometres"}
        if increment is not None and increment * UM_PER_M not in candidates:
            candidates[increment * UM_PER_M] = "counts of the stated increment"
    stored_relief = relief(sample)
    possible = [factor for factor in candidates if RELIEF_UM[0] <= stored_relief * factor <= RELIEF_UM[1]]
    if len(possible) != 1:
        raise ScanRefused(
            "implausible-units",
            f"Stored heights range over {stored_relief:g}, which is no possible relief in any unit that the file "
            "names, or is one in several: export the scan with its real height scale.",
        )
    if candidates[possible[0]]:
        warnings.append(f"Heights are read as {candidates[possible[0]]}: as metres their relief is impossible.")
    elif axis.dtype.kind == "f" and increment not in (None, 1.0):
        warnings.append(f"The height increment of {increment:g} was not applied: the heights are metres without it.")
    return possible[0]
