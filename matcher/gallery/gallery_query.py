"""Asking a gallery: from many references to a short, explained list."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from matcher.areal.comparison import Placement
from matcher.areal.prepared import Prepared
from matcher.areal.ranking import Plan, Ranked, best, rank
from matcher.errors import GalleryDamaged, GalleryInUse, NotComparable, ScanRefused
from matcher.gallery.files import allow_open_files, damaged, telling_of_missing_files
from matcher.gallery.gallery_tasks import (
    ReferencePlace,
    Rows,
    first_pass,
    place_batch,
    polar_pass,
    second_pass,
    sift_batch,
)
from matcher.gallery.generation import Generation, current_digest
from matcher.gallery.schema import COLUMNS, Filters
from matcher.gallery.shard import Shard
from matcher.numeric.parameters import DEFAULT_PARAMETERS, Parameters

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, how much of it is done, and how much there is."""

_SECOND_SHARE = 16
"""Of the first pass the best sixteenth goes on. On Fadul, turned, halved and noisy, among 20,000 distractors: of 300
pairs of one firearm that all harmonics rank in the first 0.5 %, one lies behind it (and behind an eighth as well)."""
_SECOND_LEAST = 4
"""Times ``descriptor_candidates``: where a sixteenth would be little more than the polar pass takes."""
_SECOND_ROWS = 2048
_POLAR_ROWS = 2048
_SIFT_BATCH = 16
_REGISTER_BATCH = 8
_QUERIES_A_PASS = 8
_TRIES = 10

EVERYTHING = Filters()

_T = TypeVar("_T")


@dataclass(frozen=True)
class Candidate:
    """One reference of a candidate list: its name, how it entered the list, how the query (scan a) lies on it
    (scan b)."""

    reference: bytes
    prefilter_score: float
    placement: Placement


@dataclass(frozen=True)
class CandidateList:
    """What a query found.

    ``candidates``: best first; ``searched``: with how many references the query was compared; ``damaged``: those
    that could not be compared because their bytes are not what was written: prepare and append them again.
    ``compared_by_polar_column``: of how many references parts of marks were looked for; ``why``: a sentence that
    tells the examiner.
    """

    candidates: tuple[Candidate, ...]
    searched: int
    damaged: tuple[bytes, ...]
    compared_by_polar_column: int
    why: str


@dataclass(frozen=True)
class _Part:
    """A shard as it was when the query began: its rows that are asked for, numbered from ``start``."""

    shard: Shard
    count: int
    rows: NDArray[np.int64]
    start: int


