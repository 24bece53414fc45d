"""A digest is no key: to name a scan gives nobody its bytes, keeps none, and lets nothing be compared by them."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select

from exchange.errors import NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.sync.serve_lane import may_fetch
from exchange.flows.terms.withdraw import HolderState, end_hold, place_hold, take_away, withdraw, withdrawal_states
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.node.jobs import JobKind
from exchange.store.scan.deliveries import is_kept, kept_scans, records_showing
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.terms.withdrawals import bury
from schemas import KeptScan, Maker
from schemas.vocabulary import ErasureOutcome, Role, SignedInBy, WithdrawalReason
from tests.exchange.flows.network import MK, RS, XK, Network

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK", "XK")]

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
ERROR = WithdrawalReason.ENTERED_IN_ERROR
COURT = "Court of a test, 1/2026"
SCAN = b"one scan that more than one names"
SHA256 = hashlib.sha256(SCAN).hexdigest()
ERASED, RESTRICTED = ErasureOutcome.ERASED, ErasureOutcome.RESTRICTED


def named_alone(network: Network, issuer: str, *audience: str) -> str:
    """A record whose issuer has not got the scan that it names."""
    record = network.record(issuer, scan=SCAN, audience=list(audience))
    network.nodes[issuer].blobs.remove(SHA256)
    return record


def acquisition(network: Network, node: str, record: str) -> AcquisitionRow:
    with network.nodes[node].store.read() as session:
        return session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one()


def may(network: Network, asked: str, peer: str) -> set[str]:
    """The records by which a peer may fetch the scan; none when it is told that there is no such scan."""
    try:
        entitled = may_fetch(network.nodes[asked], network.peer(asked, peer), SHA256)
    except NotFound:
        return set()
    return {statement.statement_id for _, statement in entitled}


def told_by(network: Network, owner: str, record: str, holder: str) -> HolderState:
    (state,) = withdrawal_states(network.nodes[owner], record)
    return next(one for one in state.holders if one.node_id == holder)


def holds(network: Network, *nodes: str) -> list[bool]:
    return [network.nodes[node].blobs.holds(SHA256) for node in nodes]


def test_who_names_a_scan_does_not_get_it(network: Network) -> None:
    own = network.record(RS, scan=SCAN, audience=[])
    received = named_alone(network, MK, "RS")
    network.settle()
    assert holds(network, RS, MK) == [True, False]
    assert may(network, RS, MK) == may(network, RS, XK) == set()
    row = acquisition(network, RS, received)
    assert (row.state, row.delivered_at) == ("awaiting-scan", None)
    assert "did not come so far" in str(network.peer(RS, MK).alarm)
    with pytest.raises(NotFound, match="is not on this node"):
        delivered_scan(network.nodes[RS], row)
    with network.nodes[RS].store.read() as session:
        assert [statement.statement_id for _, statement in records_showing(session, SHA256)] == [own]
        assert session.scalars(select(JobRow).where(JobRow.kind == JobKind.CORRELATE)).all() == []


def test_who_delivered_a_scan_gets_it_back_and_nobody_else(network: Network) -> None:
    network.record(RS, scan=SCAN, audience=[])
    received = network.record(MK, scan=SCAN, audience=["RS"])
    network.settle()
    assert acquisition(network, RS, received).delivered_at is not None
    assert may(network, RS, MK) == {received}
    assert may(network, RS, XK) == set()


def test_a_received_scan_is_not_given_on(network: Network) -> None:
    record = network.record(RS, scan=SCAN, audience=["MK", "XK"])
    network.settle()
    assert may(network, RS, MK) == may(network, RS, XK) == {record}
    assert may(network, MK, XK) == set()
    assert may(network, MK, RS) == {record}


def test_what_is_held_already_is_fetched_all_the_same(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.record(XK, scan=SCAN, audience=["RS"])
    network.settle()
    asked: list[str] = []
    monkeypatch.setattr(
        "tests.exchange.flows.network.may_fetch",
        lambda node, peer, sha256: (asked.append(node.node_id), may_fetch(node, peer, sha256)),
    )
    second = network.record(MK, scan=SCAN, audience=["RS"])
    network.settle()
    assert asked == [MK]
    assert acquisition(network, RS, second).delivered_at is not None
    fetch_scan(network.nodes[RS], network.client(RS), acquisition(network, RS, second).acquisition_id)
    assert asked == [MK], "once is enough"


def test_an_own_record_that_policy_releases_no_more_gives_nothing_beside_a_foreign_one(network: Network) -> None:
    """Serbia's record is withdrawn, and North Macedonia delivered the same scan: Kosovo*, which had been released the
    first, is not released the second.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    own = network.record(RS, scan=SCAN, audience=["XK"])
    network.record(MK, scan=SCAN, audience=["RS"])
    network.settle()
    assert may(network, RS, XK) == {own}
    withdraw(network.nodes[RS], HEAD, own, ERROR)
    network.settle()
    assert holds(network, RS, XK) == [True, False]
    assert may(network, RS, XK) == set()


