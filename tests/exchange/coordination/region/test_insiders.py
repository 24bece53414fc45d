"""Sides that lie attack the public regional report: they know all but one side's data, choose values of their own as
they like, see every edition, and know the rule. What a side gives to public editions is all that they can learn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.public_edition import HOUR_CLASSES, RATE_CLASSES, class_of, stage_classes
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, nearest_rank
from exchange.coordination.region.exact_region import ExactHalf
from exchange.coordination.region.public_region import CROSSING, PublicSide, may_total_hits, public_rate
from tests.exchange.coordination.region.random_region import (
    CODES,
    Region,
    SideCounts,
    drawn_region,
    exact_half,
    publications,
    published,
)

BORDERS = (0.0, 11.5, 23.99, 24.0, 31.0, 47.99, 48.0, 100.0, 239.99, 240.0, 500.0, 719.99, 720.0, 5000.0, 10.0**6)
REPUBLISHED = [(code,) for code in CODES] + [("AL", "BA"), ("MK", "XK"), ("AL", "BA", "ME")]
OF_EXHIBITS = ("search", "first_review")


def same_parts(region: Region, victim: str, draws: random.Random) -> Region:
    """Another region in which the victim has other values, and gives the same to public editions."""
    found = region.copy()
    for number in range(len(region.halves)):
        side, bound = found.sides[number, victim], region.bound(victim)
        if 0 < side.entered < bound:
            side.entered = draws.randrange(1, bound)
        for name, hours in side.hours.items():
            is_given = len(hours) >= bound and (name not in OF_EXHIBITS or side.entered >= bound)
            side.hours[name] = [_span(draws, hour) if is_given else draws.choice(BORDERS) for hour in hours]
        given, missing = (sum(both[end] for both in side.feedback.values()) for end in (0, 1))
        if given + missing:
            _spread(draws, side, given + missing, given / (given + missing), bound)
    return found


def _span(draws: random.Random, hour: float) -> float:
    """Any span of the same class."""
    alike = [value for value in BORDERS if class_of(value, HOUR_CLASSES) == class_of(hour, HOUR_CLASSES)]
    return draws.choice((*alike, hour, draws.uniform(min(alike), max(alike))))


def _spread(draws: random.Random, side: SideCounts, due: int, rate: float, bound: int) -> None:
    """As many feedbacks fell due with each partner, and others of them were given."""
    fits = [
        given
        for given in {draws.randint(0, due) for _ in range(20)}
        if due < bound or class_of(given / due, RATE_CLASSES) == class_of(rate, RATE_CLASSES)
    ]
    left = draws.choice(fits) if fits else None
    for partner, (given, missing) in side.feedback.items() if left is not None else ():
        own = min(left or 0, given + missing)
        side.feedback[partner], left = (own, given + missing - own), (left or 0) - own


def attack_parts(seeds: Sequence[int], times: int) -> int:
    compared = 0
    for seed in seeds:
        draws, region = random.Random(seed), drawn_region(seed)
        known = published(region, REPUBLISHED)
        for victim in draws.sample(CODES, 2):
            for _ in range(times):
                assert published(same_parts(region, victim, draws), REPUBLISHED) == known, (seed, victim)
                compared += 1
    return compared


def test_no_insider_learns_more_of_a_side_than_its_parts() -> None:
    """Half-years, the year beside them, and the same period with other sides: the same bytes for each value of the
    victim's classes, so that nobody can tell which one it is."""
    assert attack_parts(range(2), 1) == 4


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(10))
def test_nor_in_a_hundred_regions(tens: int) -> None:
    assert attack_parts(range(10 * tens, 10 * tens + 10), 2) == 40


