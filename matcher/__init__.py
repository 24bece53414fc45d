"""Arrays in, scores out: read scans, clean, register, compare, rank, explain. No web, no database.

>>> from matcher import compare, prepare, read_topography  # doctest: +SKIP
>>> compare(prepare(read_topography(a)), prepare(read_topography(b))).score  # doctest: +SKIP
"""

from matcher.comparison import Cell, Comparison, compare
from matcher.correlation import Ranked, correlate
from matcher.descriptor import DESCRIPTOR_SHAPE, prefilter
from matcher.errors import GalleryDamaged, GalleryInUse, MatcherError, NotComparable, ScanNotUsable, ScanRefused
from matcher.formats import read_topography
from matcher.gallery import CandidateList, Filters, Gallery, GalleryWriter, Reference
from matcher.limits import DEFAULT_LIMITS, Limits
from matcher.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, Parameters
from matcher.prepared import Prepared, prepare
from matcher.topography import Topography
from matcher.x3p import write_topography

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_PARAMETERS",
    "DESCRIPTOR_SHAPE",
    "MATCHER_VERSION",
    "CandidateList",
    "Cell",
    "Comparison",
    "Filters",
    "Gallery",
    "GalleryDamaged",
    "GalleryInUse",
    "GalleryWriter",
    "Limits",
    "MatcherError",
    "NotComparable",
    "Parameters",
    "Prepared",
    "Ranked",
    "Reference",
    "ScanNotUsable",
    "ScanRefused",
    "Topography",
    "compare",
    "correlate",
    "prefilter",
    "prepare",
    "read_topography",
    "write_topography",
]
