"""Hits of the same two exhibits, as one line of a list: each names two scans, and several may be of two exhibits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.flows.hits.history import Link

_Exhibits: TypeAlias = frozenset[str]


@dataclass(frozen=True)
class FoldedHits:
    """``link``: the first of the list that is of these exhibits; ``others`` are of them too."""

    link: Link
    others: Sequence[Link]


def folded_hits(links: Iterable[Link]) -> list[FoldedHits]:
    """In the order of the list."""
    found: dict[_Exhibits, list[Link]] = {}
    for link in links:
        found.setdefault(_exhibits(link), []).append(link)
    return [FoldedHits(first, others) for first, *others in found.values()]


def _exhibits(link: Link) -> _Exhibits:
    """A record that was withdrawn is called by its own id."""
    sides = zip((link.pair.a, link.pair.b), link.records, strict=True)
    return frozenset(record.exhibit if record is not None else side.record for side, record in sides)
