"""The likelihood ratio of a score, within the reference population that its calibration model was made from.

A node only reads and applies a model; ``matcher.calibrate`` makes one. See docs/likelihood-ratio.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from matcher.errors import MatcherError
from schemas.calibre import Calibre
from schemas.errors import ContractError, shown
from schemas.exhibit import Day, Sha256Hex, ShortText
from schemas.strict_json import check_json
from schemas.vocabulary import Modality, RegionOfInterest

FORMAT: Literal["ffp-calibration-1"] = "ffp-calibration-1"
"""Changes when a model file says something else; a node refuses formats that it does not know."""

_MAX_BYTES = 128 * 1024
"""A model with the most knots takes 30 kB."""
_MAX_KNOTS = 512

_STRICT = ConfigDict(extra="forbid", strict=True)
_NOT_SAID = {"unknown", "not_examined"}

Real = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Micrometres = Annotated[float, Field(gt=0.0, le=1000.0)]


class CalibrationRefused(MatcherError):
    """A calibration file or a set of scores that cannot be used: the message names what is wrong with it."""


@dataclass(frozen=True, config=_STRICT)
class ReferencePopulation:
    """The pairs that a model was made from; outside of what is said here it has nothing to say.

    ``lateral_resolution_um``: lowest and highest distance between points of the scans, both included; None where
    it is not known, and then no pair is inside. ``calibres``: likewise when empty. ``matcher_version``,
    ``parameters_digest``: those that the scores were made with.
    """

    name: ShortText
    description: ShortText
    region: RegionOfInterest
    modality: Modality
    calibres: Annotated[tuple[Calibre, ...], Field(max_length=len(Calibre))]
    lateral_resolution_um: tuple[Micrometres, Micrometres] | None
    n_firearms: Count
    n_scans: Count | None
    n_km: Count
    n_knm: Count
    matcher_version: ShortText
    parameters_digest: Sha256Hex
    made_on: Day

    def __post_init__(self) -> None:
        if self.region in _NOT_SAID or _NOT_SAID & set(self.calibres):
            raise ValueError("a reference population states its region, and calibres that are known")
        if self.lateral_resolution_um is not None and self.lateral_resolution_um[0] > self.lateral_resolution_um[1]:
            raise ValueError("the lateral resolution runs from the lowest to the highest value")


@dataclass(frozen=True, config=_STRICT)
class CalibrationModel:
    """A rising, piecewise linear map from score to log10 LR, between two bounds.

    ``scores``, ``log10_lrs``: its knots, up to 512; beyond the first and last it stays at their values.
    ``lower``, ``upper``: the log10 LRs that the number of independent firearms supports, at most 0 and at least 0;
    ``independent_km``, ``independent_knm``: as how many independent firearms and pairs of firearms it counts.
    ``cllr``, ``cllr_min``: cost of the bounded log LRs (doi:10.1016/j.csl.2005.08.001),
    bits, leaving one firearm out, and what of it no calibration could mend.
    Raises ``ValueError`` where these contradict each other.
    """

    scores: Annotated[tuple[Real, ...], Field(min_length=2, max_length=_MAX_KNOTS)]
    log10_lrs: Annotated[tuple[Real, ...], Field(min_length=2, max_length=_MAX_KNOTS)]
    lower: Annotated[float, Field(ge=-9.0, le=0.0)]
    upper: Annotated[float, Field(ge=0.0, le=9.0)]
    independent_km: Annotated[float, Field(ge=1.0, le=1e9)]
    independent_knm: Annotated[float, Field(ge=1.0, le=1e9)]
    cllr: Annotated[float, Field(ge=0.0, le=30.0)]
    cllr_min: Annotated[float, Field(ge=0.0, le=30.0)]
    calibrator: ShortText
    population: ReferencePopulation
    format: Literal["ffp-calibration-1"] = FORMAT

    def __post_init__(self) -> None:
        if len(self.scores) != len(self.log10_lrs):
            raise ValueError("each score knot needs one log10 LR")
        if any(after <= before for before, after in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("the score knots must rise")
        if any(after < before for before, after in zip(self.log10_lrs, self.log10_lrs[1:], strict=False)):
            raise ValueError("the log10 LR must not fall where the score rises")
        if not self.lower <= self.log10_lrs[0] < self.log10_lrs[-1] <= self.upper:
            raise ValueError("the log10 LR must rise, within its bounds")

    def log10_lr(self, score: float) -> float:
        """The bounded log10 LR of a finite score; whether the score may be judged here is not asked."""
        return float(np.interp(score, self.scores, self.log10_lrs))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content as JSON: sorted keys, no spaces, UTF-8. It detects damage; it signs nothing."""
        content = json.dumps(self._content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def to_json(self) -> str:
        """The model file."""
        return json.dumps({**self._content(), "digest": self.digest}, indent=1, ensure_ascii=False) + "\n"

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = _MODEL.dump_python(self, mode="json")
        return content


_MODEL = TypeAdapter(CalibrationModel)


@dataclass(frozen=True, config=_STRICT)
class Conditions:
    """How a pair was measured and scored; calibres and lateral resolutions (um) are those of its two scans."""

    region: RegionOfInterest
    modality: Modality
    calibres: tuple[Calibre, Calibre]
    lateral_resolutions_um: tuple[Micrometres, ...]
    matcher_version: str
    parameters_digest: str


@dataclass(frozen=True)
class LikelihoodRatio:
    """How many times more probable the score is if one firearm made both marks than if two did, as log10.

    ``capped``: at the bound of the model; the data do not support a value further from 0.
    ``verbal``: equivalent in words (ENFSI Guideline for Evaluative Reporting in Forensic Science, 2015).
    """

    log10_lr: float
    lower: float
    upper: float
    capped: Literal["lower", "upper"] | None
    verbal: str
    population: ReferencePopulation
    model_digest: str

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts."""
        plain: dict[str, Any] = TypeAdapter(LikelihoodRatio).dump_python(self, mode="json")
        return plain


@dataclass(frozen=True)
class NoValidatedLR:
    """The model says nothing about this pair; ``reason`` is a sentence for the examiner."""

    reason: str


def read_calibration(path: Path) -> CalibrationModel:
    """Read an untrusted model file.

    1. Take no more bytes than a model has.
    2. Refuse what is not strict JSON, every unknown field, and every value outside its bounds.
    3. Refuse a file whose digest is not that of its content.

    Raises ``CalibrationRefused``; OSError when the file cannot be opened, which is not the file's fault.
    """
    # 1.
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)

    # 2.
    try:
        check_json(data, max_bytes=_MAX_BYTES)
        content = json.loads(data)
        stated = content.pop("digest", None) if isinstance(content, dict) else None
        model = _MODEL.validate_json(json.dumps(content))
    except ContractError as error:
        raise CalibrationRefused(f"this is no calibration file: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(shown(str(part), 40) for part in first["loc"]) or "the whole"
        raise CalibrationRefused(f"the calibration file is refused, {where}: {first['msg']}") from error

    # 3.
    if stated != model.digest:
        raise CalibrationRefused("the calibration file was damaged or altered: its digest is not that of its content")
    return model


def likelihood_ratio(model: CalibrationModel, score: float, conditions: Conditions) -> LikelihoodRatio | NoValidatedLR:
    """What the score of a pair is worth, or why that is not known.

    Raises ``ValueError`` for a score that is not finite.
    """
    if not math.isfinite(score):
        raise ValueError(f"a score is a finite number, not {score}")
    reason = _outside(model.population, conditions)
    if reason is not None:
        return NoValidatedLR(reason)
    value = model.log10_lr(score)
    return LikelihoodRatio(
        log10_lr=value,
        lower=model.lower,
        upper=model.upper,
        capped="upper" if value >= model.upper else "lower" if value <= model.lower else None,
        verbal=verbal_equivalent(value),
        population=model.population,
        model_digest=model.digest,
    )


def _outside(population: ReferencePopulation, found: Conditions) -> str | None:
    """Why the pair does not belong to the population, in a sentence; None where it does."""
    if found.region != population.region:
        return f"The marks are of the region {found.region}; the model was made from {population.region}."
    if found.modality != population.modality:
        return f"The scans are of the modality {found.modality}; the model was made from {population.modality}."
    for calibre in found.calibres:
        if calibre in _NOT_SAID:
            return "The calibre of an exhibit is not known."
        if calibre not in population.calibres:
            known = ", ".join(population.calibres) or "no stated calibre"
            return f"The calibre {calibre} is not among those of the model: {known}."
    if population.lateral_resolution_um is None:
        return "The model does not say at which lateral resolution its scans were measured."
    low, high = population.lateral_resolution_um
    for resolution in found.lateral_resolutions_um:
        if not low <= resolution <= high:
            return f"A lateral resolution of {resolution:.4g} um is outside the model's {low:.4g} to {high:.4g} um."
    if found.matcher_version != population.matcher_version:
        version = shown(found.matcher_version, 40)
        return f"The score is of matcher version {version}; the model was made with {population.matcher_version}."
    if found.parameters_digest != population.parameters_digest:
        return "The score was made with other parameters than those of the model."
    return None


_SCALE = (
    (6.0, "extremely strong"),
    (4.0, "very strong"),
    (3.0, "strong"),
    (2.0, "moderately strong"),
    (1.0, "moderate"),
)
"""From which log10 LR on, in either direction."""


def verbal_equivalent(log10_lr: float) -> str:
    """The ENFSI scale in words: below 2 in either direction neither proposition is supported."""
    size = abs(log10_lr)
    if size < math.log10(2.0):
        return "the score supports neither one firearm nor two over the other"
    strength = next((words for least, words in _SCALE if size >= least), "weak")
    favoured, other = ("one firearm", "two") if log10_lr > 0.0 else ("two firearms", "one")
    return f"{strength} support for {favoured} rather than {other}"
