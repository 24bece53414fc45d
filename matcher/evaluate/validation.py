"""Validation: the matcher in a row of conditions, each with its goal, on scans of known firearm."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluated_pairs import Progress
from matcher.evaluate.evaluation_figures import Evaluation
from matcher.evaluate.reference_models import make_models
from matcher.evaluate.run_evaluation import EvaluationError, evaluate, read_truth
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import CalibrationRefused
from matcher.likelihood.scored_pairs import DataDescription
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION

_SEEDS = range(1, 6)
_SOFTWARE = ("ffp-exchange", "numpy", "scipy", "opencv-python-headless", "pillow", "lir")


@dataclass(frozen=True)
class Goal:
    """What a condition is to reach; None where nothing is asked.

    AUC and rank-1 are judged with refused pairs counted as score 0. ``separate``: no overlaps, and a mAP of 1.
    """

    auc: float
    rank1: float | None = None
    separate: bool = False
    variance_ratio: float | None = None
    gap_in_knm_deviations: float | None = None
    cllr: float | None = None

    def missed(self, found: Evaluation) -> tuple[str, ...]:
        """The names of the figures that fall short."""
        short = {
            "AUC": min(found.auc, found.auc_with_refused) < self.auc,
            "rank-1": self.rank1 is not None and min(found.rank1, found.rank1_with_refused) < self.rank1,
            "overlaps": self.separate and found.overlaps > 0,
            "mAP": self.separate and found.map < 1.0,
            "variance ratio": self.variance_ratio is not None and found.variance_ratio < self.variance_ratio,
            "gap": self.gap_in_knm_deviations is not None and found.gap_in_knm_deviations < self.gap_in_knm_deviations,
            "Cllr": self.cllr is not None and (found.cllr is None or found.cllr > self.cllr),
        }
        return tuple(name for name, falls_short in short.items() if falls_short)


@dataclass(frozen=True)
class Trial:
    """A condition in words, what it makes of the scans, and its goal."""

    name: str
    conditions: Conditions
    goal: Goal
    with_controls: bool = False


_TURNED = Conditions(rotate=1)
_APART = Goal(1.0, 1.0, separate=True, variance_ratio=125.0, gap_in_knm_deviations=10.0)
_NEARLY = Goal(0.9995, 1.0)

TRIALS = (
    Trial("as they are", Conditions(), replace(_APART, cllr=0.1), with_controls=True),
    *(Trial(f"turned at random, seed {seed}", Conditions(rotate=seed), _APART) for seed in _SEEDS),
    Trial("half of the mark, with whole marks", replace(_TURNED, crop=0.5, against="full"), _NEARLY),
    Trial("white noise, 1 SD", replace(_TURNED, noise=1.0), _NEARLY),
    Trial("noise correlated over 60 um, 2 SD", replace(_TURNED, noise=2.0, noise_correlation_um=60.0), Goal(0.96)),
    Trial("points 3.125 um apart", replace(_TURNED, resample_um=(3.125,)), _NEARLY),
    Trial("points 12.5 um apart", replace(_TURNED, resample_um=(12.5,)), _NEARLY),
    Trial("3.125, 6.25 and 12.5 um mixed", replace(_TURNED, resample_um=(3.125, 6.25, 12.5)), _NEARLY),
    Trial("drawn under ring light", replace(_TURNED, render="ring"), _NEARLY),
    Trial("drawn under side light, one direction", replace(_TURNED, render="side-same"), _NEARLY),
    Trial("drawn under side light, any direction", replace(_TURNED, render="side"), Goal(0.999)),
    Trial("side light, with topographies", replace(_TURNED, render="side", against="topography"), Goal(0.999)),
    Trial("centres up to 300 um off", replace(_TURNED, shift_um=300.0), _NEARLY),
    Trial("a fifth of the mark cut off one side", replace(_TURNED, cut_side=0.2), _NEARLY),
    Trial(
        "half of the mark, with whole marks, centres up to 150 um off",
        replace(_TURNED, crop=0.5, shift_um=150.0, against="full"),
        _NEARLY,
    ),
    Trial(
        "a quarter of the mark, with whole marks, centres up to 150 um off",
        replace(_TURNED, crop=0.25, shift_um=150.0, against="full"),
        Goal(0.98),
    ),
    Trial("a quarter of the mark, with whole marks", replace(_TURNED, crop=0.25, against="full"), Goal(0.98)),
    Trial("half of the mark, with another half", replace(_TURNED, crop=0.5), Goal(0.90)),
)
"""The first are harder than they look: one pair out of place misses them. The last holds pairs that share nothing."""


@dataclass(frozen=True)
class DataSet:
    """The scans, so that somebody else can tell whether theirs are the same.

    ``digests``: SHA-256 (hex) of each file, in the truth's order; ``truth_digest``: that of the truth.
    ``scans_per_firearm``: fewest and most.
    """

    source: str
    licence: str
    folder: str
    truth: str
    firearms: dict[str, str]
    digests: dict[str, str]
    truth_digest: str
    scans_per_firearm: tuple[int, int]

    @property
    def n_firearms(self) -> int:
        return len(set(self.firearms.values()))


@dataclass(frozen=True)
class Validation:
    """Every trial with what it gave, the data, and the software it ran on. ``models``: the calibration models that the
    scans support, None where they support none or lir is not installed."""

    data: DataSet
    results: tuple[tuple[Trial, Evaluation], ...]
    models: CalibrationModels | None
    software: dict[str, str]
    made_on: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the scores of single pairs are left out (``ffp evaluate --json`` writes them)."""
        return {
            "made_on": self.made_on,
            "data": {**asdict(self.data), "n_firearms": self.data.n_firearms},
            "software": self.software,
            "trials": [
                {
                    "name": trial.name,
                    "goal": asdict(trial.goal),
                    "missed": trial.goal.missed(found),
                    **{key: value for key, value in found.as_dict().items() if key not in {"pairs", "firearms"}},
                }
                for trial, found in self.results
            ],
        }


