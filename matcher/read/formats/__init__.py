"""Topographies in the formats of instruments, and ``read_topography`` for all formats, x3p included.

The reasons of ``ScanRefused`` beside those of ``matcher.read.x3p``:

the file        byte-order-not-supported, header-invalid, index-xml-invalid, not-a-surface
the points      data-damaged
the surface     units-unknown
"""

from matcher.read.formats.reader import read_topography

__all__ = ["read_topography"]
