"""Harder conditions made from the same scans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array

from matcher.mark.level import LevelledMark
from matcher.mark.regions import level_region
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.numeric.plane import Mask, Plane, ratio, sampled
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography
from matcher.synthetic.render import RenderName, photographed

Against = Literal["topography", "full"]
"""What the scans in their condition are compared with: the scans as they are; or the whole, undisturbed scans."""

_CROP, _NOISE, _CUT, _SHIFT, _LIGHT = 1, 2, 3, 4, 0x119847
"""Name the streams of random numbers, so that an option leaves what the others do as it is."""


@dataclass(frozen=True)
class Conditions:
    """What is made of each scan before it is compared, in the order in which it happens to a mark.

    ``crop``: what is kept of the mark: a random sector of this share of a full turn around its centroid, which for
    0.5 is a half-plane; ``cut_side``: the share of its area that a straight line in a random direction takes off one
    side, as regions by hand do; ``shift_um``: up to so far the middle of the working grids is put off the centre that
    was found, at random (uniform over a disc), with nothing of the mark left out: two scans may lie twice as far
    apart; ``rotate``: seed of a random turn of each scan; ``resample_um``: distances of points: scan i
    gets value i mod n; ``noise``: deviation of normal noise, in robust standard deviations (1.4826 MAD) of
    the mark's own heights; ``noise_correlation_um``: where the noise's autocorrelation falls to 1/e, 0 for white
    noise; ``render``: the photograph to draw; ``against``: see ``of_references``; ``seed``: of crop and noise.

    Raises ``ValueError`` with a sentence where values contradict each other or cannot be.
    """

    crop: float | None = None
    cut_side: float | None = None
    shift_um: float = 0.0
    rotate: int | None = None
    resample_um: tuple[float, ...] = ()
    noise: float = 0.0
    noise_correlation_um: float = 0.0
    render: RenderName | None = None
    against: Against | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.crop is not None and not 0.0 < self.crop < 1.0:
            raise ValueError(f"a crop keeps a share between 0 and 1 of the mark, not {self.crop}")
        if self.cut_side is not None and not 0.0 < self.cut_side < 1.0:
            raise ValueError(f"a side that is cut off is a share between 0 and 1 of the mark, not {self.cut_side}")
        if not 0.0 <= self.shift_um <= 1000.0:
            raise ValueError(f"the grid's middle is put 0 to 1000 um off the mark's centre, not {self.shift_um}")
        if not all(0.5 <= spacing <= 50.0 for spacing in self.resample_um):
            raise ValueError("scans are resampled to points 0.5 to 50 um apart")
        if not 0.0 <= self.noise <= 100.0:
            raise ValueError(f"noise has 0 to 100 standard deviations of the mark, not {self.noise}")
        if not 0.0 <= self.noise_correlation_um <= 1000.0:
            raise ValueError(f"noise is correlated over 0 to 1000 um, not {self.noise_correlation_um}")
        if self.noise_correlation_um and not self.noise:
            raise ValueError("a correlation length of noise needs noise: say how much")
        if self.against == "topography" and self.render is None:
            raise ValueError("photographs are compared with topographies only where it is said how they are drawn")
        parts = self.crop is not None or self.cut_side is not None
        if self.against == "full" and not parts and not self.noise and not self.resample_um:
            raise ValueError("whole references need something to be compared with: a crop, noise, or another sampling")

    @property
    def change(self) -> bool:
        """Whether a scan is changed at all."""
        return replace(self, against=None, seed=1) != Conditions()

    @property
    def of_references(self) -> Conditions:
        """What is made of the references: the same, unless ``against`` says otherwise.

        "topography": nothing. "full": they are turned, drawn and put off their centres as the others are, by the next
        seeds, but neither cropped, nor cut, nor resampled, nor noisy.
        """
        match self.against:
            case None:
                return self
            case "topography":
                return Conditions()
            case "full":
                turn = None if self.rotate is None else self.rotate + 1
                seed = self.seed + 1 if self.shift_um else 1
                return Conditions(rotate=turn, render=self.render, shift_um=self.shift_um, seed=seed)

    def apply(
        self, scan: Topography, place: int, parameters: Parameters = DEFAULT_PARAMETERS
    ) -> Topography | Photograph:
        """The scan at a place of the truth, in this condition.

        1. Find the mark, where its centroid or the spread of its heights is needed.
        2. Crop, cut: a part of the mark was printed, or outlined.
        3. Turn: it lies in some direction on the stage.
        4. Resample: an instrument has its own distance of points.
        5. Add noise, at these points.
        6. Draw the photograph.

        Each scan has its own streams of random numbers. Raises ``ScanNotUsable`` where there is no mark.
        """
        # 1.
        needed = self.crop is not None or self.cut_side is not None or self.noise
        mark = level_region(scan, parameters) if needed else None

        # 2.
        if self.crop is not None and mark is not None:
            inside = sector(
                scan.heights_um.shape, scan.spacing_um, centroid_um(mark), self.crop, self.crop_direction_deg(place)
            )
            scan = _with_heights(scan, np.where(inside, scan.heights_um, np.float32(np.nan)))
        if self.cut_side is not None and mark is not None:
            direction = float(np.random.default_rng([self.seed, _CUT, place]).uniform(0.0, 360.0))
            inside = without_side(scan.heights_um.shape, scan.spacing_um, mark, self.cut_side, direction)
            scan = _with_heights(scan, np.where(inside, scan.heights_um, np.float32(np.nan)))

        # 3.
        turn = 0.0 if self.rotate is None else _nth(self.rotate, place)
        if self.rotate is not None:
            scan = rotated(scan, turn)

        # 4.
        if self.resample_um:
            scan = resampled(scan, self.resample_um[place % len(self.resample_um)])

        # 5.
        if self.noise and mark is not None:
            rng = np.random.default_rng([self.seed, _NOISE, place])
            scan = noisy(scan, self.noise * deviation_um(mark), self.noise_correlation_um, rng)

        # 6.
        if self.render is None:
            return scan
        directions = np.random.default_rng([_LIGHT, self.rotate or 0])
        directions.uniform(0.0, 360.0, place)
        return photographed(scan, self.render, directions, turn)

    def crop_direction_deg(self, place: int) -> float:
        """The middle of the sector that a scan's crop keeps, from +x towards +y of the scan as it was read."""
        return float(np.random.default_rng([self.seed, _CROP, place]).uniform(0.0, 360.0))

    def displacement_um(self, place: int) -> tuple[float, float]:
        """(y, x) by which a scan's working grids are put off its centre, in the scan as it is after ``apply``."""
        if not self.shift_um:
            return 0.0, 0.0
        area, turn = np.random.default_rng([self.seed, _SHIFT, place]).uniform(0.0, 1.0, 2)
        distance = self.shift_um * float(np.sqrt(area))
        return distance * float(np.sin(2.0 * np.pi * turn)), distance * float(np.cos(2.0 * np.pi * turn))


