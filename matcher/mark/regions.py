"""Each region of a cartridge case is found on a scan in its own way; what follows is the same for all."""

from __future__ import annotations

from matcher.mark.impression import level_impression
from matcher.mark.level import LevelledMark, level_mark
from matcher.numeric.parameters import Parameters
from matcher.read.topography import Topography


def level_region(topography: Topography, parameters: Parameters) -> LevelledMark:
    """Find the mark of the parameters' region on a scan, and level it.

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    match parameters.region:
        case "breech_face":
            return level_mark(topography, parameters)
        case "firing_pin_impression":
            return level_impression(topography, parameters)
