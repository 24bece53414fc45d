"""A mark is found on a scan in the way of its parameters; what follows is the same for all."""

from __future__ import annotations

from typing import assert_never

from matcher.mark.impression import level_impression
from matcher.mark.level import LevelledMark, level_mark
from matcher.numeric.parameters import ImpressionParameters, Parameters
from matcher.read.topography import Topography


def level_region(topography: Topography, parameters: Parameters) -> LevelledMark:
    """Find the mark of the parameters' region on a scan, and level it.

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    match parameters:
        case ImpressionParameters():
            return level_impression(topography, parameters)
        case Parameters():
            return level_mark(topography, parameters)
        case _:
            assert_never(parameters)
