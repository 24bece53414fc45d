"""The sections of a meeting pack: each a title, what a reader must know, drawings, and tables. The PDF lays them out,
and each table is a file for a spreadsheet too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PackTable:
    """``name``: of its file. ``shares``: of the width of a page; ``numbers``: which columns are set to the right."""

    name: str
    title: str | None
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    shares: Sequence[float]
    numbers: Sequence[int] = ()


@dataclass(frozen=True)
class PackPicture:
    """``svg`` stands by itself; a table has the same figures."""

    name: str
    caption: str
    svg: bytes


@dataclass(frozen=True)
class PackSection:
    """``notes`` stand before the tables. ``after``: what is said behind them, a bullet each."""

    title: str
    notes: Sequence[str] = ()
    pictures: Sequence[PackPicture] = ()
    tables: Sequence[PackTable] = ()
    after: Sequence[str] = ()
