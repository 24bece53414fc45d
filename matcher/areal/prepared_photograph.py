"""A photograph made ready for the same comparison as topographies."""

from __future__ import annotations

from dataclasses import replace

from matcher.areal.polar_column import inverted_row
from matcher.areal.prepared import Prepared, pack
from matcher.errors import ScanNotUsable
from matcher.mark.clean import CleanScan, band_passed
from matcher.mark.photograph_mark import find_photograph_mark
from matcher.mark.relief import heights_of_shading, light_axis_deg, relief_of_brightness
from matcher.numeric.packed import PackedGrid
from matcher.numeric.parameters import DEFAULT_PARAMETERS, RELIEF_PARAMETERS, Parameters
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

_TRUSTED_DEG = 25.0
"""Farther from what was noted, ridges of one direction or an uneven light have drawn the estimate aside."""


def parameters_for(
    *scans: Topography | Photograph,
    heights: Parameters = DEFAULT_PARAMETERS,
    relief: Parameters | None = RELIEF_PARAMETERS,
) -> Parameters:
    """What scans can be compared in: heights where every photograph among them was lit from one side, else relief.

    Raises ``ScanNotUsable`` for a photograph of a region whose relief is not compared (None).
    """
    photographs = [scan for scan in scans if isinstance(scan, Photograph)]
    if relief is None and photographs:
        raise ScanNotUsable("not usable: photographs of this region are not compared; scan it in 3D")
    shaded = all(photograph.lighting.kind == "side" for photograph in photographs)
    return heights if relief is None or shaded else relief


def prepare_photograph(photograph: Photograph, parameters: Parameters = RELIEF_PARAMETERS) -> Prepared:
    """Find the mark of a photograph and keep, in compact form, what the comparison needs.

    Prepared with the parameters of a topography, it compares with topographies too. Raises ``ScanNotUsable`` with a
    sentence for the examiner where nothing can be compared.
    """
    return pack(clean_photograph(photograph, parameters), parameters)


def clean_photograph(
    photograph: Photograph, parameters: Parameters, displaced_um: tuple[float, float] = (0.0, 0.0)
) -> CleanScan:
    """Bring a photograph to the two working copies.

    1. Find the mark (``find_photograph_mark``).
    2. In the relief channel take the relief of its brightness, in the height channel the heights that its
       shading shows.
    3. Band-pass it to the working copies.

    Where nobody noted from where the light came, its line is found from the picture, but not from which of the two
    ends: heights may then be upside down, and are to be compared as they are and ``inverted``.
    ``displaced_um``: see ``band_passed``.
    Raises ``ScanNotUsable`` where nothing can be compared, and where heights are asked of a photograph that was
    not lit from one side.
    """
    # 1.
    mark = find_photograph_mark(photograph).mark

    # 2.
    if parameters.channel == "relief":
        mark = relief_of_brightness(mark, parameters)
    elif photograph.lighting.kind == "side":
        azimuth = _azimuth(light_axis_deg(mark, parameters), photograph.lighting.azimuth_deg)
        mark = heights_of_shading(mark, azimuth, parameters)
    else:
        raise ScanNotUsable(
            "not usable: heights can be read from a photograph only under light from one side; compare its relief, "
            "or say that the light came from one side"
        )

    # 3.
    return band_passed(mark, parameters, displaced_um)


def _azimuth(axis_deg: float, noted_deg: float | None) -> float:
    """The end of the line of light that was noted; the note itself where the line is far from it.

    A clock hour is 15 degrees wide to either side; the line is mostly found within 10.
    """
    if noted_deg is None:
        return axis_deg
    off = (axis_deg - noted_deg + 90.0) % 180.0 - 90.0
    return noted_deg + off if abs(off) <= _TRUSTED_DEG else noted_deg


def inverted(prepared: Prepared) -> Prepared:
    """Bumps become dents. The descriptor stays: a magnitude spectrum has no sign."""
    coarse, fine = (PackedGrid.pack(-grid.heights, grid.weights) for grid in (prepared.coarse_grid, prepared.fine_grid))
    return replace(prepared, polar=inverted_row(prepared.polar), coarse_grid=coarse, fine_grid=fine)
