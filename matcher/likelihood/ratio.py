"""The likelihood ratio of a score, within the reference population that its calibration model was made from.

This is all that a node needs of calibration, besides reading the model. See docs/likelihood-ratio.md.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import NOT_SAID, ReferencePopulation
from matcher.likelihood.mark_limits import Extents


@dataclass(frozen=True)
class PairConditions:
    """How a pair was measured and scored; calibres and lateral resolutions (um) are those of its two scans. ``marks``:
    what they show, None where it is not known."""

    region: str
    modality: str
    calibres: tuple[str, str]
    lateral_resolutions_um: tuple[float, ...]
    matcher_version: str
    parameters_digest: str
    marks: Extents | None


@dataclass(frozen=True)
class LikelihoodRatio:
    """How many times more probable the score is if one firearm made both marks than if two did, as log10.

    ``capped``: at the bound of the model; the data do not support a value further from 0. A bound of 0, as that of a
    model of parts, caps nothing: it says that the score is worth nothing.
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
        """Plain numbers, strings, tuples and dicts."""
        return asdict(self)


@dataclass(frozen=True)
class NoValidatedLR:
    """No model says anything about this pair; ``reason`` is a sentence for the examiner."""

    reason: str


def likelihood_ratio(
    models: CalibrationModels, score: float, conditions: PairConditions
) -> LikelihoodRatio | NoValidatedLR:
    """What the score of a pair is worth, by the first model that the pair is inside of; or why that is not known, which
    the widest model says.

    Raises ``ValueError`` for a score that is not finite.
    """
    if not math.isfinite(score):
        raise ValueError(f"a score is a finite number, not {score}")
    reason = ""
    for model in models.models:
        found = _outside(model.population, conditions)
        if found is not None:
            reason = found
            continue
        value = model.log10_lr(score)
        return LikelihoodRatio(
            log10_lr=value,
            lower=model.lower,
            upper=model.upper,
            capped="upper" if value >= model.upper > 0.0 else "lower" if value <= model.lower < 0.0 else None,
            verbal=verbal_equivalent(value),
            population=model.population,
            model_digest=models.digest,
        )
    return NoValidatedLR(reason)


def _outside(population: ReferencePopulation, found: PairConditions) -> str | None:
    """Why the pair does not belong to the population, in a sentence; None where it does."""
    if found.region != population.region:
        return f"The marks are of the region {found.region}; the model was made from {population.region}."
    if found.modality != population.modality:
        return f"The scans are of the modality {found.modality}; the model was made from {population.modality}."
    for calibre in found.calibres:
        if calibre in NOT_SAID:
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
        return (
            f"The score is of matcher version {found.matcher_version}; "
            f"the model was made with {population.matcher_version}."
        )
    if found.parameters_digest != population.parameters_digest:
        return "The score was made with other parameters than those of the model."
    if population.limits is None:
        return "The model does not say how much the marks show that it was made from: make it anew."
    if found.marks is None:
        return "How much the marks show is not known: the scans wait to be correlated anew."
    return population.limits.passed_by(found.marks)


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
