"""Evaluation on scans of known firearm: every pair in full, figures by definition, CPU seconds a stage, controls."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import cv2

from matcher.areal.controls import mask_only, random_texture
from matcher.areal.prepared import Prepared, pack
from matcher.areal.prepared_photograph import clean_photograph, inverted
from matcher.errors import MatcherError, ScanNotUsable
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluated_pairs import PairScore, Progress, Stopwatch, better_of, score_across, score_pairs
from matcher.evaluate.evaluation_figures import Evaluation, Run, split, summarise
from matcher.evaluate.true_overlap import true_overlaps
from matcher.mark.clean import CleanScan, clean
from matcher.numeric import figures
from matcher.numeric.parameters import DEFAULT_PARAMETERS, RELIEF_PARAMETERS, Parameters
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography
from matcher.read.x3p import read_x3p

AS_IS = Conditions()


class EvaluationError(MatcherError):
    """The truth, or a scan that it names, cannot be used: mend the file that the message names."""


@dataclass(frozen=True)
class _Scans:
    """The scans of a folder in one condition, by name, and why the others are refused."""

    clean: dict[str, CleanScan]
    prepared: dict[str, Prepared]
    refused: dict[str, str]
    lateral_resolution_um: tuple[float, float]


def evaluate(
    folder: Path,
    truth: Path,
    conditions: Conditions = AS_IS,
    *,
    with_controls: bool = True,
    parameters: Parameters | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Evaluation:
    """Compare every pair of the scans that ``truth`` names, and say how well the scores tell firearms apart.

    1. Read the truth; it is used again in steps 5 and 6 only.
    2. Read and clean each scan in its condition. One that the condition makes unusable is counted as refused.
    3. Score every pair in full: prefilter, fine registration, cells; no cut-off. ``conditions.against``: each
       scan in its condition with the other scans as references, so every pair counts twice.
       Where nobody noted from which side the light came, either sign of the heights, and the better score counts.
    4. Score the controls in the same way (two more rounds of all pairs), unless they are known already.
    5. Of two crops of one firearm, find how much they share from the whole scans.
    6. Compute the figures.

    ``truth``: CSV with the columns ``scan`` and ``firearm``; scan X is the file X.x3p in ``folder``.
    ``parameters``: those of the region's default, or of the relief where the condition needs it, unless given.
    Raises ``EvaluationError`` for a truth without both kinds of pairs, for a scan that cannot be used as it is, and
    where a condition leaves no pairs of both kinds.
    """
    if parameters is None:
        parameters = RELIEF_PARAMETERS if conditions.render == "ring" else DEFAULT_PARAMETERS
    stopwatch = Stopwatch()
    with _one_thread():
        # 1.
        firearms = read_truth(truth)

        # 2.
        scans = _prepare_all(folder, firearms, conditions, parameters, stopwatch, progress)
        references = scans
        if conditions.against is not None:
            references = _prepare_all(folder, firearms, conditions.of_references, parameters, stopwatch, progress)
        _require_pairs(firearms, scans.prepared, references.prepared, scans.refused)

        # 3.
        pairs = _score(scans, references, conditions, parameters, stopwatch, progress)

        # 4.
        controls = _score_controls(firearms, scans, parameters, progress) if with_controls else {}

        # 5.
        overlaps = _overlaps_of_crops(folder, firearms, pairs, conditions, parameters)

    # 6.
    run = Run(
        pairs=tuple(pairs),
        refused={**references.refused, **scans.refused},
        overlaps=overlaps,
        controls=controls,
        cpu_s=_cpu_seconds(stopwatch, len(firearms), len(pairs)),
        conditions=conditions,
        lateral_resolution_um=scans.lateral_resolution_um,
        parameters_digest=parameters.digest,
    )
    return summarise(firearms, run)


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
        # a table program leaves spaces at ends, by which one firearm would be two
        scan, firearm = ((row[column] or "").strip() for column in ("scan", "firearm"))
        if not scan or not firearm or scan in firearms:
            raise EvaluationError(f"{path}, line {number}: a scan or firearm is missing, or the scan is named twice")
        if not scan.isprintable():
            raise EvaluationError(f"{path}, line {number}: the scan's name holds a character that no file's name has")
        firearms[scan] = firearm
    if not _has_both_kinds(firearms, firearms, firearms):
        raise EvaluationError(f"{path} needs at least one pair of one firearm and one pair of two firearms")
    return firearms


def _has_both_kinds(firearms: Mapping[str, str], queries: Collection[str], references: Collection[str]) -> bool:
    kinds = {firearms[a] == firearms[b] for a in queries for b in references if a != b}
    return kinds == {True, False}


def _require_pairs(
    firearms: dict[str, str], queries: Collection[str], references: Collection[str], refused: dict[str, str]
) -> None:
    if not _has_both_kinds(firearms, queries, references):
        name, reason = next(iter(refused.items()))
        raise EvaluationError(
            f"the condition makes {len(refused)} of {len(firearms)} scans unusable, and what is left holds no pairs of "
            f"both kinds; choose a milder one ({name}: {reason})"
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processor time is reported: OpenCV must not share it out among threads."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _prepare_all(
    folder: Path,
    names: Collection[str],
    conditions: Conditions,
    parameters: Parameters,
    stopwatch: Stopwatch,
    progress: Progress,
) -> _Scans:
    cleaned: dict[str, CleanScan] = {}
    prepared: dict[str, Prepared] = {}
    refused: dict[str, str] = {}
    spacings: set[float] = set()
    for place, name in enumerate(names):
        with stopwatch.stage("read"):
            topography = _read(folder, name)
        spacings.update(topography.spacing_um)
        try:
            scan = conditions.apply(topography, place, parameters)
            displaced = conditions.displacement_um(place)
            with stopwatch.stage("clean"):
                cleaned[name] = (
                    clean_photograph(scan, parameters, displaced)
                    if isinstance(scan, Photograph)
                    else clean(scan, parameters, displaced)
                )
                prepared[name] = pack(cleaned[name], parameters)
        except ScanNotUsable as error:
            if not conditions.change:
                raise _unusable(folder, name, error) from error
            refused[name] = str(error)
        progress("cleaning", place + 1, len(names))
    return _Scans(cleaned, prepared, refused, (min(spacings), max(spacings)))


def _read(folder: Path, name: str) -> Topography:
    try:
        return read_x3p(folder / f"{name}.x3p")
    except (MatcherError, OSError) as error:
        raise _unusable(folder, name, error) from error


def _unusable(folder: Path, name: str, error: Exception) -> EvaluationError:
    return EvaluationError(f"{folder / name}.x3p, named in the truth, cannot be used: {error}")


def _score(
    scans: _Scans,
    references: _Scans,
    conditions: Conditions,
    parameters: Parameters,
    stopwatch: Stopwatch,
    progress: Progress,
) -> list[PairScore]:
    names = list(references.prepared)
    against = list(references.prepared.values())
    # queries and references are taken in one order; what stands in for a refused query has no score of its own
    queries = [scans.prepared.get(name, references.prepared[name]) for name in names]
    if conditions.against is None:
        pairs = score_pairs(names, queries, parameters, stopwatch, partial(progress, "comparing"))
    else:
        pairs = score_across(names, queries, against, parameters, stopwatch, partial(progress, "comparing"))
    if conditions.render == "side-unnoted" and parameters.channel == "height":
        opposite = [inverted(scan) for scan in against]
        others = score_across(names, queries, opposite, parameters, stopwatch, partial(progress, "other sign"))
        pairs = better_of(pairs, others)
    return [pair for pair in pairs if pair.a in scans.prepared]


def _score_controls(
    firearms: dict[str, str], scans: _Scans, parameters: Parameters, progress: Progress
) -> dict[str, float]:
    names = list(scans.clean)
    if not _has_both_kinds(firearms, names, names):
        return {}
    outlines = [mask_only(scan, parameters) for scan in scans.clean.values()]
    textures = [random_texture(scan, seed, parameters) for seed, scan in enumerate(scans.clean.values())]
    controls = {}
    for name, stage, imitations in (
        ("mask_only_auc", "outlines alone", outlines),
        ("random_texture_auc", "random texture", textures),
    ):
        packed = [pack(imitation, parameters) for imitation in imitations]
        pairs = score_pairs(names, packed, parameters, Stopwatch(), partial(progress, stage))
        controls[name] = figures.auc(*split(pairs, firearms))
    return controls


def _overlaps_of_crops(
    folder: Path, firearms: dict[str, str], pairs: list[PairScore], conditions: Conditions, parameters: Parameters
) -> dict[tuple[str, str], float]:
    """What two crops of one firearm share, for each such pair that has a score; nothing where no two are compared."""
    if conditions.crop is None or conditions.against is not None:
        return {}
    names = list(firearms)
    scored = {(pair.a, pair.b) for pair in pairs}
    km = [
        (a, b)
        for a, b in combinations(range(len(names)), 2)
        if firearms[names[a]] == firearms[names[b]] and (names[a], names[b]) in scored
    ]
    whole = [_read(folder, name) for name in names]
    heights = parameters if parameters.channel == "height" else DEFAULT_PARAMETERS
    shares = true_overlaps(whole, km, conditions, heights)
    return {(names[a], names[b]): share for (a, b), share in zip(km, shares, strict=True)}


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