def test_a_court_hold_is_not_got_round_by_naming(network: Network) -> None:
    held = network.record(RS, scan=SCAN, audience=["XK"])
    network.settle()
    place_hold(network.nodes[XK], HEAD, held, COURT)
    withdraw(network.nodes[RS], HEAD, held, ERROR)
    named_alone(network, MK, "XK")
    network.settle()
    assert holds(network, XK) == [True]
    with network.nodes[XK].store.read() as session:
        assert records_showing(session, SHA256) == []
    assert may(network, XK, MK) == may(network, XK, RS) == set()


def test_a_named_scan_goes_with_its_record(network: Network) -> None:
    """As the issue had it: a record that names somebody's scan kept it on the disk, "erased" though it was."""
    record = network.record(RS, scan=SCAN, audience=["XK"])
    naming = named_alone(network, MK, "XK", "RS")
    network.settle()
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert holds(network, RS, XK) == [False, False]
    assert told_by(network, RS, record, XK).kept == ()
    assert told_by(network, RS, record, XK).outcome is ERASED
    for node in (RS, XK):
        assert acquisition(network, node, naming).state == "awaiting-scan"


def test_two_owners_of_one_scan_and_each_withdraws(network: Network) -> None:
    first = network.record(RS, scan=SCAN, audience=["XK"])
    second = network.record(MK, scan=SCAN, audience=["XK"])
    network.settle()
    withdraw(network.nodes[RS], HEAD, first, ERROR)
    network.settle()
    assert holds(network, RS, MK, XK) == [False, True, True]
    told = told_by(network, RS, first, XK)
    assert (told.outcome, told.kept) == (ERASED, (KeptScan(sha256=SHA256, by=(MK,)),))
    assert (may(network, XK, RS), may(network, XK, MK)) == (set(), {second})
    (here,) = withdrawal_states(network.nodes[XK], first)
    assert here.kept == (KeptScan(sha256=SHA256, by=(MK,)),)

    withdraw(network.nodes[MK], HEAD, second, ERROR)
    network.settle()
    assert holds(network, RS, MK, XK) == [False, False, False]
    told = told_by(network, MK, second, XK)
    assert (told.outcome, told.kept) == (ERASED, ())
    (here,) = withdrawal_states(network.nodes[XK], first)
    assert here.kept == (), "what is said of now is true now"


def test_one_of_two_owners_is_held_by_a_court(network: Network) -> None:
    held = network.record(RS, scan=SCAN, audience=["XK"])
    other = network.record(MK, scan=SCAN, audience=["XK"])
    network.settle()
    place_hold(network.nodes[XK], HEAD, held, COURT)
    withdraw(network.nodes[RS], HEAD, held, ERROR)
    network.settle()
    assert told_by(network, RS, held, XK).outcome is RESTRICTED
    with network.nodes[XK].store.read() as session:
        assert [statement.statement_id for _, statement in records_showing(session, SHA256)] == [other]

    withdraw(network.nodes[MK], HEAD, other, ERROR)
    network.settle()
    told = told_by(network, MK, other, XK)
    assert (told.outcome, told.kept) == (ERASED, (KeptScan(sha256=SHA256, by=(RS,)),))
    assert holds(network, XK) == [True]
    with network.nodes[XK].store.read() as session:
        assert records_showing(session, SHA256) == [], "the court's copy is shown to nobody"

    end_hold(network.nodes[XK], HEAD, held, COURT)
    network.settle()
    assert holds(network, XK) == [False]
    assert told_by(network, RS, held, XK).outcome is ERASED


