"""What a worker process does when the cells of pairs are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matcher


@dataclass(frozen=True)
class CellsAsked:
    """Two prepared scans, by their files, and how they were prepared."""

    a: Path
    b: Path
    parameters: matcher.Parameters


@dataclass(frozen=True)
class CellsFound:
    """``comparison``: the matcher's explanation as JSON, of a with b."""

    congruent_cells: int
    cells: int
    comparison: str


def cells_of_pairs(asked: Sequence[CellsAsked]) -> list[CellsFound | None]:
    """Compare each pair in full. The score is the one that it has: the same scans always give the same. None where a
    prepared scan is gone or damaged."""
    return [_cells(one) for one in asked]


def _cells(asked: CellsAsked) -> CellsFound | None:
    try:
        a, b = (matcher.Prepared.from_bytes(side.read_bytes()) for side in (asked.a, asked.b))
        found = matcher.compare(a, b, asked.parameters)
    except (OSError, matcher.MatcherError):
        return None
    return CellsFound(found.n_congruent, found.n_cells, found.to_json())
