"""Controls: what the pipeline scores when the marks are taken out and only their outlines are left."""

from __future__ import annotations

import numpy as np

from matcher.mark.clean import FINE_POINTS, CleanScan, WorkingCopy, finish_working_copy
from matcher.numeric.parameters import Parameters
from matcher.numeric.plane import Plane, blurred, halved, low_pass


def mask_only(scan: CleanScan, parameters: Parameters) -> CleanScan:
    """The outline alone: a plateau where the mark was measured, seen as a surface by the whole pipeline."""
    return CleanScan(
        coarse=_plateau(scan.coarse, parameters.coarse_spacing_um, parameters.coarse_band_um[1], parameters),
        fine=_plateau(scan.fine, parameters.fine_spacing_um, parameters.fine_band_um[1], parameters),
        centre_um=scan.centre_um,
    )


def random_texture(scan: CleanScan, seed: int, parameters: Parameters) -> CleanScan:
    """A texture that no other scan shares, inside the real mark's outline."""
    white = np.random.default_rng(seed).standard_normal((FINE_POINTS, FINE_POINTS), np.float32)
    texture = blurred(white, (1.5, 1.5))
    return CleanScan(
        coarse=_filled(
            halved(texture), scan.coarse, parameters.coarse_spacing_um, parameters.coarse_band_um[1], parameters
        ),
        fine=_filled(texture, scan.fine, parameters.fine_spacing_um, parameters.fine_band_um[1], parameters),
        centre_um=scan.centre_um,
    )


def _plateau(copy: WorkingCopy, spacing_um: float, long_um: float, parameters: Parameters) -> WorkingCopy:
    points = len(copy.weights)
    place = (np.arange(points) - (points - 1) / 2) * spacing_um
    aperture = (np.hypot(place[:, None], place[None, :]) <= parameters.aperture_diameter_um / 2).astype(np.float32)
    waves, _ = low_pass(copy.weights, aperture, (long_um / spacing_um, long_um / spacing_um))
    edges = (copy.weights - waves) * aperture
    # most of a plateau is flat: its median deviation, by which a mark is scaled, would be nothing
    scaled = edges / edges[aperture > 0].std()
    clip = parameters.clip_deviations
    return WorkingCopy(np.clip(scaled, -clip, clip), aperture)


def _filled(
    texture: Plane, copy: WorkingCopy, spacing_um: float, long_um: float, parameters: Parameters
) -> WorkingCopy:
    return finish_working_copy(texture, copy.weights, long_um / spacing_um, parameters)
