"""What the worker processes of a query do. Each maps the gallery's files itself; little travels between processes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matcher.comparison import Comparison, View, compare_cells, register_pair
from matcher.correlation import Registered
from matcher.descriptor import prefilter
from matcher.errors import GalleryDamaged, ScanRefused
from matcher.gallery.schema import COLUMNS, FIRST, REST
from matcher.gallery.shard import Shard
from matcher.parameters import Parameters
from matcher.prepared import Prepared
from matcher.registration import Registration

Rows: TypeAlias = range | NDArray[np.int64]
"""Rows of one shard, rising; a range where none is left out, which needs no copy."""
Place: TypeAlias = tuple[int, Path, int]
"""A reference: its number in the snapshot, its shard's folder, its row there."""


def first_pass(
    folder: Path, count: int, rows: Rows, queries: NDArray[np.int8]
) -> tuple[NDArray[np.float32], list[int]]:
    """Scores of several queries by the first harmonics, (q, len(rows)), and the rows that are damaged (-inf)."""
    shard = _shard(folder)
    values = shard.column(FIRST, count)
    scores = prefilter(queries, values[rows.start : rows.stop] if isinstance(rows, range) else values[rows])
    return _without(shard.altered((FIRST,), np.asarray(rows), count), np.asarray(rows), scores)


def second_pass(
    folder: Path, count: int, rows: NDArray[np.int64], query: NDArray[np.int8]
) -> tuple[NDArray[np.float32], list[int]]:
    """Scores of one query by all harmonics, (1, len(rows)), and the rows that are damaged (-inf)."""
    shard = _shard(folder)
    whole = np.concatenate([shard.column(column, count)[rows] for column in (FIRST, REST)], axis=1)
    return _without(shard.altered(COLUMNS, rows, count), rows, prefilter(query[None], whole))


def register_batch(query: bytes, parameters: Parameters, places: Sequence[Place]) -> tuple[list[Registered], list[int]]:
    """Register the query with each reference; and the numbers of those that are damaged."""
    view = _query_view(query, parameters)
    found, damaged = [], []
    for number, folder, row in places:
        try:
            found.append((number, register_pair(view, View(_prepared(folder, row), parameters))))
        except (GalleryDamaged, ScanRefused):
            damaged.append(number)
    return found, damaged


def compare_batch(
    query: bytes, parameters: Parameters, pairs: Sequence[tuple[Place, Registration]]
) -> tuple[list[tuple[int, Comparison]], list[int]]:
    """Compare the cells of registered references; and the numbers of those that are damaged."""
    view = _query_view(query, parameters)
    found, damaged = [], []
    for (number, folder, row), registration in pairs:
        try:
            found.append((number, compare_cells(view, View(_prepared(folder, row), parameters), registration)))
        except (GalleryDamaged, ScanRefused):
            damaged.append(number)
    return found, damaged


def _without(
    altered: NDArray[np.int64], rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[int]]:
    if len(altered):
        scores[:, np.isin(rows, altered)] = -np.inf
    return scores, altered.tolist()


def _prepared(folder: Path, row: int) -> Prepared:
    # a view of the bytes: the fine grid is not even copied where the coarse one alone is asked for
    return Prepared.from_bytes(memoryview(_shard(folder).blob(row)))


@lru_cache(maxsize=4096)
def _shard(folder: Path) -> Shard:
    """A shard of this name is this shard for ever: kept, with what has been checked of it."""
    return Shard(folder)


@lru_cache(maxsize=1)
def _query_view(query: bytes, parameters: Parameters) -> View:
    """The query with its turned spectra (35 MB), for the batches that follow."""
    return View(Prepared.from_bytes(query), parameters)
