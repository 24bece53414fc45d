"""Every threshold of the matcher in one frozen, bounded object, written into every result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MATCHER_VERSION = "5"
"""Changes when the same scans and parameters may give other figures; results of two versions are not mixed."""

Channel = Literal["height", "relief"]


def bounded(default: float, low: float, high: float) -> float:
    """A real parameter that the constructor holds within ``low`` to ``high``."""
    value: float = field(default=default, metadata={"low": low, "high": high})
    return value


def counted(default: int, low: int, high: int) -> int:
    """A whole parameter that the constructor holds within ``low`` to ``high``."""
    value: int = field(default=default, metadata={"low": low, "high": high})
    return value


def require_bounds(parameters: DataclassInstance) -> None:
    """Raises ``ValueError`` where a value is outside the bounds that its field states."""
    for entry in fields(parameters):
        if "low" in entry.metadata:
            value, low, high = getattr(parameters, entry.name), entry.metadata["low"], entry.metadata["high"]
            if not low <= value <= high:
                raise ValueError(f"{entry.name} is {value}; it must lie within {low} to {high}")


@dataclass(frozen=True)
class Parameters:
    """What the areal pipeline is told, with units in the names. The defaults are those of the breech face.

    The two working grids have a fixed number of points: a fine one of 320 x 320, and a coarse one of 160 x 160 over the
    same field. Their spacing says how wide that field is: 4 mm for the breech face, which holds what it prints
    on a pistol primer (4.4 mm across before its rounded edge).

    Raises ``ValueError`` where a value is outside its bounds or two values contradict each other.
    """

    # Reading the surface
    region: str = "breech_face"
    """The region's word in the contract's vocabulary. Keeps regions apart: it is part of the digest."""
    channel: Channel = "height"
    """What is compared: heights, or how strong the relief is, which a photograph without a known direction of light
    shows too. Part of the digest, so that scans of two channels never mix."""
    fine_spacing_um: float = bounded(12.5, 2.0, 25.0)
    """Between points of the fine grid; those of the coarse grid lie twice as far apart."""
    coarse_band_um: tuple[float, float] = (50.0, 500.0)
    """Wavelengths kept on the coarse grid: from its Nyquist limit up to where form begins."""
    fine_band_um: tuple[float, float] = (30.0, 350.0)
    """Wavelengths kept on the fine grid: finer than 30 um is instrument noise, a cell is 350 um wide."""
    edge_erosion_um: float = bounded(25.0, 0.0, 200.0)
    """The rim of a mark is where a filter has data on one side only, and where masks were cut by hand."""
    clip_deviations: float = bounded(3.0, 1.0, 10.0)
    """Heights are clipped here, in robust standard deviations: one dent must not outvote the surface."""
    aperture_diameter_um: float = bounded(3900.0, 1000.0, 4000.0)
    """Beyond this circle a turned scan would leave the working grid."""
    levelling_tolerance_um: float = bounded(25.0, 1.0, 200.0)
    """Breech-face marks stay this close to a smooth surface; flow-back, dents and primer edges do not."""
    max_step_um: float = bounded(20.0, 1.0, 500.0)
    """The most that a breech-face mark rises within 50 um; the walls of holes and flow-back rise more."""
    min_mark_area_mm2: float = bounded(0.2, 0.01, 10.0)
    """320 points of the coarse grid: a correlation of one half, usual between marks of one firearm, then just stands
    out from the agreement of 8 that unrelated marks may reach."""

    # Registration
    places: int = counted(3, 1, 8)
    """How many places of the search are looked at in full resolution: under noise the right one may come third."""
    rotation_step_deg: float = bounded(0.75, 0.1, 2.0)
    """The fine stage looks two steps to either side of a proposed rotation, then one."""
    least_directedness: float = bounded(0.23, 0.0, 2.0)
    """Below it the descriptor is not asked how a mark is turned (``directedness``). Of whole marks of two sets of
    firearms nineteen in twenty lie above it; noise of twice a mark's own deviation takes nine in ten below it."""
    rotations: int = counted(4, 1, 16)
    """So many of the rotations that two descriptors name are looked at, each with its opposite."""
    max_shift_um: float = bounded(500.0, 50.0, 500.0)
    """How far two centres may lie apart where parts of marks, or noisy ones, are searched for. Whole marks are found
    wherever they share half of the smaller one."""
    min_overlap: float = bounded(0.1, 0.05, 1.0)
    """Share of the smaller mark that must lie on the other for a shift to be looked at."""

    # Congruent cells
    cell_size_um: float = bounded(350.0, 100.0, 1000.0)
    min_cell_coverage: float = bounded(0.35, 0.05, 1.0)
    """Share of a cell that both scans must show once registered; a cell that only one shows says nothing."""
    cell_search_um: float = bounded(75.0, 12.5, 300.0)
    """How far from its registered place a cell is looked for: twice the congruence distance."""
    congruence_distance_um: float = bounded(37.0, 5.0, 200.0)
    min_cell_correlation: float = bounded(0.4, 0.0, 1.0)

    # The score and the ranking
    half_score_agreement: float = bounded(12.0, 1.0, 100.0)
    """Score = agreement^2 / (agreement^2 + this^2): one half at twice the agreement of five to six that unrelated marks
    reach somewhere among all rotations and shifts."""
    partial_mark_area_mm2: float = bounded(2.0, 0.01, 20.0)
    """A mark that shows less is a part, and compared by polar column with all others: by descriptor halves (1 to 1.7 of
    Fadul's 2.2 to 3.7 mm2) rank some of their firearm's marks anywhere, whole marks none."""
    one_sided_mark_offset: float = bounded(0.38, 0.1, 1.0)
    """A query whose centre of area lies farther from its centre, in radii of the aperture, is looked for as a part too,
    whatever it shows: half of a disc is 0.42 away. References are not: one in ten of Fadul's whole marks, which print
    on one side mostly, is so far off, and each query would pay for all of them."""
    descriptor_candidates: int = counted(2000, 1, 1_000_000)
    """So many of the best by descriptor are compared by polar column, whatever they show."""
    fine_candidates: int = counted(200, 1, 100_000)
    """So many of the best by polar column are searched one by one: two in a thousand of a large gallery."""
    fine_candidates_of_parts: int = counted(2000, 1, 100_000)
    """So many of the best by polar column are searched one by one, and where all references were compared by it: parts
    of marks stand out less. And half of the first number by descriptor, whatever the polar column says of them."""
    listed_candidates: int = counted(50, 1, 100_000)
    """So many of the best of those are registered and listed: more than anybody looks through."""

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.channel not in get_args(Channel):
            raise ValueError(f"channel is {self.channel}; there are {', '.join(get_args(Channel))}")
        if not (180.0 / self.rotation_step_deg).is_integer():
            raise ValueError(f"rotation_step_deg is {self.rotation_step_deg}; a half turn must hold whole steps")
        for name in ("coarse_band_um", "fine_band_um"):
            short, long = getattr(self, name)
            if not 10.0 <= short < long <= 2000.0:
                raise ValueError(f"{name} must rise within 10 to 2000 um, not {short} to {long}")

    @property
    def coarse_spacing_um(self) -> float:
        return 2.0 * self.fine_spacing_um

    @property
    def coarsest_usable_um(self) -> float:
        """A scan whose points lie farther apart is refused: they cannot show the waves that are compared."""
        return 20.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the matcher's version and every value, in the order of their names."""
        content = {"matcher": MATCHER_VERSION, **asdict(self)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class ImpressionParameters(Parameters):
    """The same for a mark at the bottom of a dent, which is found and levelled in another way (``level_region``).

    The digest does not name the way: a region is found in one way alone.
    """

    ring_window_deg: float = bounded(15.0, 5.0, 90.0)
    """What stays alike along a ring over about this angle is taken away (``without_rings``). A rotation that is wrong
    by as much is the least that must lower a score."""

    @property
    def coarsest_usable_um(self) -> float:
        """Half of the shortest wavelength kept (15 um)."""
        return 7.5


DEFAULT_PARAMETERS = Parameters()

RELIEF_PARAMETERS = Parameters(channel="relief")
"""For photographs whose light comes from all sides, or from nobody knows where, and for what is compared with them."""

FIRING_PIN_PARAMETERS = ImpressionParameters(
    region="firing_pin_impression",
    fine_spacing_um=6.25,
    coarse_band_um=(25.0, 250.0),
    fine_band_um=(15.0, 175.0),
    edge_erosion_um=12.5,
    aperture_diameter_um=1950.0,
    levelling_tolerance_um=15.0,
    max_step_um=25.0,
    min_mark_area_mm2=0.05,
    partial_mark_area_mm2=0.5,
    max_shift_um=250.0,
    cell_size_um=175.0,
    cell_search_um=37.5,
    congruence_distance_um=18.5,
)
"""The breech face's, at half its size: the bottom of a firing pin impression is 0.6 to 1.6 mm across, a breech face
3 to 4, and a turned pin's tool marks are finer. The same number of points then covers it, and cells are as
many. Its centre is less sure than that of a primer, and looked for farther. ``max_step_um`` stands for 45 degrees
here: steeper walls show no marks and measure badly."""
