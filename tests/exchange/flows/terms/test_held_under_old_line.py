"""What peers hold under an earlier line: listed when the policy tightens, then taken back, or left for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.operate.status import held_alarms
from exchange.flows.sync.serve_lane import read_lane
from exchange.flows.terms.held_under_old_line import (
    HeldDecision,
    HeldOutcome,
    decide_held,
    decided_before,
    held_page,
    holders_now,
)
from exchange.flows.terms.policy_change import preview_policy, told_held
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import withdraw, withdrawal_states
from exchange.jurisdictions.directory import shipped_directory
from exchange.log.audit_entry import Act, Actor, ActorKind
from exchange.policy import Purpose, Reason, Recipient, Standing, Withheld, release
from exchange.store.log.audit import AuditFilter, search_entries
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AudienceRow, RecordRow
from exchange.store.tables.terms_tables import ApprovalRow, GrantRow, PolicyInForceRow
from exchange.store.terms.held_records import why_not
from exchange.store.terms.terms_rows import list_approvals
from schemas import Group, LegalBasis, Maker, Policy, Record, parse_statement
from schemas.vocabulary import (
    Decision,
    ExhibitKind,
    HandlingCode,
    Jurisdiction,
    ReleaseLevel,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.flows.network import MK, RS, XK, Network, resting
from tests.schemas.examples import encoded, exhibit_fields, record_fields
from tests.schemas.statement_examples import statement_fields

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
ACTOR = Actor(ActorKind.PERSON, HEAD.pseudonym, HEAD.role)
LATER = date(2036, 1, 1)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Serbia, North Macedonia and Kosovo*, enrolled with each other.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


def line(to: Jurisdiction, rule: SharingRule, *kinds: ExhibitKind, review_by: date = LATER) -> LegalBasis:
    return LegalBasis(
        jurisdiction=to, kinds=kinds or tuple(ExhibitKind), rule=rule, article="Article 2", review_by=review_by
    )


ALLOWED = (line(Jurisdiction.MK, SharingRule.ALLOWED), line(Jurisdiction.XK, SharingRule.ALLOWED))


def listed(node: Node) -> set[tuple[str, str, Reason]]:
    return {(item.record.statement_id, item.holder, item.reason) for item in held_page(node, limit=200).records}


def decide(node: Node, decision: HeldDecision, record: str | None = None) -> HeldOutcome:
    return decide_held(node, HEAD, ACTOR, decision, Jurisdiction.MK, "The agreement ended.", record=record)


@pytest.mark.slow
def test_a_tighter_line_lists_what_is_held_and_it_is_taken_back(network: Network) -> None:
    rs = network.nodes[RS]
    first, second = network.record(RS, audience=["MK", "XK"]), network.record(RS, audience=["MK"])
    network.settle()
    assert holders_now(rs) == (), "without a policy nothing is shared"
    state_policy(rs, HEAD, (), ALLOWED)
    assert holders_now(rs) == ()

    change = preview_policy(rs, HEAD, None, (ALLOWED[1],))
    assert [(one.node_id, dict(one.reasons)) for one in change.held] == [(MK, {Reason.BLOCKED_BY_LAW: 2})]
    (sentence,) = told_held(change.held, shipped_directory())
    assert sentence.startswith("North Macedonia holds 2 of this node's records")
    assert holders_now(rs) == (), "a preview changes nothing"

    state_policy(rs, HEAD, (), (ALLOWED[1],))
    blocked = Reason.BLOCKED_BY_LAW
    assert listed(rs) == {(first, MK, blocked), (second, MK, blocked)}
    (alarm,) = held_alarms(rs)
    assert alarm.startswith(f"{MK} holds records of this node under an earlier line")
    network.settle()
    assert network.holds(MK) == {first, second}, "a tighter policy calls nothing back by itself"
    done = decide(rs, HeldDecision.TAKE_BACK, record=first)
    assert (len(done.statements), done.records, done.waiting) == (1, 1, 1)
    assert decide(rs, HeldDecision.TAKE_BACK).waiting == 0
    network.settle()
    assert network.holds(MK) == set()
    assert network.holds(XK) == {first}
    (state,) = withdrawal_states(rs, first)
    assert (state.holder, state.reason) == (MK, WithdrawalReason.REVOKED)
    with pytest.raises(NotFound, match="holds nothing of this"):
        decide(rs, HeldDecision.TAKE_BACK)
    notes = [(item.note.record, item.note.decision, item.note.because) for item in decided_before(rs, limit=9)]
    assert set(notes) == {(name, "taken_back", "The agreement ended.") for name in (first, second)}
    with rs.store.read() as session:
        acts = search_entries(session, AuditFilter(act=Act.DECIDE_HELD), before=None, limit=9)
    assert [kept.entry.count for kept in acts] == [1, 1]


@pytest.mark.slow
def test_what_stays_leaves_the_list_until_the_reason_is_another(network: Network) -> None:
    rs = network.nodes[RS]
    record, other = network.record(RS, audience=["MK"]), network.record(RS, audience=["MK"])
    network.settle()
    state_policy(rs, HEAD, (), (line(Jurisdiction.MK, SharingRule.NEEDS_APPROVAL),))
    assert decide(rs, HeldDecision.STAYS, record) == HeldOutcome((), 1, 1)
    assert listed(rs) == {(other, MK, Reason.NEEDS_APPROVAL)}
    assert decide(rs, HeldDecision.STAYS) == HeldOutcome((), 1, 0)
    assert listed(rs) == set()
    network.settle()
    assert network.holds(MK) == {record, other}
    state_policy(rs, HEAD, (), (line(Jurisdiction.MK, SharingRule.BLOCKED),))
    assert listed(rs) == {(name, MK, Reason.BLOCKED_BY_LAW) for name in (record, other)}
    state_policy(rs, HEAD, (), ALLOWED)
    assert listed(rs) == set(), "what may go is no question"


@pytest.mark.slow
def test_an_approval_ends_the_question_and_a_withdrawal_the_approval(network: Network) -> None:
    rs = network.nodes[RS]
    kept, gone, everywhere = (network.record(RS, audience=["MK"]) for _ in range(3))
    network.settle()
    state_policy(rs, HEAD, (), (line(Jurisdiction.MK, SharingRule.NEEDS_APPROVAL),))
    approve(rs, HEAD, kept, Jurisdiction.MK, Decision.APPROVED, "Agreed.")
    withdraw(rs, HEAD, everywhere, WithdrawalReason.OTHER)
    assert listed(rs) == {(gone, MK, Reason.NEEDS_APPROVAL)}
    approve(rs, HEAD, gone, Jurisdiction.MK, Decision.REFUSED, "Not agreed.")
    assert listed(rs) == {(gone, MK, Reason.APPROVAL_REFUSED)}
    decide(rs, HeldDecision.TAKE_BACK)
    with rs.store.read() as session:
        assert list_approvals(session, open_only=True) == []
    network.settle()
    assert network.holds(MK) == {kept}


@pytest.mark.slow
def test_a_group_that_loses_a_member_and_a_review_that_passes(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    rs = network.nodes[RS]
    both = Group(name="group-all", members=(Jurisdiction.MK, Jurisdiction.XK))
    soon = (line(Jurisdiction.MK, SharingRule.ALLOWED, review_by=date(2035, 1, 1)), ALLOWED[1])
    state_policy(rs, HEAD, (both,), soon)
    record = network.record(RS, audience=["group-all"], retention_until="2040-01-01")
    granted = network.record(RS, audience=[], retention_until="2040-01-01")
    grant(rs, HEAD, granted, Jurisdiction.XK, "Article 1")
    network.settle()
    state_policy(rs, HEAD, (Group(name="group-all", members=(Jurisdiction.MK,)),), soon)
    assert listed(rs) == {(record, XK, Reason.NOT_IN_AUDIENCE)}, "a grant counts"
    monkeypatch.setattr("exchange.clock.now", lambda: datetime(2035, 6, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.flows.terms.held_under_old_line.now", lambda: datetime(2035, 6, 1, tzinfo=UTC))
    assert listed(rs) == {(record, XK, Reason.NOT_IN_AUDIENCE), (record, MK, Reason.NEEDS_APPROVAL)}


@pytest.mark.slow
def test_what_was_given_and_never_acknowledged_is_held_too(network: Network) -> None:
    rs = network.nodes[RS]
    record, other = network.share(RS, Jurisdiction.MK, count=2)
    with rs.store.read() as session:
        peer = find_peer(session, MK)
    assert peer is not None
    read_lane(rs, peer, start=0, head=bytes(32), known_size=0)
    state_policy(rs, HEAD, (), (ALLOWED[1],))
    item, _ = held_page(rs).records
    assert (item.record.statement_id, item.acknowledged) == (record, False)
    read_lane(rs, peer, start=0, head=bytes(32), known_size=0)
    both = {(name, MK, Reason.BLOCKED_BY_LAW) for name in (record, other)}
    assert listed(rs) == both, "that they are withheld now does not undo it"
    decide(rs, HeldDecision.TAKE_BACK, record)
    assert listed(rs) == {(other, MK, Reason.BLOCKED_BY_LAW)}
    never = network.record(RS, audience=["MK"])
    assert never not in {name for name, _, _ in listed(rs)}


@pytest.mark.slow
def test_pages_go_over_all_holders(network: Network) -> None:
    rs = network.nodes[RS]
    for _ in range(3):
        network.record(RS, audience=["MK", "XK"])
    network.settle()
    state_policy(rs, HEAD, (), (line(Jurisdiction.AL, SharingRule.ALLOWED),))
    found, skip = list[tuple[str, str]](), 0
    for _ in range(9):
        page = held_page(rs, skip=skip, limit=2)
        assert [one.records for one in page.holders] == [3, 3]
        found += [(item.holder, item.record.statement_id) for item in page.records]
        if page.following is None:
            break
        skip = page.following
    assert len(found) == len(set(found)) == 6
    assert [holder for holder, _ in found] == [MK] * 3 + [XK] * 3
    assert {item.holder for item in held_page(rs, Jurisdiction.XK).records} == {XK}


@pytest.mark.slow
def test_a_policy_that_was_altered_lists_nothing(network: Network) -> None:
    rs = network.nodes[RS]
    network.record(RS, audience=["MK"])
    network.settle()
    state_policy(rs, HEAD, (), (ALLOWED[1],))
    with rs.store.write() as session:
        row = session.get(PolicyInForceRow, RS)
        assert row is not None
        row.seal = bytes(32)
    assert holders_now(rs) == ()
    assert held_page(rs).records == ()


policies = st.lists(
    st.builds(
        line,
        st.just(Jurisdiction.MK),
        st.sampled_from(SharingRule),
        st.sampled_from(ExhibitKind),
        review_by=st.sampled_from([date(2026, 1, 1), date(2036, 1, 1)]),
    ),
    max_size=3,
    unique_by=lambda basis: basis.kinds,
)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node whose one record each example states anew."""
    with resting(tmp_path_factory.mktemp("ruled"), Jurisdiction.RS, Jurisdiction.MK) as made:
        made.record(RS, audience=[])
        yield made.nodes[RS]


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bases=policies,
    members=st.booleans(),
    audience=st.sets(st.sampled_from(["MK", "XK", "group-all"]), max_size=2),
    level=st.sampled_from(ReleaseLevel),
    kind=st.sampled_from(ExhibitKind),
    code=st.sampled_from([HandlingCode.H0, HandlingCode.H3]),
    granted=st.booleans(),
    decision=st.sampled_from([None, *Decision]),
    article=st.sampled_from(["Article 1", " "]),
)
def test_the_reason_in_sql_is_that_of_the_rule(
    ruled: Node,
    bases: list[LegalBasis],
    members: bool,
    audience: set[str],
    level: ReleaseLevel,
    kind: ExhibitKind,
    code: HandlingCode,
    granted: bool,
    decision: Decision | None,
    article: str,
) -> None:
    groups = [{"name": "group-all", "members": ["MK"]}] if members else []
    fields = statement_fields()["policy"] | {"issuer": RS, "groups": groups, "bases": []}
    policy = parse_statement(encoded(fields))
    assert isinstance(policy, Policy)
    policy = policy.model_copy(update={"bases": tuple(bases)})
    record = parse_statement(
        encoded(
            record_fields(
                issuer=RS,
                level=level,
                audience=sorted(audience),
                exhibit=exhibit_fields(kind=kind),
                handling={
                    "code": code,
                    "restriction": "Ask first." if code is HandlingCode.H3 else None,
                    "source_grade": None,
                    "information_grade": None,
                },
            )
        )
    )
    assert isinstance(record, Record)
    today = date(2026, 6, 1)
    told = release(
        record,
        Recipient(MK, Jurisdiction.MK, enrolled=True),
        Purpose.CORRELATION,
        article,
        today,
        owner=RS,
        standing=Standing(
            {group.name: frozenset(group.members) for group in policy.groups},
            policy.bases,
            granted,
            withdrawn=False,
            denied=decision is Decision.REFUSED,
            decision=decision,
        ),
    )
    with ruled.store.write() as session:
        row = session.query(RecordRow).one()
        row.kind, row.level, row.handling = kind, level, code
        session.query(AudienceRow).delete()
        session.add_all(AudienceRow(statement_id=row.statement_id, name=name) for name in audience)
        if granted:
            named = {"record": row.statement_id, "exhibit": row.exhibit}
            session.add(GrantRow(jurisdiction="MK", statement_id="ab" * 32, log_index=5, **named))
        if decision is not None:
            session.add(
                ApprovalRow(
                    concerns=row.statement_id,
                    jurisdiction="MK",
                    decision=decision,
                    asked_at="2026",
                    due_at="2026",
                    log_index=6,
                    exhibit=row.exhibit,
                )
            )
        session.flush()
        peer = PeerRow(node_id=MK, jurisdiction="MK", legal_basis=article)
        why = session.query(why_not(peer, policy, today)).select_from(RecordRow).scalar()
        session.rollback()
    assert why == (told.reason if isinstance(told, Withheld) else None)
