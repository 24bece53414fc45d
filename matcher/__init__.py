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
from matcher.mask import read_mask
from matcher.parameters import (
    DEFAULT_PARAMETERS,
    FIRING_PIN_PARAMETERS,
    MATCHER_VERSION,
    RELIEF_PARAMETERS,
    Parameters,
)
from matcher.photograph import Lighting, Photograph, read_photograph
from matcher.prepared import Prepared, prepare
from matcher.prepared_photograph import parameters_for, prepare_photograph
from matcher.profile import Profile, prepare_profile
from matcher.profile_comparison import ProfileComparison, compare_profiles
from matcher.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.profile_ranking import RankedProfile, rank_profiles
from matcher.quality import Quality, assess
from matcher.scan_pair import ScanPair, compare_scans
from matcher.segments import Segment
from matcher.topography import Topography
from matcher.x3p import write_topography

__all__ = [
    "APERTURE_SHEAR_PARAMETERS",
    "DEFAULT_LIMITS",
    "DEFAULT_PARAMETERS",
    "DESCRIPTOR_SHAPE",
    "FIRING_PIN_PARAMETERS",
    "MATCHER_VERSION",
    "RELIEF_PARAMETERS",
    "CandidateList",
    "Cell",
    "Comparison",
    "Filters",
    "Gallery",
    "GalleryDamaged",
    "GalleryInUse",
    "GalleryWriter",
    "Lighting",
    "Limits",
    "MatcherError",
    "NotComparable",
    "Parameters",
    "Photograph",
    "Prepared",
    "Profile",
    "ProfileComparison",
    "ProfileParameters",
    "Quality",
    "Ranked",
    "RankedProfile",
    "Reference",
    "ScanNotUsable",
    "ScanPair",
    "ScanRefused",
    "Segment",
    "Topography",
    "assess",
    "compare",
    "compare_profiles",
    "compare_scans",
    "correlate",
    "parameters_for",
    "prefilter",
    "prepare",
    "prepare_photograph",
    "prepare_profile",
    "rank_profiles",
    "read_mask",
    "read_photograph",
    "read_topography",
    "write_topography",
]
