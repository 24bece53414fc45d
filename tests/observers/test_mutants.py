"""Each protection undone, and seen by the observer whom it is against. A new protection brings its mutant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import true

from tests.observers.examiner import observe_as_examiner
from tests.observers.mutants import Mutant, always
from tests.observers.peer import observe_as_peer
from tests.observers.secrets_of_records import Withheld
from tests.observers.secrets_of_reviews import Control
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.slow

MUTANTS = (
    Mutant("a digest is a key", "exchange.flows.lane:may_fetch", always(None), Withheld, observe_as_peer),
    Mutant("policy lets all pass", "exchange.store.release:may_have", always(true()), Withheld, observe_as_peer),
    Mutant("no pair is hidden", "exchange.flows.blind:hidden_pairs", always(frozenset()), Control, observe_as_examiner),
    Mutant("no statement tells", "exchange.flows.blind:tells_of", always(False), Control, observe_as_examiner),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_observer_sees_it(
    request: pytest.FixtureRequest, trial_folder: Path, keep: Callable[[Outcome], None], mutant: Mutant
) -> None:
    needed = "reviewed" if mutant.observer is observe_as_examiner else "base"
    base: Base = request.getfixturevalue(needed)
    with mutant.applied():
        outcome = run(base, trial_folder, mutant.secret(mutant.seed), mutant.observer)
    keep(outcome)
    assert outcome.differences, f"nobody saw that {mutant.name}"