def check_sets(folders: Sequence[Path]) -> None:
    """Before anything is compared: each folder has its truth, and no scan stands in two of them, since each set judges
    the others. Raises ``EvaluationError``."""
    seen: dict[str, Path] = {}
    for folder in folders:
        described = _describe(folder, folder / "truth.csv", "", "")
        for scan, digest in described.digests.items():
            if digest in seen:
                raise EvaluationError(
                    f"{folder / scan}.x3p is the same file as {seen[digest]}: sets that judge each other share no scan"
                )
        seen |= {digest: folder / f"{scan}.x3p" for scan, digest in described.digests.items()}


def validate_matcher(
    folder: Path,
    truth: Path,
    *,
    source: str,
    licence: str,
    made_on: str,
    trials: Sequence[Trial] = TRIALS,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Validation:
    """Run every trial, one after the other.

    1. Describe the data: firearms, and the digest of each file.
    2. Evaluate in each condition.
    3. Make calibration models.
    4. Note the software.

    ``source``, ``licence``: of the data, in words; ``made_on``: the day. Raises what ``evaluate`` raises.
    """
    # 1.
    data = _describe(folder, truth, source, licence)

    # 2.
    results = []
    for trial in trials:

        def show(stage: str, done: int, total: int, name: str = trial.name) -> None:
            if stage != "cleaning":
                progress(name if stage == "comparing" else f"{name}: {stage}", done, total)

        found = evaluate(folder, truth, trial.conditions, with_controls=trial.with_controls, progress=show)
        results.append((trial, found))

    # 3.
    models = _models_of(folder, truth, made_on, progress)

    # 4.
    return Validation(data, tuple(results), models, _software(), made_on)


def _models_of(folder: Path, truth: Path, made_on: str, progress: Progress) -> CalibrationModels | None:
    if find_spec("lir") is None:
        return None
    try:
        data = DataDescription(
            name=folder.resolve().name,
            description="made for its own validation",
            region="breech_face",
            calibres=("as the data set says",),
            n_scans=None,
            matcher_version=MATCHER_VERSION,
            parameters_digest=DEFAULT_PARAMETERS.digest,
            made_on=made_on,
        )
        return make_models(folder, truth, data, progress=progress).models
    except CalibrationRefused:
        return None


def _describe(folder: Path, truth: Path, source: str, licence: str) -> DataSet:
    firearms = read_truth(truth)
    counts = Counter(firearms.values()).values()
    # a scan that cannot be opened is named with its remedy when it is evaluated
    paths = {name: folder / f"{name}.x3p" for name in firearms}
    return DataSet(
        source=source,
        licence=licence,
        folder=folder.resolve().name,
        truth=truth.name,
        firearms=firearms,
        digests={name: _digest(path) for name, path in paths.items() if path.is_file()},
        truth_digest=_digest(truth),
        scans_per_firearm=(min(counts), max(counts)),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _software() -> dict[str, str]:
    found = {"Python": platform.python_version(), "machine": platform.machine()}
    for name in _SOFTWARE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
