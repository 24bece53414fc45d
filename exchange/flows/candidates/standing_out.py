"""Which of one record's exhibit pairs stand out, by their scores alone.

**The crowd.** Nearly all exhibits that a record is compared with were fired by other firearms. Their scores form one
crowd. A score is an agreement on a bounded scale (``matcher.areal.comparison.score_of``): by how many standard
deviations the best of many places agrees. What is the best of many follows
Gumbel's law, whatever each of them follows; so the agreement that the best of N unrelated exhibits exceeds in one list
of fifty is ``mean + spread * sqrt(6) / pi * (log(50 N) - 0.577)``. A pair beyond that was hardly made by chance. (The
best is left out of the crowd that it is held against, whose spread then looks smaller: of drawn crowds of 4 to 400 it
is one list in 25 at most.) It is the rule of Rosner's test for many outliers (doi:10.1080/00401706.1983.10487848) with
that law's tail: asked from the weakest pair upward, so that several true pairs do not hide each other, and with more
exhibits the limit rises.

**Where the crowd is small** it cannot be told what is usual. So what validation found of two firearms, on both sets and
in all conditions (docs/validation.md), stands beside the record's own scores, and counts as ten of them: the
conditions' own means differ by a third of the spread within one, so that ten scores say as much of a list's mean as
all of the validation does. Of a long list its own crowd decides: firearms of one make may be more alike than those of
the sets.

**A list of three is shown whole**: to fold it saves nobody a look, and what cannot be told from the crowd is shown
rather than lost.

Only scores of validated regions are asked about. What stands out proves nothing: it is what to look at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Final

import matcher

SHOWN_WHOLE: Final = 3
"""So short a list is not folded."""
MISLED: Final = 1 / 50
"""The share of lists without a true pair in which chance may bring one beyond the limit. So of a hundred pairs that are
shown more than 95 are true, if most lists have one; and where few have, an examiner looks at one pair in 25 lists."""

UNRELATED_MEAN: Final = 4.7
UNRELATED_SPREAD: Final = 0.8
"""Agreement of marks of two firearms, in standard deviations, and its standard deviation (docs/validation.md)."""
WORTH: Final = 10
"""As many scores of a record's own the validation counts."""

_EULER: Final = 0.5772156649015329
_MOST: Final = 0.999999
"""A score of 1 would be an agreement without bound."""


def standing_out(scores: Sequence[float]) -> int:
    """How many of the best of these scores are shown first: what stands out, or all of a short list. ``scores``: the
    best validated score of each exhibit pair of one record, in any order.

    >>> standing_out([0.93, 0.88, *[0.12 + 0.004 * n for n in range(40)]])
    2
    """
    return len(scores) if len(scores) <= SHOWN_WHOLE else beyond_chance(scores)


def beyond_chance(scores: Sequence[float]) -> int:
    """How many of the best chance hardly made, however short the list is."""
    crowd = _Crowd()
    for weaker, agreement in enumerate(sorted(map(_agreement_of, scores))):
        if agreement > crowd.limit(len(scores)):
            return len(scores) - weaker
        crowd.add(agreement)
    return 0


def _agreement_of(score: float) -> float:
    """What the score was made of: ``matcher.areal.comparison.score_of`` the other way round."""
    bounded = min(max(score, 0.0), _MOST)
    return matcher.DEFAULT_PARAMETERS.half_score_agreement * sqrt(bounded / (1 - bounded))


@dataclass
class _Crowd:
    """The agreements of different firearms: those of the validation, and all that are weaker than the one asked of."""

    count: int = WORTH
    total: float = WORTH * UNRELATED_MEAN
    squares: float = WORTH * (UNRELATED_MEAN**2 + UNRELATED_SPREAD**2)

    def add(self, agreement: float) -> None:
        self.count += 1
        self.total += agreement
        self.squares += agreement**2

    def limit(self, exhibits: int) -> float:
        """What the best of so many exceeds in ``MISLED`` of the lists."""
        mean = self.total / self.count
        spread = sqrt(max(self.squares / self.count - mean**2, 0.0))
        return mean + spread * sqrt(6) / pi * (log(exhibits / MISLED) - _EULER)
