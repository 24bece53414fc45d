"""What the matcher refuses, and what the caller should do about it.

MatcherError
├── ScanRefused        the file cannot be read rightly: tell the sender the reason, keep nothing
├── ScanNotUsable      the file is good, the surface is not: keep it, tell the examiner, do not correlate it
├── NotComparable      the two scans may not be compared: offer neither score nor picture
├── GalleryDamaged     the gallery's files are not what was written: make it again from the scans
└── GalleryInUse       another process writes to the gallery: try again later
"""

from __future__ import annotations


class MatcherError(Exception):
    """Base of all errors that the matcher raises on purpose."""


class ScanRefused(MatcherError):
    """A scan file that is broken, hostile, or of a kind that is not read here.

    ``reason`` is a stable kebab-case code ("truncated", "checksum-differs", "dimensions-out-of-range", ...);
    ``str(error)`` is one sentence for a person: what is wrong and what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[ScanRefused], tuple[str, str]]:
        # worker processes hand their errors back by pickle, which would otherwise lose the reason
        return type(self), (self.reason, str(self))


class ScanNotUsable(MatcherError):
    """A readable scan on which nothing can be compared: too few valid points, too small, no mark found."""


class NotComparable(MatcherError):
    """Two prepared scans that were not made with the same parameters."""


class GalleryDamaged(MatcherError):
    """A file of a gallery is missing, cut, or altered. A gallery holds nothing that the scans do not: rebuild it."""


class GalleryInUse(MatcherError):
    """Another process holds the gallery's writer lock."""