def test_the_holders_own_record_keeps_its_scan(network: Network) -> None:
    record = network.record(RS, scan=SCAN, audience=["XK"])
    network.record(XK, scan=SCAN, audience=[])
    network.settle()
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    network.settle()
    assert told_by(network, RS, record, XK).kept == (KeptScan(sha256=SHA256, by=(XK,)),)
    assert holds(network, RS, XK) == [False, True]
    assert may(network, XK, RS) == set()


def test_what_was_withdrawn_while_it_came_is_not_taken(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    record = network.record(RS, scan=SCAN, audience=["XK"])
    network.parted.add(frozenset((RS, MK)))

    def withdrawn_meanwhile(node: object, peer: object, sha256: str) -> None:
        monkeypatch.undo()
        with network.nodes[XK].store.write() as session:
            take_away(session, bury(session, record, RS, ERROR))

    monkeypatch.setattr("tests.exchange.flows.network.may_fetch", withdrawn_meanwhile)
    network.settle()
    assert holds(network, RS, XK) == [True, False]
    assert list(network.nodes[XK].settings.incoming.iterdir()) == []


def test_what_was_only_named_is_at_rest_nowhere(network: Network) -> None:
    network.record(RS, scan=SCAN, audience=["XK"])
    other = b"a scan that nobody has"
    record = network.record(MK, scan=other, audience=["XK"])
    network.nodes[MK].blobs.remove(hashlib.sha256(other).hexdigest())
    network.settle()
    with network.nodes[XK].store.read() as session:
        assert set(scans_at_rest(session)) == kept_scans(session) == {SHA256}
        assert not is_kept(session, hashlib.sha256(other).hexdigest())
    assert acquisition(network, XK, record).state == "awaiting-scan"


def test_the_acknowledgement_says_the_same_when_it_is_made_after_a_crash(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept is known before the remains are forgotten."""
    record = network.record(RS, scan=SCAN, audience=["XK"])
    network.record(MK, scan=SCAN, audience=["XK"])
    network.settle()

    class PulledPlugError(Exception):
        pass

    def dies(*_: object) -> None:
        monkeypatch.undo()
        raise PulledPlugError

    monkeypatch.setattr("exchange.flows.terms.erase._settle", dies)
    withdraw(network.nodes[RS], HEAD, record, ERROR)
    with pytest.raises(PulledPlugError):
        network.settle()
    with network.nodes[RS].store.write() as session:  # the lease of whoever died
        for job in session.scalars(select(JobRow).where(JobRow.kind == JobKind.ERASE)):
            job.state = "pending"
    network.settle()
    assert told_by(network, RS, record, XK).kept == (KeptScan(sha256=SHA256, by=(MK,)),)
    with network.nodes[XK].store.read() as session:
        assert session.scalars(select(TombstoneRow.outcome)).all() == [ERASED]


def test_an_own_scan_comes_back_from_whom_it_was_delivered_to(network: Network) -> None:
    record = network.record(RS, scan=SCAN, audience=["MK"])
    network.record(XK, scan=SCAN, audience=["MK"])
    network.settle()
    rs = network.nodes[RS]
    rs.blobs.remove(SHA256)
    with rs.store.write() as session:
        row = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one()
        row.delivered_at, row.state = None, "awaiting-scan"
    assert may(network, MK, RS) == {record}
    fetch_scan(rs, network.client(RS), row.acquisition_id)
    assert rs.blobs.path(SHA256).read_bytes() == SCAN
    assert acquisition(network, RS, record).delivered_at is not None


@pytest.mark.parametrize("keeper", [RS, XK])
def test_who_only_named_a_scan_is_not_told_who_keeps_it(network: Network, keeper: str) -> None:
    """Neither the holder's own record that nobody may know of, nor what a third node gave it, shows in the answer."""
    network.record(keeper, scan=SCAN, audience=[] if keeper == RS else ["RS"])
    naming = named_alone(network, MK, "RS")
    network.settle()
    withdraw(network.nodes[MK], HEAD, naming, ERROR)
    network.settle()
    told = told_by(network, MK, naming, RS)
    assert (told.outcome, told.kept) == (ERASED, ())
    (here,) = withdrawal_states(network.nodes[RS], naming)
    assert here.kept == ()
    assert holds(network, RS) == [True]
