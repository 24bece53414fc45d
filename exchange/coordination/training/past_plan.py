"""What is to happen in a half-year: which firearms were used where, and what becomes of each pair of their exhibits.
Drawn by a seed, so that the same region has the same past."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations
from typing import Final

from schemas.calibre import Calibre, compatible_calibres

BUSY_PAIR: Final = ("MK", "RS")
"""Two neighbours with many hits."""
HOLDERS: Final = (6, 5, 4, 4, 3, 3)
"""In how many jurisdictions each firearm of a half-year was used."""
COMPARED_FIREARMS: Final = frozenset({2, 4, 5})
"""Of which firearms there are breech faces, which nodes compare; of the others ejector marks. To compare a scan takes a
second of each node that has it."""
_ODDS: Final = (("none", 35), ("lead", 30), ("confirmed", 22), ("retracted", 13))
_WORDS: Final = frozenset({"unknown", "not_examined", "other"})


class Fate(Enum):
    """What becomes of a pair of exhibits of one firearm."""

    NONE = auto()
    """Nobody looks at it."""
    LEAD = auto()
    CONFIRMED = auto()
    RETRACTED = auto()


@dataclass(frozen=True)
class PlannedPair:
    """``signed_by`` is the side that looks first; ``feedback``: which sides say what became of it; ``looked``: whether
    the other side opens it too."""

    firearm: int
    signed_by: str
    other: str
    fate: Fate
    feedback: frozenset[str]
    looked: bool
    after_h: float


@dataclass(frozen=True)
class HalfPlan:
    """``firearms``: by number, its calibre and who has an exhibit of it; ``at_home``: who has two of one firearm."""

    firearms: tuple[tuple[str, tuple[str, ...]], ...]
    pairs: tuple[PlannedPair, ...]
    at_home: str
    calibres: tuple[str, ...]
    """For exhibits beside these."""


def plan_half(number: int, codes: Sequence[str], chance: random.Random) -> HalfPlan:
    """The half-year with this number, from 0 on. No calibre of it is compared with one of another half-year."""
    each = len(HOLDERS) + CALIBRES_BESIDE
    calibres = _apart()[number * each : (number + 1) * each]
    firearms = tuple(
        (calibre, _holders(codes, count, chance)) for calibre, count in zip(calibres, HOLDERS, strict=False)
    )
    pairs = tuple(
        _pair(firearm, one, other, chance)
        for firearm, (_, holders) in enumerate(firearms)
        for one, other in combinations(holders, 2)
    )
    return HalfPlan(firearms, pairs, chance.choice(BUSY_PAIR), tuple(calibres[len(HOLDERS) :]))


CALIBRES_BESIDE: Final = 4
MOST_HALVES: Final = 4


def _holders(codes: Sequence[str], count: int, chance: random.Random) -> tuple[str, ...]:
    others = [code for code in codes if code not in BUSY_PAIR]
    return tuple(sorted([*BUSY_PAIR, *chance.sample(others, count - len(BUSY_PAIR))]))


def _pair(firearm: int, one: str, other: str, chance: random.Random) -> PlannedPair:
    first, second = chance.sample((one, other), 2)
    (word,) = chance.choices([name for name, _ in _ODDS], [odds for _, odds in _ODDS])
    fate = Fate[word.upper()]
    if {one, other} == set(BUSY_PAIR) and fate in (Fate.NONE, Fate.RETRACTED):
        fate = Fate.LEAD
    told = frozenset(code for code in (first, second) if fate in (Fate.LEAD, Fate.CONFIRMED) and chance.random() < 0.5)
    return PlannedPair(firearm, first, second, fate, told, chance.random() < 0.5, chance.choice((2, 6, 20)))


def _apart() -> list[str]:
    """Calibres of which none is compared with another one."""
    return list(_each_apart())


def _each_apart() -> Iterator[str]:
    taken: set[Calibre] = set()
    for calibre in Calibre:
        if calibre.value not in _WORDS and not compatible_calibres(calibre) & taken:
            taken.add(calibre)
            yield calibre.value
