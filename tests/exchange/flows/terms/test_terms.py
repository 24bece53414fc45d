"""The owner's terms between real nodes: late access, groups, approvals, withdrawal, holds, expulsion, retention."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.errors import Conflict, NotFound
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.statement.sign_statement import enter, say
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.sync.receive import receive_page
from exchange.flows.sync.verify_lane_page import Received
from exchange.flows.terms.erase import erase
from exchange.flows.terms.expel import expel
from exchange.flows.terms.terms import approve, grant, policy_of, state_policy
from exchange.flows.terms.withdraw import (
    WithdrawalState,
    end_hold,
    place_hold,
    purge,
    revoke_from,
    withdraw,
    withdrawal_states,
)
from exchange.store.log.statement_rows import find_statement
from exchange.store.sync.peer_quota_rows import quarantine_unnoted
from exchange.store.sync.peers import quarantined, set_aside
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.terms_tables import GrantRow
from exchange.store.terms.terms_rows import list_approvals
from exchange.store.terms.withdrawals import bury
from schemas import (
    Acknowledgement,
    Grant,
    Group,
    LegalBasis,
    Maker,
    Receipt,
    Withdrawal,
    open_envelope,
    parse_statement,
)
from schemas.vocabulary import (
    Decision,
    ErasureOutcome,
    ExhibitKind,
    Jurisdiction,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.flows.network import MK, RS, XK, Network, resting

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
ERROR = WithdrawalReason.ENTERED_IN_ERROR
BASIS = "Test agreement, article 2"
H3 = {"code": "H3", "restriction": "Ask the prosecutor first."}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Serbia, North Macedonia and Kosovo*, enrolled with each other.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


def basis(rule: SharingRule, *to: Jurisdiction, review_by: date = date(2036, 1, 1)) -> tuple[LegalBasis, ...]:
    return tuple(
        LegalBasis(jurisdiction=name, kinds=tuple(ExhibitKind), rule=rule, article=BASIS, review_by=review_by)
        for name in to
    )


def state(network: Network, node: str, record: str) -> WithdrawalState:
    (found,) = withdrawal_states(network.nodes[node], record)
    return found


def payload_is_here(network: Network, node: str, record: str) -> bool:
    with network.nodes[node].store.read() as session:
        row = find_statement(session, record)
        return row is not None and row.envelope is not None


def test_late_group_member_gets_old_records(network: Network) -> None:
    rs = network.nodes[RS]
    state_policy(
        rs,
        HEAD,
        (Group(name="group-neighbours", members=(Jurisdiction.MK,)),),
        basis(SharingRule.ALLOWED, Jurisdiction.MK, Jurisdiction.XK),
    )
    old = network.record(RS, audience=["group-neighbours"])
    network.settle()
    assert (network.holds(MK), network.holds(XK)) == ({old}, set())

    members = (Jurisdiction.MK, Jurisdiction.XK)
    found = policy_of(rs)
    assert found is not None
    state_policy(rs, HEAD, (Group(name="group-neighbours", members=members),), found[1].bases)
    new = network.record(RS, audience=["group-neighbours"])
    network.settle()
    assert network.holds(XK) == network.holds(MK) == {old, new}


def test_empty_audience_reaches_none(network: Network) -> None:
    network.record(RS, audience=[])
    network.settle()
    assert network.holds(MK) == network.holds(XK) == set()
    with network.nodes[RS].store.read() as session:
        assert list_approvals(session, open_only=True) == []


def test_a_late_grant_gives_an_old_record(network: Network) -> None:
    old = network.record(RS, audience=["MK"])
    for _ in range(3):
        network.record(RS, audience=["MK", "XK"])
    network.settle()
    assert old not in network.holds(XK)
    grant(network.nodes[RS], HEAD, old, Jurisdiction.XK, BASIS)
    network.settle()
    assert network.holds(XK) == network.holds(MK)
    assert old in network.holds(XK)


def test_a_grant_is_on_the_lane_of_who_is_enrolled_later(network: Network, tmp_path: Path) -> None:
    old = network.record(RS, audience=[])
    grant(network.nodes[RS], HEAD, old, Jurisdiction.AL, BASIS)
    late = Network(tmp_path / "late")
    late.make(Jurisdiction.AL)
    (albania,) = late.nodes.values()
    network.nodes[albania.node_id] = albania
    network.enrol_all()
    network.settle()
    assert network.holds(albania.node_id) == {old}
    assert network.holds(MK) == set()


def test_withdrawal_reaches_all(network: Network) -> None:
    record = network.record(RS, audience=["MK", "XK"], scan=b"the scan itself")
    other = network.record(RS, audience=["MK", "XK"])
    network.settle()
    blob = hashlib.sha256(b"the scan itself").hexdigest()
    assert all(network.nodes[name].blobs.path(blob).is_file() for name in (RS, MK, XK))

    network.parted.add(frozenset((RS, XK)))
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert network.holds(RS) == network.holds(MK) == {other}
    assert network.holds(XK) == {record, other}
    told = {holder.node_id: holder.outcome for holder in state(network, RS, record).holders}
    assert told == {MK: ErasureOutcome.ERASED, XK: None}

    network.parted.clear()
    network.settle()
    told = {holder.node_id: holder.outcome for holder in state(network, RS, record).holders}
    assert told == {MK: ErasureOutcome.ERASED, XK: ErasureOutcome.ERASED}
    assert state(network, RS, record).here == ErasureOutcome.ERASED
    for name in (RS, MK, XK):
        assert network.holds(name) == {other}
        assert not payload_is_here(network, name, record)
        with pytest.raises(NotFound):
            network.nodes[name].blobs.path(blob)
        home = network.nodes[name].settings.home
        payload = b"the scan itself"
        assert not any(payload in file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_what_is_withdrawn_is_withdrawn_in_all_versions(network: Network) -> None:
    first = network.record(RS, audience=["MK"])
    second = network.record(RS, audience=["MK"], supersedes=first)
    network.settle()
    assert network.holds(MK) == {second}
    assert len(withdraw(network.nodes[RS], HEAD, second, ERROR)) == 2
    network.settle()
    assert network.holds(RS) == network.holds(MK) == set()
    assert not payload_is_here(network, MK, first)
    with pytest.raises(Conflict, match="before"):
        withdraw(network.nodes[RS], HEAD, second, ERROR)


def test_a_scan_that_another_record_names_stays(network: Network) -> None:
    record = network.record(RS, audience=["MK"], scan=b"one scan")
    network.record(RS, audience=["MK"], scan=b"one scan")
    network.settle()
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    for name in (RS, MK):
        assert network.nodes[name].blobs.path(hashlib.sha256(b"one scan").hexdigest()).read_bytes() == b"one scan"


def test_a_withdrawal_that_comes_first_blocks_the_record(network: Network) -> None:
    """The holder reads of the withdrawal and never of the record; the record is then given to it by mistake."""
    record = network.record(RS, audience=["MK"])
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert network.holds(MK) == set()
    (holder,) = state(network, RS, record).holders
    assert holder.outcome == ErasureOutcome.NEVER_HELD


def test_only_the_owner_withdraws(network: Network) -> None:
    record = network.record(RS, audience=["MK", "XK"])
    network.settle()
    with pytest.raises(NotFound, match="only the owner"):
        withdraw(network.nodes[MK], HEAD, record, ERROR)
    forged = say(network.nodes[MK], Withdrawal, HEAD, record=record, first_version=record, reason=ERROR)
    with network.nodes[MK].store.write() as session:
        enter(session, forged, to=[XK])
    network.settle()
    assert network.holds(XK) == {record}
    with network.nodes[XK].store.read() as session:
        assert [row.reason for row in set_aside(session, MK)] == ["not-owner"]


def test_who_disposes_of_anothers_record_does_not_learn_whether_it_is_here(network: Network) -> None:
    """North Macedonia has two records of Kosovo*, and signs of both what only the owner may; Serbia has one of them.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    here = network.record(XK, scan=b"1", audience=["MK", "RS"])
    unknown = network.record(XK, scan=b"2", audience=["MK"])
    network.settle()
    mk, rs = network.nodes[MK], network.nodes[RS]
    for record in (here, unknown):
        for said in (
            say(mk, Withdrawal, HEAD, record=record, first_version=record, reason=ERROR, holder=None),
            say(mk, Grant, HEAD, record=record, first_version=record, jurisdiction=Jurisdiction.RS, legal_basis=BASIS),
        ):
            with mk.store.write() as session:
                enter(session, said, to=[RS])
    sign_head(mk)
    network.settle()
    assert not give_receipt(rs, MK), "none sooner than the daily one"
    with rs.store.write() as session:
        session.get_one(PeerRow, MK).enrolled_at = "2020-01-01T00:00:00.000Z"
    assert give_receipt(rs, MK)
    sign_head(rs)
    network.settle()
    with mk.store.read() as session:
        rows = session.scalars(select(StatementRow).where(StatementRow.issuer == RS)).all()
        told = [parse_statement(open_envelope(row.envelope or b"").payload) for row in rows]
    outcomes = {one.record: one.outcome for one in told if isinstance(one, Acknowledgement)}
    assert outcomes == dict.fromkeys((here, unknown), ErasureOutcome.NEVER_HELD)
    assert [(one.set_aside, one.refused) for one in told if isinstance(one, Receipt)] == [(0, ())]
    assert network.holds(RS) == {here}
    with rs.store.read() as session:
        assert [(row.reason, row.seen_at) for row in set_aside(session, MK)] == [("not-owner", None)] * 2
        assert quarantine_unnoted(session, MK) == (0, 0), "its lane does not stand still sooner"
    assert "not-owner" in str(network.peer(RS, MK).alarm)
    with pytest.raises(NotFound, match="was not withdrawn"):
        withdrawal_states(rs, here)


