"""An enrolled peer, and records that it may not have: withheld, withdrawn, searched alone, or not yet approved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observers.secrets_of_records import OfRecord, Searched, Unapproved, Withdrawn, Withheld
from tests.observers.seeds import SEEDS
from tests.observers.seen.peer import observe_as_peer
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("secret", [Withheld, Withdrawn, Searched, Unapproved], ids=lambda secret: secret.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_peer_sees_the_same_in_both_worlds(
    base: Base, trial_folder: Path, keep: Callable[[Outcome], None], secret: type[OfRecord], seed: int
) -> None:
    outcome = run(base, trial_folder, secret(seed), observe_as_peer)
    keep(outcome)
    assert not outcome.coverage.broken
    assert not outcome.differences, outcome.report
