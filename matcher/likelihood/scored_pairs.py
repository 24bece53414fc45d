"""Scores of pairs whose firearms are known, and of which data they are: what a calibration model is made from."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.likelihood.calibration_model import CalibrationRefused, ReferencePopulation

_TABLE_BYTES = 64 * 1024 * 1024
"""A million pairs."""


@dataclass(frozen=True)
class ScoredPairs:
    """Scores of pairs of scans whose firearms are known.

    ``scores``: (n,), finite; higher speaks for one firearm. ``firearms``: (n, 2), whole numbers from 0: the
    places of the two firearms' names in sorted order.
    """

    scores: NDArray[np.float64]
    firearms: NDArray[np.int64]

    @classmethod
    def from_names(cls, first: Sequence[str], second: Sequence[str], scores: Sequence[float]) -> ScoredPairs:
        """Raises ``CalibrationRefused`` for a score that is not finite, and without pairs of both kinds."""
        values = np.array(scores, dtype=np.float64)
        if not np.isfinite(values).all():
            raise CalibrationRefused("a score is not a finite number")
        places = np.unique(np.array([*first, *second]), return_inverse=True)[1]
        pairs = cls(values, places.reshape(2, -1).T.astype(np.int64))
        if not 0 < pairs.same.sum() < len(values):
            raise CalibrationRefused("there must be pairs of one firearm and pairs of two firearms")
        return pairs

    @property
    def same(self) -> NDArray[np.bool_]:
        """(n,): whether both scans are of one firearm (KM)."""
        same: NDArray[np.bool_] = self.firearms[:, 0] == self.firearms[:, 1]
        return same

    @property
    def n_firearms(self) -> int:
        return int(self.firearms.max()) + 1


@dataclass(frozen=True)
class DataDescription:
    """Of which data pairs are, in the words of ``ReferencePopulation``. Raises ``CalibrationRefused`` for words that no
    model may hold."""

    name: str
    description: str
    region: str
    calibres: tuple[str, ...]
    n_scans: int | None
    matcher_version: str
    parameters_digest: str
    made_on: str

    def __post_init__(self) -> None:
        self._of(n_firearms=1, n_km=1, n_knm=1)  # said now, not when all pairs were compared

    def population(self, pairs: ScoredPairs) -> ReferencePopulation:
        """With the numbers of firearms and pairs, and without a lateral resolution or limits."""
        n_km = int(pairs.same.sum())
        return self._of(n_firearms=pairs.n_firearms, n_km=n_km, n_knm=len(pairs.same) - n_km)

    def _of(self, *, n_firearms: int, n_km: int, n_knm: int) -> ReferencePopulation:
        try:
            return ReferencePopulation(
                modality="topography",
                lateral_resolution_um=None,
                n_firearms=n_firearms,
                n_km=n_km,
                n_knm=n_knm,
                **asdict(self),
            )
        except ValueError as error:
            raise CalibrationRefused(f"the reference population: {error}") from error


def read_score_table(path: Path, column: str) -> ScoredPairs:
    """Read scores of another program: CSV with weapon1, weapon2, hypothesis (1: one firearm, 0: two) and a score.

    Raises ``CalibrationRefused`` that names the line, where a row contradicts itself or cannot be read.
    """
    first, second, scores = [], [], []
    try:
        if path.stat().st_size > _TABLE_BYTES:
            raise CalibrationRefused(f"{path} is larger than the {_TABLE_BYTES} bytes that are read")
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = table.fieldnames or []
            if not {"weapon1", "weapon2", "hypothesis", column} <= set(columns):
                raise CalibrationRefused(
                    f"{path} needs the columns weapon1, weapon2, hypothesis and {column}; it has {', '.join(columns)}"
                )
            for row in table:
                a, b, hypothesis = row["weapon1"], row["weapon2"], row["hypothesis"]
                if not a or not b or hypothesis != str(int(a == b)):
                    raise CalibrationRefused(
                        f"{path}, line {table.line_num}: weapons and hypothesis contradict each other"
                    )
                first.append(a)
                second.append(b)
                scores.append(float(row[column]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CalibrationRefused(f"{path} cannot be read as a CSV file: {error}") from error
    except (TypeError, ValueError) as error:
        raise CalibrationRefused(f"{path}, line {table.line_num}: the score is not a number") from error
    return ScoredPairs.from_names(first, second, scores)
