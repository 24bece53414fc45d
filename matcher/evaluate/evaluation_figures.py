"""The figures of an evaluation, from the scores of its pairs and the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluated_pairs import PairScore
from matcher.likelihood.calibrate import LeaveOneOut, leave_one_out
from matcher.likelihood.calibration_model import CalibrationRefused
from matcher.likelihood.scored_pairs import ScoredPairs
from matcher.numeric import figures
from matcher.numeric.bootstrap import Interval, Scored, intervals
from matcher.numeric.parameters import MATCHER_VERSION

_BIN = 0.05
OVERLAP_BINS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


class ScoredPair(Protocol):
    """A pair of scans, by their names, and its score."""

    @property
    def a(self) -> str: ...
    @property
    def b(self) -> str: ...
    @property
    def score(self) -> float: ...


@dataclass(frozen=True)
class OverlapBin:
    """KM pairs whose crops share ``low`` to ``high`` of the smaller one, and their AUC against all KNM pairs."""

    low: float
    high: float
    n_km: int
    auc: float | None


@dataclass(frozen=True)
class Evaluation:
    """The figures of one run; ``matcher.numeric.figures`` defines them.

    KM: pairs of one firearm; KNM: pairs of two; those that were scored. ``refused``: scans that the condition made
    unusable, and why; ``missing_km``, ``missing_knm``: pairs that have no score for that; ``auc_with_refused``,
    ``rank1_with_refused``: with these counted as score 0 (or the lowest score, where that is below 0).
    ``intervals``: 95 %, over firearms (``matcher.numeric.bootstrap``); ``auc_by_overlap``: of two crops, see
    ``OverlapBin``. ``cpu_s``: processor seconds at one thread; ``controls``: the AUC of the outlines alone, and of
    random texture inside the real outlines; ``histogram``: counts of KM and KNM scores from each of ``edges`` to the
    next.
    ``pairs``: what the matcher said, without the truth; ``shares``: of the smaller crop, what the pairs of two crops of
    one firearm have in common. ``lateral_resolution_um``: lowest and highest distance
    between points of the files. ``cllr``, ``cllr_min`` (bits), ``log10_lr_gap`` (lowest KM minus highest KNM): of the
    bounded likelihood ratios, leaving one firearm out; None where lir is not installed, or the firearms are too
    few. See ``matcher.likelihood.calibrate``.
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
    intervals: dict[str, Interval]
    refused: dict[str, str]
    missing_km: int
    missing_knm: int
    auc_with_refused: float
    rank1_with_refused: float
    auc_by_overlap: tuple[OverlapBin, ...]
    cpu_s: dict[str, float]
    controls: dict[str, float]
    histogram: dict[str, list[float]]
    firearms: dict[str, str]
    conditions: Conditions
    lateral_resolution_um: tuple[float, float]
    parameters_digest: str
    matcher_version: str = MATCHER_VERSION
    pairs: tuple[PairScore, ...] = field(default=(), repr=False)
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; every pair also says whether both scans are of one firearm (``same``), and two crops of one
        firearm what they ``share``."""
        plain = asdict(self)
        del plain["shares"]
        plain["pairs"] = [
            {
                **asdict(pair),
                "same": self.firearms[pair.a] == self.firearms[pair.b],
                "share": self.shares.get((pair.a, pair.b)),
            }
            for pair in self.pairs
        ]
        return plain

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), indent=1)


@dataclass(frozen=True)
class Run:
    """What happened, before the truth is looked at: see ``Evaluation``. ``overlaps``: of the pairs of two crops."""

    pairs: tuple[PairScore, ...]
    refused: dict[str, str]
    overlaps: Mapping[tuple[str, str], float]
    controls: dict[str, float]
    cpu_s: dict[str, float]
    conditions: Conditions
    lateral_resolution_um: tuple[float, float]
    parameters_digest: str


def summarise(firearms: dict[str, str], run: Run) -> Evaluation:
    """The figures of a run.

    1. Its scores, by kind, and as a matrix of queries and references, NaN where a pair has no score.
    2. Likelihood ratios, leaving one firearm out; intervals over firearms.
    3. The same with the missing pairs counted as no agreement at all.
    """
    # 1.
    km, knm = split(run.pairs, firearms)
    matrix = _matrix(firearms, run)
    names = list(firearms.values())
    rank1, mean_precision, recall = figures.ranking(matrix, names)

    # 2.
    validation = _leave_one_firearm_out(firearms, run.pairs)
    ends = intervals(_for_bootstrap(firearms, run.pairs, matrix, validation))

    # 3.
    labels = np.array(names)
    same = labels[:, None] == labels[None, :]
    counted = ~np.eye(len(names), dtype=bool) if run.conditions.against else np.triu(np.ones_like(same), 1)
    missing = np.isnan(matrix)
    filled = np.where(missing, min(0.0, float(np.nanmin(matrix))), matrix)

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
        intervals=ends,
        refused=run.refused,
        missing_km=int((missing & counted & same).sum()),
        missing_knm=int((missing & counted & ~same).sum()),
        auc_with_refused=figures.auc(filled[counted & same], filled[counted & ~same]),
        rank1_with_refused=figures.ranking(filled, names)[0],
        auc_by_overlap=_by_overlap(run, firearms, knm),
        cpu_s=run.cpu_s,
        controls=run.controls,
        histogram=_histogram(km, knm),
        firearms=firearms,
        conditions=run.conditions,
        lateral_resolution_um=run.lateral_resolution_um,
        parameters_digest=run.parameters_digest,
        pairs=run.pairs,
        shares=run.overlaps,
    )


def split(pairs: Sequence[PairScore], firearms: dict[str, str]) -> tuple[figures.Scores, figures.Scores]:
    """The scores of pairs of one firearm, and of pairs of two."""
    scores = np.array([pair.score for pair in pairs])
    same = np.array([firearms[pair.a] == firearms[pair.b] for pair in pairs])
    return scores[same], scores[~same]


def scored_pairs(firearms: Mapping[str, str], pairs: Sequence[ScoredPair]) -> ScoredPairs:
    """The pairs with their firearms, as a calibration takes them."""
    return ScoredPairs.from_names(
        [firearms[pair.a] for pair in pairs], [firearms[pair.b] for pair in pairs], [pair.score for pair in pairs]
    )


def _matrix(firearms: dict[str, str], run: Run) -> figures.Scores:
    place = {name: number for number, name in enumerate(firearms)}
    matrix = np.full((len(place), len(place)), np.nan)
    for pair in run.pairs:
        matrix[place[pair.a], place[pair.b]] = pair.score
        if run.conditions.against is None:
            matrix[place[pair.b], place[pair.a]] = pair.score
    return matrix


def _leave_one_firearm_out(firearms: dict[str, str], pairs: Sequence[PairScore]) -> LeaveOneOut | None:
    if find_spec("lir") is None:
        return None
    try:
        return leave_one_out(scored_pairs(firearms, pairs))
    except CalibrationRefused:
        return None


def _for_bootstrap(
    firearms: dict[str, str], pairs: Sequence[PairScore], matrix: figures.Scores, validation: LeaveOneOut | None
) -> Scored:
    labels = np.unique(list(firearms.values()), return_inverse=True)[1]
    label = dict(zip(firearms, labels.tolist(), strict=True))
    return Scored(
        matrix=matrix,
        labels=labels,
        scores=np.array([pair.score for pair in pairs]),
        firearms=np.array([(label[pair.a], label[pair.b]) for pair in pairs], np.intp),
        log10_lrs=None if validation is None else validation.log10_lrs,
    )


def _by_overlap(run: Run, firearms: dict[str, str], knm: figures.Scores) -> tuple[OverlapBin, ...]:
    if not run.overlaps:
        return ()
    km = [pair for pair in run.pairs if firearms[pair.a] == firearms[pair.b]]
    scores = np.array([pair.score for pair in km])
    bins = np.digitize([run.overlaps[pair.a, pair.b] for pair in km], OVERLAP_BINS[1:-1])
    found = []
    for number, (low, high) in enumerate(pairwise(OVERLAP_BINS)):
        inside = scores[bins == number]
        found.append(OverlapBin(low, high, len(inside), figures.auc(inside, knm) if len(inside) else None))
    return tuple(found)


def _histogram(km: figures.Scores, knm: figures.Scores) -> dict[str, list[float]]:
    low, high = (f(np.floor(np.array([km.min(), knm.min(), km.max(), knm.max()]) / _BIN)) for f in (np.min, np.max))
    edges = np.arange(int(low), int(high) + 2) * _BIN
    return {
        "edges": [round(float(edge), 6) for edge in edges],
        "km": [float(count) for count in np.histogram(km, edges)[0]],
        "knm": [float(count) for count in np.histogram(knm, edges)[0]],
    }