def test_an_erasure_touches_no_record_of_another_owner(network: Network) -> None:
    """It was withdrawn by a stranger before it came, and comes before that was worked on."""
    record = network.record(RS, audience=["MK"])
    network.settle()
    mk = network.nodes[MK]
    with mk.store.write() as session:
        stone = bury(session, record, XK, ERROR)
        number = stone.tombstone_id
    erase(mk, number)
    assert network.holds(MK) == {record}
    assert payload_is_here(network, MK, record)


def test_a_stranger_cannot_block_what_it_knows_of(network: Network) -> None:
    """North Macedonia holds the record and withdraws it towards Kosovo*, before Kosovo* has it from the owner.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    record = network.record(RS, audience=["MK"])
    network.settle()
    forged = say(network.nodes[MK], Withdrawal, HEAD, record=record, first_version=record, reason=ERROR)
    with network.nodes[MK].store.write() as session:
        enter(session, forged, to=[XK])
    network.settle()
    grant(network.nodes[RS], HEAD, record, Jurisdiction.XK, BASIS)
    network.settle()
    assert network.holds(XK) == {record}


def test_onward_sharing_needs_the_owner(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    network.settle()
    with pytest.raises(NotFound, match="only the owner"):
        grant(network.nodes[MK], HEAD, record, Jurisdiction.XK, BASIS)
    forged = say(
        network.nodes[MK],
        Grant,
        HEAD,
        record=record,
        first_version=record,
        jurisdiction=Jurisdiction.XK,
        legal_basis=BASIS,
    )
    with network.nodes[MK].store.write() as session:
        enter(session, forged, to=[XK])
    network.settle()
    assert network.holds(XK) == set()
    grant(network.nodes[RS], HEAD, record, Jurisdiction.XK, BASIS)
    network.settle()
    assert network.holds(XK) == {record}


def test_revoked_from_one_and_granted_again(network: Network) -> None:
    record = network.record(RS, audience=["MK", "XK"])
    network.settle()
    revoke_from(network.nodes[RS], HEAD, record, MK, WithdrawalReason.REVOKED)
    network.settle()
    assert (network.holds(MK), network.holds(XK), network.holds(RS)) == (set(), {record}, {record})
    assert [holder.outcome for holder in state(network, RS, record).holders] == [ErasureOutcome.ERASED]
    grant(network.nodes[RS], HEAD, record, Jurisdiction.MK, BASIS)
    network.settle()
    assert network.holds(MK) == {record}
    assert payload_is_here(network, MK, record)
    revoke_from(network.nodes[RS], HEAD, record, MK, WithdrawalReason.REVOKED)
    network.settle()
    assert network.holds(MK) == set()


def test_a_grant_of_a_later_version_lets_each_version_come_on_a_page_of_its_own(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.flows.sync.serve_lane.MAX_PAGE_ITEMS", 1)
    first = network.record(RS, audience=[])
    second = network.record(RS, audience=[], supersedes=first)
    grant(network.nodes[RS], HEAD, second, Jurisdiction.MK, BASIS)
    network.settle(rounds=6)
    assert payload_is_here(network, MK, first)
    assert payload_is_here(network, MK, second)
    with network.nodes[MK].store.read() as session:
        assert not set_aside(session, RS)


def test_a_grant_or_withdrawal_that_names_another_exhibit_than_its_record_is_set_aside(network: Network) -> None:
    record, another = (network.record(RS, audience=["MK"]) for _ in range(2))
    network.settle()
    rs, mk = network.nodes[RS], network.nodes[MK]
    wrong = {"record": record, "first_version": another}
    forged = [
        say(rs, Withdrawal, HEAD, **wrong, reason=ERROR, holder=None),
        say(rs, Grant, HEAD, **wrong, jurisdiction=Jurisdiction.MK, legal_basis=BASIS),
    ]
    with rs.store.write() as session:
        for said in forged:
            enter(session, said, to=[MK])
    network.settle()
    assert network.holds(MK) == {record, another}
    with mk.store.read() as session:
        assert {row.statement_id for row in set_aside(session, RS)} == {said.statement_id for said in forged}
        assert not session.scalars(select(GrantRow)).all()


def test_a_record_that_an_earlier_grant_contradicts_is_set_aside(network: Network) -> None:
    late, another = network.record(RS, audience=["MK"], handling=H3), network.record(RS, audience=["MK"])
    rs, mk = network.nodes[RS], network.nodes[MK]
    wrong = {"record": late, "first_version": another, "jurisdiction": Jurisdiction.MK, "legal_basis": BASIS}
    with rs.store.write() as session:
        enter(session, say(rs, Grant, HEAD, **wrong), to=[MK])
    network.settle()
    approve(rs, HEAD, late, Jurisdiction.MK, Decision.APPROVED, "The prosecutor agrees.")
    network.settle()
    assert network.holds(MK) == {another}
    with mk.store.read() as session:
        assert [row.statement_id for row in set_aside(session, RS)] == [late]


def test_a_version_that_names_another_exhibit_than_the_version_it_supersedes_is_set_aside(network: Network) -> None:
    first = network.record(RS, audience=["MK"])
    network.settle()
    forged = network.record(RS, audience=["MK"], supersedes=first, first_version="7" * 64)
    at_once = network.record(RS, audience=["MK"])
    forged_at_once = network.record(RS, audience=["MK"], supersedes=at_once, first_version=first)
    network.settle()
    assert network.holds(MK) == {first, at_once}
    with network.nodes[MK].store.read() as session:
        assert {row.statement_id for row in set_aside(session, RS)} == {forged, forged_at_once}


def test_a_court_hold_restricts_instead_of_erasing(network: Network) -> None:
    record = network.record(RS, audience=["MK"], scan=b"evidence")
    network.settle()
    blob = hashlib.sha256(b"evidence").hexdigest()
    place_hold(network.nodes[MK], HEAD, record, "Court of a test, 1/2026")
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert network.holds(MK) == set()
    assert payload_is_here(network, MK, record)
    assert network.nodes[MK].blobs.path(blob).is_file()
    assert [holder.outcome for holder in state(network, RS, record).holders] == [ErasureOutcome.RESTRICTED]

    end_hold(network.nodes[MK], HEAD, record, "Court of a test, 2/2026")
    network.settle()
    assert not payload_is_here(network, MK, record)
    with pytest.raises(NotFound):
        network.nodes[MK].blobs.path(blob)
    assert [holder.outcome for holder in state(network, RS, record).holders] == [ErasureOutcome.ERASED]


def test_what_needs_an_approval_waits_for_it_and_then_comes(network: Network) -> None:
    record = network.record(RS, audience=["MK"], handling=H3)
    network.settle()
    assert network.holds(MK) == set()
    with network.nodes[RS].store.read() as session:
        (asked,) = list_approvals(session, open_only=True)
    assert (asked.concerns, asked.jurisdiction) == (record, "MK")
    assert asked.due_at > asked.asked_at
    approve(network.nodes[RS], HEAD, record, Jurisdiction.MK, Decision.REFUSED, "Not yet.")
    network.settle()
    assert network.holds(MK) == set()
    approve(network.nodes[RS], HEAD, record, Jurisdiction.MK, Decision.APPROVED, "The prosecutor agrees.")
    network.settle()
    assert network.holds(MK) == {record}
    with network.nodes[RS].store.read() as session:
        assert list_approvals(session, open_only=True) == []


def test_nothing_is_decided_where_the_rules_decide(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    with pytest.raises(Conflict, match="Nothing waits"):
        approve(network.nodes[RS], HEAD, record, Jurisdiction.MK, Decision.APPROVED, "Why not.")


def test_what_was_withheld_when_its_place_was_read_comes_later(network: Network) -> None:
    """The lane goes on over a place without content; nothing tells the reader to ask for it again but the lane."""
    rs = network.nodes[RS]
    record = network.record(RS, audience=["MK"])
    state_policy(rs, HEAD, (), basis(SharingRule.BLOCKED, Jurisdiction.MK))
    network.settle()
    assert network.holds(MK) == set()
    state_policy(rs, HEAD, (), basis(SharingRule.NEEDS_APPROVAL, Jurisdiction.MK))
    network.settle()
    assert network.holds(MK) == set()
    approve(rs, HEAD, record, Jurisdiction.MK, Decision.APPROVED, "The agreement is in force.")
    network.settle()
    assert network.holds(MK) == {record}
    with network.nodes[MK].store.read() as session:
        assert quarantined(session, RS) == 0
    assert network.peer(MK, RS).withheld == 1


def test_a_blocked_pair_does_not_block_another(network: Network) -> None:
    rs = network.nodes[RS]
    bases = basis(SharingRule.BLOCKED, Jurisdiction.MK) + basis(SharingRule.ALLOWED, Jurisdiction.XK)
    state_policy(rs, HEAD, (), bases)
    record = network.record(RS, audience=["MK", "XK"])
    network.settle()
    assert (network.holds(MK), network.holds(XK)) == (set(), {record})


def test_an_overdue_review_needs_a_person(network: Network) -> None:
    overdue = basis(SharingRule.ALLOWED, Jurisdiction.MK, review_by=date(2026, 1, 1))
    state_policy(network.nodes[RS], HEAD, (), overdue)
    record = network.record(RS, audience=["MK"])
    network.settle()
    assert network.holds(MK) == set()
    with network.nodes[RS].store.read() as session:
        assert [row.concerns for row in list_approvals(session, open_only=True)] == [record]


def test_a_scan_is_not_fetched_once_its_record_may_not_be_had(network: Network) -> None:
    record = network.record(RS, audience=["MK"], scan=b"late scan")
    network.pull(MK, RS)
    revoke_from(network.nodes[RS], HEAD, record, MK, WithdrawalReason.REVOKED)
    network.work(MK)
    with pytest.raises(NotFound):
        network.nodes[MK].blobs.path(hashlib.sha256(b"late scan").hexdigest())
    network.settle()
    assert network.holds(MK) == set()


def test_who_is_expelled_is_asked_to_erase_and_is_given_nothing(network: Network) -> None:
    given = network.record(RS, audience=["MK", "XK"])
    theirs = network.record(MK, audience=["RS", "XK"])
    network.settle()
    found = expel(network.nodes[RS], HEAD, MK, erase=False)
    assert (found.asked_back, found.erased, found.kept) == (1, 0, 1)
    later = network.record(RS, audience=["MK", "XK"])
    network.settle()
    assert network.holds(MK) == {theirs}
    assert network.holds(XK) == {given, theirs, later}
    assert theirs in network.holds(RS)
    assert [holder.outcome for holder in state(network, RS, given).holders] == [ErasureOutcome.ERASED]
    network.record(MK, audience=["RS"])
    network.settle()
    assert network.holds(RS) == {given, theirs, later}
    with pytest.raises(Conflict):
        expel(network.nodes[RS], HEAD, MK, erase=True)


def test_expelled_with_all_that_it_gave(network: Network) -> None:
    network.record(MK, audience=["RS"])
    network.settle()
    assert expel(network.nodes[RS], HEAD, MK, erase=True).erased == 1
    network.settle()
    assert network.holds(RS) == set()


def test_retention_ends_everywhere_even_if_the_owner_is_silent(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = network.record(RS, audience=["MK", "XK"], retention_until="2027-01-31")
    stays = network.record(RS, audience=["MK", "XK"], retention_until="2027-02-01")
    network.settle()
    _on(monkeypatch, datetime(2027, 2, 1, 12, tzinfo=UTC))
    assert purge(network.nodes[MK]) == 1
    network.work(MK)
    assert network.holds(MK) == {stays}
    assert not payload_is_here(network, MK, ends)
    assert purge(network.nodes[RS]) == 1
    assert purge(network.nodes[RS]) == 0
    network.settle()
    for name in (RS, MK, XK):
        assert network.holds(name) == {stays}
    told = {holder.node_id: holder.outcome for holder in state(network, RS, ends).holders}
    assert told == {MK: ErasureOutcome.ERASED, XK: ErasureOutcome.ERASED}


def _on(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    def then() -> datetime:
        return moment

    for module in ("exchange.flows.terms.withdraw", "exchange.flows.statement.sharing"):
        monkeypatch.setattr(f"{module}.now", then)


def test_a_scan_is_not_waited_for_once_its_record_is_held_and_withdrawn(network: Network) -> None:
    """The court's hold came before the scan, and the withdrawal after that: nobody gives it any more, until a grant."""
    rs, mk, content = network.nodes[RS], network.nodes[MK], b"a scan that does not come"
    record = network.record(RS, scan=content, audience=["MK"])
    place = rs.blobs.path(hashlib.sha256(content).hexdigest())
    kept = place.rename(network.folder / "elsewhere")
    network.settle()
    assert "did not come so far" in str(network.peer(MK, RS).alarm)
    place_hold(mk, HEAD, record, "Court of a test, 1/2026")
    revoke_from(rs, HEAD, record, MK, WithdrawalReason.REVOKED)
    network.settle()
    network.settle()
    assert network.peer(MK, RS).alarm is None
    kept.rename(place)
    grant(rs, HEAD, record, Jurisdiction.MK, "A late agreement")
    network.settle()
    network.settle()
    assert network.holds(MK) == {record}
    assert mk.blobs.holds(hashlib.sha256(content).hexdigest())