class Gallery:
    """Reading a gallery that serves, beside its writer. May be shared by threads.

    Each query sees the references that were there when it began. Raises ``NotComparable`` where the folder serves no
    gallery of these parameters, ``GalleryDamaged`` where its files are not what was written.
    """

    def __init__(self, folder: Path, parameters: Parameters = DEFAULT_PARAMETERS) -> None:
        if current_digest(folder) != parameters.digest:
            raise NotComparable("the gallery serves scans prepared with other parameters: wait until it is rebuilt")
        self.parameters = parameters
        self._generation = Generation.of(folder, parameters.digest)
        self._shards: dict[Path, Shard] = {}

    def __len__(self) -> int:
        return sum(len(part.rows) for part in self._snapshot(EVERYTHING))

    def references(self) -> list[bytes]:
        """The names of all references, to be compared with what should be there."""
        parts = self._snapshot(EVERYTHING)
        return [name.tobytes() for part in parts for name in part.shard.rows(part.count)["reference"][part.rows]]

    def correlate(
        self,
        queries: Sequence[Prepared],
        filters: Filters = EVERYTHING,
        executor: Executor | None = None,
        progress: Progress = lambda _stage, _done, _all: None,
        *,
        thorough: bool = False,
    ) -> list[CandidateList]:
        """Rank what passes the filters by its agreement with each query, best first.

        1. Choose the references that pass; nothing is computed for the others.
        2. Compare their first harmonics with all queries in one pass.
        3. For each query, compare all harmonics of the best sixteenth.
        4. Compare by polar column the best of those, and references that show a part of a mark; all references
           where the query does, or where it is to be ``thorough``.
        5. Search the best of both one by one, register the best of those, rank: ``matcher.areal.ranking.rank``.

        ``executor``: for example a ``ProcessPoolExecutor`` with one BLAS thread a process; none: all in this thread.
        The answer is the same for any executor, and for each query whatever is asked beside it.
        Memory: 4 bytes a query and chosen reference for scores, and for each process 50 MB; descriptors are
        mapped, prepared scans read for the best ones alone.
        Raises ``NotComparable`` for a query that was prepared with other parameters, ``GalleryInUse`` where shards
        are compacted away again and again.
        """
        if any(query.parameters_digest != self.parameters.digest for query in queries):
            raise NotComparable("the query was prepared with other parameters than the gallery: prepare it again")
        for _ in range(_TRIES):
            with self._begun_again():
                return self._search(queries, filters, executor, progress, thorough=thorough)
        raise GalleryInUse("The gallery is changed faster than it is asked: ask again later.")

    def count(self) -> int:
        """As ``len``, by the heads of the shards alone: what they say is checked by whoever asks the gallery."""
        with telling_of_missing_files():
            counts = [Shard(folder).head() for folder in self._generation.shards()]
        return sum(count - removed for count, removed in counts)

    def shards(self) -> list[str]:
        """The names of its shards. One that was compacted has another name."""
        with telling_of_missing_files():
            return [folder.name for folder in self._generation.shards()]

    def verify(self, shards: Collection[str] | None = None) -> tuple[bytes, ...]:
        """Read everything, or all of the shards that are named; returns the names of the references of which something
        is not what was written. Many shards are verified in as many calls as the caller wants."""
        altered: list[bytes] = []
        with telling_of_missing_files():
            folders = self._generation.shards()
        for folder in folders:
            if shards is None or folder.name in shards:
                with self._begun_again():
                    altered += _altered(Shard(folder))  # nothing that was checked before counts
        return tuple(altered)

    @contextlib.contextmanager
    def _begun_again(self) -> Iterator[None]:
        """A shard may be compacted away while it is read: then what was begun comes to no end, and that is all. A file
        that is missing of one that the manifest still names is damage."""
        try:
            yield
        except FileNotFoundError as error:
            missing = Path(error.filename)
            with telling_of_missing_files():
                named = self._generation.shards()
            if missing.parent in named or missing.parent == self._generation.folder:
                raise damaged(missing, "is missing") from error

    def _search(
        self,
        queries: Sequence[Prepared],
        filters: Filters,
        executor: Executor | None,
        progress: Progress,
        *,
        thorough: bool,
    ) -> list[CandidateList]:
        search = _Search(self.parameters, self._snapshot(filters), executor, progress, thorough)
        passes = _batches(queries, _QUERIES_A_PASS)
        return [found for together in passes for found in search.run(together)]

    def _snapshot(self, filters: Filters) -> list[_Part]:
        folders = self._generation.shards()
        allow_open_files(len(folders))
        self._shards = {folder: self._shards.get(folder) or Shard(folder) for folder in folders}
        parts, start = [], 0
        for shard in self._shards.values():
            count, removed = shard.head()
            chosen = np.flatnonzero(shard.live(count, removed) & filters.mask(shard.rows(count)))
            parts.append(_Part(shard, count, chosen, start))
            start += len(chosen)
        return parts


