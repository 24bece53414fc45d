"""Every pair of a set of prepared scans, in full, with the processor time of each stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from matcher.areal.comparison import ComparisonView, compare_cells, register_pair
from matcher.areal.descriptor import prefilter
from matcher.areal.prepared import Prepared, extent_of
from matcher.likelihood.mark_limits import Extents
from matcher.numeric.parameters import Parameters

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how much of it is done, and how much there is."""

_BLOCK = 64
"""Scans whose views are held at once, 3 MB each."""


@dataclass(frozen=True)
class PairScore:
    """What the matcher said of one unordered pair of scans, without the truth. ``marks``: how much either shows."""

    a: str
    b: str
    score: float
    agreement: float
    g25: float
    overlap: float
    n_congruent: int
    n_cells: int
    rotation_deg: float
    prefilter: float
    marks: Extents


class Stopwatch:
    """Processor seconds of this thread by stage. Numerical libraries must be held to one thread."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            self.seconds[name] += time.thread_time() - start


def score_pairs(
    names: Sequence[str],
    prepared: Sequence[Prepared],
    parameters: Parameters,
    stopwatch: Stopwatch,
    report: Callable[[int, int], None],
) -> list[PairScore]:
    """Score every unordered pair once, by the order of their places.

    Scans are taken as moving ones in the order of their digests, so that each one's turned spectra serve all of
    its pairs and are then dropped; fixed ones are held a block at a time.
    """
    with stopwatch.stage("prefilter"):
        descriptors = np.stack([scan.descriptor for scan in prepared])
        coarse = prefilter(descriptors, descriptors)
    extents = [extent_of(scan, parameters) for scan in prepared]
    order = sorted(range(len(prepared)), key=lambda place: prepared[place].digest)
    total, found = len(order) * (len(order) - 1) // 2, {}
    for start in range(0, len(order), _BLOCK):
        fixed = {place: ComparisonView(prepared[place], parameters) for place in order[start : start + _BLOCK]}
        for rank, place in enumerate(order):
            moving = ComparisonView(prepared[place], parameters)
            others = order[max(start, rank + 1) : start + _BLOCK]
            for other in others:
                with stopwatch.stage("fine"):
                    registration = register_pair(moving, fixed[other])
                with stopwatch.stage("cells"):
                    comparison = compare_cells(moving, fixed[other], registration)
                a, b = min(place, other), max(place, other)
                rotation = comparison.rotation_deg if place < other else -comparison.rotation_deg % 360.0
                found[a, b] = PairScore(
                    a=names[a],
                    b=names[b],
                    score=comparison.score,
                    agreement=comparison.agreement,
                    g25=comparison.g25,
                    overlap=comparison.overlap,
                    n_congruent=comparison.n_congruent,
                    n_cells=comparison.n_cells,
                    rotation_deg=rotation,
                    prefilter=float(coarse[a, b]),
                    marks=(extents[a], extents[b]),
                )
            report(len(found), total)
    return [found[key] for key in sorted(found)]


def score_across(
    names: Sequence[str],
    queries: Sequence[Prepared],
    references: Sequence[Prepared],
    parameters: Parameters,
    stopwatch: Stopwatch,
    report: Callable[[int, int], None],
) -> list[PairScore]:
    """Score each query (a) with the references (b) of all other scans: ordered pairs, by the order of their places.

    ``queries``, ``references``: of the same scans in the same order, seen in two ways.
    """
    with stopwatch.stage("prefilter"):
        descriptors = np.stack([scan.descriptor for scan in references])
        coarse = prefilter(np.stack([scan.descriptor for scan in queries]), descriptors)
    extents = [extent_of(scan, parameters) for scan in references]
    total, found = len(names) * (len(names) - 1), {}
    for start in range(0, len(names), _BLOCK):
        block = {
            place: ComparisonView(references[place], parameters) for place in range(len(names))[start : start + _BLOCK]
        }
        for place, query in enumerate(queries):
            view = ComparisonView(query, parameters)
            others = sorted(block.keys() - {place})
            for other in others:
                with stopwatch.stage("fine"):
                    registration = register_pair(view, block[other])
                with stopwatch.stage("cells"):
                    comparison = compare_cells(view, block[other], registration)
                found[place, other] = PairScore(
                    a=names[place],
                    b=names[other],
                    score=comparison.score,
                    agreement=comparison.agreement,
                    g25=comparison.g25,
                    overlap=comparison.overlap,
                    n_congruent=comparison.n_congruent,
                    n_cells=comparison.n_cells,
                    rotation_deg=comparison.rotation_deg,
                    prefilter=float(coarse[place, other]),
                    marks=(extent_of(query, parameters), extents[other]),
                )
            report(len(found), total)
    return [found[key] for key in sorted(found)]


def better_of(pairs: Sequence[PairScore], others: Sequence[PairScore]) -> list[PairScore]:
    """Each of ``pairs``, or the same pair of ``others`` where that scored higher."""
    again = {(pair.a, pair.b): pair for pair in others}
    return [max(pair, again[pair.a, pair.b], key=lambda entry: entry.score) for pair in pairs]