def test_a_scan_that_came_another_way_is_still_to_be_delivered(network: Network) -> None:
    """North Macedonia lost the scan of a record that it shares; then Serbia gets one with the same scan itself."""
    rs, mk, content = network.nodes[RS], network.nodes[MK], b"one scan of two records"
    received = network.record(MK, scan=content, audience=["RS"])
    mk.blobs.remove(hashlib.sha256(content).hexdigest())
    network.settle()
    assert "did not come so far" in str(network.peer(RS, MK).alarm)
    network.record(RS, scan=content, audience=[])  # else North Macedonia has it again in time
    network.settle()
    assert "did not come so far" in str(network.peer(RS, MK).alarm)
    with rs.store.read() as session:
        (row,) = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == received))
    assert (row.state, row.delivered_at) == ("awaiting-scan", None)


@pytest.mark.usefixtures("careless_owner")
def test_a_missing_or_poisonous_item_does_not_stop_the_rest(network: Network) -> None:
    rs, mk = network.nodes[RS], network.nodes[MK]
    before = network.record(RS, audience=["MK"])
    forged = say(rs, Withdrawal, HEAD, record="ab" * 32, first_version="ab" * 32, reason=ERROR, holder=XK)
    with rs.store.write() as session:
        enter(session, forged, to=[MK])  # meant for another
    missing = network.record(RS, audience=["MK"], scan=b"a scan that is gone")
    rs.blobs.remove(hashlib.sha256(b"a scan that is gone").hexdigest())
    after = network.record(RS, audience=["MK"], scan=b"the last scan")
    network.settle()
    assert network.holds(MK) == {before, missing, after}
    assert mk.blobs.path(hashlib.sha256(b"the last scan").hexdigest()).is_file()
    with mk.store.read() as session:
        assert [row.reason for row in set_aside(session, RS)] == ["not-in-audience"]
    assert "not-in-audience" in (network.peer(MK, RS).alarm or "")


def test_an_acknowledgement_of_what_a_restored_node_does_not_know_yet_is_kept(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    network.settle()
    backup = network.backup(RS)
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    network.restart(RS, backup)
    with network.nodes[MK].store.read() as session:
        (said,) = session.scalars(select(StatementRow).where(StatementRow.type == "acknowledgement")).all()
        acknowledgement = parse_statement(open_envelope(said.envelope or b"").payload)
    item = Received(0, said.statement_id, acknowledgement, open_envelope(said.envelope or b""), said.log_index)
    with network.nodes[RS].store.write() as session:
        assert receive_page(session, network.nodes[RS], session.get_one(PeerRow, MK), [item]) == []
        assert find_statement(session, said.statement_id) is not None
