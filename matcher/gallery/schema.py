"""What a gallery keeps of a reference: declared once, here."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.areal.descriptor import FIRST_HARMONICS, HARMONICS, RINGS
from matcher.areal.polar_column import POLAR_BYTES
from matcher.areal.prepared import Prepared

FORMAT = 4
"""Changes with the files' layout; a gallery of another format is never opened, only made anew."""


@dataclass(frozen=True)
class Column:
    """A part of every reference that has the same size for all: int8 of ``shape``, a file of its own."""

    name: str
    shape: tuple[int, ...]
    of: Callable[[Prepared], NDArray[np.int8]]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape)


FIRST = Column("first", (FIRST_HARMONICS, 2 * RINGS), lambda scan: scan.descriptor[:FIRST_HARMONICS])
REST = Column("rest", (HARMONICS - FIRST_HARMONICS, 2 * RINGS), lambda scan: scan.descriptor[FIRST_HARMONICS:])
POLAR = Column("polar", (POLAR_BYTES,), lambda scan: scan.polar)
COLUMNS = (FIRST, REST, POLAR)
"""The descriptor in two parts, so that the first pass reads no more than it needs; and what a polar pass needs."""

ROW = np.dtype(
    [
        ("reference", "V32"),
        ("calibre", "<u8"),
        ("region", "<u8"),
        ("modality", "<u8"),
        ("owner", "<u8"),
        ("day", "<i4"),
        ("partial", "<u4"),
        ("blob_bytes", "<u4"),
        ("blob_at", "<u8"),
        ("blob_crc", "<u4"),
        ("column_crcs", "<u4", (len(COLUMNS),)),
        ("number", "<u4"),
        ("crc", "<u4"),
    ]
)
"""A reference's row: who it is, what filters ask for, where its prepared scan lies, and what checks the rest."""

NO_DAY = np.iinfo(np.int32).min
LABELS = ("calibre", "region", "modality", "owner")


@dataclass(frozen=True)
class Reference:
    """What is told of a scan when it enters a gallery.

    ``reference``: 32 bytes that name it, the caller's (a digest, say); the labels: any text, compared for equality
    alone; ``date``: of the case, as far as it is known.
    """

    reference: bytes
    calibre: str
    region: str
    modality: str
    owner: str
    date: datetime.date | None = None

    def __post_init__(self) -> None:
        if len(self.reference) != 32:
            raise ValueError(f"a reference is named by 32 bytes, not by {len(self.reference)}")

    def row(self) -> NDArray[np.void]:
        """One row, with all that is known before it is written."""
        row = np.zeros(1, ROW)
        row["reference"] = np.void(self.reference)
        for name in LABELS:
            row[name] = label_code(getattr(self, name))
        row["day"] = NO_DAY if self.date is None else self.date.toordinal()
        return row


@dataclass(frozen=True)
class Filters:
    """Which references a query is compared with; None lets all pass.

    A reference without a date passes every range of dates: a link is not to be lost because a date is missing.
    ``excluded``: references by name, for example the query's own. ``included``: those by name that may be compared at
    all; nothing is computed for any other, and none of them takes a place in the list.
    """

    calibres: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    modalities: frozenset[str] | None = None
    owners: frozenset[str] | None = None
    earliest: datetime.date | None = None
    latest: datetime.date | None = None
    excluded: frozenset[bytes] = frozenset()
    included: frozenset[bytes] | None = None

    def mask(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which rows pass."""
        passed = np.ones(len(rows), np.bool_)
        asked = (self.calibres, self.regions, self.modalities, self.owners)
        for name, wanted in zip(LABELS, asked, strict=True):
            if wanted is not None:
                passed &= np.isin(rows[name], np.array([label_code(label) for label in wanted], np.uint64))
        undated = rows["day"] == NO_DAY
        if self.earliest is not None:
            passed &= undated | (rows["day"] >= self.earliest.toordinal())
        if self.latest is not None:
            passed &= undated | (rows["day"] <= self.latest.toordinal())
        if self.excluded:
            passed &= ~_named(rows, self.excluded)
        if self.included is not None:
            passed &= _named(rows, self.included)
        return passed


def _named(rows: NDArray[np.void], names: frozenset[bytes]) -> NDArray[np.bool_]:
    """Which rows are those of the names. As text, which numpy can look up: all have one width, so it does not matter
    that text ends at its zeros."""
    wanted = np.frombuffer(b"".join(sorted(names)), "S32")
    return np.isin(np.ascontiguousarray(rows["reference"]).view("S32"), wanted)


def label_code(label: str) -> int:
    """Labels are kept as 64 bits of their SHA-256: equality is all that filters ask for."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little")


def layout() -> str:
    """The columns and the row, in words that two releases can compare."""
    columns = [[column.name, list(column.shape)] for column in COLUMNS]
    return json.dumps({"format": FORMAT, "columns": columns, "row": ROW.descr})
