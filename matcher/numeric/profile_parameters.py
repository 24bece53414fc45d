"""Every threshold of the comparison of striae, in one frozen, bounded object, written into every result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from matcher.numeric.parameters import MATCHER_VERSION, bounded, counted, require_bounds


@dataclass(frozen=True)
class ProfileParameters:
    """What the pipeline for striated regions is told, with units in the names.

    Raises ``ValueError`` where a value is outside its bounds or two values contradict each other.
    """

    region: str = "aperture_shear"
    """As in ``Parameters``."""

    # Reading the surface
    spacing_um: float = bounded(2.5, 1.0, 10.0)
    """Between points of a profile: a quarter of the shortest wavelength kept."""
    band_um: tuple[float, float] = (10.0, 100.0)
    """Wavelengths kept (ISO 16610-21). Tool marks keep details from 10 to 50 um upwards
    (doi:10.1016/j.forsciint.2015.03.003); a mark holds few waves longer than 100 um, and those are the shape of the
    aperture's edge, which firearms of one model share (doi:10.1016/j.forsciint.2014.06.038 tells the two apart)."""
    clip_deviations: float = bounded(3.0, 1.0, 10.0)
    """Heights are clipped here, in robust standard deviations: one gouge must not outvote the striae."""
    min_coherence: float = bounded(0.3, 0.1, 0.95)
    """How strictly the main direction must prevail within some 100 um: 1 for ideal striae, 0.1 to 0.3 for grain."""
    max_direction_deviation_deg: float = bounded(15.0, 1.0, 45.0)
    min_stria_um: float = bounded(40.0, 5.0, 500.0)
    """Striae must be seen over this length for their mean to count."""
    min_length_um: float = bounded(250.0, 50.0, 1000.0)
    """A shorter profile holds too few independent striae: chance agreements are common."""
    min_striation: float = bounded(0.1, 0.0, 1.0)
    """Share of the surface's variance that its mean profile explains."""

    # Registration
    max_stretch: float = bounded(0.05, 0.0, 0.2)
    """Instruments differ in scale by up to 1 %; a cut at another angle, or a surface tilted by 15 degrees, by 3 %."""
    stretch_step: float = bounded(0.005, 0.001, 0.05)
    """Half a step moves the ends of a profile of 1 mm by 1.25 um."""
    min_overlap: float = bounded(0.6, 0.1, 1.0)
    """Share of the shorter profile that must lie on the other for a shift to be looked at."""

    # Congruent segments
    segment_length_um: float = bounded(60.0, 20.0, 500.0)
    """Three or four striae: the number that examiners ask to follow each other."""
    segment_search_um: float = bounded(10.0, 2.5, 200.0)
    """The registration of the whole is good to a point; what is left is waver and local stretch."""
    congruence_distance_um: float = bounded(5.0, 1.0, 50.0)
    min_segment_correlation: float = bounded(0.6, 0.0, 1.0)
    """A segment holds some five independent heights, of which this much agreement is still common by chance: it
    takes several, and in their places."""

    # The score and the ranking
    congruence_weight: float = bounded(0.5, 0.0, 10.0)
    """Score = ccf x sqrt(L / (L + longest wavelength)) + weight x share of congruent segments, where L is the shared
    length: agreement by chance falls with its root."""
    min_segments: int = counted(8, 1, 50)
    """The share is taken of at least so many segments: two that agree by chance out of three say little."""
    compared_candidates: int = counted(100, 1, 100_000)

    def __post_init__(self) -> None:
        require_bounds(self)
        short, long = self.band_um
        if not 2.0 * self.spacing_um <= short < long <= 1000.0:
            raise ValueError(f"band_um must rise from twice the spacing to at most 1000 um, not {short} to {long}")

    @property
    def coarsest_usable_um(self) -> float:
        """Half of the shortest wavelength kept (10 um)."""
        return 5.0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the matcher's version and every value, in the order of their names."""
        content = {"matcher": MATCHER_VERSION, **asdict(self)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


APERTURE_SHEAR_PARAMETERS = ProfileParameters()
