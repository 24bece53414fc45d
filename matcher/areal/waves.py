"""The correlation of two planes at all rotations and many shifts, from waves around rings of their Fourier planes.

A rotation turns the Fourier plane, a shift changes its phases only, and a shift's phases around a ring of wave number
k are a sum of Bessel functions (DLMF 10.12.1). With each plane's transform written as harmonics around such rings,

    A(k, phi) = sum over n of (-i)^n a_n(k) exp(i n phi),

plane a, turned by theta and shifted by tau in direction psi, correlates with plane b to

    sum over n, d of exp(i n theta) exp(i d psi) integral over k of J_d(k tau) conj(a_n(k)) b_{n + d}(k) k dk / 2 pi

(fast rotational matching: Kovacs and others, Acta Crystallographica D 59, 1371, 2003). Where the shift is short
beside the wave, the Bessel functions of all but a few differences d vanish, and so do all but a few harmonics of a ring
that is small: few products are left, and a plane needs one set of harmonics, whichever of a pair it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from matcher.mark.clean import COARSE_POINTS
from matcher.numeric.plane import Complex, Plane

_BEYOND = 3.5
"""A Bessel function has fallen to a few hundredths where its order passes its argument by so much."""
_NOTHING = 1e-7
"""Of a greatest value of 1, what single precision no longer sees is 0: numbers close to the smallest are slow."""
_BANDS = 3


@dataclass(frozen=True)
class Spectrum:
    """Which waves of a plane are looked at, in its grid points.

    Wave numbers (2 pi / wavelength) are the middles of steps of ``step`` from ``lowest`` to ``highest``; contents that
    lie less than 2 pi / ``step`` apart stay apart. The plane is read on circles ``circle_step`` apart up to ``radius``,
    in ``directions`` directions, which are the rotations of a correlation too.
    """

    lowest: float
    highest: float
    step: float
    circle_step: float
    radius: float
    directions: int

    @property
    def wave_numbers(self) -> NDArray[np.float64]:
        return np.arange(self.lowest, self.highest - self.step / 2, self.step) + self.step / 2

    @property
    def radii(self) -> NDArray[np.float64]:
        return np.arange(self.circle_step / 2, self.radius, self.circle_step)


@dataclass(frozen=True)
class ShiftRings:
    """Shifts on rings around none, six more on each ring than on the last. ``radii``: 0 and those of the rings."""

    radii: NDArray[np.float64]

    @classmethod
    def within(cls, reach: float, step: float) -> ShiftRings:
        """Rings about ``step`` apart, the last at ``reach``."""
        return cls(np.linspace(0.0, reach, round(reach / step) + 1))

    def directions(self, ring: int) -> NDArray[np.float64]:
        """Of the shifts of a ring: radians from +x towards +y. Every second ring begins between two of the last."""
        count = max(1, 6 * ring)
        return 2.0 * np.pi * (np.arange(count) + ring % 2 / 2) / count

    @property
    def shifts(self) -> NDArray[np.float64]:
        """(n, 2): (y, x) of all, ring by ring."""
        rings = [
            radius * np.stack([np.sin(psi), np.cos(psi)], axis=1)
            for radius, psi in ((radius, self.directions(ring)) for ring, radius in enumerate(self.radii))
        ]
        return np.concatenate(rings)


@dataclass(frozen=True)
class Band:
    """Neighbouring wave numbers, from ``first`` to ``end``, with as many ``harmonics`` as their highest needs.

    ``bessel``: (differences, shift rings, wave numbers), times what each wave number weighs in the integral; the
    differences run from -``difference`` to ``difference``.
    """

    first: int
    end: int
    harmonics: int
    difference: int
    bessel: Plane


class Waves:
    """All that correlations of one spectrum at one set of shifts share, whatever the planes.

    ``hankel``: (harmonics, wave numbers, circles), from the harmonics of circles to those of rings; ``bands``: the
    widest first; ``around``: for each ring of shifts but the middle, see ``_phases``.
    """

    def __init__(self, spectrum: Spectrum, shifts: ShiftRings, first_rotation_deg: float = 0.0) -> None:
        self.directions = spectrum.directions
        waves, radii = spectrum.wave_numbers, spectrum.radii
        limit = (self.directions - 1) // 2
        highest = np.minimum(np.ceil(waves * radii[-1] + _BEYOND), limit).astype(int).tolist()
        differences = np.ceil(waves * shifts.radii[-1] + _BEYOND).astype(int).tolist()
        self.harmonics_used, self.difference = highest[-1] + 1, differences[-1]

        angles = 2.0 * np.pi * np.arange(self.directions) / self.directions
        middle = (COARSE_POINTS - 1) / 2
        self._columns, self._rows = (
            (middle + radii[:, None] * wave(angles)).astype(np.float32) for wave in (np.cos, np.sin)
        )
        known = min(self.harmonics_used + self.difference, limit + 1)
        areas = 2.0 * np.pi * radii * spectrum.circle_step / self.directions
        self.hankel = np.ascontiguousarray(_bessel(known, waves[:, None] * radii) * areas, np.float32)

        # the transform back to rotations divides by their number
        weights = waves * spectrum.step / (2.0 * np.pi) * self.directions
        edges = np.linspace(0, len(waves), _BANDS + 1).round().astype(int).tolist()
        self.bands = [
            Band(
                first,
                end,
                highest[end - 1] + 1,
                differences[end - 1],
                _both_ways(_bessel(differences[end - 1] + 1, shifts.radii[:, None] * waves[first:end]))
                * weights[first:end].astype(np.float32),
            )
            for first, end in list(pairwise(edges))[::-1]
        ]
        self.shifts = len(shifts.shifts)
        self.around = [
            _phases(shifts.directions(ring), math.ceil(waves[-1] * radius + _BEYOND))
            for ring, radius in enumerate(shifts.radii[1:], 1)
        ]
        begin = np.deg2rad(first_rotation_deg) * np.arange(self.harmonics_used)
        self._begin = np.exp(1j * begin).astype(np.complex64)
        self.zero_wave = spectrum.step**2 / (48.0 * np.pi) if spectrum.lowest == 0.0 else 0.0
        """Times the sums of both planes: by so much steps from 0 on make the integral too high (Euler, Maclaurin)."""

    def harmonics(self, plane: Plane) -> Complex:
        """(wave numbers, harmonics) of a square plane beyond whose grid lies 0, from the lowest that a difference leads
        to up to the highest."""
        circles = cv2.remap(plane, self._columns, self._rows, cv2.INTER_LINEAR)
        packed = np.asarray(cv2.dft(circles, flags=cv2.DFT_ROWS), np.float32)
        # packed: the mean, then real and imaginary part of each harmonic
        mean, last = packed[:, :1], packed.shape[1] - 1
        paired = np.concatenate([mean, np.zeros_like(mean), packed[:, 1:last]], axis=1).view(np.complex64)
        of_circles = np.ascontiguousarray(paired[:, : len(self.hankel)].T)[..., None].view(np.float32)
        of_rings = np.matmul(self.hankel, of_circles).view(np.complex64)[..., 0].T
        below = self.difference
        found = np.zeros((len(of_rings), below + self.harmonics_used + below), np.complex64)
        found[:, below : below + len(self.hankel)] = of_rings
        # of a real plane: (-1)^n times the conjugate
        found[:, :below] = of_rings[:, below:0:-1].conj()
        found[:, below - 1 :: -2] *= -1
        return found

    def correlations(self, moving: Complex, fixed: Complex) -> Plane:
        """(shifts, rotations): the sum over p of moving[R^-1 (p - shift)] fixed[p], where R turns from +x towards +y.

        1. Integrate over wave numbers: for each difference, ring of shifts, and harmonic.
        2. Sum over differences, for the directions of each ring's shifts.
        3. Transform the harmonics back to rotations.
        """
        # 1.
        below = self.difference
        turned = moving[:, below : below + self.harmonics_used].conj() * self._begin
        sums, *narrower = (self._integrals(band, turned, fixed) for band in self.bands)
        for band, integrals in zip(self.bands[1:], narrower, strict=True):
            sums[below - band.difference : below + band.difference + 1, :, : band.harmonics] += integrals

        # 2.
        found = np.zeros((self.shifts, self.directions // 2 + 1), np.complex64)
        found[0, : self.harmonics_used] = sums[below, 0]
        start = 1
        for ring, phases in enumerate(self.around, 1):
            # opposite shifts differ in the sign of the odd differences alone
            even, odd = (phase @ sums[below - len(phase[0]) + 1 : below + len(phase[0]) : 2, ring] for phase in phases)
            middle, end = start + len(even), start + 2 * len(even)
            np.add(even, odd, out=found[start:middle, : self.harmonics_used])
            np.subtract(even, odd, out=found[middle:end, : self.harmonics_used])
            start = end

        # 3.
        packed = found.view(np.float32)
        packed[:, 1] = packed[:, 0]
        flags = cv2.DFT_ROWS | cv2.DFT_SCALE
        return np.asarray(cv2.idft(packed[:, 1 : 1 + self.directions], flags=flags), np.float32)

    def _integrals(self, band: Band, turned: Complex, fixed: Complex) -> Complex:
        """(differences, shift rings, harmonics): a band's share of the integrals."""
        shape, (row, harmonic) = (len(band.bessel), band.end - band.first, band.harmonics), fixed.strides
        start = band.first * row + (self.difference - band.difference) * harmonic
        # at each difference the same harmonics, one farther: a view, made without as_strided's overhead
        beside: Complex = np.ndarray(shape, np.complex64, fixed, start, (harmonic, row, harmonic))
        products = turned[band.first : band.end, : band.harmonics] * beside
        return np.asarray(np.matmul(band.bessel, products.view(np.float32)).view(np.complex64))


