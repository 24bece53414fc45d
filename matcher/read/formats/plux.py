"""Sensofar .plux: a zip archive with index.xml and the heights as raw float32.

Layout (as open readers state it, there being no public specification):

    index.xml   GENERAL/IMAGE_SIZE_X, IMAGE_SIZE_Y: points in x and y; GENERAL/FOV_X, FOV_Y: micrometres from one
                point to the next (their name promises the field of view; real files give 0.138 for both sides of
                2448 x 2048 points); LAYER_0/FILENAME_Z: the entry that holds the heights; GENERAL/DATE and AUTHOR:
                when and by whom it was measured
    LAYER_0.raw float32, little-endian, micrometres, x fastest, NaN where a point is missing

Verified against what one independent open reader makes of a file made by hand, not against files of an instrument.
The order of rows rests on that reader, which does not turn a plux against an x3p.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.formats.surface import check_shape, to_topography
from matcher.read.origin import Origin, stated, stated_time
from matcher.read.topography import Topography
from matcher.read.x3p.archive import Archive
from matcher.read.x3p.markup import ADVICE, read_markup

INDEX = "index.xml"
_HEIGHTS = "LAYER_0/FILENAME_Z"
_SECOND = "LAYER_1/FILENAME_Z"
_MODEL = "Instrument/Model"
_MAKER = "Sensofar"
_MADE, _MADE_BY = "GENERAL/DATE", "GENERAL/AUTHOR"
_ITEMS = tuple(f"INFO/ITEM_{number}" for number in range(64))
_WANTED = frozenset(
    {
        *(f"GENERAL/{field}_{axis}" for field in ("IMAGE_SIZE", "FOV") for axis in "XY"),
        *(f"{item}/{field}" for item in _ITEMS for field in ("NAME", "VALUE")),
        _HEIGHTS,
        _SECOND,
        _MODEL,
    }
)
_TOLD = frozenset({_MADE, _MADE_BY})


def read_plux(archive: Archive, limits: Limits) -> Topography:
    """The heights of the first layer of a plux archive that is open, with ``INDEX`` as its index.

    1. Read index.xml.
    2. Hold the dimensions against the limits, and the heights against the dimensions.
    3. Bring the heights to their canonical form.

    Raises ScanRefused: "index-xml-invalid", "dtd-forbidden", "data-missing", "unsafe-path", "data-size-differs",
    and those of ``Archive.read``, ``check_shape`` and ``to_topography``.
    """
    warnings: list[str] = []
    xml = archive.read(INDEX, limits.xml_header_bytes)
    texts = read_markup(xml, _WANTED, limits, told=_TOLD, name=INDEX, root="").texts
    rows, columns = _whole(texts, "GENERAL/IMAGE_SIZE_Y"), _whole(texts, "GENERAL/IMAGE_SIZE_X")
    check_shape(rows, columns, limits)
    heights = _heights(archive, texts.get(_HEIGHTS), rows * columns * 4)
    z = np.frombuffer(heights, np.dtype("<f4")).reshape(rows, columns)
    spacing_um = (_number(texts, "GENERAL/FOV_Y"), _number(texts, "GENERAL/FOV_X"))
    if _SECOND in texts:
        warnings.append("The file holds several layers; the first was read.")
    return to_topography(z, None, 1.0, spacing_um, warnings, _origin(texts))


def _heights(archive: Archive, name: str | None, expected_bytes: int) -> bytes:
    if not name:
        raise ScanRefused("data-missing", "The file holds no heights, only images: export the measured topography.")
    name = name.replace("\\", "/").removeprefix("./")
    if name.startswith("/") or ":" in name or ".." in name.split("/"):
        raise ScanRefused(
            "unsafe-path", "index.xml links to data outside the archive: do not trust where this file came from."
        )
    if name not in archive.names:
        raise ScanRefused("data-missing", "The heights that index.xml names are not in the archive: export it again.")
    if archive.stated_bytes(name) != expected_bytes:
        raise ScanRefused(
            "data-size-differs",
            f"The heights have {archive.stated_bytes(name)} bytes where the dimensions in index.xml make "
            f"{expected_bytes}: export the scan again.",
        )
    return archive.read(name, expected_bytes)


def _whole(texts: Mapping[str, str], path: str) -> int:
    text = texts.get(path, "")
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
        raise ScanRefused("index-xml-invalid", f"{path} in index.xml is no whole number: {ADVICE}")
    return int(text)


def _number(texts: Mapping[str, str], path: str) -> float:
    text = texts.get(path, "")
    if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        raise ScanRefused("index-xml-invalid", f"{path} in index.xml is no number: {ADVICE}")
    return float(text)


def _origin(texts: Mapping[str, str]) -> Origin:
    named = {texts.get(f"{item}/NAME", ""): texts.get(f"{item}/VALUE", "") for item in _ITEMS}
    return Origin(
        measured=stated_time(texts.get(_MADE)),
        creator=stated(texts.get(_MADE_BY)),
        manufacturer=_MAKER,
        model=stated(named.get("Device") or texts.get(_MODEL)),
    )
