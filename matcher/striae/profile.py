"""The profile across striae: made once from a scan, compared many times, and its compact bytes for a node's cache."""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanNotUsable, ScanRefused
from matcher.mark.striation import Strip, find_strip
from matcher.numeric.profile_parameters import APERTURE_SHEAR_PARAMETERS, ProfileParameters
from matcher.read.topography import Topography

_MAGIC = b"FFPprof1"
_HEADER = struct.Struct("<8s32s5d32sI")
"""Magic, parameters digest, centre (y, x), direction, striation, striae's length, content digest, points."""
_MAX_POINTS = 4_000
"""10 mm: no aperture is wider, and nothing longer was written here."""
_SEEN_LINES = 4.0
_OUTLIER_DEVIATIONS = 4.685
_ROBUST_STEPS = 3

ProfileLine = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """A prepared profile across striae.

    ``heights``: int8 (n,), band-passed heights in robust deviations, times 127 / ``clip_deviations``; ``weights``:
    uint8 (n,), 255 = fully measured; ``centre_um``: (y, x) of its middle, from the scan's first point;
    ``direction_deg``: from its first to its last point, positive from +x towards +y, 0 to 180: a profile may be read
    from either end, and both are compared. ``striation``: share of the surface's variance that the profile
    explains, 0 to 1; ``stria_um``: the mean length over which its striae were seen;
    ``parameters_digest``: two of them compare only with the same. Arrays are read-only.
    """

    heights: NDArray[np.int8]
    weights: NDArray[np.uint8]
    centre_um: tuple[float, float]
    direction_deg: float
    striation: float
    stria_um: float
    parameters_digest: str

    def __post_init__(self) -> None:
        self.heights.flags.writeable = False
        self.weights.flags.writeable = False

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the content: names the profile, and settles which of two is moved onto the other."""
        content = hashlib.sha256(bytes.fromhex(self.parameters_digest))
        content.update(struct.pack("<5d", *self.centre_um, self.direction_deg, self.striation, self.stria_um))
        content.update(self.heights.tobytes() + self.weights.tobytes())
        return content.digest()

    def to_bytes(self) -> bytes:
        """Header, heights, weights."""
        header = _HEADER.pack(
            _MAGIC,
            bytes.fromhex(self.parameters_digest),
            *self.centre_um,
            self.direction_deg,
            self.striation,
            self.stria_um,
            self.digest,
            len(self.heights),
        )
        return header + self.heights.tobytes() + self.weights.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """Read what ``to_bytes`` wrote; scores made from it are the same to the last bit.

        Raises ``ScanRefused`` for anything else: prepare the scan again.
        """
        if not _HEADER.size <= len(data) <= _HEADER.size + 2 * _MAX_POINTS or not data.startswith(_MAGIC):
            raise _damaged("is not a prepared profile of this version")
        _, parameters_digest, y, x, direction, striation, stria, digest, points = _HEADER.unpack_from(data)
        if not points or len(data) != _HEADER.size + 2 * points:
            raise _damaged("does not have the length that its header names")
        heights = np.frombuffer(data, np.int8, points, _HEADER.size)
        weights = np.frombuffer(data, np.uint8, points, _HEADER.size + points)
        profile = cls(heights, weights, (y, x), direction, striation, stria, parameters_digest.hex())
        if profile.digest != digest:
            raise _damaged("does not agree with its own digest")
        return profile


def prepare_profile(topography: Topography, parameters: ProfileParameters = APERTURE_SHEAR_PARAMETERS) -> Profile:
    """Make the profile of a scan of a striated region (``find_strip``, then ``profile_of``).

    Raises ``ScanNotUsable`` with a sentence for the examiner where nothing can be compared.
    """
    return profile_of(find_strip(topography, parameters), parameters)


def profile_of(strip: Strip, parameters: ProfileParameters) -> Profile:
    """Make the profile of a strip.

    1. Average along the striae, robustly; drop points where too little of a stria was seen.
    2. Band-pass by the Gaussian profile filter of ISO 16610-21, where measured.
    3. Judge it: long enough, and enough of the surface explained.
    4. Scale by median and MAD, clip, cut to what was measured, and store as bytes.

    Raises ``ScanNotUsable`` as ``prepare_profile`` does.
    """
    # 1.
    mean, seen = _mean_profile(strip)
    solid = seen * strip.spacing_um >= parameters.min_stria_um
    weights = np.where(solid, np.minimum(1.0, seen * strip.spacing_um / (_SEEN_LINES * parameters.min_stria_um)), 0.0)

    # 2.
    short, long = (cutoff / strip.spacing_um for cutoff in parameters.band_um)
    smooth, share = _gaussian(mean, weights, short)
    waves, _ = _gaussian(smooth, share, long)
    band = smooth - waves

    # 3.
    striation = _explained(strip, band, solid) if solid.any() else 0.0
    _require(float(solid.sum()) * strip.spacing_um, striation, parameters)

    # 4.
    first, last = (int(place) for place in np.flatnonzero(solid)[[0, -1]])
    measured = np.rint(np.where(solid, np.minimum(share, 1.0), 0.0) * 255.0).astype(np.uint8)
    along = ((first + last) / 2 - (len(solid) - 1) / 2) * strip.spacing_um
    turn = math.radians(strip.direction_deg)
    return Profile(
        heights=_quantised(band, measured, parameters)[first : last + 1].copy(),
        weights=measured[first : last + 1].copy(),
        centre_um=(strip.centre_um[0] + along * math.sin(turn), strip.centre_um[1] + along * math.cos(turn)),
        direction_deg=strip.direction_deg,
        striation=striation,
        stria_um=float(seen[solid].mean()) * strip.spacing_um,
        parameters_digest=parameters.digest,
    )


def _mean_profile(strip: Strip) -> tuple[ProfileLine, ProfileLine]:
    """(n,), (n,): Tukey's robust mean along the striae, and how many points of each stria were seen."""
    weights, heights = strip.weights.astype(np.float64), strip.heights.astype(np.float64)
    used = weights
    mean = np.zeros(heights.shape[1])
    for _ in range(_ROBUST_STEPS):
        mean = np.divide((used * heights).sum(axis=0), used.sum(axis=0), out=mean, where=used.sum(axis=0) > 0)
        residual = heights - mean
        scale = 1.4826 * float(np.median(np.abs(residual[weights > 0]))) + 1e-9
        used = weights * np.clip(1.0 - (residual / (_OUTLIER_DEVIATIONS * scale)) ** 2, 0.0, None) ** 2
    return mean, weights.sum(axis=0)


