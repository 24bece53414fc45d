"""What is given, taken away and given again between real nodes: versions in any order, holds of a court, lost scans."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange.errors import Conflict
from exchange.flows.terms.terms import grant, state_policy
from exchange.flows.terms.withdraw import (
    end_hold,
    place_hold,
    purge,
    revoke_from,
    take_away,
    withdraw,
    withdrawal_states,
)
from exchange.store.entry.record_rows import versions_of
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.tables.work_tables import JobRow
from schemas import LegalBasis, Maker
from schemas.vocabulary import (
    ErasureOutcome,
    ExhibitKind,
    Jurisdiction,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.flows.network import MK, RS, Network, resting

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
ERROR, REVOKED = WithdrawalReason.ENTERED_IN_ERROR, WithdrawalReason.REVOKED
COURT, BASIS = "Court of a test, 1/2026", "Test agreement, article 2"
BLOCKED, ALLOWED = SharingRule.BLOCKED, SharingRule.ALLOWED


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        yield made


def say_rule(network: Network, rule: SharingRule) -> None:
    basis = LegalBasis(
        jurisdiction=Jurisdiction.MK,
        kinds=tuple(ExhibitKind),
        rule=rule,
        article=BASIS,
        review_by=date(2036, 1, 1),
    )
    state_policy(network.nodes[RS], HEAD, (), (basis,))


def is_restricted(network: Network, record: str) -> bool | None:
    with network.nodes[MK].store.read() as session:
        return session.scalar(select(RecordRow.restricted).where(RecordRow.statement_id == record))


def test_an_earlier_version_that_comes_later_is_not_taken_for_the_newest(network: Network) -> None:
    first = network.record(RS, audience=[])
    second = network.record(RS, audience=["MK"], supersedes=first)
    network.settle()
    grant(network.nodes[RS], HEAD, first, Jurisdiction.MK, BASIS)
    network.settle()
    assert network.holds(MK) == {second}
    with network.nodes[MK].store.read() as session:
        assert [row.statement_id for row in versions_of(session, first)] == [first, second]


def test_an_earlier_version_stays_superseded_when_the_newest_was_revoked(network: Network) -> None:
    """What was replaced does not become the newest because what replaced it is gone."""
    first = network.record(RS, audience=["MK"])
    second = network.record(RS, audience=["MK"], supersedes=first)
    network.settle()
    assert len(revoke_from(network.nodes[RS], HEAD, second, MK, REVOKED)) == 2
    network.settle()
    assert network.holds(MK) == set()
    grant(network.nodes[RS], HEAD, first, Jurisdiction.MK, BASIS)
    network.settle()
    assert network.holds(MK) == {second}


def test_a_withdrawal_takes_the_versions_on_both_sides_of_one_that_is_gone(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retention of the one in the middle was the shortest."""
    first = network.record(RS, audience=["MK"])
    middle = network.record(RS, audience=["MK"], supersedes=first, retention_until="2027-01-31")
    last = network.record(RS, audience=["MK"], supersedes=middle)
    network.settle()
    with monkeypatch.context() as later:
        later.setattr("exchange.flows.terms.withdraw.now", lambda: datetime(2027, 2, 1, 12, tzinfo=UTC))
        assert purge(network.nodes[RS]) == 1
    network.settle()
    assert len(withdraw(network.nodes[RS], HEAD, last, ERROR)) == 2
    network.settle()
    with network.nodes[MK].store.read() as session:
        assert session.scalars(select(RecordRow.statement_id)).all() == []
    with pytest.raises(Conflict, match="before"):
        withdraw(network.nodes[RS], HEAD, first, ERROR)


def test_a_version_that_a_court_holds_keeps_no_other_from_being_withdrawn(network: Network) -> None:
    first = network.record(RS, audience=["MK"])
    place_hold(network.nodes[RS], HEAD, first, COURT)
    withdraw(network.nodes[RS], HEAD, first, ERROR)
    second = network.record(RS, audience=["MK"], supersedes=first)
    network.settle()
    assert network.holds(MK) == {second}
    assert len(withdraw(network.nodes[RS], HEAD, second, ERROR)) == 1
    network.settle()
    assert network.holds(RS) == network.holds(MK) == set()


