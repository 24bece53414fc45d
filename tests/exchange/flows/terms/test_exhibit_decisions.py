"""What the head decides on sharing holds for the exhibit: for every version of its record, also after a purge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.integrity.log_check import check_log
from exchange.flows.query.ask import Question, ask_each
from exchange.flows.statement.sharing import decide_sharing, record_of, share_anew
from exchange.flows.terms.terms import approve, grant, policy_of, state_policy
from exchange.flows.terms.withdraw import end_hold, place_hold, purge, revoke_from, withdraw
from exchange.policy import Purpose, Reason
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import GrantRow
from exchange.store.terms.held_records import why_not
from exchange.store.terms.may_have import may_have
from exchange.store.terms.terms_rows import list_approvals
from schemas import Group
from schemas.vocabulary import Decision, Jurisdiction, LawfulPurpose, WithdrawalReason
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.exchange.open_policy import HEAD, LINES
from tests.schemas.examples import exhibit_fields

H3 = {"code": "H3", "restriction": "Ask first.", "source_grade": None, "information_grade": None}
COURT = "Court of a test, 1/2026"
SHORT, LONG = "2027-01-31", "2037-01-31"
LATER = datetime(2027, 6, 1, tzinfo=UTC)

Deny = Callable[[Network], str]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with closing(Network(tmp_path)) as network:
        network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
        yield network


def decide(network: Network, record: str, decision: Decision) -> None:
    approve(network.nodes[RS], HEAD, record, Jurisdiction.MK, decision, "By the court's order.")


def refused(network: Network) -> str:
    record = network.record(RS, audience=["MK"], handling=H3, retention_until=SHORT)
    decide(network, record, Decision.REFUSED)
    return record


def taken_back(network: Network) -> str:
    record = network.record(RS, audience=["MK"], retention_until=SHORT)
    network.settle()
    revoke_from(network.nodes[RS], HEAD, record, MK, WithdrawalReason.REVOKED)
    return record


@pytest.fixture(params=[refused, taken_back])
def denied(request: pytest.FixtureRequest, network: Network) -> str:
    deny: Deny = request.param
    return deny(network)


def amend(network: Network, record: str, **changes: object) -> str:
    """A version that widens the audience, loosens the handling, and is retained for longer."""
    changes = {"audience": ["MK", "XK"], "retention_until": LONG} | changes
    return network.record(RS, supersedes=record, **changes)


def purged(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("exchange.flows.terms.withdraw.now", lambda: LATER)
        assert purge(network.nodes[RS]) == 1
    with network.nodes[RS].store.write() as session:
        peer = find_peer(session, MK)
        assert peer is not None
        share_anew(session, peer, owner=RS)


def waiting(network: Network) -> set[tuple[str, str]]:
    with network.nodes[RS].store.read() as session:
        return {(row.concerns, row.jurisdiction) for row in list_approvals(session, open_only=True)}


def reason(network: Network, record: str) -> Reason | None:
    """Why MK does not get it by the rule; and by that in SQL, which must say the same."""
    node, today = network.nodes[RS], date(2026, 6, 1)
    found = policy_of(node)
    assert found is not None
    with node.store.read() as session:
        peer = find_peer(session, MK)
        assert peer is not None
        said = decide_sharing(session, record, record_of(session, record), peer, history=node.history, today=today)
        by_rows = session.scalar(select(why_not(peer, found[1], today)).where(RecordRow.statement_id == record))
    by_rule = said and said.reason
    assert by_rows == by_rule or by_rule is Reason.WITHDRAWN
    return by_rule


def test_no_other_version_goes_to_the_jurisdiction(network: Network, denied: str) -> None:
    second = amend(network, denied)
    third = amend(network, second)
    network.settle()
    assert here(network, MK) & {denied, second, third} == set()
    assert here(network, XK) >= {second, third}
    assert reason(network, third) in (Reason.APPROVAL_REFUSED, Reason.WITHDRAWN)


def test_nor_after_the_version_was_purged(network: Network, denied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    second = amend(network, denied)
    purged(network, monkeypatch)
    third = amend(network, second)
    network.settle()
    assert here(network, MK) & {second, third} == set()


def test_a_later_grant_of_another_version_releases_the_exhibit(network: Network, denied: str) -> None:
    second = amend(network, denied)
    grant(network.nodes[RS], HEAD, second, Jurisdiction.MK, "Article 1")
    network.settle()
    assert second in here(network, MK)
    third = amend(network, second, audience=["XK"])
    network.settle()
    assert third in here(network, MK)


def test_a_grant_that_names_a_later_version_brings_every_version_to_a_reader_that_has_none(network: Network) -> None:
    first = network.record(RS, audience=[])
    second = network.record(RS, audience=[], supersedes=first)
    grant(network.nodes[RS], HEAD, second, Jurisdiction.MK, "A late agreement")
    network.settle()
    assert here(network, MK) == {first, second}
    assert network.peer(MK, RS).alarm is None


def test_a_later_approval_of_another_version_releases_the_exhibit(network: Network) -> None:
    second = amend(network, refused(network))
    decide(network, second, Decision.APPROVED)
    third = amend(network, second, handling=H3)
    network.settle()
    assert {second, third} <= here(network, MK)
    decide(network, second, Decision.REFUSED)
    fourth = amend(network, third)
    network.settle()
    assert fourth not in here(network, MK)


def test_a_decision_answers_what_waits_on_the_other_versions(network: Network) -> None:
    first = network.record(RS, audience=["MK"], handling=H3)
    second = amend(network, first, audience=["MK"], handling=H3)
    assert waiting(network) == {(first, "MK"), (second, "MK")}
    decide(network, first, Decision.REFUSED)
    assert waiting(network) == set()


def test_a_refusal_that_a_grant_ended_asks_again_where_a_person_must_decide(network: Network) -> None:
    record = refused(network)
    grant(network.nodes[RS], HEAD, record, Jurisdiction.MK, "Article 1")
    assert waiting(network) == {(record, "MK")}
    assert reason(network, record) is Reason.NEEDS_APPROVAL


@pytest.mark.parametrize("which", [0, 1])
def test_a_take_back_withdraws_every_version_that_the_holder_has(network: Network, which: int) -> None:
    first = network.record(RS, audience=["MK"])
    network.settle()
    second = amend(network, first)
    kept_from_it = amend(network, second, audience=["XK"])
    network.settle()
    assert len(revoke_from(network.nodes[RS], HEAD, [first, second][which], MK, WithdrawalReason.REVOKED)) == 2
    network.settle()
    assert here(network, MK) & {first, second} == set()
    assert here(network, XK) >= {second, kept_from_it}


def test_what_was_denied_to_nobody_goes_by_the_rule(network: Network) -> None:
    first = network.record(RS, audience=["MK"])
    second = amend(network, first)
    network.settle()
    assert {first, second} <= here(network, MK)


def test_exhibits_without_a_number_are_not_taken_for_each_other(network: Network, denied: str) -> None:
    other = network.record(RS, audience=["MK"])
    assert reason(network, other) is None
    network.settle()
    assert other in here(network, MK)


@pytest.mark.parametrize("number", ["3 a", "3A", "3\N{CYRILLIC SMALL LETTER A}"])
def test_an_exhibit_that_is_withdrawn_and_entered_anew_waits_for_the_head(
    network: Network, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    entered = {"case_reference": "RS-2026-77", "audience": ["MK"]}
    first = network.record(RS, exhibit=exhibit_fields(item="3 a"), handling=H3, **entered)
    decide(network, first, Decision.REFUSED)
    withdraw(network.nodes[RS], HEAD, first, WithdrawalReason.ENTERED_IN_ERROR)
    again = network.record(RS, exhibit=exhibit_fields(item=number), **entered)
    other = network.record(RS, exhibit=exhibit_fields(item="4"), **entered)
    network.settle()
    assert here(network, MK) & {again, other} == {other}
    assert waiting(network) == {(again, "MK")}
    assert reason(network, again) is Reason.NEEDS_APPROVAL
    decide(network, again, Decision.APPROVED)
    network.settle()
    assert again in here(network, MK)


@pytest.mark.parametrize("is_refused", [True, False])
def test_an_exhibit_whose_number_was_corrected_and_that_is_entered_anew_waits_for_the_head(
    network: Network, is_refused: bool
) -> None:
    entered = {"case_reference": "RS-2026-77", "audience": ["MK"]}
    handling = {"handling": H3} if is_refused else {}
    first = network.record(RS, exhibit=exhibit_fields(item="3a"), **handling, **entered)
    network.settle()
    if is_refused:
        decide(network, first, Decision.REFUSED)
    else:
        revoke_from(network.nodes[RS], HEAD, first, MK, WithdrawalReason.REVOKED)
    second = network.record(RS, exhibit=exhibit_fields(item="9"), supersedes=first, **entered)
    withdraw(network.nodes[RS], HEAD, second, WithdrawalReason.ENTERED_IN_ERROR)
    again = network.record(RS, exhibit=exhibit_fields(item="9"), **entered)
    network.settle()
    assert again not in here(network, MK)
    assert (again, "MK") in waiting(network)
    renumbered = network.record(RS, exhibit=exhibit_fields(item="11"), supersedes=again, **entered)
    network.settle()
    assert renumbered not in here(network, MK), "it had the number when it began to wait"


def test_no_scan_of_a_denied_exhibit_travels_with_a_query(network: Network, denied: str) -> None:
    second = amend(network, denied)
    question = Question(second, 0, LawfulPurpose.INVESTIGATION, "Article 286")
    (outcome,) = ask_each(network.nodes[RS], HEAD, question, [MK])
    assert outcome.reason in (Reason.NEEDS_APPROVAL, Reason.WITHDRAWN)


def test_a_denied_exhibit_is_not_searched_by_the_jurisdiction(network: Network, denied: str) -> None:
    second = amend(network, denied, level="search")
    with network.nodes[RS].store.read() as session:
        peer = find_peer(session, MK)
        assert peer is not None
        rule = may_have(peer, Purpose.SEARCH, date(2026, 6, 1), owner=RS)
        assert session.scalars(select(RecordRow.statement_id).where(rule)).all() == []
        other = find_peer(session, XK)
        assert other is not None
        rule = may_have(other, Purpose.SEARCH, date(2026, 6, 1), owner=RS)
        assert session.scalars(select(RecordRow.statement_id).where(rule)).all() == [second]


def test_no_group_brings_a_denied_exhibit_to_the_jurisdiction(network: Network, denied: str) -> None:
    group = Group(name="group-new", members=(Jurisdiction.MK, Jurisdiction.XK))
    state_policy(network.nodes[RS], HEAD, (group,), LINES)
    second = amend(network, denied, audience=["group-new"])
    network.settle()
    assert second not in here(network, MK)
    assert second in here(network, XK)


def test_an_exhibit_that_was_purged_and_is_entered_anew_waits_for_the_head(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = {"case_reference": "RS-2026-78", "audience": ["MK"], "exhibit": exhibit_fields(item="5")}
    first = network.record(RS, retention_until=SHORT, **entered)
    network.settle()
    revoke_from(network.nodes[RS], HEAD, first, MK, WithdrawalReason.REVOKED)
    purged(network, monkeypatch)
    again = network.record(RS, retention_until=LONG, **entered)
    network.settle()
    assert again not in here(network, MK)
    assert waiting(network) == {(again, "MK")}


def test_a_court_that_holds_one_version_holds_the_exhibit(network: Network) -> None:
    first = network.record(RS, audience=["MK"])
    network.settle()
    for node in (RS, MK):
        place_hold(network.nodes[node], HEAD, first, COURT)
    second = amend(network, first)
    network.settle()
    withdraw(network.nodes[RS], HEAD, second, WithdrawalReason.ENTERED_IN_ERROR)
    network.settle()
    for node in (RS, MK):
        assert restricted(network, node) == {first, second}
        assert len(end_hold(network.nodes[node], HEAD, second, COURT)) == 1
        network.settle()
        assert restricted(network, node) == set()


def test_a_withdrawal_ends_the_grant_of_an_exhibit_that_a_court_holds(network: Network) -> None:
    first = network.record(RS, audience=[])
    grant(network.nodes[RS], HEAD, first, Jurisdiction.MK, "Agreement, article 2")
    place_hold(network.nodes[RS], HEAD, first, COURT)
    withdraw(network.nodes[RS], HEAD, first, WithdrawalReason.ENTERED_IN_ERROR)
    with network.nodes[RS].store.read() as session:
        assert session.scalars(select(GrantRow)).all() == []


def here(network: Network, node: str) -> set[str]:
    """The records on a node, superseded versions too."""
    return _rows(network, node, restricted=False)


def restricted(network: Network, node: str) -> set[str]:
    return _rows(network, node, restricted=True)


def _rows(network: Network, node: str, *, restricted: bool) -> set[str]:
    with network.nodes[node].store.read() as session:
        return set(session.scalars(select(RecordRow.statement_id).where(RecordRow.restricted.is_(restricted))))


@pytest.mark.parametrize(("audience", "goes"), [(["MK", "XK"], False), (["MK"], True)])
def test_a_version_that_a_colleague_widened_waits_for_the_head_whatever_its_row_states(
    network: Network, audience: list[str], goes: bool
) -> None:
    first = network.record(RS, audience=["MK"])
    colleague = {"pseudonym": "colleague", "role": "examiner", "signed_in": "token"}
    second = network.record(RS, audience=audience, supersedes=first, made_by=colleague)
    third = network.record(RS, audience=audience, supersedes=second, made_by=colleague)
    network.settle()
    with network.nodes[RS].store.read() as session:
        assert not session.get_one(RecordRow, second).widened
        peer, history = find_peer(session, MK), network.nodes[RS].history
        assert peer is not None
        answers = [
            decide_sharing(session, name, record_of(session, name), peer, history=history) for name in (second, third)
        ]
    assert [answer is None for answer in answers] == [goes] * 2
    report = check_log(network.nodes[RS])
    assert {found.subject for found in report.findings if "widened" in found.what} == (
        set() if goes else {f"record {second}", f"record {third}"}
    )
    assert ({second, third} <= here(network, MK), {second, third} & here(network, XK)) == (goes, set())