@dataclass(frozen=True)
class _Search:
    """Up to ``_QUERIES_A_PASS`` queries against one snapshot. References are numbered through all parts."""

    parameters: Parameters
    parts: Sequence[_Part]
    executor: Executor | None
    progress: Progress
    thorough: bool

    def run(self, queries: Sequence[Prepared]) -> list[CandidateList]:
        descriptors = np.stack([query.descriptor for query in queries])
        scores, damaged = self._first(descriptors)
        return [self._one(query, row, set(damaged)) for query, row in zip(queries, scores, strict=True)]

    def _first(self, queries: NDArray[np.int8]) -> tuple[NDArray[np.float32], list[int]]:
        scores = np.empty((len(queries), sum(len(part.rows) for part in self.parts)), np.float32)
        parts = [part for part in self.parts if len(part.rows)]
        calls = [(part.shard.folder, part.count, _run_or_rows(part.rows), queries) for part in parts]
        damaged = []
        for part, (found, bad) in zip(parts, self._each("first pass", first_pass, calls), strict=True):
            scores[:, part.start : part.start + len(part.rows)] = found
            damaged += [self._number(part, row) for row in bad]
        return scores, damaged

    def _one(self, query: Prepared, first: NDArray[np.float32], damaged: set[int]) -> CandidateList:
        packed = query.to_bytes()
        plan = Plan.of(query, self.parameters, thorough=self.thorough)
        by_descriptor = self._scores(query, first, damaged)
        compared = plan.by_polar_column(by_descriptor, self._partial())
        polar = self._over("polar pass", polar_pass, compared, _POLAR_ROWS, (packed, self.parameters), damaged)
        chosen = plan.searched(by_descriptor, compared, polar)
        scores = self._second(query, chosen, damaged)
        entered = {
            number: score
            for number, score in zip(chosen.tolist(), scores.tolist(), strict=True)
            if number not in damaged
        }

        def sift(rows: Sequence[int]) -> list[tuple[int, float]]:
            return self._gather("sift", sift_batch, packed, rows, _SIFT_BATCH, damaged)

        def register(rows: Sequence[int]) -> list[tuple[int, Placement]]:
            return self._gather("register", place_batch, packed, rows, _REGISTER_BATCH, damaged)

        ranked = rank(entered, sift, register, self.parameters)
        return CandidateList(
            candidates=tuple(self._candidate(entry) for entry in ranked),
            searched=len(first),
            damaged=tuple(self._name(number) for number in sorted(damaged)),
            compared_by_polar_column=len(compared),
            why=plan.why,
        )

    def _scores(self, query: Prepared, first: NDArray[np.float32], damaged: set[int]) -> NDArray[np.float32]:
        """By all harmonics of the best, -inf of the others."""
        kept = max(-(-len(first) // _SECOND_SHARE), _SECOND_LEAST * self.parameters.descriptor_candidates)
        numbers = np.sort(best(first, kept))
        scores = np.full(len(first), -np.inf, np.float32)
        scores[numbers] = self._second(query, numbers, damaged)
        return scores

    def _partial(self) -> NDArray[np.bool_]:
        """Whether each reference shows a part of a mark."""
        told = [part.shard.rows(part.count)["partial"][part.rows] > 0 for part in self.parts]
        return np.concatenate([*told, np.empty(0, np.bool_)])

    def _second(self, query: Prepared, numbers: NDArray[np.intp], damaged: set[int]) -> NDArray[np.float32]:
        return self._over("second pass", second_pass, numbers, _SECOND_ROWS, (query.descriptor,), damaged)

    def _over(
        self,
        stage: str,
        task: Callable[..., tuple[NDArray[np.float32], list[int]]],
        numbers: NDArray[np.intp],
        size: int,
        more: tuple[Any, ...],
        damaged: set[int],
    ) -> NDArray[np.float32]:
        """What a task says of some references of all parts, a few at a time; -inf for those that are damaged."""
        scores = np.empty(len(numbers), np.float32)
        calls, spans = [], []
        for part in self.parts:
            low, high = np.searchsorted(numbers, [part.start, part.start + len(part.rows)])
            for at in range(low, high, size):
                end = min(at + size, high)
                rows = _run_or_rows(part.rows[numbers[at:end] - part.start])
                calls.append((part.shard.folder, part.count, rows, *more))
                spans.append((part, at, end))
        for (part, at, end), (found, bad) in zip(spans, self._each(stage, task, calls), strict=True):
            scores[at:end] = found[0]
            damaged.update(self._number(part, row) for row in bad)
        return scores

    def _each(self, stage: str, task: Callable[..., _T], calls: Sequence[tuple[Any, ...]]) -> Iterator[_T]:
        """The tasks' results in their order, from as many processes as there are."""
        if self.executor is None:
            results: Iterable[_T] = (task(*call) for call in calls)
        else:
            # submitted one by one, not by ``map``: executors on a cluster differ in what that takes
            futures = [self.executor.submit(task, *call) for call in calls]
            results = (future.result() for future in futures)
        for done, result in enumerate(results, 1):
            self.progress(stage, done, len(calls))
            yield result

    def _gather(
        self,
        stage: str,
        task: Callable[..., tuple[list[tuple[int, _T]], list[int]]],
        packed: bytes,
        numbers: Sequence[int],
        size: int,
        damaged: set[int],
    ) -> list[tuple[int, _T]]:
        """What a task says of each reference, from batches of them."""
        places = [self._place(number) for number in numbers]
        gathered: list[tuple[int, _T]] = []
        for found, bad in self._each(stage, task, [(packed, self.parameters, b) for b in _batches(places, size)]):
            gathered += found
            damaged.update(bad)
        return gathered

    def _candidate(self, entry: Ranked) -> Candidate:
        return Candidate(self._name(entry.index), entry.prefilter_score, entry.placement)

    def _place(self, number: int) -> ReferencePlace:
        part = self._part(number)
        return number, part.shard.folder, int(part.rows[number - part.start])

    def _name(self, number: int) -> bytes:
        part = self._part(number)
        return bytes(part.shard.rows(part.count)["reference"][part.rows[number - part.start]].tobytes())

    def _part(self, number: int) -> _Part:
        # of several parts that start here all but the last are empty
        return self.parts[int(np.searchsorted(self._starts, number, side="right")) - 1]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.array([part.start for part in self.parts], np.int64)

    def _number(self, part: _Part, row: int) -> int:
        return part.start + int(np.searchsorted(part.rows, row))


def _altered(shard: Shard) -> list[bytes]:
    count, removed = shard.head()
    rows, names = np.flatnonzero(shard.live(count, removed)), shard.rows(count)["reference"]
    bad = set(shard.altered(COLUMNS, rows, count).tolist())
    return [names[row].tobytes() for row in rows.tolist() if row in bad or not _is_sound(shard, row)]


def _is_sound(shard: Shard, row: int) -> bool:
    try:
        _ = shard.scan(row).coarse
    except (GalleryDamaged, ScanRefused):
        return False
    return True


def _run_or_rows(rows: NDArray[np.int64]) -> Rows:
    first, last = int(rows[0]), int(rows[-1])
    return range(first, last + 1) if last - first + 1 == len(rows) else rows


def _batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
