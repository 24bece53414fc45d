"""Scores of drawn pairs whose truth is known: against these a person sees where the score of an exercise stands.

They were measured once, with the matcher that the file names
(`python -m tests.exchange.coordination.exercises.measure_exercises`), and are displayed next to an exercise only where
this node's matcher is the same. Drawn marks say nothing of real ones.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import matcher

KNOWN_FILE: Final = "known_scores.json"


@dataclass(frozen=True)
class KnownPairScores:
    """Each from the lowest to the highest. ``different``: of firearms that no tool joins; ``look_alikes``: of firearms
    of one tool; ``same``: of one firearm; all with whole marks."""

    parameters: str
    different: Sequence[float]
    look_alikes: Sequence[float]
    same: Sequence[float]

    @property
    def is_of_this_matcher(self) -> bool:
        return self.parameters == matcher.DEFAULT_PARAMETERS.digest


@dataclass(frozen=True)
class ScorePlace:
    """Of how many known pairs of each kind the score is higher, and how many there are."""

    above_different: int
    different: int
    above_look_alikes: int
    look_alikes: int
    above_same: int
    same: int


@cache
def known_pair_scores() -> KnownPairScores:
    found = json.loads(resources.files(__package__).joinpath(KNOWN_FILE).read_text(encoding="utf-8"))
    return KnownPairScores(
        found["parameters"], sorted(found["different"]), sorted(found["look_alikes"]), sorted(found["same"])
    )


def place_among(score: float, known: KnownPairScores) -> ScorePlace:
    return ScorePlace(
        bisect_left(known.different, score),
        len(known.different),
        bisect_left(known.look_alikes, score),
        len(known.look_alikes),
        bisect_left(known.same, score),
        len(known.same),
    )