def _gaussian(values: ProfileLine, weights: ProfileLine, cutoff_points: float) -> tuple[ProfileLine, ProfileLine]:
    """ISO 16610-21's weighting function, normalised over what was measured: values and share of weight."""
    alpha = np.sqrt(np.log(2.0) / np.pi)
    reach = int(np.ceil(cutoff_points))
    place = np.arange(-reach, reach + 1) / (alpha * cutoff_points)
    kernel = np.exp(-np.pi * place**2)
    kernel /= kernel.sum()
    share = np.convolve(weights, kernel)[reach : reach + len(weights)]
    total = np.convolve(values * weights, kernel)[reach : reach + len(values)]
    return np.divide(total, share, out=np.zeros_like(total), where=share > 1e-6), share


def _explained(strip: Strip, band: ProfileLine, solid: NDArray[np.bool_]) -> float:
    """The share of the strip's variance that a profile explains: 1 - residual / whole."""
    weights = strip.weights[:, solid].astype(np.float64)
    heights = strip.heights[:, solid].astype(np.float64)
    residual = heights - band[solid]
    limit = 9.0 * float(np.median(residual[weights > 0] ** 2) + 1e-18)
    near = weights * (residual**2 <= limit)
    whole = float((near * (residual**2)).sum() + (near * band[solid] ** 2).sum())
    return float((near * band[solid] ** 2).sum()) / whole if whole > 0.0 else 0.0


def _require(length_um: float, striation: float, parameters: ProfileParameters) -> None:
    if length_um < parameters.min_length_um:
        raise ScanNotUsable(
            f"not usable: striae were found over {length_um:.0f} um only, and at least "
            f"{parameters.min_length_um:.0f} um across them are needed to compare; scan the whole aperture shear"
        )
    if striation < parameters.min_striation:
        raise ScanNotUsable(
            f"not usable: the mean profile explains {striation:.0%} of the surface, and at least "
            f"{parameters.min_striation:.0%} are needed; crop the scan to the aperture shear and check its focus"
        )


def _quantised(band: ProfileLine, measured: NDArray[np.uint8], parameters: ProfileParameters) -> NDArray[np.int8]:
    inside = band[measured > 0]
    middle = float(np.median(inside))
    deviation = 1.4826 * float(np.median(np.abs(inside - middle)))
    if deviation < 1e-4:
        raise ScanNotUsable(
            "not usable: the profile is smooth to a tenth of a nanometre within the band of striae; "
            "check that heights, not a mask or a plane, were exported"
        )
    scaled = np.clip((band - middle) / deviation, -parameters.clip_deviations, parameters.clip_deviations)
    heights = np.rint(scaled * (127.0 / parameters.clip_deviations)).astype(np.int8)
    heights[measured == 0] = 0
    return heights


def _damaged(what: str) -> ScanRefused:
    return ScanRefused("prepared-scan-damaged", f"The stored prepared profile {what}: prepare it again from its file.")
