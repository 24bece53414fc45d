"""Whoever has no account learns not who has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observers.seen.stranger import Account, observe_as_stranger
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.slow


def test_a_stranger_sees_the_same_in_both_worlds(
    base: Base, trial_folder: Path, keep: Callable[[Outcome], None]
) -> None:
    outcome = run(base, trial_folder, Account(1), observe_as_stranger)
    keep(outcome)
    assert outcome.coverage.answers["POST /app/sign-in", 401]
    assert not outcome.differences, outcome.report
