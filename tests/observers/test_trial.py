"""That a trial is worth something: nothing differs where the secret is the same, and the crawl is not empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observers import floors
from tests.observers.secrets_of_records import Searched
from tests.observers.secrets_of_reviews import Conclusion
from tests.observers.seen.examiner import observe_as_examiner, pages_for_examiners, pages_of, routes_for_examiners
from tests.observers.seen.peer import description_of, is_for_peers, observe_as_peer
from tests.observers.seen.stranger import Account, observe_as_stranger
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("value", [0, 1])
def test_a_peer_finds_nothing_where_the_secret_is_the_same(
    base: Base, trial_folder: Path, keep: Callable[[Outcome], None], value: int
) -> None:
    outcome = run(base, trial_folder / "trial", Searched(1), observe_as_peer, (value, value))
    keep(outcome)
    assert not outcome.differences, outcome.report
    with base.opened(trial_folder / "look", "look") as world, world.running():
        description = description_of(world)
    routes = [path for path in description.routes() if is_for_peers(description, path)]
    floors.check(outcome.coverage, routes, floors.PEER_ROUTES, "GET routes for peers")
    floors.check(outcome.coverage, ["POST /v1/queries", "POST /v1/witness"], 1, "POST routes for peers")
    _check_parameters(outcome, description.parameters(routes))


@pytest.mark.parametrize("value", [0, 1])
def test_an_examiner_finds_nothing_where_the_secret_is_the_same(
    reviewed: Base, trial_folder: Path, keep: Callable[[Outcome], None], value: int
) -> None:
    outcome = run(reviewed, trial_folder / "trial", Conclusion(1), observe_as_examiner, (value, value))
    keep(outcome)
    assert not outcome.differences, outcome.report
    with reviewed.opened(trial_folder / "look", "look") as world, world.running():
        description, pages = description_of(world), pages_of(world)
    routes = routes_for_examiners(description, outcome.coverage)
    floors.check(outcome.coverage, routes, floors.EXAMINER_ROUTES, "GET routes for examiners")
    pages_for = pages_for_examiners(pages, outcome.coverage)
    floors.check(outcome.coverage, pages_for, floors.EXAMINER_PAGES, "pages for examiners")
    _check_parameters(outcome, description.parameters(outcome.coverage.reached(routes)))


def test_a_stranger_finds_nothing_where_the_secret_is_the_same(base: Base, trial_folder: Path) -> None:
    outcome = run(base, trial_folder, Account(1), observe_as_stranger, (0, 0))
    assert not outcome.differences, outcome.report


def _check_parameters(outcome: Outcome, parameters: set[tuple[str, str]]) -> None:
    missed = parameters - outcome.coverage.parameters
    share = 1 - len(missed) / len(parameters)
    assert share >= floors.PARAMETERS, f"{share:.0%} of the parameters; not {sorted(missed)}"
