"""What a candidate's score is worth: a likelihood ratio by the node's calibration model, or why there is none.

Worked out when a candidate is read, not when it is stored: it costs nothing, a new model holds at once for every pair,
and what is shown always names the model that it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matcher
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.store.review.candidate_rows import StoredCandidate
from exchange.store.tables.record_tables import AcquisitionRow
from schemas.vocabulary import Modality, RegionOfInterest

if TYPE_CHECKING:
    from matcher.likelihood.calibration_file import CalibrationModels
    from matcher.likelihood.mark_limits import Extents, MarkExtent


@dataclass(frozen=True)
class ScoreRatio:
    """One of the two is there, the other None."""

    likelihood_ratio: dict[str, Any] | None = None
    no_validated_lr: str | None = None


def load_calibration(settings: Settings) -> CalibrationModels | None:
    """The models that the settings name. Raises ConfigurationError when it cannot be used."""
    if settings.calibration is None:
        return None
    from matcher.likelihood.calibration_file import read_calibration
    from matcher.likelihood.calibration_model import CalibrationRefused

    path = settings.home / settings.calibration
    try:
        return read_calibration(path)
    except CalibrationRefused as error:
        raise ConfigurationError(f"calibration: {path}: {error}.") from error
    except OSError as error:
        raise ConfigurationError(f"calibration: {path} cannot be read: {error.strerror}.") from error


def is_of_this_release(models: CalibrationModels) -> bool:
    """Whether they say anything of pairs that this release compares: they were made with the same matcher and
    parameters, and state whose marks they are about."""
    population = models.widest.population
    return (
        population.matcher_version == matcher.MATCHER_VERSION
        and population.parameters_digest == matcher.DEFAULT_PARAMETERS.digest
        and (population.region, population.modality) == (RegionOfInterest.BREECH_FACE, Modality.TOPOGRAPHY)
        and bool(population.calibres)
        and population.lateral_resolution_um is not None
        and population.limits is not None
    )


def own_matcher() -> str:
    """The version of the matcher with which this release compares."""
    return matcher.MATCHER_VERSION


def other_matcher(version: str | None) -> str | None:
    """What is to be said beside a score that another version of the matcher made, here before or at a peer; None beside
    any other."""
    if version is None or version == matcher.MATCHER_VERSION:
        return None
    return (
        f"This score was made by matcher version {version}; this node has version {matcher.MATCHER_VERSION}: scores of "
        "the two cannot be compared."
    )


def worth_of(models: CalibrationModels | None, found: StoredCandidate) -> ScoreRatio:
    """What the pair's score is worth, by models that may not be there."""
    scans = found.acquisition_a, found.acquisition_b
    if found.roi != RegionOfInterest.BREECH_FACE or any(scan.modality != Modality.TOPOGRAPHY for scan in scans):
        return ScoreRatio(no_validated_lr="Likelihood ratios are validated for topographies of breech faces only.")
    if any(scan.region_mended for scan in scans):
        return ScoreRatio(
            no_validated_lr="Likelihood ratios are validated for regions that the matcher finds itself only."
        )
    if models is None:
        return ScoreRatio(no_validated_lr="This node has no calibration model.")
    from matcher.likelihood.ratio import NoValidatedLR, PairConditions, likelihood_ratio

    spacings = [step for scan in scans for step in (scan.spacing_y_um, scan.spacing_x_um) if step is not None]
    judged = likelihood_ratio(
        models,
        found.row.score,
        PairConditions(
            region=found.roi,
            modality=Modality.TOPOGRAPHY,
            calibres=(found.record_a.calibre, found.record_b.calibre),
            lateral_resolutions_um=tuple(spacings),
            matcher_version=found.row.matcher_version,
            parameters_digest=found.row.parameters,
            marks=_marks_of(*scans),
        ),
    )
    if isinstance(judged, NoValidatedLR):
        return ScoreRatio(no_validated_lr=judged.reason)
    return ScoreRatio(likelihood_ratio=judged.as_dict())


def _marks_of(a: AcquisitionRow, b: AcquisitionRow) -> Extents | None:
    first, second = _extent(a), _extent(b)
    return None if first is None or second is None else (first, second)


def _extent(scan: AcquisitionRow) -> MarkExtent | None:
    area, sides, directed = scan.mark_mm2, scan.mark_one_sidedness, scan.mark_directedness
    return None if area is None or sides is None or directed is None else matcher.MarkExtent(area, sides, directed)
