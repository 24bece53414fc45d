"""A peer takes its share: what it sends beyond it waits, with an alarm, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import select, update

from exchange.clock import clock_of_the_past, stamp, today
from exchange.errors import NotFound, ProofInvalid
from exchange.flows.operate.measure import observe
from exchange.flows.operate.status import node_status
from exchange.flows.sync.peer_quota import Cost, PeerShares, _costs, is_stopped, quotas, reset_quota, set_quota
from exchange.flows.sync.progress import in_words, note_quarantine, sync_status
from exchange.flows.sync.verify_lane_page import LanePlace, VerifiedPage, poison
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerDayRow, QuarantineRow
from exchange.trust.key_history import KeyHistory
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.examples import acquisition_fields

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK")]

DAYS = 7  # for which a share is kept, by the settings


@pytest.fixture
def at() -> Iterator[list[datetime]]:
    """What time it is; a test moves it on."""
    moment = [datetime(2026, 12, 1, 12, tzinfo=UTC)]
    with clock_of_the_past(lambda: moment[0]):
        yield moment


POLICY = 1
"""The first statement on a lane: the policy of the node."""


def shares(network: Network) -> PeerShares:
    return quotas(network.nodes[MK], RS)


def named(size: int, number: int) -> dict[str, object]:
    """A scan as a record names it, which nobody has."""
    return {"sha256": f"{number:02x}" * 32, "size": size, "media_type": "application/x-x3p"}


def alarm(network: Network) -> str:
    return network.peer(MK, RS).alarm or ""


def test_what_is_beyond_the_share_waits_for_the_next_day_and_nothing_is_lost(
    network: Network, at: list[datetime]
) -> None:
    mk = network.nodes[MK]
    set_quota(mk, RS, statements=2, size=None)
    names = network.share(RS, Jurisdiction.MK, count=2 * DAYS + 6 - POLICY)
    for _ in range(3):
        network.pull(MK, RS)
    assert network.holds(MK) == set(names[: 2 * DAYS - POLICY]), "what it had kept of a week, and not a whole page"
    assert "used up its share, 2 statements a day" in alarm(network)
    assert "It goes on at 2026-12-02T00:00Z" in alarm(network)
    assert f"ffp peer quota {RS}" in alarm(network)
    assert alarm(network).startswith("2026-12-01T12:00:00.000Z"), "since when"

    at[0] += timedelta(days=1)
    network.pull(MK, RS)
    assert network.holds(MK) == set(names[: 2 * DAYS + 2 - POLICY])
    at[0] += timedelta(days=2)
    network.pull(MK, RS)
    assert network.holds(MK) == set(names)
    assert alarm(network) == "", "the alarm is over, and no item came twice or never"
    assert network.peer(MK, RS).cursor_count == len(names) + POLICY


def test_the_size_that_a_record_names_counts_before_its_scan_is_fetched(network: Network, at: list[datetime]) -> None:
    at[0] += timedelta(hours=1)
    set_quota(network.nodes[MK], RS, statements=None, size=10**9)
    names = [network.record(RS, acquisitions=[acquisition_fields(blob=named(4 * 10**8, scan))]) for scan in range(30)]
    for _ in range(3):
        network.pull(MK, RS)
    assert len(network.holds(MK)) == 18, "the last one may be more than what was left"
    assert "1000000000 bytes a day" in alarm(network)
    assert (shares(network).bytes.left < 0, shares(network).statements.used_today) == (True, 18 + POLICY)
    set_quota(network.nodes[MK], RS, statements=None, size=2 * 10**9)
    network.pull(MK, RS)
    assert network.holds(MK) == set(names), "at once when the operator gives it more"


def test_a_record_counts_once_for_each_of_its_scans(network: Network) -> None:
    network.record(RS, acquisitions=[acquisition_fields(blob=named(10**6, scan)) for scan in (1, 2)])
    network.record(RS)
    network.pull(MK, RS)
    assert shares(network).statements.used_today == 3 + POLICY


def test_an_operator_sees_what_stands_still_why_and_what_to_do(network: Network, at: list[datetime]) -> None:
    del at
    mk = network.nodes[MK]
    assert node_status(mk).alarms == []
    assert observe(mk).value("ffp_peer_stopped", RS) == 0
    set_quota(mk, RS, statements=1, size=None)
    network.share(RS, Jurisdiction.MK, count=DAYS)
    network.pull(MK, RS)
    (told,) = node_status(mk).alarms
    assert told.startswith(f"{RS}: Its lane is not read")
    numbers = observe(mk)
    assert (numbers.value("ffp_peer_stopped", RS), numbers.value("ffp_peer_statements_left", RS)) == (1, 0)
    (status,) = sync_status(mk)
    assert any("Today it sent 7 statements" in sentence for sentence in in_words(status))
    reset_quota(mk, RS)
    assert shares(network).statements.a_day == mk.settings.peer_statements_per_day
    with pytest.raises(NotFound):
        set_quota(mk, "ffp-nobody", statements=1, size=None)


def test_a_laboratory_of_200_exhibits_a_day_and_its_past_are_within_what_the_settings_give(network: Network) -> None:
    found = shares(network)
    assert found.statements.a_day >= 3 * 200 * 6, "an exhibit of three scans, and as many statements on it"
    assert found.bytes.a_day >= 200 * 3 * 30 * 10**6
    assert found.statements.left >= 10_000, "a week offline: tests/chaos/test_week_offline.py"
    assert found.bytes.left < 480 * 4 * 10**8, "480 scans of 400 MB are not an afternoon's work of any laboratory"


def test_what_is_not_kept_counts_as_it_came() -> None:
    """What has no proof, or is too large, is not kept as evidence; it took the line and work all the same."""
    unproved = poison(7, "ab" * 32, 7, b"x" * 1000, ProofInvalid("leads nowhere"))
    assert unproved.envelope == b""
    page = VerifiedPage(
        checkpoint=None, log_size=0, accepted=(), poisoned=(unproved,), places=(LanePlace(7, "ab" * 32, 7, False),),
        withheld=0, count=8, head=b"", waiting=0, needs=None, keys=cast(KeyHistory, None),
    )  # fmt: skip
    assert _costs(page) == [Cost(1, 1000)]


def test_an_alarm_is_for_people(network: Network) -> None:
    """It names the host of an address, and the beginning of a digest."""
    with network.nodes[MK].store.write() as session:
        peer = find_peer(session, RS)
        assert peer is not None
        peer.alarm = f"https://rs.example:8443/v1/blobs/{'ab' * 32} does not answer; {'cd' * 32} is gone"
    (status,) = sync_status(network.nodes[MK])
    assert status.alarms == ("rs.example:8443 does not answer; cdcdcdcdcdcd... is gone",)


def test_a_flood_of_what_is_not_believed_stops_the_lane_until_it_was_seen(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    mk = network.nodes[MK]
    settings = mk.settings.model_copy(update={"peer_quarantine_items": 3})
    monkeypatch.setitem(mk.__dict__, "settings", settings)
    network.share(RS, Jurisdiction.MK, count=1)
    network.pull(MK, RS)
    with mk.store.write() as session:
        for position in range(3):
            session.add(
                QuarantineRow(
                    peer=RS,
                    position=100 + position,
                    statement_id="ab" * 32,
                    log_index=0,
                    sha256="00" * 32,
                    size=8,
                    reason="signature-invalid",
                    detail="made up",
                    at=stamp(),
                )
            )
    more = network.share(RS, Jurisdiction.MK, count=1)
    network.pull(MK, RS)
    assert not network.holds(MK) & set(more)
    assert f"ffp sync note {RS}" in alarm(network)
    note_quarantine(mk, RS)
    network.pull(MK, RS)
    assert network.holds(MK) >= set(more)


def test_what_was_used_long_ago_is_forgotten_and_days_without_use_are_kept_no_longer_than_said(
    network: Network, at: list[datetime]
) -> None:
    mk = network.nodes[MK]
    set_quota(mk, RS, statements=10, size=None)
    network.share(RS, Jurisdiction.MK, count=5)
    network.pull(MK, RS)
    assert shares(network).statements.left == 10 * DAYS - 5 - POLICY
    at[0] += timedelta(days=300)
    assert shares(network).statements.left == 10 * DAYS
    network.share(RS, Jurisdiction.MK, count=1)
    network.pull(MK, RS)
    with mk.store.read() as session:
        assert [row.day for row in session.scalars(select(PeerDayRow))] == ["2027-09-27"]
    with mk.store.write() as session:
        session.execute(update(PeerDayRow).values(statements=10 * DAYS + 25))
    assert shares(network).statements.days_until_more() == 3


def test_a_share_made_tiny_of_a_peer_that_took_much_is_told_and_stops_no_page(network: Network) -> None:
    """The day on which it would go on is after all that a calendar has."""
    used(network, today(), 10, 20 * 2**30)
    set_quota(network.nodes[MK], RS, statements=None, size=1000)
    assert is_stopped(network.nodes[MK], RS)
    assert "1000 bytes a day" in alarm(network)
    node_status(network.nodes[MK])


def test_a_day_on_which_this_nodes_clock_was_ahead_forgives_nothing(network: Network, at: list[datetime]) -> None:
    used(network, (at[0] + timedelta(days=400)).date(), 1, 1)
    used(network, at[0].date(), DAYS * 4000, 1)
    assert is_stopped(network.nodes[MK], RS)
    assert shares(network).statements.left == 0


def used(network: Network, day: date, statements: int, size: int) -> None:
    with network.nodes[MK].store.write() as session:
        session.add(PeerDayRow(peer=RS, day=day.isoformat(), statements=statements, bytes=size))
