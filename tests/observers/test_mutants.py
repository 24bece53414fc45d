"""Each protection undone, and seen by the observer whom it is against. A new protection brings its mutant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import true
from sqlalchemy.orm import Session

from exchange.flows.blind import visibility
from exchange.flows.node.node import Node
from exchange.flows.review import statements
from exchange.flows.review.visible_statements import StatementReader
from exchange.flows.sync import fetch
from exchange.store.access.sign_in_rows import sign_in_of
from exchange.store.log.statement_rows import search_statements
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from schemas import Conclusion, Hit, Verification
from tests.observers.mutants import Mutant, always
from tests.observers.secrets_of_records import Withdrawn, Withheld
from tests.observers.secrets_of_reviews import Conclusion as ColleaguesConclusion
from tests.observers.secrets_of_reviews import Control, Scores
from tests.observers.seen.examiner import observe_as_examiner
from tests.observers.seen.peer import observe_as_peer
from tests.observers.seen.stranger import Account, observe_as_stranger
from tests.observers.trial import Outcome, run
from tests.observers.world import Base

pytestmark = pytest.mark.long


def gives_whoever_names(_original: Callable[..., Any]) -> Callable[..., Any]:
    """Any record that names the bytes gives them."""
    return lambda _session, _node, _peer, showing: list(showing)


def fetches_what_is_missing(original: Callable[..., Any]) -> Callable[..., Any]:
    """What another record brought here is not asked for again."""

    def receive(node: Node, client: object, peer: object, acquisition: AcquisitionRow) -> None:
        if node.blobs.holds(acquisition.sha256):
            fetch._take(node, acquisition, None)
        else:
            original(node, client, peer, acquisition)

    return receive


def tells_who_named(_original: Callable[..., Any]) -> Callable[..., Any]:
    """An acknowledgement names each scan that stays, delivered or not."""
    return lambda row: {row.sha256}


def hides_files(original: Callable[..., visibility.Hidden]) -> Callable[..., visibility.Hidden]:
    """Of two exhibits the two scans alone."""

    def hidden(*asked: Any) -> visibility.Hidden:
        found = original(*asked)
        return replace(found, exhibits=frozenset({("", "")}), versions={}) if found.exhibits else found

    return hidden


def hides_after_counting(_original: Callable[..., Any]) -> Callable[..., Any]:
    """What is hidden uses up the page."""

    def visible(reader: StatementReader, *, limit: int, **asked: Any) -> list[StatementRow]:
        with reader.node.store.read() as session:
            hidden = visibility.hidden_pairs(session, reader.role, reader.pseudonym)
            rows = search_statements(session, limit=limit, **asked)
            return [row for row in rows if not visibility.tells_of(session, row, hidden)]

    return visible


def takes_back_unseen(_original: Callable[..., Any]) -> Callable[..., Any]:
    """Who retracts is told whose it is, whether it may be seen or not."""
    kinds = Conclusion | Verification | Hit
    return lambda session, node, statement_id, _maker: statements._own(session, node, statement_id, kinds)


def opens_lists(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of whatever exhibit, without a warning."""
    return always(true() if original.__name__ == "open_to" else True)(original)


def counts_accounts_alone(original: Callable[..., Any]) -> Callable[..., Any]:
    """Failures of a name that nobody has are forgotten."""

    def counted(session: Session, pseudonym: str, device: str, place: int) -> Any:
        known = sign_in_of(session, pseudonym) is not None
        return original(session, pseudonym, device, place) if known else SimpleNamespace(failed=0, locked_until=None)

    return counted


OF_PEERS = (
    Mutant(
        "policy lets all pass",
        "exchange.store.terms.may_have:may_have exchange.policy:release",
        always(true()),
        Withheld,
        observe_as_peer,
    ),
    Mutant(
        "any record gives its bytes",
        "exchange.flows.sync.serve_lane:entitling",
        gives_whoever_names,
        Withheld,
        observe_as_peer,
    ),
    Mutant(
        "to name is to deliver",
        "exchange.store.scan.deliveries:is_delivered",
        always(true()),
        Withdrawn,
        observe_as_peer,
    ),
    Mutant(
        "only what is missing is fetched",
        "exchange.flows.sync.fetch:_receive",
        fetches_what_is_missing,
        Withheld,
        observe_as_peer,
    ),
    Mutant("receipts say whose it is", "exchange.store.sync.peers:is_told", always(true()), Withheld, observe_as_peer),
    Mutant(
        "who named a scan is told that it stays",
        "exchange.flows.terms.erase:told_of",
        tells_who_named,
        Withheld,
        observe_as_peer,
    ),
)
OF_EXAMINERS = (
    Mutant(
        "no pair is hidden",
        "exchange.flows.blind.visibility:hidden_pairs",
        always(visibility.Hidden()),
        Control,
        observe_as_examiner,
    ),
    Mutant(
        "no statement tells", "exchange.flows.blind.visibility:tells_of", always(False), Control, observe_as_examiner
    ),
    Mutant(
        "files are hidden, not exhibits",
        "exchange.flows.blind.visibility:hidden_pairs",
        hides_files,
        ColleaguesConclusion,
        observe_as_examiner,
    ),
    Mutant(
        "counted first, hidden after",
        "exchange.flows.review.visible_statements:visible_statements",
        hides_after_counting,
        Control,
        observe_as_examiner,
    ),
    Mutant(
        "alerts hide no hit",
        "exchange.flows.blind.visibility:hidden_hits",
        always(frozenset()),
        Control,
        observe_as_examiner,
    ),
    Mutant(
        "a retraction says whose it is",
        "exchange.flows.review.statements:_retracted",
        takes_back_unseen,
        Control,
        observe_as_examiner,
    ),
    Mutant(
        "every list is open",
        "exchange.store.review.review_rows:open_to exchange.flows.blind.open_lists:is_list_open",
        opens_lists,
        Scores,
        observe_as_examiner,
    ),
)
OF_STRANGERS = (
    Mutant(
        "only accounts are locked",
        "exchange.flows.access.sign_in:_counted",
        counts_accounts_alone,
        Account,
        observe_as_stranger,
    ),
)
MUTANTS = (*OF_PEERS, *OF_EXAMINERS, *OF_STRANGERS)


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
