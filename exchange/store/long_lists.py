"""Long lists of names, in parts that one query of the database takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

AT_ONCE = 500
"""Bounded: a database takes so many values in one question."""


def in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
