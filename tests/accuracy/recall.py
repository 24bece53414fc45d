"""Which true pairs are among the first 100 of a large gallery, and at which stage the others are lost.

**References**: real scans, drawn shots of other firearms, and mixtures of drawn faces (``matcher.synthetic.marks``)
for the rest. **Queries**: the same scans and shots, each turned at random, cropped (a sector of up to a tenth; or half
of it), with white noise of up to 0.3 standard deviations of the mark. Each goes through ``prepare`` and is looked for
with its own scan left out. Every other scan of its firearm is a **true pair**; a refused query has lost all of its.

A pair is **found** when the reference is among the first 100 that ``Gallery.correlate`` would list with
``listed_candidates=100``. The stages are the product's own functions, in its order:

1. First and second pass, ``Plan``: exact, over all references.
2. Polar column and sift: exact for the true references and for those that enter by descriptor. How many others lie
   above them is counted on a random sample, new for each query, since half a mark is compared by polar column with all
   references, which takes ten seconds. Of the sample's best, the share that the product takes is sifted. The sample
   grows until a count as low, or as high, has a chance of at most ``ERROR`` for a reference that lies just at the
   product's limit (hypergeometric), at the latest to all that are to be compared: then nothing is left to chance, and
   a test holds this case against the product. Far from the limits, where nearly all pairs are, the chance is smaller
   by orders of magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from matcher import Parameters, Prepared, ScanNotUsable, Topography, prefilter, prepare, read_topography
from matcher.areal.comparison import ComparisonView
from matcher.areal.descriptor import FIRST_HARMONICS
from matcher.areal.prepared import is_partial
from matcher.areal.ranking import Plan, best, polar_query, sift
from matcher.evaluate.conditions import centroid_um, deviation_um, noisy, rotated, sector
from matcher.evaluate.run_evaluation import read_truth
from matcher.gallery.gallery_query import _SECOND_LEAST, _SECOND_SHARE
from matcher.mark.regions import level_region
from matcher.numeric.packed import PackedGrid
from matcher.numeric.plane import Plane, blurred, moved
from matcher.synthetic import breech_face
from matcher.synthetic.marks import Mixtures

FIRST = 100
PARAMETERS = Parameters(listed_candidates=FIRST)
FACES, SHOTS = 64, 3
DRAWN = 10_000
"""Seed of the first drawn firearm: none of the faces of which the mixtures are made."""
RIVALS, RIVALS_OF_ALL, GROWTH = 20, 92, 5
"""Where some references are to be compared by polar column, and where all are: so many others are sifted at first, the
best of a sample of 200 and, among 100,000 references, of 4,600: as few as can be clear by ``ERROR``."""
ERROR = 0.01
TOGETHER = 8
BLUR_POINTS = 0.5
"""Of what the mixtures show to the sift: its 99.9th percentile is then 7.2 against Fadul's halves and 6.5 against its
whole marks; that of Fadul's pairs of different firearms is 6.3 and 5.7. As smooth as ``Mixtures.scan`` has them they
would agree by chance far more than real ones do: 9.6 and 9.2."""

Source = Literal["real", "drawn"]
Condition = Literal["clean", "half"]
Stage = Literal["refused", "first pass", "second pass", "polar", "sift", "found"]
STAGES: tuple[Stage, ...] = ("refused", "first pass", "second pass", "polar", "sift")


@dataclass(frozen=True)
class Known:
    """A scan of known firearm: query and reference. ``whole``: not a shot that left a part of its mark unprinted."""

    source: Source
    firearm: str
    scan: Topography
    whole: bool = True


@dataclass(frozen=True)
class References:
    """The gallery: first the known scans, then mixtures. Columns: one row for each."""

    known: Sequence[Known]
    prepared: Sequence[Prepared]
    mixtures: Mixtures
    descriptors: NDArray[np.int8]
    polar: NDArray[np.int8]
    partial: NDArray[np.bool_]

    @staticmethod
    def made(known: Sequence[Known], count: int, seed: int) -> References:
        faces = [prepare(breech_face.draw(firearm, 0), PARAMETERS) for firearm in range(FACES)]
        mixtures = Mixtures.drawn(faces, count - len(known), seed)
        prepared = [prepare(entry.scan, PARAMETERS) for entry in known]
        drawn = np.array([is_partial(face, PARAMETERS) for face in faces])[mixtures.pairs[:, 0]]
        return References(
            known,
            prepared,
            mixtures,
            np.concatenate([np.stack([scan.descriptor for scan in prepared]), mixtures.descriptors()]),
            np.concatenate([np.stack([scan.polar for scan in prepared]), mixtures.polar_rows()]),
            np.concatenate([[is_partial(scan, PARAMETERS) for scan in prepared], drawn]),
        )

    def __len__(self) -> int:
        return len(self.descriptors)

    def scan(self, row: int) -> Prepared:
        """With its coarse grid; of a mixture, nothing else but the columns is its own."""
        if row < len(self.known):
            return self.prepared[row]
        place = row - len(self.known)
        faces, turns = self.mixtures.pairs[place].tolist(), np.rad2deg(self.mixtures.turns_rad[place]).tolist()
        one, other = (moved(self._signals[face], turn, (0.0, 0.0)) for face, turn in zip(faces, turns, strict=True))
        face: Prepared = self.mixtures.faces[faces[0]]
        weights = moved(face.coarse_weights.astype(np.float32), turns[0], (0.0, 0.0))
        heights = (one + np.float32(0.7) * other) * (weights > 0.0)
        scale = 127.0 / PARAMETERS.clip_deviations / (1.4826 * float(np.median(np.abs(heights[weights >= 127.5]))))
        grid = PackedGrid.pack(
            np.clip(np.rint(heights * scale), -127, 127).astype(np.int8), np.rint(weights).astype(np.uint8)
        )
        return replace(face, descriptor=self.descriptors[row], polar=self.polar[row], coarse_grid=grid)

    @cached_property
    def _signals(self) -> list[Plane]:
        """(160, 160) of each face: its weighted heights, blurred."""
        blur = (BLUR_POINTS, BLUR_POINTS)
        weights = [face.coarse_weights.astype(np.float32) / np.float32(255) for face in self.mixtures.faces]
        return [blurred(face.coarse * weight, blur) for face, weight in zip(self.mixtures.faces, weights, strict=True)]

    def pair(
        self,
        query: int,
        row: int,
        true: int,
        stage: Stage,
        by_descriptor: int | None = None,
        by_polar_column: float | None = None,
    ) -> Pair:
        one, other = self.known[row], self.known[true]
        return Pair(query, one.source, one.firearm, one.whole and other.whole, stage, by_descriptor, by_polar_column)

    def of_one_firearm(self, row: int) -> NDArray[np.intp]:
        """The other known scans of its firearm."""
        wanted = self.known[row]
        rows = [
            place
            for place, entry in enumerate(self.known)
            if place != row and (entry.source, entry.firearm) == (wanted.source, wanted.firearm)
        ]
        return np.array(rows, np.intp)


@dataclass(frozen=True)
class Pair:
    """What became of a true pair. ``query``: its number; ``whole``: both scans, before the query was disturbed.

    ``by_descriptor``: how many references lie above it by the last pass that it reached; ``by_polar_column``: an
    estimate of the same among all that are compared so.
    """

    query: int
    source: Source
    firearm: str
    whole: bool
    stage: Stage
    by_descriptor: int | None = None
    by_polar_column: float | None = None


def real(folder: Path, truth: Path) -> list[Known]:
    return [
        Known("real", firearm, read_topography(folder / f"{name}.x3p")) for name, firearm in read_truth(truth).items()
    ]


def drawn(firearms: int) -> list[Known]:
    return [
        Known("drawn", str(firearm), breech_face.draw(DRAWN + firearm, shot), _is_whole(DRAWN + firearm, shot))
        for firearm in range(firearms)
        for shot in range(SHOTS)
    ]


def _is_whole(firearm_seed: int, shot_seed: int) -> bool:
    return breech_face.choose_shot(np.random.default_rng([0x5107, firearm_seed, shot_seed])).missing == 0.0


def measure(
    references: References, queries: range, condition: Condition, seed: int, *, thorough: bool = False
) -> Iterator[Pair]:
    """Ask for real and drawn scans in turn. A query is the same whatever others are asked.

    1. Choose whose turn it is; disturb and prepare some queries.
    2. Compare their first harmonics in one pass.
    3. Follow the true pairs of each through the later stages.
    """
    sources = dict.fromkeys(entry.source for entry in references.known)
    turns = [[row for row, entry in enumerate(references.known) if entry.source == source] for source in sources]
    for start in range(queries.start, queries.stop, TOGETHER):
        # 1.
        asked: list[tuple[int, int, Prepared]] = []
        for place in range(start, min(start + TOGETHER, queries.stop)):
            rows = turns[place % len(turns)]
            row = rows[place // len(turns) % len(rows)]
            scan = disturbed(references.known[row].scan, condition, np.random.default_rng([seed, place]))
            try:
                asked.append((place, row, prepare(scan, PARAMETERS)))
            except ScanNotUsable:
                for true in references.of_one_firearm(row).tolist():
                    yield references.pair(place, row, true, "refused")
        if not asked:
            continue

        # 2.
        descriptors = np.stack([query.descriptor for _, _, query in asked])
        first = prefilter(descriptors, references.descriptors[:, :FIRST_HARMONICS])

        # 3.
        for (place, row, query), scores in zip(asked, first, strict=True):
            yield from Followed(references, place, row, query, scores, seed, thorough).pairs()


def disturbed(scan: Topography, condition: Condition, rng: np.random.Generator) -> Topography:
    """Another acquisition of the same mark: cropped, turned, with noise."""
    mark = level_region(scan, PARAMETERS)
    share = 0.5 if condition == "half" else rng.uniform(0.9, 1.0)
    inside = sector(scan.heights_um.shape, scan.spacing_um, centroid_um(mark), share, rng.uniform(0.0, 360.0))
    cropped = replace(scan, heights_um=np.where(inside, scan.heights_um, np.float32(np.nan)))
    turned = rotated(cropped, rng.uniform(0.0, 360.0))
    return noisy(turned, rng.uniform(0.0, 0.3) * deviation_um(mark), 0.0, rng)


@dataclass(frozen=True)
class Followed:
    """A query, a disturbed known scan, on its way through the stages. ``first``: scores of its first harmonics."""

    references: References
    place: int
    row: int
    query: Prepared
    first: NDArray[np.float32]
    seed: int
    thorough: bool

    def pairs(self) -> Iterator[Pair]:
        """The product's stages.

        1. Second pass; choose what is compared by polar column.
        2. Compare by it the true references, those that enter by descriptor, and a sample of the others: who is among
           the best enters too.
        3. Sift those that enter: who is among the first 100 is found. Take a larger sample where that is unclear.
        """
        # 1.
        plan = Plan.of(self.query, PARAMETERS, thorough=self.thorough)
        scores = self._scores()
        compared = plan.by_polar_column(scores, self.references.partial)
        compared = compared[compared != self.row]
        true = self.references.of_one_firearm(self.row)
        for row in np.setdiff1d(true, compared).tolist():
            stage: Stage = "second pass" if np.isfinite(scores[row]) else "first pass"
            yield self.references.pair(self.place, self.row, row, stage, self._above(scores, row))

        # 2.
        entrants = np.intersect1d(true, compared)
        if not len(entrants):
            return
        none = np.empty(0, np.intp)
        by_descriptor = plan.searched(scores, none, none)
        beside = np.setdiff1d(by_descriptor, true)
        others = np.setdiff1d(compared, np.union1d(true, beside))
        view = ComparisonView(self.query, PARAMETERS)
        polar = polar_query(view)
        of_true, of_beside = (polar.agreements(self.references.polar[rows]) for rows in (entrants, beside))
        at_once = plan.fine_candidates - _above(of_true, of_beside)
        order = np.random.default_rng([self.seed, self.place, 1]).permutation(others)
        wanted = RIVALS_OF_ALL if plan.all_by_polar_column else RIVALS
        size = math.ceil(wanted * len(others) / plan.fine_candidates)
        unclear = True
        while unclear:
            sample = np.sort(order[:size])
            of_sample = polar.agreements(self.references.polar[sample])
            enters, unclear_enters = _within(of_true, of_sample, len(others), at_once)
            straight = np.isin(entrants, by_descriptor)
            enters, unclear_enters = enters | straight, unclear_enters & ~straight

            # 3.
            each = len(others) / max(len(sample), 1)
            among = _among_best(plan.fine_candidates, [*of_true, *of_beside], of_sample, each)
            rivals, room = sample[among], round(int(among.sum()) * each)
            rows = np.concatenate([entrants, beside, rivals]).tolist()
            sifted = np.array([sift(view, ComparisonView(self.references.scan(row), PARAMETERS)) for row in rows])
            true_sifted = np.where(enters, sifted[: len(entrants)], -np.inf)
            beside_sifted, rival_sifted = np.split(sifted[len(entrants) :], [len(beside)])
            listed_at_most = FIRST - _above(true_sifted, beside_sifted)
            found, unclear_found = _within(true_sifted, rival_sifted, room, listed_at_most)
            unclear = len(sample) < len(others) and bool((unclear_enters | (enters & unclear_found)).any())
            size *= GROWTH
        above = _above(of_true, of_true) + _above(of_true, of_beside) + _above(of_true, of_sample) * each
        for row, number, entering, listed in zip(entrants.tolist(), above.tolist(), enters, found, strict=True):
            stage = "polar" if not entering else "found" if listed else "sift"
            yield self.references.pair(self.place, self.row, row, stage, self._above(scores, row), number)

    def _scores(self) -> NDArray[np.float32]:
        """As ``Gallery`` has them: by all harmonics of those that the first pass chose, -inf of the others."""
        first = self.first.copy()
        first[self.row] = -np.inf  # as a filter leaves out the query's own scan
        kept = max(-(-(len(first) - 1) // _SECOND_SHARE), _SECOND_LEAST * PARAMETERS.descriptor_candidates)
        numbers = np.sort(best(first, min(kept, len(first) - 1)))
        scores = np.full(len(first), -np.inf, np.float32)
        scores[numbers] = prefilter(self.query.descriptor[None], self.references.descriptors[numbers])[0]
        return scores

    def _above(self, scores: NDArray[np.float32], row: int) -> int:
        by = scores if np.isfinite(scores[row]) else self.first
        return int((by > by[row]).sum())


def _above(of_true: NDArray[Any], of_others: NDArray[Any]) -> NDArray[np.intp]:
    """How many of the others lie above each true reference."""
    return np.asarray((of_others > of_true[:, None]).sum(axis=1), np.intp)


def _among_best(count: int, counted: Sequence[float], of_sample: NDArray[Any], each: float) -> NDArray[np.bool_]:
    """Which of a sample are among the best ``count``; of it each stands for ``each``, of the counted for itself."""
    values = np.concatenate([counted, of_sample])
    weights = np.where(np.arange(len(values)) < len(counted), 1.0, each)
    order = np.argsort(-values, kind="stable")
    among = np.zeros(len(values), bool)
    among[order[np.cumsum(weights[order]) <= count + 1e-6]] = True
    return among[len(counted) :]


def _within(
    of_true: NDArray[Any], of_sample: NDArray[Any], size: int, limit: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each true reference is among the first ``limit`` of all, and whether that is unclear.

    ``of_sample``: what some of ``size`` others agree by; the other true references count themselves, as they are.
    """
    left = limit - _above(of_true, of_true)
    above = _above(of_true, of_sample)
    as_low = hypergeom.cdf(above, size, np.clip(left, 0, size), len(of_sample))
    as_high = hypergeom.sf(above - 1, size, np.clip(left - 1, 0, size), len(of_sample))
    within = (size < left) | (above * size < left * len(of_sample))
    return within, (size >= left) & (as_low > ERROR) & (as_high > ERROR)
