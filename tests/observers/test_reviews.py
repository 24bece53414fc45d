"""An examiner who may be asked to verify, what a colleague concluded, and what the matcher scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observers.secrets_of_reviews import Conclusion, Control, OfReview, Scores
from tests.observers.seeds import SEEDS
from tests.observers.seen.examiner import observe_as_examiner
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("secret", [Conclusion, Control, Scores], ids=lambda secret: secret.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_examiner_sees_the_same_in_both_worlds(
    reviewed: Base, trial_folder: Path, keep: Callable[[Outcome], None], secret: type[OfReview], seed: int
) -> None:
    outcome = run(reviewed, trial_folder, secret(seed), observe_as_examiner)
    keep(outcome)
    assert not outcome.coverage.broken
    assert not outcome.differences, outcome.report
