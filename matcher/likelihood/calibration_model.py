"""A calibration model with its reference population: what a score is worth, and of which pairs that may be said.

``matcher.likelihood.calibrate`` makes one, ``matcher.likelihood.calibration_file`` keeps it,
``matcher.likelihood.ratio`` applies it. See docs/likelihood-ratio.md.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np

from matcher.errors import MatcherError
from matcher.likelihood.mark_limits import MarkLimits

WHOLE_MARKS, PART_WITH_WHOLE, PARTS_OF_MARKS = "whole marks", "a part with a whole mark", "parts"
"""What the pairs of a model show."""
ANY_MARKS = "any marks"
"""Of scores whose scans are not known."""

_MAX_KNOTS = 512
_MAX_LINE = 120
_MAX_COUNT = 1_000_000_000
_ROUNDED = 1e-6
"""In log10: what a program that rounds its numbers may be off."""

NOT_SAID = {"unknown", "not_examined"}
"""What an exhibit's record says of a region or a calibre that nobody could tell."""


class CalibrationRefused(MatcherError):
    """A calibration file or a set of scores that cannot be used: the message names what is wrong with it."""


@dataclass(frozen=True)
class ReferencePopulation:
    """The pairs that a model was made from; outside of what is said here it has nothing to say.

    ``region``, ``modality``, ``calibres``: in the words of the contract's vocabularies; without calibres no pair
    is inside. ``lateral_resolution_um``: lowest and highest distance between points of the scans, both included;
    None where it is not known, and then no pair is inside. ``n_scans`` may be None likewise.
    ``marks``: what the pairs show, in words; ``limits``: what their marks show at the least, None where it is not
    known, and then no pair is inside. ``matcher_version``, ``parameters_digest``: those that the scores were made
    with. ``made_on``: YYYY-MM-DD.
    Raises ``ValueError`` where a field is not what is said here.
    """

    name: str
    description: str
    region: str
    modality: str
    calibres: tuple[str, ...]
    lateral_resolution_um: tuple[float, float] | None
    n_firearms: int
    n_scans: int | None
    n_km: int
    n_knm: int
    matcher_version: str
    parameters_digest: str
    made_on: str
    marks: str = ANY_MARKS
    limits: MarkLimits | None = None

    def __post_init__(self) -> None:
        for name in ("name", "description", "region", "modality", "matcher_version", "made_on", "marks"):
            _check_line(name, getattr(self, name))
        _check_tuple("calibres", self.calibres, range(17))
        for calibre in self.calibres:
            _check_line("calibres", calibre)
        if self.region in NOT_SAID or NOT_SAID & set(self.calibres):
            raise ValueError("a reference population states its region, and calibres that are known")
        if self.lateral_resolution_um is not None:
            _check_tuple("lateral_resolution_um", self.lateral_resolution_um, (2,))
            for value in self.lateral_resolution_um:
                _check_real("lateral_resolution_um", value, 0.001, 1000.0)
            if self.lateral_resolution_um[0] > self.lateral_resolution_um[1]:
                raise ValueError("lateral_resolution_um runs from the lowest to the highest value")
        for name in ("n_firearms", "n_scans", "n_km", "n_knm"):
            value = getattr(self, name)
            if not (name == "n_scans" and value is None) and not (type(value) is int and 0 < value <= _MAX_COUNT):
                raise ValueError(f"{name} must be a count of at least 1")
        _check_line("parameters_digest", self.parameters_digest)
        if len(self.parameters_digest) != 64 or set(self.parameters_digest) - set("0123456789abcdef"):
            raise ValueError("parameters_digest must be 64 digits of lower-case hex")
        if date.fromisoformat(self.made_on).isoformat() != self.made_on:
            raise ValueError("made_on is written YYYY-MM-DD")
        if self.limits is not None:
            _check_limits(self.limits)


