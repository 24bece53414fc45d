"""One reader for every topography: what a file is, is told from its content, never from its name."""

from __future__ import annotations

from pathlib import Path

from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits, read_within
from matcher.read.formats import al3d, plux, sur
from matcher.read.topography import Topography
from matcher.read.x3p.archive import open_archive
from matcher.read.x3p.x3p_reader import read_surface, read_x3p

_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 32
_MAIN = "main.xml"


def read_topography(path: Path, limits: Limits = DEFAULT_LIMITS) -> Topography:
    """Reads a measured surface: x3p, Alicona al3d, Digital Surf sur, Sensofar plux.

    1. Tell the format from the first bytes, and that of a zip archive from the document that it holds.
    2. Read it within the limits, or refuse it with the reason.

    What is no format known here is refused as no x3p file, which every instrument's software can write.
    The canonical form is the same for all (``Topography``); what was doubtful stands in its warnings.

    Raises ``ScanRefused`` with the reasons that ``matcher.read.x3p`` and ``matcher.read.formats`` list, and ``OSError``
    when the file cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(al3d.MAGIC):
        return al3d.read_al3d(read_within(path, limits), limits)
    if head.startswith((sur.PLAIN, sur.COMPRESSED)):
        return sur.read_sur(read_within(path, limits), limits)
    if head.startswith(_ZIP):
        archive = open_archive(path, limits, (_MAIN, plux.INDEX))
        return plux.read_plux(archive, limits) if archive.index == plux.INDEX else read_surface(archive, limits)
    return read_x3p(path, limits)
