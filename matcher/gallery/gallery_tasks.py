"""What the worker processes of a query do. Each maps the gallery's files itself; little travels between processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from matcher.areal.comparison import ComparisonView, Placement, placement_of
from matcher.areal.descriptor import prefilter
from matcher.areal.polar_column import PolarQuery
from matcher.areal.prepared import Prepared
from matcher.areal.ranking import polar_query, sift
from matcher.errors import GalleryDamaged, ScanRefused
from matcher.gallery.files import allow_open_files
from matcher.gallery.schema import FIRST, POLAR, REST
from matcher.gallery.shard import Shard
from matcher.numeric.parameters import Parameters

Rows: TypeAlias = range | NDArray[np.int64]
"""Rows of one shard, rising; a range where none is left out, which needs no copy."""
ReferencePlace: TypeAlias = tuple[int, Path, int]
"""A reference: its number in the snapshot, its shard's folder, its row there."""

_T = TypeVar("_T")


def first_pass(
    folder: Path, count: int, rows: Rows, queries: NDArray[np.int8]
) -> tuple[NDArray[np.float32], list[int]]:
    """Scores of several queries by the first harmonics, (q, len(rows)), and the rows that are damaged (-inf)."""
    shard = _shard(folder)
    altered = shard.altered((FIRST,), np.asarray(rows), count)  # before it is touched: a disk may not give it back
    scores = prefilter(queries, _rows(shard.column(FIRST, count), rows))
    return _without(altered, np.asarray(rows), scores)


def second_pass(folder: Path, count: int, rows: Rows, query: NDArray[np.int8]) -> tuple[NDArray[np.float32], list[int]]:
    """Scores of one query by all harmonics, (1, len(rows)), and the rows that are damaged (-inf)."""
    shard = _shard(folder)
    altered = shard.altered((FIRST, REST), np.asarray(rows), count)
    whole = np.concatenate([_rows(shard.column(column, count), rows) for column in (FIRST, REST)], axis=1)
    return _without(altered, np.asarray(rows), prefilter(query[None], whole))


def polar_pass(
    folder: Path, count: int, rows: Rows, query: bytes, parameters: Parameters
) -> tuple[NDArray[np.float32], list[int]]:
    """Agreements of one query by polar column, (1, len(rows)), and the rows that are damaged (-inf)."""
    shard = _shard(folder)
    altered = shard.altered((POLAR,), np.asarray(rows), count)
    found = _polar_query(query, parameters).agreements(_rows(shard.column(POLAR, count), rows))
    return _without(altered, np.asarray(rows), found[None])


def sift_batch(
    query: bytes, parameters: Parameters, places: Sequence[ReferencePlace]
) -> tuple[list[tuple[int, float]], list[int]]:
    """The agreement of each reference at its best place; and the numbers of those that are damaged."""
    return _each(query, parameters, places, sift)


def place_batch(
    query: bytes, parameters: Parameters, places: Sequence[ReferencePlace]
) -> tuple[list[tuple[int, Placement]], list[int]]:
    """How the query lies on each reference; and the numbers of those that are damaged."""
    return _each(query, parameters, places, placement_of)


TASKS: tuple[Callable[..., tuple[object, list[int]]], ...] = (
    *(first_pass, second_pass, polar_pass),
    *(sift_batch, place_batch),
)
"""What an executor is given: each returns what it found, and what it holds for damaged."""


def _each(
    query: bytes,
    parameters: Parameters,
    places: Sequence[ReferencePlace],
    look: Callable[[ComparisonView, ComparisonView], _T],
) -> tuple[list[tuple[int, _T]], list[int]]:
    view = _query_view(query, parameters)
    found, damaged = [], []
    for number, folder, row in places:
        try:
            found.append((number, look(view, ComparisonView(_shard(folder).scan(row), parameters))))
        except (GalleryDamaged, ScanRefused):
            damaged.append(number)
    return found, damaged


def _rows(values: NDArray[np.int8], rows: Rows) -> NDArray[np.int8]:
    return values[rows.start : rows.stop] if isinstance(rows, range) else values[rows]


def _without(
    altered: NDArray[np.int64], rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[int]]:
    if len(altered):
        scores[:, np.isin(rows, altered)] = -np.inf
    return scores, altered.tolist()


@lru_cache(maxsize=4096)
def _shard(folder: Path) -> Shard:
    """A shard of this name is this shard for ever: kept, with what has been checked of it."""
    allow_open_files(_shard.cache_info().currsize + 1)
    return Shard(folder)


@lru_cache(maxsize=1)
def _query_view(query: bytes, parameters: Parameters) -> ComparisonView:
    """The query with its code and turned spectra (24 MB), for the batches that follow."""
    return ComparisonView(Prepared.from_bytes(query), parameters)


@lru_cache(maxsize=1)
def _polar_query(query: bytes, parameters: Parameters) -> PolarQuery:
    return polar_query(_query_view(query, parameters))
