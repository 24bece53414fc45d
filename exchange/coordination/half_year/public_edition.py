"""What a public edition is made of: the least that one node gives to it, and the classes in which it is published.

A public figure of a node or of the region is computed from these parts and from nothing else, so that nobody learns
more of a node than its parts, whatever the other nodes add (docs/adr/0012-two-editions-and-small-counts.md):

- the count of exhibits entered: 0, from 1 to below the bound, or exactly from the bound on;
- of each stage that has as many spans as the bound: the class of each span;
- the class of the feedback rate, where as many feedbacks as the bound fell due;
- what two nodes share, such as hits, as a sum over the region alone (`exchange.coordination.region.public_region`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import (
    HELD_BACK,
    NO_DATA,
    PERCENTILE,
    Figure,
    Told,
    nearest_rank,
    told_count,
    told_sum,
)

ENTERED: Final = "exhibits_entered"
OWN_STAGES: Final = ("search", "first_review", "decision")
"""Stages that lie within one node. Any other stage needs two nodes, and its times are published of the region alone."""
_OF_EXHIBITS: Final = ("search", "first_review")
"""Of exhibits that were entered: so many spans say that there were as many exhibits."""
HOUR_CLASSES: Final = tuple(Figure(Told.BETWEEN, *ends) for ends in pairwise((0.0, 24.0, 48.0, 240.0, 720.0, None)))
"""Their borders are the terms that the field has: 24 h for a review, 48 h to disseminate, 240 h to answer, 720 h for
feedback. So a class says which term was met."""
RATE_CLASSES: Final = tuple(Figure(Told.BETWEEN, *ends) for ends in pairwise((0.0, 0.5, 0.8, 1.0)))
"""Less than half, less than the 80 % that the maturity model asks for, and 80 % or more."""


@dataclass(frozen=True)
class PublicFigures:
    """What one node publishes of a period by itself. ``stages``: the classes of the median and 90th percentile."""

    entered: Figure
    stages: Mapping[str, tuple[Figure, Figure]]


def public_figures(halves: Sequence[RestrictedHalf]) -> PublicFigures:
    """``halves``: of the period. A year is made of the same parts as its half-years, so it tells nothing besides."""
    entered = told_sum([entered_count(half) for half in halves])
    spans = {name: [span for half in halves for span in contributed_hours(half, name)] for name in OWN_STAGES}
    if entered == NO_DATA:
        return PublicFigures(entered, dict.fromkeys(OWN_STAGES, (NO_DATA, NO_DATA)))
    return PublicFigures(entered, {name: stage_classes(hours) for name, hours in spans.items()})


def entered_count(half: RestrictedHalf) -> Figure:
    return told_count(half.count(ENTERED, half.jurisdiction), half.smallest_count_told)


def contributed_hours(half: RestrictedHalf, stage: str) -> tuple[float, ...]:
    """Return the spans that a node gives to the times of a stage: all of them, or none where there are fewer than the
    bound, or where so many spans would narrow the published count of exhibits."""
    hours, smallest = half.hours_of(stage), half.smallest_count_told
    if stage in _OF_EXHIBITS and (half.count(ENTERED, half.jurisdiction) or 0) < smallest:
        return ()
    return hours if len(hours) >= smallest else ()


def contributed_rate(half: RestrictedHalf) -> Figure | None:
    """Return the class of the node's feedback rate; None where fewer feedbacks fell due than the bound, or no data."""
    found = feedback_of(half)
    if found is None or sum(found) < half.smallest_count_told:
        return None
    return class_of(found[0] / sum(found), RATE_CLASSES)


def feedback_of(half: RestrictedHalf) -> tuple[int, int] | None:
    """Return how often a node gave feedback and how often it is missing; None where it has no data of one of both,
    also of one partner."""
    counts = [half.counts_of(name) for name in ("feedback_given", "feedback_missing")]
    if any(None in found.values() or not set(half.partners) <= set(found) for found in counts):
        return None
    given, missing = (sum(count or 0 for count in found.values()) for found in counts)
    return given, missing


def stage_classes(hours: Sequence[float]) -> tuple[Figure, Figure]:
    """Return the classes of the median and the 90th percentile. They follow from the class of each span alone: the
    value of a rank lies in the class that has this rank."""
    if not hours:
        return HELD_BACK, HELD_BACK
    middle, most = nearest_rank(hours, 0.5), nearest_rank(hours, PERCENTILE)
    return class_of(middle, HOUR_CLASSES), class_of(most, HOUR_CLASSES)


def class_of(value: float, classes: Sequence[Figure]) -> Figure:
    """A class has its low end, and its high end only where it is the last one."""
    return next((found for found in classes if found.high is not None and value < found.high), classes[-1])