@dataclass(frozen=True)
class CalibrationModel:
    """A rising, piecewise linear map from score to log10 LR, between two bounds.

    ``scores``, ``log10_lrs``: its knots, 2 to 512; beyond the first and last it stays at their values.
    ``lower``, ``upper``: the log10 LRs that the number of independent firearms supports, at most 0 and at least 0;
    ``independent_km``, ``independent_knm``: as how many independent firearms and pairs of firearms it counts.
    ``cllr``, ``cllr_min``: cost of the bounded log LRs (doi:10.1016/j.csl.2005.08.001),
    bits, leaving one firearm out, and what of it no calibration could mend.
    Raises ``ValueError`` where a field is not what is said here, or two contradict each other.
    """

    scores: tuple[float, ...]
    log10_lrs: tuple[float, ...]
    lower: float
    upper: float
    independent_km: float
    independent_knm: float
    cllr: float
    cllr_min: float
    calibrator: str
    population: ReferencePopulation

    def __post_init__(self) -> None:
        _check_line("calibrator", self.calibrator)
        for name, low, high in (
            ("lower", -9.0, 0.0),
            ("upper", 0.0, 9.0),
            ("independent_km", 1.0, 1e9),
            ("independent_knm", 1.0, 1e9),
            ("cllr", 0.0, 30.0),
            ("cllr_min", 0.0, 30.0),
        ):
            _check_real(name, getattr(self, name), low, high)
        for name in ("scores", "log10_lrs"):
            _check_tuple(name, getattr(self, name), range(2, _MAX_KNOTS + 1))
            for value in getattr(self, name):
                _check_real(name, value, -1e9, 1e9)
        if len(self.scores) != len(self.log10_lrs):
            raise ValueError("each knot of scores needs one of log10_lrs")
        if any(after <= before for before, after in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("scores must rise from knot to knot")
        if any(after < before for before, after in zip(self.log10_lrs, self.log10_lrs[1:], strict=False)):
            raise ValueError("log10_lrs must not fall where the score rises")
        if not self.lower <= self.log10_lrs[0] < self.log10_lrs[-1] <= self.upper:
            raise ValueError("log10_lrs must rise, within lower and upper")
        firearms = self.population.n_firearms
        if self.independent_km > firearms or self.independent_knm > firearms * (firearms - 1) / 2.0:
            raise ValueError("there are no more independent firearms, nor pairs of them, than n_firearms has")
        low, high = (math.log10(1.0 + units) + _ROUNDED for units in (self.independent_km, self.independent_knm))
        if self.lower < -low or self.upper > high:
            raise ValueError("lower and upper are no further from 0 than independent_km and independent_knm support")

    def log10_lr(self, score: float) -> float:
        """The bounded log10 LR of a finite score; whether the score may be judged here is not asked."""
        return float(np.interp(score, self.scores, self.log10_lrs))


def _check_line(name: str, value: object) -> None:
    """One line without control or format characters: these can hide or reorder what a person reads."""
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _MAX_LINE
        or not value.isprintable()
        or value != value.strip()
    ):
        raise ValueError(f"{name} must be one line of 1 to {_MAX_LINE} printable characters, without space at its ends")


def _check_real(name: str, value: object, low: float, high: float) -> None:
    if not isinstance(value, float) or not low <= value <= high:  # NaN lies nowhere
        raise ValueError(f"{name} must be a real number within {low:g} to {high:g}")


def _check_limits(limits: MarkLimits) -> None:
    _check_real("smaller_mm2", limits.smaller_mm2, 0.0, 1000.0)
    _check_real("share", limits.share, 0.0, 1.0)
    _check_real("directedness", limits.directedness, 0.0, 1000.0)
    if limits.one_sidedness is not None:
        _check_tuple("one_sidedness", limits.one_sidedness, (2,))
        for value in limits.one_sidedness:
            _check_real("one_sidedness", value, 0.0, 1000.0)


def _check_tuple(name: str, value: object, lengths: Collection[int]) -> None:
    if not isinstance(value, tuple) or len(value) not in lengths:
        raise ValueError(f"{name} must be a list of {min(lengths)} to {max(lengths)} values")
