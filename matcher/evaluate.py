"""Evaluation on scans of known firearm: every pair in full, figures by definition, CPU seconds a stage, controls."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from matcher import figures
from matcher.calibrate import ScoredPairs, Validation, validate
from matcher.calibration_model import CalibrationRefused
from matcher.clean import CleanScan, clean
from matcher.conditions import rotated
from matcher.controls import mask_only, random_texture
from matcher.errors import MatcherError
from matcher.pairs import PairScore, Progress, Stopwatch, better_of, score_across, score_pairs
from matcher.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, RELIEF_PARAMETERS, Parameters
from matcher.prepared import Prepared, pack
from matcher.prepared_photograph import clean_photograph, inverted
from matcher.render import RenderName, photographed
from matcher.x3p import read_topography

_BIN = 0.05


class EvaluationError(MatcherError):
    """The truth, or a scan that it names, cannot be used: mend the file that the message names."""


@dataclass(frozen=True)
class _Condition:
    """What was made of the scans before they were compared."""

    rotate: int | None
    render: RenderName | None
    against_topographies: bool


@dataclass(frozen=True)
class Evaluation:
    """The figures of one run; ``matcher.figures`` defines them.

    KM: pairs of one firearm; KNM: pairs of two. ``cpu_s``: processor seconds at one thread; ``controls``: the
    AUC of the outlines alone, and of random texture inside the real outlines; ``histogram``: counts of KM and
    KNM scores from each of ``edges`` to the next. ``pairs``: what the matcher said, without the truth.
    ``lateral_resolution_um``: lowest and highest distance between points of the scans.
    ``cllr``, ``cllr_min`` (bits), ``log10_lr_gap`` (lowest KM minus highest KNM): of the bounded likelihood ratios,
    leaving one firearm out; None where lir is not installed, or the firearms are too few. See ``matcher.calibrate``.
    """

    n_scans: int
    n_km: int
    n_knm: int
    auc: float
    eer: float
    km_min: float
    knm_max: float
    overlaps: int
    variance_ratio: float
    gap_in_knm_deviations: float
    cllr: float | None
    cllr_min: float | None
    log10_lr_gap: float | None
    rank1: float
    map: float
    recall_at_10: float
    cpu_s: dict[str, float]
    controls: dict[str, float]
    histogram: dict[str, list[float]]
    firearms: dict[str, str]
    rotate: int | None
    render: RenderName | None
    against_topographies: bool
    lateral_resolution_um: tuple[float, float]
    parameters_digest: str
    matcher_version: str = MATCHER_VERSION
    pairs: tuple[PairScore, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; every pair also says whether both scans are of one firearm (``same``)."""
        plain = asdict(self)
        plain["pairs"] = [
            {**asdict(pair), "same": self.firearms[pair.a] == self.firearms[pair.b]} for pair in self.pairs
        ]
        return plain

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), indent=1)


