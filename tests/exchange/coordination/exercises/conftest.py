"""Sets that are drawn once for all tests: drawing and comparing a pair takes a second or two."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.coordination.exercises.draw_set import DrawnSet, draw_set
from exchange.coordination.exercises.exercise_folder import make_folder
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience

SEED = "q7R2-hidden-by-whoever-gives-it"


@pytest.fixture(scope="session")
def pairs_set() -> DrawnSet:
    return draw_set(SEED, ExerciseAudience.EXAMINER, 6)


@pytest.fixture(scope="session")
def questions_set() -> DrawnSet:
    return draw_set(SEED, ExerciseAudience.INVESTIGATOR)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exercises"
    make_folder(made)
    return made
