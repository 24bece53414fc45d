from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from matcher import (
    DEFAULT_PARAMETERS,
    FIRING_PIN_PARAMETERS,
    NotComparable,
    Prepared,
    ScanNotUsable,
    Topography,
    compare,
    prepare,
)
from matcher.draw.draw_pair import draw_pair
from matcher.mark.impression import level_impression
from matcher.numeric import figures
from schemas.vocabulary import RegionOfInterest
from tests.matcher.synthetic.pin_and_shear import draw_impression

pytestmark = pytest.mark.slow

SPACING_UM = 4.0
PLACE = (np.arange(500) - 249.5) * SPACING_UM
Y, X = np.meshgrid(PLACE, PLACE, indexing="ij")


def scan(heights: np.ndarray) -> Topography:
    canonical = heights.astype(np.float32)
    canonical.flags.writeable = False
    return Topography(canonical, (SPACING_UM, SPACING_UM))


def bowl(centre: tuple[float, float], radius_um: float, depth_um: float) -> np.ndarray:
    """A sphere's cap in a plane primer."""
    sphere = (radius_um**2 + depth_um**2) / (2.0 * depth_um)
    from_centre = np.hypot(Y - centre[0], X - centre[1])
    inside = sphere - np.sqrt(np.maximum(sphere**2 - from_centre**2, 0.0)) - depth_um
    return np.where(from_centre < radius_um, inside, 0.0)


@pytest.fixture(scope="module")
def prints() -> dict[tuple[int, int], Prepared]:
    return printed_by(3)


@cache
def printed(firearm: int, shot: int) -> Prepared:
    return prepare(draw_impression(firearm, shot, raw=bool(shot)), FIRING_PIN_PARAMETERS)


def printed_by(firearms: int) -> dict[tuple[int, int], Prepared]:
    """So many firearms, two shots; every second one with what surrounds the dent."""
    return {(firearm, shot): printed(firearm, shot) for firearm in range(firearms) for shot in range(2)}


@pytest.mark.parametrize("radius_um", [420.0, 600.0, 850.0])
@pytest.mark.parametrize("depth_um", [100.0, 300.0])
def test_a_bowl_is_found_in_its_primer_and_levelled(radius_um: float, depth_um: float) -> None:
    centre = (60.0, -110.0)
    marks = 1.5 * np.sin(X / 12.0) * np.sin(Y / 15.0)
    tilted = bowl(centre, radius_um, depth_um) + marks + 0.02 * X - 0.01 * Y
    mark = level_impression(scan(tilted), FIRING_PIN_PARAMETERS)
    found = np.array(mark.origin_um) + mark.centre_um + PLACE[0]
    assert np.hypot(*(found - centre)) < 40.0
    inside = mark.weights > 0
    from_centre = np.hypot(Y - centre[0], X - centre[1])[inside]
    assert from_centre.max() < radius_um + 30.0
    # the walls of the deepest are steeper than 45 degrees, so that a part of it is all that can be had
    assert inside.sum() * SPACING_UM**2 > 0.4 * np.pi * radius_um**2
    left = (mark.heights[inside] - marks[inside])[from_centre < 0.8 * from_centre.max()]
    assert np.std(left) < 2.5


def test_a_dent_alone_is_all_mark_and_its_missing_half_does_not_move_the_centre() -> None:
    centre = (20.0, 40.0)
    from_centre = np.hypot(Y - centre[0], X - centre[1])
    alone = np.where(from_centre < 550.0, bowl(centre, 600.0, 200.0), np.nan)
    half = np.where(X - centre[1] > 60.0, np.nan, alone)
    for heights in (alone, half):
        mark = level_impression(scan(heights), FIRING_PIN_PARAMETERS)
        found = np.array(mark.origin_um) + mark.centre_um + PLACE[0]
        assert np.hypot(*(found - centre)) < 40.0
        assert (mark.weights > 0).sum() > 0.8 * np.isfinite(heights).sum()


def test_the_groove_around_a_primer_is_no_dent() -> None:
    groove = np.where(np.abs(np.hypot(Y, X) - 900.0) < 50.0, -200.0, 0.0)
    mark = level_impression(scan(groove + bowl((0.0, 0.0), 450.0, 120.0)), FIRING_PIN_PARAMETERS)
    assert np.hypot(Y, X)[mark.weights > 0].max() < 500.0


@pytest.mark.parametrize("firearms", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_firearms_are_told_apart_at_any_rotation_raw_against_cropped(firearms: int) -> None:
    prints = printed_by(firearms)
    keys = list(prints)
    km, knm = [], []
    for i, first in enumerate(keys):
        for second in keys[:i]:
            score = compare(prints[first], prints[second], FIRING_PIN_PARAMETERS).score
            (km if first[0] == second[0] else knm).append(score)
    assert figures.auc(np.array(km), np.array(knm)) > 0.99


def test_both_orders_give_one_score_and_bytes_keep_it(prints: dict[tuple[int, int], Prepared]) -> None:
    one, other = prints[0, 0], prints[0, 1]
    forth = compare(one, other, FIRING_PIN_PARAMETERS)
    assert forth.score == compare(other, one, FIRING_PIN_PARAMETERS).score
    assert compare(Prepared.from_bytes(one.to_bytes()), other, FIRING_PIN_PARAMETERS) == forth


def test_regions_never_mix(prints: dict[tuple[int, int], Prepared]) -> None:
    with pytest.raises(NotComparable):
        compare(prints[0, 0], prints[0, 1])
    same_but_region = replace(DEFAULT_PARAMETERS, region="firing_pin_impression")
    assert same_but_region.digest != DEFAULT_PARAMETERS.digest
    assert {FIRING_PIN_PARAMETERS.region, DEFAULT_PARAMETERS.region} < {region.value for region in RegionOfInterest}


def test_the_picture_of_a_pair_shows_the_smaller_field() -> None:
    scans = [draw_impression(3, 0), draw_impression(3, 1)]
    ready = [prepare(one, FIRING_PIN_PARAMETERS) for one in scans]
    comparison = compare(ready[0], ready[1], FIRING_PIN_PARAMETERS)
    assert draw_pair(scans[0], scans[1], comparison, FIRING_PIN_PARAMETERS).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("heights", "spacing_um", "said"),
    [
        (np.full((200, 200), np.nan), 4.0, "no valid point"),
        (np.zeros((200, 200)), 10.0, "too coarse"),
        (np.zeros((40, 40)), 4.0, "0.03 mm2"),
    ],
)
def test_what_cannot_be_compared_is_said(heights: np.ndarray, spacing_um: float, said: str) -> None:
    with pytest.raises(ScanNotUsable, match=said):
        prepare(Topography(heights.astype(np.float32), (spacing_um, spacing_um)), FIRING_PIN_PARAMETERS)