def evaluate(
    folder: Path,
    truth: Path,
    *,
    rotate: int | None = None,
    render: RenderName | None = None,
    against_topographies: bool = False,
    with_controls: bool = True,
    parameters: Parameters | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Evaluation:
    """Compare every pair of the scans that ``truth`` names, and say how well the scores tell firearms apart.

    1. Read the truth; it is used again in step 5 only.
    2. Read and clean each scan, turned by a random angle first where ``rotate`` seeds one, drawn as a photograph where
       ``render`` says how.
    3. Score every pair in full: prefilter, fine registration, cells; no cut-off. Photographs
       ``against_topographies``: each scan's photograph with the other scans as they are, so every pair counts twice.
       Where nobody noted from which side the light came, either sign of the heights, and the better score counts.
    4. Score the controls in the same way (two more rounds of all pairs), unless they are known already.
    5. Compute the figures.

    ``truth``: CSV with the columns ``scan`` and ``firearm``; scan X is the file X.x3p in ``folder``.
    ``parameters``: those of the region's default, or of the relief where the condition needs it, unless given.
    Raises ``ValueError`` for ``against_topographies`` without ``render``.
    Raises ``EvaluationError`` for a truth without both kinds of pairs, and for a scan that cannot be used.
    """
    if against_topographies and render is None:
        raise ValueError("photographs are compared with topographies only where render says how they are drawn")
    if parameters is None:
        parameters = RELIEF_PARAMETERS if render == "ring" else DEFAULT_PARAMETERS
    stopwatch = Stopwatch()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        # 1.
        firearms = read_truth(truth)
        names = list(firearms)

        # 2.
        scans, prepared, resolution_um = _prepare_all(folder, names, rotate, render, parameters, stopwatch, progress)

        # 3.
        comparing = partial(progress, "comparing")
        if against_topographies:
            _, references, _ = _prepare_all(folder, names, None, None, parameters, stopwatch, progress)
            pairs = score_across(names, prepared, references, parameters, stopwatch, comparing)
        else:
            references = prepared
            pairs = score_pairs(names, prepared, parameters, stopwatch, comparing)
        if render == "side-unnoted" and parameters.channel == "height":
            opposite = [inverted(scan) for scan in references]
            others = score_across(names, prepared, opposite, parameters, stopwatch, partial(progress, "other sign"))
            pairs = better_of(pairs, others)

        # 4.
        controls = _score_controls(firearms, scans, parameters, progress) if with_controls else {}
    finally:
        cv2.setNumThreads(threads)

    # 5.
    cpu_s = _cpu_seconds(stopwatch, len(scans), len(pairs))
    condition = _Condition(rotate, render, against_topographies)
    return _summarise(firearms, pairs, controls, cpu_s, condition, resolution_um, parameters)


def read_truth(path: Path) -> dict[str, str]:
    """The firearm of each scan, in the file's order. Raises ``EvaluationError`` where it cannot be read rightly."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read as a CSV file: {error}") from error
    if not rows or not {"scan", "firearm"} <= rows[0].keys():
        raise EvaluationError(f"{path} needs the columns scan and firearm, and a row for each scan")
    firearms: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        scan, firearm = row["scan"], row["firearm"]
        if not scan or not firearm or scan in firearms:
            raise EvaluationError(f"{path}, line {number}: a scan or firearm is missing, or the scan is named twice")
        firearms[scan] = firearm
    pairs = len(firearms) * (len(firearms) - 1) // 2
    counts = [list(firearms.values()).count(firearm) for firearm in set(firearms.values())]
    km = sum(count * (count - 1) // 2 for count in counts)
    if not 0 < km < pairs:
        raise EvaluationError(f"{path} needs at least one pair of one firearm and one pair of two firearms")
    return firearms


def _prepare_all(
    folder: Path,
    names: Sequence[str],
    rotate: int | None,
    render: RenderName | None,
    parameters: Parameters,
    stopwatch: Stopwatch,
    progress: Progress,
) -> tuple[list[CleanScan], list[Prepared], tuple[float, float]]:
    turns = np.random.default_rng(rotate).uniform(0.0, 360.0, len(names))
    directions = np.random.default_rng([0x119847, rotate or 0])
    scans, prepared = [], []
    spacings: set[float] = set()
    for place, name in enumerate(names):
        path = folder / f"{name}.x3p"
        try:
            with stopwatch.stage("read"):
                topography = read_topography(path)
            if rotate is not None:
                topography = rotated(topography, float(turns[place]))
            turn = float(turns[place]) if rotate is not None else 0.0
            photograph = None if render is None else photographed(topography, render, directions, turn)
            with stopwatch.stage("clean"):
                scan = clean(topography, parameters) if photograph is None else clean_photograph(photograph, parameters)
                ready = pack(scan, parameters)
        except (MatcherError, OSError) as error:
            raise EvaluationError(f"{path}, named in the truth, cannot be used: {error}") from error
        spacings.update(topography.spacing_um)
        scans.append(scan)
        prepared.append(ready)
        progress("cleaning", place + 1, len(names))
    return scans, prepared, (min(spacings), max(spacings))


def _score_controls(
    firearms: dict[str, str], scans: Sequence[CleanScan], parameters: Parameters, progress: Progress
) -> dict[str, float]:
    names = list(firearms)
    outlines = [mask_only(scan, parameters) for scan in scans]
    textures = [random_texture(scan, seed, parameters) for seed, scan in enumerate(scans)]
    controls = {}
    for name, stage, imitations in (
        ("mask_only_auc", "outlines alone", outlines),
        ("random_texture_auc", "random texture", textures),
    ):
        packed = [pack(imitation, parameters) for imitation in imitations]
        pairs = score_pairs(names, packed, parameters, Stopwatch(), partial(progress, stage))
        controls[name] = figures.auc(*_split(pairs, firearms))
    return controls


def _split(pairs: Sequence[PairScore], firearms: dict[str, str]) -> tuple[figures.Scores, figures.Scores]:
    """The scores of pairs of one firearm, and of pairs of two."""
    scores = np.array([pair.score for pair in pairs])
    same = np.array([firearms[pair.a] == firearms[pair.b] for pair in pairs])
    return scores[same], scores[~same]


def _cpu_seconds(stopwatch: Stopwatch, scans: int, pairs: int) -> dict[str, float]:
    seconds = stopwatch.seconds
    return {
        "read_per_scan": seconds["read"] / scans,
        "clean_per_scan": seconds["clean"] / scans,
        "prefilter_per_pair": seconds["prefilter"] / scans**2,
        "fine_per_pair": seconds["fine"] / pairs,
        "cells_per_pair": seconds["cells"] / pairs,
        "full_per_pair": (seconds["fine"] + seconds["cells"]) / pairs,
        "all_pairs": seconds["prefilter"] + seconds["fine"] + seconds["cells"],
    }


def scored_pairs(firearms: dict[str, str], pairs: Sequence[PairScore]) -> ScoredPairs:
    """The pairs with their firearms, as a calibration takes them."""
    return ScoredPairs.from_names(
        [firearms[pair.a] for pair in pairs], [firearms[pair.b] for pair in pairs], [pair.score for pair in pairs]
    )


def _leave_one_firearm_out(firearms: dict[str, str], pairs: Sequence[PairScore]) -> Validation | None:
    if find_spec("lir") is None:
        return None
    try:
        return validate(scored_pairs(firearms, pairs))
    except CalibrationRefused:
        return None


def _summarise(
    firearms: dict[str, str],
    pairs: list[PairScore],
    controls: dict[str, float],
    cpu_s: dict[str, float],
    condition: _Condition,
    resolution_um: tuple[float, float],
    parameters: Parameters,
) -> Evaluation:
    km, knm = _split(pairs, firearms)
    place = {name: number for number, name in enumerate(firearms)}
    matrix = np.zeros((len(place), len(place)))
    for pair in pairs:
        matrix[place[pair.a], place[pair.b]] = pair.score
        if not condition.against_topographies:
            matrix[place[pair.b], place[pair.a]] = pair.score
    validation = _leave_one_firearm_out(firearms, pairs)
    rank1, mean_precision, recall = figures.ranking(matrix, list(firearms.values()))
    low, high = (f(np.floor(np.array([km.min(), knm.min(), km.max(), knm.max()]) / _BIN)) for f in (np.min, np.max))
    edges = np.arange(int(low), int(high) + 2) * _BIN
    return Evaluation(
        n_scans=len(firearms),
        n_km=len(km),
        n_knm=len(knm),
        auc=figures.auc(km, knm),
        eer=figures.eer(km, knm),
        km_min=float(km.min()),
        knm_max=float(knm.max()),
        overlaps=figures.overlaps(km, knm),
        variance_ratio=figures.variance_ratio(km, knm),
        gap_in_knm_deviations=figures.gap_in_knm_deviations(km, knm),
        cllr=validation.cllr if validation else None,
        cllr_min=validation.cllr_min if validation else None,
        log10_lr_gap=validation.gap if validation else None,
        rank1=rank1,
        map=mean_precision,
        recall_at_10=recall,
        cpu_s=cpu_s,
        controls=controls,
        histogram={
            "edges": [round(float(edge), 6) for edge in edges],
            "km": [float(count) for count in np.histogram(km, edges)[0]],
            "knm": [float(count) for count in np.histogram(knm, edges)[0]],
        },
        firearms=firearms,
        rotate=condition.rotate,
        render=condition.render,
        against_topographies=condition.against_topographies,
        lateral_resolution_um=resolution_um,
        parameters_digest=parameters.digest,
        pairs=tuple(pairs),
    )