def _nth(seed: int, place: int) -> float:
    return float(np.random.default_rng(seed).uniform(0.0, 360.0, place + 1)[place])


def centroid_um(mark: LevelledMark) -> tuple[float, float]:
    """(y, x) of the mark's centroid, from the scan's first point."""
    rows, columns = np.nonzero(mark.weights >= 0.5)
    (oy, ox), (sy, sx) = mark.origin_um, mark.spacing_um
    return oy + sy * float(rows.mean()), ox + sx * float(columns.mean())


def deviation_um(mark: LevelledMark) -> float:
    """The robust standard deviation of the mark's heights above its form: 1.4826 times the median deviation."""
    heights = mark.heights[mark.weights >= 0.5]
    return 1.4826 * float(np.median(np.abs(heights - np.median(heights))))


def sector(
    shape: tuple[int, ...],
    spacing_um: tuple[float, float],
    centre_um: tuple[float, float],
    share: float,
    direction_deg: float,
) -> Mask:
    """The points of a grid within ``share`` of a full turn around a centre, (y, x) from the first point."""
    y = np.arange(shape[0])[:, None] * spacing_um[0] - centre_um[0]
    x = np.arange(shape[1])[None, :] * spacing_um[1] - centre_um[1]
    off = (np.rad2deg(np.arctan2(y, x)) - direction_deg + 180.0) % 360.0 - 180.0
    return np.asarray(np.abs(off) <= 180.0 * share)


def without_side(
    shape: tuple[int, ...], spacing_um: tuple[float, float], mark: LevelledMark, share: float, direction_deg: float
) -> Mask:
    """The points of a grid on the near side of a straight line beyond which, in a direction from +x towards +y, lies
    ``share`` of the mark's area."""
    sine, cosine = np.sin(np.deg2rad(direction_deg)), np.cos(np.deg2rad(direction_deg))
    rows, columns = np.nonzero(mark.weights >= 0.5)
    (oy, ox), (sy, sx) = mark.origin_um, mark.spacing_um
    line = np.quantile((oy + sy * rows) * sine + (ox + sx * columns) * cosine, 1.0 - share)
    y, x = np.arange(shape[0])[:, None] * spacing_um[0], np.arange(shape[1])[None, :] * spacing_um[1]
    return np.asarray(y * sine + x * cosine <= line)


