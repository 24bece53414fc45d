"""Numbers from a seed."""

from __future__ import annotations

from collections import Counter

import pytest

from exchange.coordination.exercises.draw_set import new_seed
from exchange.coordination.exercises.exercise_questions import SeedStream
from exchange.errors import InvalidInput


def test_a_number_depends_on_seed_and_name_alone() -> None:
    one, again, other = SeedStream("seed"), SeedStream("seed"), SeedStream("seed ")
    again.number("asked", "before")
    assert one.number("tool", 3) == again.number("tool", 3)
    assert len({one.number("tool", 3), one.number("tool", 4), one.number("tool"), other.number("tool", 3)}) == 4


def test_numbers_stay_in_their_bounds() -> None:
    stream = SeedStream("seed")
    drawn = [stream.below(6, "die", number) for number in range(3000)]
    assert set(drawn) == set(range(6))
    assert all(400 < count < 600 for count in Counter(drawn).values())
    assert all(0.5 <= stream.between(0.5, 0.75, number) < 0.75 for number in range(300))
    assert sorted(stream.shuffled(range(20), "order")) == list(range(20))
    assert stream.shuffled(range(20), "order") != stream.shuffled(range(20), "another order")


@pytest.mark.parametrize("seed", ["1", "7", "20261201", "practice", "1234567890123456789012", "aaaaaaaaaaaaaaaaaaaaa"])
def test_what_can_be_tried_is_guessable(seed: str) -> None:
    assert SeedStream(seed).is_guessable


def test_a_new_seed_is_not() -> None:
    assert not any(SeedStream(new_seed()).is_guessable for _ in range(200))


@pytest.mark.parametrize("seed", ["", "x" * 201, "two\nlines", "-1", " seed", "--items"])
def test_a_seed_is_one_line_that_begins_with_a_letter_or_a_digit(seed: str) -> None:
    with pytest.raises(InvalidInput, match="begins with a letter or a digit"):
        SeedStream(seed)