@pytest.mark.parametrize("spans", [[37.25], [37.25, 37.5, 38.0, 39.0, 47.75]])
def test_spans_around_another_sides_do_not_uncover_them(spans: list[float]) -> None:
    """One span is in no public time; of five, median and 90th percentile are the class that all of them have."""
    region = drawn_region(0, 1, hostile=False)
    for code in CODES:
        region.sides[0, code].hours["dissemination"] = []
    region.sides[0, "RS"].hours["dissemination"] = spans
    region.sides[0, "MK"].hours["dissemination"] = [0.0] * 4 + [99999.0] * 4
    region.smallest = {}
    ((_, _, report),) = publications(region, ())
    stage = next(stage for stage in report.stages if stage.id == "dissemination")
    expected = HELD_BACK if len(spans) == 1 else class_of(37.25, HOUR_CLASSES)
    assert stage.median == expected
    assert stage.most in (HELD_BACK, HOUR_CLASSES[-1])


# An adaptive attack on one duration, and on one rate


def learnt(seed: int, told: Callable[[list[float]], object]) -> tuple[float, list[float]]:
    """``told``: what is published when these are all spans. The liars know each span of the victim but one, and choose
    theirs by what they still do not know. Returns that span, and the values that it can have after 12 half-years."""
    draws = random.Random(seed)
    number = draws.choice((5, 9, 20))
    true, *others = (round(draws.choice((20, 40, 200, 700, 3000)) * draws.random(), 2) for _ in range(number))
    possible = sorted({*BORDERS, true, *(round(draws.uniform(0, 800), 2) for _ in range(60))})
    for _ in range(12):
        few, middle = draws.choice((0, 5, number, 40)), (possible[0] + possible[-1]) / 2
        lies = [0.0] * few + [10.0**6] * few + [middle] * draws.randrange(3)
        seen = told([true, *others, *lies])
        possible = [value for value in possible if told([value, *others, *lies]) == seen]
    return true, possible


def alike(hour: float) -> set[float]:
    return {hour, *(value for value in BORDERS if _same(value, hour, HOUR_CLASSES))}


def test_one_duration_is_known_as_its_class_and_no_narrower() -> None:
    """Also from the victim's own report, to which nobody adds."""
    for seed in range(100):
        true, possible = learnt(seed, stage_classes)
        assert alike(true) <= set(possible)


def test_exact_medians_are_broken_by_this_attack() -> None:
    exactly = [learnt(seed, lambda hours: (nearest_rank(hours, 0.5), nearest_rank(hours, 0.9))) for seed in range(100)]
    assert sum(possible == [true] for true, possible in exactly) > 25
    assert sum(not alike(true) <= set(possible) for true, possible in exactly) > 75


def test_one_rate_is_known_as_its_class_and_no_narrower() -> None:
    """The liars know how many feedbacks fell due of the victim, and choose theirs."""
    for seed in range(100):
        draws, region = random.Random(seed), drawn_region(0, 1, hostile=False)
        region.smallest = {}
        due = draws.choice((5, 6, 9))
        true = draws.randint(0, due)
        victims = [with_feedback(region, "RS", given, due - given) for given in range(due + 1)]
        possible = set(range(due + 1))
        for _ in range(2):
            most = draws.choices((0, 5, 40, 10**6), k=3)
            lies = zip(CODES[:3], most, strict=True)
            liars = [with_feedback(region, code, draws.randint(0, number), number) for code, number in lies]
            seen = _rate([victims[true], *liars])
            possible = {given for given in possible if _rate([victims[given], *liars]) == seen}
        assert {given for given in range(due + 1) if _same(given / due, true / due, RATE_CLASSES)} <= possible


def with_feedback(region: Region, code: str, given: int, missing: int) -> RestrictedHalf:
    first, *others = region.sides[0, code].feedback
    region.sides[0, code].feedback = {first: (given, missing), **dict.fromkeys(others, (0, 0))}
    return exact_half(region, 0, code)


def _rate(halves: Sequence[RestrictedHalf]) -> Figure:
    return public_rate([ExactHalf(tuple(halves), (), ())]).total


def _same(one: float, other: float, classes: Sequence[Figure]) -> bool:
    return class_of(one, classes) == class_of(other, classes)


