"""Topographies in x3p files (ISO 5436-2, ISO 25178-72): read rightly, or refused with the reason.

The reasons of ``ScanRefused``:

the file        empty-file, file-too-large, not-an-x3p, truncated
the archive     archive-damaged, compression-ratio, duplicate-entries, encrypted, entry-too-large,
                main-xml-ambiguous, main-xml-missing, too-many-entries, unsafe-path, unsupported-compression
main.xml        dimensions-out-of-range, dtd-forbidden, feature-type-unknown, main-xml-invalid
the points      checksum-differs, data-missing, data-size-differs, no-valid-points
the surface     implausible-units, irregular-grid, point-cloud-not-surface, profile-not-surface,
                rotation-not-usable, spacing-out-of-range
"""

from matcher.read.x3p.writer import write_topography
from matcher.read.x3p.x3p_reader import read_x3p

__all__ = ["read_x3p", "write_topography"]
