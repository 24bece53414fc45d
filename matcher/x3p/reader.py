"""An x3p file, as it came, to one canonical topography."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.limits import DEFAULT_LIMITS, Limits
from matcher.topography import Topography
from matcher.x3p.archive import Archive, open_archive
from matcher.x3p.data import check_md5, load_points
from matcher.x3p.document import Axis, Feature, Header, parse_document
from matcher.x3p.grid import Grid, lay_out
from matcher.x3p.units import height_factor_um, spacing_um

_CHECKSUM_FILE = "md5checksum.hex"
_SAMPLE_POINTS = 16_384
_ROWS_AT_ONCE = 32
"""Few enough for their float64 intermediates to stay in the processor's cache."""
_DEPTH_UM = 50_000.0
"""A point farther than this from the middle of the surface is a sentinel, not a height: no cartridge is so deep."""


# signalling NaN and sentinels like 1e308 raise floating-point flags; what comes of them is judged by its value
@np.errstate(invalid="ignore", over="ignore")
def read_topography(path: Path, limits: Limits = DEFAULT_LIMITS) -> Topography:
    """Reads the surface of an x3p file (ISO 5436-2:2012, ISO 25178-72:2017).

    1. Open the zip archive within bounds.
    2. Parse main.xml, and compare it with its checksum.
    3. Refuse what is no surface.
    4. Load the points of the first layer, compared with their checksum.
    5. Lay them out on a grid, rows along y, the smallest y first.
    6. Settle the units: metres by the standard, micrometres where nothing else is possible.
    7. Bring the heights to their canonical form.

    Heights are relative to their median (of 16,384 evenly taken points, where there are more), which is
    subtracted in float64: absolute offsets of millimetres would otherwise eat the nanometres of a float32.
    The offsets of the axes therefore play no part. Heights stay in the frame of measurement: a rotation in
    the header only places the part in space. NaN of any kind, infinities, points that the valid-points list
    rules out, and points more than 50 mm away from the median are missing.

    Raises ``ScanRefused`` with the reasons that the package's docstring lists, and ``OSError`` when the file
    cannot be opened.
    """
    warnings: list[str] = []
    archive = open_archive(path, limits)
    header = _header(archive, limits, warnings)
    _check_surface(header, warnings)
    points = load_points(archive, header, limits, warnings)
    grid = lay_out(header, points)
    spacing = spacing_um(grid.spacing, warnings)
    heights = _canonical_heights(grid, header.z, warnings)
    if "mask.png" in archive.names:
        warnings.append("The file holds a picture of a mask (mask.png), which was not applied.")
    return Topography(heights, spacing, tuple(dict.fromkeys(warnings)), header.instrument)


def _header(archive: Archive, limits: Limits, warnings: list[str]) -> Header:
    xml = archive.read("main.xml", limits.xml_bytes)
    header = parse_document(xml, limits)
    stated = None
    name = (header.checksum_file or _CHECKSUM_FILE).replace("\\", "/").removeprefix("./")
    for candidate in (name, _CHECKSUM_FILE):
        if candidate in archive.names:
            text = archive.read(candidate, limits.checksum_bytes).decode("ascii", errors="replace")
            # with or without the "*main.xml" of md5sum behind it; empty counts as absent
            stated = (re.split(r"[\s*]", text.strip(), maxsplit=1))[0]
            break
    check_md5(xml, stated, "main.xml", warnings)
    return header


def _check_surface(header: Header, warnings: list[str]) -> None:
    layers, rows, columns = header.shape
    if header.feature is Feature.SURFACE and min(rows, columns) < 2:
        raise ScanRefused("profile-not-surface", "The file holds a single line: send the scan of the whole surface.")
    if layers > 1:
        warnings.append(f"The file holds {layers} layers; the first was read.")
    if not header.z.absolute:
        warnings.append("The height axis is declared incremental, which it cannot be; it was read as absolute.")
    if header.rotation is not None:
        _check_rotation(header.rotation, warnings)


def _check_rotation(rotation: NDArray[np.float64], warnings: list[str]) -> None:
    """A proper rotation that keeps the surface facing up moves no height; a mirror image would deceive."""
    if np.allclose(rotation, np.eye(3), atol=1e-6):
        return
    proper = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) and np.linalg.det(rotation) > 0
    if not proper or rotation[2, 2] <= 0:
        raise ScanRefused(
            "rotation-not-usable",
            "The rotation in main.xml mirrors, distorts or overturns the surface: export the scan as it was measured.",
        )
    warnings.append("The file places the surface by a rotation, which was not applied: heights are as measured.")


def _canonical_heights(grid: Grid, axis: Axis, warnings: list[str]) -> NDArray[np.float32]:
    """Micrometres above the median, float32, read-only, NaN where a point is missing."""
    sample = _sample(grid)
    factor = height_factor_um(sample, axis, warnings)
    median = np.median(sample)
    heights = np.empty(grid.z.shape, np.float32)
    beyond = 0
    for start in range(0, len(heights), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        block = ((grid.z[rows] - median) * factor).astype(np.float32)
        if grid.invalid is not None:
            block[grid.invalid[rows]] = np.nan
        far = np.abs(block) > _DEPTH_UM
        beyond += int(np.count_nonzero(far))
        heights[rows] = np.where(far | np.isnan(block), np.float32(np.nan), block)
    if beyond:
        warnings.append(f"{beyond} points infinite or farther than 50 mm from the rest were read as missing.")
    heights.flags.writeable = False
    return heights


def _sample(grid: Grid) -> NDArray[np.float64]:
    """Up to 16,384 valid heights, evenly taken in reading order, as stored."""
    usable = np.isfinite(grid.z)
    if grid.invalid is not None:
        usable &= ~grid.invalid
    valid = np.flatnonzero(usable)
    if not valid.size:
        raise ScanRefused("no-valid-points", "The file holds no valid point: measure the exhibit again.")
    rows, columns = np.unravel_index(valid[:: -(-valid.size // _SAMPLE_POINTS)], usable.shape)
    return grid.z[rows, columns].astype(np.float64)