def test_all_versions_are_withdrawn_in_one_transaction_or_none(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = network.record(RS, audience=["MK"])
    second = network.record(RS, audience=["MK"], supersedes=first)

    class PulledPlugError(Exception):
        pass

    def dies(session: Session, stone: TombstoneRow) -> None:
        if stone.record == second:
            raise PulledPlugError
        take_away(session, stone)

    with monkeypatch.context() as plug:
        plug.setattr("exchange.flows.terms.withdraw.take_away", dies)
        with pytest.raises(PulledPlugError):
            withdraw(network.nodes[RS], HEAD, second, ERROR)
    network.settle()
    assert network.holds(RS) == network.holds(MK) == {second}
    assert len(withdraw(network.nodes[RS], HEAD, first, ERROR)) == 2


def test_what_a_court_holds_and_is_granted_again_is_shown_again(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    network.settle()
    place_hold(network.nodes[MK], HEAD, record, COURT)
    revoke_from(network.nodes[RS], HEAD, record, MK, REVOKED)
    network.settle()
    assert network.holds(MK) == set()
    grant(network.nodes[RS], HEAD, record, Jurisdiction.MK, BASIS)
    network.settle()
    assert network.holds(MK) == {record}
    end_hold(network.nodes[MK], HEAD, record, COURT)
    network.settle()
    assert network.holds(MK) == {record}


def test_a_withdrawal_of_what_a_court_holds_is_acknowledged_as_restricted_although_it_is_granted_again(
    network: Network,
) -> None:
    """The holder reads of both at once: nothing was erased in between."""
    record = network.record(RS, audience=["MK"])
    network.settle()
    place_hold(network.nodes[MK], HEAD, record, COURT)
    revoke_from(network.nodes[RS], HEAD, record, MK, REVOKED)
    grant(network.nodes[RS], HEAD, record, Jurisdiction.MK, BASIS)
    network.settle()
    (state,) = withdrawal_states(network.nodes[RS], record)
    assert [holder.outcome for holder in state.holders] == [ErasureOutcome.RESTRICTED]
    assert network.holds(MK) == {record}


def test_a_hold_that_ends_erases_what_was_granted_again_and_did_not_come_again(network: Network) -> None:
    """The grant lifts the tombstone, but the law blocks the record: what is here is still the copy that was revoked."""
    record = network.record(RS, audience=["MK"])
    network.settle()
    place_hold(network.nodes[MK], HEAD, record, COURT)
    revoke_from(network.nodes[RS], HEAD, record, MK, REVOKED)
    say_rule(network, BLOCKED)
    grant(network.nodes[RS], HEAD, record, Jurisdiction.MK, BASIS)
    network.settle()
    assert is_restricted(network, record)
    end_hold(network.nodes[MK], HEAD, record, COURT)
    network.settle()
    assert is_restricted(network, record) is None
    (state,) = withdrawal_states(network.nodes[RS], record)
    assert [holder.outcome for holder in state.holders] == [ErasureOutcome.ERASED]


def test_every_withdrawal_of_what_a_court_held_is_acknowledged_as_erased_in_the_end(network: Network) -> None:
    """Revoked from one, then withdrawn from all."""
    record = network.record(RS, audience=["MK"])
    network.settle()
    place_hold(network.nodes[MK], HEAD, record, COURT)
    revoke_from(network.nodes[RS], HEAD, record, MK, REVOKED)
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert outcomes(network, record) == {ErasureOutcome.RESTRICTED}
    end_hold(network.nodes[MK], HEAD, record, COURT)
    network.settle()
    assert outcomes(network, record) == {ErasureOutcome.ERASED}


def outcomes(network: Network, record: str) -> set[ErasureOutcome | None]:
    return {holder.outcome for state in withdrawal_states(network.nodes[RS], record) for holder in state.holders}


def test_a_scan_that_was_refused_for_good_comes_once_its_record_may_be_had_again(network: Network) -> None:
    record = network.record(RS, audience=["MK"], scan=b"late scan")
    network.pull(MK, RS)
    say_rule(network, BLOCKED)
    network.settle()
    with network.nodes[MK].store.write() as session:  # the worker asks so often, and then no more
        session.execute(update(JobRow).where(JobRow.kind == JobKind.FETCH_SCAN).values(state=JobState.DEAD))
    assert network.holds(MK) == {record}
    say_rule(network, ALLOWED)
    network.settle()
    blob = hashlib.sha256(b"late scan").hexdigest()
    assert network.nodes[MK].blobs.path(blob).read_bytes() == b"late scan"
