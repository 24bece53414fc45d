"""Holds each parameter of the matcher against its neighbours, leaving firearms out.

``python -m tests.accuracy.measure_parameters $FFP_DATA/fadul $FFP_DATA/weller``: an hour of one core. Of each value of
each parameter, alone, it asks how far pairs of one firearm stand out in six conditions (``CONDITIONS``). For each
firearm of a set the value is chosen that does best on all **others**, and judged on that one: the gain over the value
in use says whether another choice would have served a firearm that nobody chose it by.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, permutations
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from matcher.areal.prepared import Prepared, pack
from matcher.areal.registration import CoarseView, register
from matcher.errors import ScanNotUsable
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.run_evaluation import read_truth
from matcher.mark.clean import clean
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters
from matcher.read.topography import Topography
from matcher.read.x3p import read_x3p

CONDITIONS = {
    "turned, centres up to 150 um off": Conditions(rotate=1, shift_um=150.0),
    "a fifth cut off one side": Conditions(rotate=1, cut_side=0.2),
    "noise correlated over 60 um, 2 SD": Conditions(rotate=1, noise=2.0, noise_correlation_um=60.0),
    "half, with whole marks": Conditions(rotate=1, crop=0.5, shift_um=150.0, against="full"),
    "quarter, with whole marks": Conditions(rotate=1, crop=0.25, shift_um=150.0, against="full"),
    "half, with another half": Conditions(rotate=1, crop=0.5),
}

TRIED: Mapping[str, Sequence[object]] = {
    "fine_spacing_um": (11.0, 14.0),
    "coarse_band_um": ((50.0, 350.0), (50.0, 700.0), (60.0, 500.0), (75.0, 500.0)),
    "edge_erosion_um": (12.5, 50.0),
    "clip_deviations": (2.0, 2.5, 4.0),
    "aperture_diameter_um": (3600.0, 4000.0),
    "levelling_tolerance_um": (18.0, 35.0),
    "max_step_um": (14.0, 28.0),
    "places": (1, 2, 5),
    "rotation_step_deg": (0.5, 1.0),
    "least_directedness": (0.18, 0.28),
    "rotations": (1, 2, 8),
    "max_shift_um": (350.0, 425.0),
    "min_overlap": (0.07, 0.15),
    "partial_mark_area_mm2": (1.5, 2.5),
    "one_sided_mark_offset": (0.3, 0.45),
    "matcher.areal.pose_search:_COMMON_POINTS": (6.0, 12.0),
    "matcher.areal.pose_search:_BY_CHANCE": (4.0, 6.0),
    "matcher.areal.registration:_HALF_SHARED": (0.6, 1.0),
    "matcher.areal.registration:_PROMISING": (0.5, 0.85),
    "matcher.areal.registration:_CLIMBS": (1, 5),
    "matcher.areal.descriptor:FIRST_HARMONICS": (14, 28),
}
"""Values to either side of the one in use. A name with a colon is a module's constant, the others are ``Parameters``.
Left out is what no score depends on: the fine band and the cells, which are shown; the least area, which refuses; how
many the ranking keeps, which ``measure_recall`` judges; and half_score_agreement, which changes no order."""

_OTHERS = 4
"""Of the pairs of two firearms every fourth is scored: their deviation needs no more."""
_scans: dict[str, dict[str, Topography]] = {}
_firearms: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Scored:
    """A pair of scans of ``firearm`` and ``other`` in a condition; equal names: a pair of one firearm.

    ``height``: the natural logarithm of their agreement, 0 for all below one. Unlike the score it keeps its order and
    its deviations where a parameter makes all agreements larger by a factor, as finer points do.
    """

    condition: str
    firearm: str
    other: str
    height: float


@dataclass(frozen=True)
class Verdict:
    """Of one parameter on one set: what each left-out firearm's rest would have chosen, the gain on what was left out
    over the value in use and its standard error over firearms, in deviations of chance agreements."""

    chosen: Counter[str]
    gain: float
    error: float


def standing_out(pairs: Sequence[Scored], firearms: set[str]) -> float:
    """How far pairs of one of these firearms lie above pairs of two, in deviations of the latter over all firearms; the
    mean over conditions and firearms, each counted once."""
    values = []
    for condition in sorted({pair.condition for pair in pairs}):
        here = [pair for pair in pairs if pair.condition == condition]
        chance = np.array([pair.height for pair in here if pair.firearm != pair.other])
        for firearm in sorted(firearms):
            true = [pair.height for pair in here if pair.firearm == pair.other == firearm]
            if true:  # a condition may leave none of its scans usable
                values.append((np.mean(true) - chance.mean()) / chance.std())
    return float(np.mean(values))


def leaving_firearms_out(by_value: Mapping[str, Sequence[Scored]], in_use: str) -> Verdict:
    """``by_value``: the same pairs, scored with each value; ``in_use``: the value that the matcher has."""
    firearms = {pair.firearm for pair in by_value[in_use]} | {pair.other for pair in by_value[in_use]}
    chosen, gains = Counter[str](), []
    for left in sorted(firearms):
        best = max(by_value, key=lambda value: (standing_out(by_value[value], firearms - {left}), value == in_use))
        chosen[best] += 1
        gains.append(standing_out(by_value[best], {left}) - standing_out(by_value[in_use], {left}))
    return Verdict(chosen, float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains))))


def score_all(name: str, value: object) -> dict[str, list[Scored]]:
    """The pairs of each set in each condition, with one parameter changed. Run in a process of its own: tables that the
    matcher keeps follow its constants."""
    parameters = DEFAULT_PARAMETERS
    module, _, constant = name.rpartition(":")
    if module:
        setattr(importlib.import_module(module), constant, value)
    elif name:
        parameters = replace(parameters, **{name: value})
    return {
        label: [pair for condition in CONDITIONS for pair in _scored(label, condition, parameters)] for label in _scans
    }


def _scored(label: str, condition: str, parameters: Parameters) -> Iterator[Scored]:
    conditions, firearms = CONDITIONS[condition], _firearms[label]
    queries = _views(label, conditions, parameters)
    if conditions.against is None:
        references, pairs = queries, list(combinations(queries, 2))
    else:
        references = _views(label, conditions.of_references, parameters)
        pairs = [pair for pair in permutations(firearms, 2) if pair[0] in queries and pair[1] in references]
    for number, (a, b) in enumerate(pairs):
        if firearms[a] == firearms[b] or number % _OTHERS == 0:
            # by digest, so that both sides of a border turn the same one
            moving, fixed = (view for _, view in sorted([queries[a], references[b]], key=lambda entry: entry[0].digest))
            agreement = register(moving, fixed, parameters).agreement
            yield Scored(condition, firearms[a], firearms[b], math.log(max(agreement, 1.0)))


def _views(label: str, conditions: Conditions, parameters: Parameters) -> dict[str, tuple[Prepared, CoarseView]]:
    views = {}
    for place, (name, scan) in enumerate(_scans[label].items()):
        try:
            changed = conditions.apply(scan, place, parameters)
            assert isinstance(changed, Topography)
            prepared = pack(clean(changed, parameters, conditions.displacement_um(place)), parameters)
        except ScanNotUsable:
            continue
        views[name] = prepared, CoarseView(prepared, parameters)
    return views


def _value_in_use(name: str) -> object:
    module, _, constant = name.rpartition(":")
    return getattr(importlib.import_module(module), constant) if module else getattr(DEFAULT_PARAMETERS, name)


def table(by_name: Mapping[str, Mapping[str, Mapping[str, Sequence[Scored]]]]) -> str:
    """Markdown: a row for each parameter. ``by_name``: parameter, value, set, its pairs."""
    sets = sorted(_scans)
    heads = ["parameter", "in use", "beside it"]
    heads += [f"{label}: {head}" for label in sets for head in ("chosen by the others", "gain on who was left out")]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, by_value in by_name.items():
        in_use = str(_value_in_use(name))
        cells = [f"`{name.rpartition(':')[2].strip('_')}`", in_use, ", ".join(sorted(set(by_value) - {in_use}))]
        for label in sets:
            verdict = leaving_firearms_out({value: by_value[value][label] for value in by_value}, in_use)
            cells.append(", ".join(f"{value} ({count})" for value, count in verdict.chosen.most_common()))
            cells.append(f"{verdict.gain:+.2f} ± {verdict.error:.2f}")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m tests.accuracy.measure_parameters")
    reader.add_argument("folders", type=Path, nargs="+", help="scans of known firearms, each with its truth.csv")
    reader.add_argument("--only", nargs="*", default=list(TRIED), choices=list(TRIED), help="these parameters alone")
    reader.add_argument("--json", type=Path, help="write each pair here")
    asked = reader.parse_args()
    cv2.setNumThreads(1)
    for folder in asked.folders:
        _firearms[folder.name] = read_truth(folder / "truth.csv")
        _scans[folder.name] = {scan: read_x3p(folder / f"{scan}.x3p") for scan in _firearms[folder.name]}
    fork = multiprocessing.get_context("fork")
    with threadpool_limits(1), fork.Pool(1, maxtasksperchild=1) as pool:
        unchanged = pool.apply(score_all, ("", None))
        by_name = {}
        for name in asked.only:
            by_name[name] = {str(_value_in_use(name)): unchanged}
            for value in TRIED[name]:
                print(f"{name} = {value}", file=sys.stderr, flush=True)
                by_name[name][str(value)] = pool.apply(score_all, (name, value))
            print(table({name: by_name[name]}), file=sys.stderr, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(by_name, default=asdict))
    print(table(by_name))


if __name__ == "__main__":
    main()
