"""Arrays in, scores out: read scans, clean, register, compare, rank, explain. No web, no database.

>>> from matcher import compare, prepare, read_topography  # doctest: +SKIP
>>> compare(prepare(read_topography(a)), prepare(read_topography(b))).score  # doctest: +SKIP
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from matcher.processor import bind as _bind

_bind()  # before anything loads numpy

if _TYPE_CHECKING:
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
    from matcher.numeric.parameters import (
        DEFAULT_PARAMETERS,
        FIRING_PIN_PARAMETERS,
        MATCHER_VERSION,
        RELIEF_PARAMETERS,
        Parameters,
    )
    from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
    from matcher.numeric.size_limits import DEFAULT_LIMITS, Limits
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

_HOMES = {
    "matcher.areal.comparison": "Cell Comparison compare",
    "matcher.areal.descriptor": "DESCRIPTOR_SHAPE prefilter",
    "matcher.areal.prepared": "Prepared extent_of prepare",
    "matcher.areal.prepared_photograph": "parameters_for prepare_photograph",
    "matcher.areal.ranking": "Ranked correlate",
    "matcher.areal.scan_pair": "ScanPair compare_scans",
    "matcher.errors": "GalleryDamaged GalleryInUse MatcherError NotComparable ScanNotUsable ScanRefused",
    "matcher.gallery": "CandidateList Filters Gallery GalleryWriter Reference",
    "matcher.likelihood.mark_limits": "MarkExtent",
    "matcher.mark.quality": "Quality assess",
    "matcher.numeric.size_limits": "DEFAULT_LIMITS Limits",
    "matcher.numeric.parameters": "DEFAULT_PARAMETERS FIRING_PIN_PARAMETERS MATCHER_VERSION RELIEF_PARAMETERS "
    "Parameters",
    "matcher.numeric.profile_parameters": "APERTURE_SHEAR_PARAMETERS ProfileParameters",
    "matcher.read.formats": "read_topography",
    "matcher.read.mask": "read_mask",
    "matcher.read.photograph": "Lighting Photograph read_photograph",
    "matcher.read.topography": "Topography",
    "matcher.read.x3p": "write_topography",
    "matcher.striae.congruent_segments": "Segment",
    "matcher.striae.profile": "Profile prepare_profile",
    "matcher.striae.profile_comparison": "ProfileComparison compare_profiles",
    "matcher.striae.profile_ranking": "RankedProfile rank_profiles",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """A public name, from its home: loaded when it is first asked for, so that who needs the parameters alone does not
    load what compares scans (0.2 s)."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(_import_module(home), name)
    return found
