"""What is stated of a scan before it is assessed, and what is told of it then. A verdict is a list of findings by code;
the pages have the words.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from exchange.flows.scan.inspect import ScanReport
from schemas import RegionMask
from schemas.vocabulary import Modality, RegionOfInterest


class Usability(StrEnum):
    GOOD = "good"
    DOUBTFUL = "doubtful"
    UNUSABLE = "unusable"
    UNKNOWN = "unknown"
    """Nothing was measured, because something is still to be stated or no measure is known for the region."""


@dataclass(frozen=True)
class ScanFinding:
    """``code`` names the sentence; ``values`` are the figures in it, as people read them."""

    code: str
    level: Usability
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StatedScan:
    """What the examiner states of a file before it is assessed; a topography needs the region alone. ``mask``: the
    region as it was marked by hand."""

    roi: RegionOfInterest
    um_per_pixel: float | None = None
    lighting: str = "unknown"
    mask: RegionMask | None = None


@dataclass(frozen=True)
class ScanReading:
    """``reason``, ``remarks``: the matcher's own sentences: why it is not usable, and what was doubtful. ``grid``: rows
    and columns of the cells in which a region is marked; ``found``: what was found in them, as a ``RegionMask``, None
    where nothing was, or is looked for. ``mended``: the digest of the marked region that was assessed in its place."""

    modality: Modality
    report: ScanReport
    roi: RegionOfInterest
    verdict: Usability
    findings: tuple[ScanFinding, ...]
    reason: str | None = None
    remarks: tuple[str, ...] = ()
    grid: tuple[int, int] = (1, 1)
    found: dict[str, Any] | None = None
    mended: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Preview:
    """``picture``: PNG, with the region outlined; ``plain``: the same without, to mark a region on."""

    reading: ScanReading
    picture: bytes
    plain: bytes
