"""How coarsely a score is told to a peer: a band, or that there is no candidate. The score itself is never told."""

from __future__ import annotations

from dataclasses import dataclass

import matcher
from exchange.flows.node.regions import Pipeline
from schemas.vocabulary import ScoreBand


@dataclass(frozen=True)
class Bands:
    """From which score on something is a candidate, and of which band.

    Three bands and no finer: whoever could vary a scan and watch the score move would learn the marks themselves.
    They say how far a pair stands out from chance, never how certain anything is.

    Raises ValueError where they do not rise.
    """

    areal_low: float = 0.36
    """An agreement of 9 standard deviations: the most that unrelated marks reached in some ten thousand pairs."""
    areal_middle: float = 0.50
    """12 standard deviations: twice what unrelated marks reach at the best of all places."""
    areal_high: float = 0.70
    """18 standard deviations. Whole marks of one firearm reach 20 to 50."""
    profile_low: float = 1.00
    """Of 364 pairs of drawn striae of two firearms the highest scored 0.96; drawn ones agree more by chance than the
    published figures of real ones."""
    profile_middle: float = 1.10
    profile_high: float = 1.20
    """Of 14 pairs of drawn striae of one firearm, scored 1.14 to 1.34, all but three."""

    def __post_init__(self) -> None:
        for low, middle, high in (self._areal, self._profile):
            if not 0.0 < low < middle < high < 2.0:
                raise ValueError(f"bands must rise within 0 to 2, not {low}, {middle}, {high}")

    def of(self, score: float, pipeline: Pipeline) -> ScoreBand | None:
        """None: no candidate."""
        low, middle, high = self._profile if isinstance(pipeline, matcher.ProfileParameters) else self._areal
        if score >= high:
            return ScoreBand.HIGH
        if score >= middle:
            return ScoreBand.MIDDLE
        return ScoreBand.LOW if score >= low else None

    @property
    def _areal(self) -> tuple[float, float, float]:
        return self.areal_low, self.areal_middle, self.areal_high

    @property
    def _profile(self) -> tuple[float, float, float]:
        return self.profile_low, self.profile_middle, self.profile_high


BANDS = Bands()
