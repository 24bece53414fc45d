"""Arrays in, scores out: read scans, clean, register, compare, rank, explain. No web, no database.

>>> from matcher import compare, prepare, read_topography  # doctest: +SKIP
>>> compare(prepare(read_topography(a)), prepare(read_topography(b))).score  # doctest: +SKIP
"""

from matcher.areal.comparison import Cell, Comparison, compare
from matcher.areal.descriptor import DESCRIPTOR_SHAPE, prefilter
from matcher.areal.prepared import Prepared, extent_of, prepare
from matcher.areal.prepared_photograph import parameters_for, prepare_photograph
from matcher.areal.ranking import Ranked, correlate
from matcher.areal.scan_pair import ScanPair, compare_scans
from matcher.errors import GalleryDamaged, GalleryInUse, MatcherError, NotComparable, ScanNotUsable, ScanRefused
from matcher.gallery import CandidateList, Filters, Gallery, GalleryWriter, Reference
from matcher.likelihood.mark_limits import MarkExtent
from matcher.mark.quality import Quality, assess
from matcher.numeric.limits import DEFAULT_LIMITS, Limits
from matcher.numeric.parameters import (
    DEFAULT_PARAMETERS,
    FIRING_PIN_PARAMETERS,
    MATCHER_VERSION,
    RELIEF_PARAMETERS,
    Parameters,
)
from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.read.formats import read_topography
from matcher.read.mask import read_mask
from matcher.read.photograph import Lighting, Photograph, read_photograph
from matcher.read.topography import Topography
from matcher.read.x3p import write_topography
from matcher.striae.congruent_segments import Segment
from matcher.striae.profile import Profile, prepare_profile
from matcher.striae.profile_comparison import ProfileComparison, compare_profiles
from matcher.striae.profile_ranking import RankedProfile, rank_profiles

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
    "MarkExtent",
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
    "extent_of",
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
