"""A calibration model with its reference population, and the strictly checked file that holds it.

``matcher.likelihood.calibrate`` makes one, ``matcher.likelihood.ratio`` applies it. See docs/likelihood-ratio.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher.errors import MatcherError

MODEL_FORMAT = "ffp-calibration-1"
"""Changes when a model file says something else; a node refuses formats that it does not know."""

_MAX_BYTES = 128 * 1024
"""A model with the most knots takes 30 kB."""
_MAX_KNOTS = 512
_MAX_LINE = 120
_MAX_COUNT = 1_000_000_000

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
    ``matcher_version``, ``parameters_digest``: those that the scores were made with. ``made_on``: YYYY-MM-DD.
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

    def __post_init__(self) -> None:
        for name in ("name", "description", "region", "modality", "matcher_version", "made_on"):
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
    format: str = MODEL_FORMAT

    def __post_init__(self) -> None:
        if self.format != MODEL_FORMAT:
            raise ValueError(f"the format must be {MODEL_FORMAT}")
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

    def log10_lr(self, score: float) -> float:
        """The bounded log10 LR of a finite score; whether the score may be judged here is not asked."""
        return float(np.interp(score, self.scores, self.log10_lrs))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content as JSON: sorted keys, no spaces, UTF-8. It detects damage; it signs nothing."""
        content = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def to_json(self) -> str:
        """The model file."""
        return json.dumps({**asdict(self), "digest": self.digest}, indent=1, ensure_ascii=False) + "\n"


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


def _check_tuple(name: str, value: object, lengths: Collection[int]) -> None:
    if not isinstance(value, tuple) or len(value) not in lengths:
        raise ValueError(f"{name} must be a list of {min(lengths)} to {max(lengths)} values")


def read_calibration(path: Path) -> CalibrationModel:
    """Read an untrusted model file.

    1. Take no more bytes than a model has.
    2. Refuse what is not JSON, and what a lenient reader would mend: a key named twice, NaN.
    3. Refuse every field that is missing, unknown, or not what its class says.
    4. Refuse a file whose digest is not that of its content.

    Raises ``CalibrationRefused``; OSError when the file cannot be opened, which is not the file's fault.
    """
    # 1.
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise CalibrationRefused(f"this is no calibration file: it has more than {_MAX_BYTES} bytes")

    # 2.
    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CalibrationRefused("this is no calibration file: it is not JSON in UTF-8, each key once") from error

    # 3.
    try:
        stated = _fields_of(CalibrationModel, content, "digest").pop("digest")
        population = _fields_of(ReferencePopulation, content["population"])
        model = CalibrationModel(
            **{
                **{name: _frozen(value) for name, value in content.items() if name != "digest"},
                "population": ReferencePopulation(**{name: _frozen(value) for name, value in population.items()}),
            }
        )
    except ValueError as error:
        raise CalibrationRefused(f"the calibration file is refused: {error}") from error

    # 4.
    if stated != model.digest:
        raise CalibrationRefused("the calibration file was damaged or altered: its digest is not that of its content")
    return model


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _fields_of(kind: type, content: object, *also: str) -> dict[str, Any]:
    """A copy of the object, which has exactly the fields of the class, and those named."""
    names = [field.name for field in fields(kind)] + list(also)
    if not isinstance(content, dict):
        raise ValueError(f"it must be an object with {', '.join(names)}")  # noqa: TRY004 - the file's fault, not a caller's
    if missing := [name for name in names if name not in content]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if len(content) != len(names):
        raise ValueError("it has fields that are not known")
    return dict(content)


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value