def rotated(topography: Topography, degrees: float) -> Topography:
    """Turn a topography around the middle of its field, from +x towards +y, on a grid large enough for all of it.

    Linear between points; a point is missing where less than half of its surroundings was measured.
    """
    valid = np.isfinite(topography.heights_um)
    heights = np.where(valid, topography.heights_um, np.float32(0))
    rows, columns = heights.shape
    (sy, sx), turn = topography.spacing_um, np.deg2rad(degrees)
    cosine, sine = np.cos(turn), np.sin(turn)
    high, wide = rows * sy, columns * sx
    shape = (
        int(np.ceil((abs(high * cosine) + abs(wide * sine)) / sy)) + 1,
        int(np.ceil((abs(high * sine) + abs(wide * cosine)) / sx)) + 1,
    )
    # from a turned point to the scan: scale to micrometres, turn back, scale to points
    back = np.array([[cosine, sine * sy / sx], [-sine * sx / sy, cosine]])
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    offset = np.array([(columns - 1) / 2, (rows - 1) / 2]) - back @ middle
    matrix = np.column_stack([back, offset])
    return _from_sums(topography, sampled(heights, matrix, shape), sampled(valid.astype(np.float32), matrix, shape))


def resampled(topography: Topography, spacing_um: float) -> Topography:
    """The same field on points so far apart in y and x: means over areas where that is coarser, else linear between
    points. A point is missing where less than half of its surroundings was measured."""
    valid = np.isfinite(topography.heights_um)
    heights = np.where(valid, topography.heights_um, np.float32(0))
    down, across = (
        _resampling(points, spacing_um / spacing)
        for points, spacing in zip(heights.shape, topography.spacing_um, strict=True)
    )
    total, share = ((across @ (down @ plane).T).T for plane in (heights, valid.astype(np.float32)))
    return replace(
        _from_sums(topography, np.ascontiguousarray(total), np.ascontiguousarray(share)),
        spacing_um=(spacing_um, spacing_um),
    )


def _resampling(points: int, step: float) -> coo_array[np.float32]:
    """The matrix from points, one apart, to points ``step`` apart over the same length: (fewer or more, points)."""
    new = np.arange(max(1, int(points / step + 1e-9)))[:, None]
    if step >= 1.0:
        start, stop = new * step, (new + 1) * step
        old = np.floor(start).astype(np.intp) + np.arange(int(np.ceil(step)) + 1)
        weights = np.maximum(np.minimum(old + 1, stop) - np.maximum(old, start), 0.0) / step
    else:
        centre = (new + 0.5) * step - 0.5
        old = np.floor(centre).astype(np.intp) + np.arange(2)
        weights = 1.0 - np.abs(old - centre)
    used = (weights > 0.0) & (old >= 0) & (old < points)
    rows = np.broadcast_to(new, old.shape)[used]
    return coo_array((weights[used].astype(np.float32), (rows, old[used])), shape=(len(new), points))


def noisy(topography: Topography, deviation_um: float, correlation_um: float, rng: np.random.Generator) -> Topography:
    """Add normal noise to every point that was measured.

    A Gaussian of deviation s makes white noise correlated as exp(-r^2 / 4 s^2), so s is half of the
    distance at which the correlation is to be 1/e; the noise is then brought back to its deviation.
    """
    noise: NDArray[np.float32] = rng.standard_normal(topography.heights_um.shape, np.float32)
    if correlation_um:
        # periodic, so that the noise is as strong at the edges as elsewhere
        noise = gaussian_filter(noise, [correlation_um / 2.0 / step for step in topography.spacing_um], mode="wrap")
        noise /= noise.std()
    return _with_heights(topography, topography.heights_um + np.float32(deviation_um) * noise)


def _from_sums(topography: Topography, total: Plane, share: Plane) -> Topography:
    """Weighted means, missing where less than half of the weight was measured."""
    return _with_heights(topography, np.where(share >= 0.5, ratio(total, share), np.float32(np.nan)))


def _with_heights(topography: Topography, heights_um: Plane) -> Topography:
    heights_um.flags.writeable = False
    return replace(topography, heights_um=heights_um)
