"""An x3p file, as it came, to one canonical topography."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits
from matcher.read.canonical import canonical_heights, sample_heights
from matcher.read.topography import Topography
from matcher.read.x3p.archive import Archive, open_archive
from matcher.read.x3p.data import check_md5, load_points
from matcher.read.x3p.document import Feature, Header, parse_document
from matcher.read.x3p.grid import lay_out
from matcher.read.x3p.units import height_factor_um, spacing_um

_CHECKSUM_FILE = "md5checksum.hex"
_MADE_OF_AL3D = re.compile(r"original data format:\s*al3d\b", re.IGNORECASE)
"""In the comment of an x3p of the program Scratch in its first form (MATLAB)."""
_KEEPS_ROWS = ("NFI", "Default")
"""What the same program's later form (Python) writes for every instrument."""


def read_x3p(path: Path, limits: Limits = DEFAULT_LIMITS) -> Topography:
    """Reads the surface of an x3p file (ISO 5436-2:2012, ISO 25178-72:2017).

    1. Open the zip archive within bounds.
    2. Parse main.xml, and compare it with its checksum.
    3. Refuse what is no surface.
    4. Load the points of the first layer, compared with their checksum.
    5. Lay them out on a grid, rows along y, the smallest y first.
    6. Settle the units: metres by the standard, micrometres where nothing else is possible.
    7. Bring the heights to their canonical form.
    8. Say where a program wrote the file that is known to mirror.

    Heights are relative to their median (of 4,096 evenly taken points, where there are more), which is
    subtracted in float64: absolute offsets of millimetres would otherwise eat the nanometres of a float32.
    The offsets of the axes therefore play no part. Heights stay in the frame of measurement: a rotation in
    the header only places the part in space. NaN of any kind, infinities, points that the valid-points list
    rules out, and points more than 50 mm away from the median are missing.

    Raises ``ScanRefused`` with the reasons that the package's docstring lists, and ``OSError`` when the file
    cannot be opened.
    """
    return read_surface(open_archive(path, limits), limits)


# signalling NaN and sentinels like 1e308 raise floating-point flags; what comes of them is judged by its value
@np.errstate(invalid="ignore", over="ignore")
def read_surface(archive: Archive, limits: Limits) -> Topography:
    """Steps 2 to 8 of ``read_x3p``, on an archive that is open."""
    warnings: list[str] = []
    header = _header(archive, limits, warnings)
    _check_surface(header, warnings)
    points = load_points(archive, header, limits, warnings)
    grid = lay_out(header, points)
    spacing = spacing_um(grid.spacing, warnings)
    sample = sample_heights(grid.z, grid.invalid)
    factor_um = height_factor_um(sample, header.z, warnings)
    heights = canonical_heights(grid.z, grid.invalid, float(np.median(sample)), factor_um, warnings)
    if "mask.png" in archive.names:
        warnings.append("The file holds a picture of a mask (mask.png), which was not applied.")
    _tell_mirrors(header, warnings)
    return Topography(heights, spacing, tuple(dict.fromkeys(warnings)), header.origin.instrument, origin=header.origin)


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


def _tell_mirrors(header: Header, warnings: list[str]) -> None:
    """Known programs that keep the rows of an al3d in their order: al3d counts them from the top, x3p from the bottom.

    The evidence is in docs/instruments.md, "The known case".
    """
    origin = header.origin
    if origin.comment is not None and _MADE_OF_AL3D.search(origin.comment):
        warnings.append(
            "Mirrored in y, as far as is known: the file says that it was made of an al3d, by a program that keeps the "
            "rows in their order, while x3p counts them the other way. A mirrored scan agrees with none: convert the "
            "al3d with ffp convert, or export x3p in the instrument's own software."
        )
    elif (origin.manufacturer, origin.model) == _KEEPS_ROWS:
        warnings.append(
            "Mirrored in y if it was made of an al3d: the program that wrote this file keeps the rows of what it read "
            "in their order, while x3p counts those of an al3d the other way. A mirrored scan agrees with none: "
            "convert the al3d with ffp convert."
        )


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