def _bessel(orders: int, arguments: NDArray[np.float64]) -> Plane:
    """(orders, *arguments): J_0, J_1, ..., which are the harmonics of a plane wave around a circle."""
    # orders that differ by the number of directions fall on one another: the higher one must have vanished
    directions = 2 ** math.ceil(math.log2(orders + float(arguments.max()) + 30.0))
    phases = arguments[..., None] * np.sin(2.0 * np.pi * np.arange(directions) / directions)
    harmonics = np.fft.fft(np.cos(phases) + 1j * np.sin(phases))[..., :orders].real / directions
    return np.moveaxis(np.where(np.abs(harmonics) < _NOTHING, 0.0, harmonics), -1, 0).astype(np.float32)


def _both_ways(bessel: Plane) -> Plane:
    """From orders 0, 1, ... n to -n ... n: J_-n is (-1)^n J_n."""
    sign = np.float32(-1.0) ** np.arange(len(bessel) - 1, 0, -1, dtype=np.float32)
    return np.concatenate([bessel[:0:-1] * sign[:, None, None], bessel])


def _phases(directions: NDArray[np.float64], difference: int) -> tuple[Complex, Complex]:
    """(shifts, differences) of the first half of a ring's shifts: of the even differences, and of the odd ones."""
    half = directions[: len(directions) // 2]
    last = difference // 2 * 2, (difference + 1) // 2 * 2 - 1
    even, odd = (np.exp(1j * np.outer(half, np.arange(-most, most + 1, 2))).astype(np.complex64) for most in last)
    return even, odd