# Hits


def totals(
    region: Region, without: Sequence[Sequence[str]] = REPUBLISHED
) -> dict[tuple[Period, tuple[str, ...]], list[Figure | None]]:
    """The region's totals of hits, in each report that is published."""
    return {
        (period, tuple(left_out)): [row.across for row in report.rows if row.id in CROSSING]
        for period, left_out, report in publications(region, without)
    }


def moved(region: Region, insider: str, side: str) -> Region:
    """The same number of hits, and of those that the insider does not know none with this side."""
    found = region.copy()
    others = [code for code in CODES if code not in (insider, side)]
    for hit in found.hits:
        if side in hit.sides and insider not in hit.sides:
            hit.sides = (others[0], others[1])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_side_learns_that_another_one_had_a_hit_with_a_third(seed: int) -> None:
    """Whatever the total is, and whoever's report is missing: it is the same where the other side had none."""
    attack_hits([seed])


@pytest.mark.slow
def test_nor_in_a_hundred_regions_of_hits() -> None:
    attack_hits(range(100, 200), [("RS",), ("MK", "XK")])


def attack_hits(seeds: Iterable[int], without: Sequence[Sequence[str]] = REPUBLISHED) -> None:
    for seed in seeds:
        region = drawn_region(seed, hostile=False)
        for found in region.sides.values():
            found.entered = 12
        known = totals(region, without)
        told = [figures for (_, left_out), figures in known.items() if len(left_out) < 2]
        assert all(figure is not None and figure.told is Told.EXACT for figures in told for figure in figures[:2])
        held = [figures for (_, left_out), figures in known.items() if len(left_out) > 1]
        assert all(figure == HELD_BACK for figures in held for figure in figures)
        draws = random.Random(seed)
        for insider, side in draws.sample(list(permutations(CODES, 2)), 2):
            assert totals(moved(region, insider, side), without) == known, (seed, insider, side)


def test_the_total_is_the_same_when_the_last_report_arrives() -> None:
    """So that the difference of two editions does not say what the last side had."""
    for seed in range(4):
        region = drawn_region(seed, hostile=False)
        for side in region.sides.values():
            side.entered = 12
        known = totals(region)
        for (period, left_out), figures in known.items():
            if len(left_out) == 1:
                assert figures[:2] == known[period, ()][:2]


def side(code: str, partners: str, *, active: bool = True) -> PublicSide:
    return PublicSide(code, partners.split(), active)


def region_of(*codes: str) -> list[PublicSide]:
    return [side(code, " ".join(other for other in codes if other != code)) for code in codes]


def test_when_hits_are_totalled() -> None:
    four = region_of("AL", "MK", "RS", "XK")
    assert may_total_hits(four)
    assert not may_total_hits(region_of("AL", "MK", "RS")), "one of three knows who had the hits that it had not"
    assert not may_total_hits(four[:3]), "without the fourth, three are left to be active"
    five = region_of("AL", "BA", "MK", "RS", "XK")
    assert may_total_hits(five[:4]), "one is missing"
    assert not may_total_hits(five[:3]), "two are missing"
    assert not may_total_hits(five[:4], ["ME"]), "so they are, of whom nobody is a partner too"
    assert not may_total_hits([])


def test_hits_are_totalled_where_two_others_could_have_had_them() -> None:
    star = [side("RS", "AL MK XK BA"), *(side(code, "RS") for code in ("AL", "MK", "XK", "BA"))]
    assert not may_total_hits(star), "all hits are with Serbia"
    quiet = [replace(item, has_exhibits=item.jurisdiction in ("RS", "MK")) for item in region_of(*CODES)]
    assert not may_total_hits(quiet), "only two sides entered exhibits"
    claimed = [side("AL", "MK RS XK"), side("MK", "AL RS"), side("RS", "AL MK"), side("XK", "")]
    assert not may_total_hits(claimed), "a partner that does not know of it is none"
