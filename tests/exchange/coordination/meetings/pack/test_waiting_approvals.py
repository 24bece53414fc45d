"""What waits for a head is what the head can sign now, and it waits no more once it is signed."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.clock import stamp
from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.half_year_report import approve_report, draft
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import Sheet, propose_import, save_sheet, take_import
from exchange.coordination.incidents.incident_annex import approve_annex, draft_annex
from exchange.coordination.incidents.incident_vocabulary import (
    AgeBand,
    HarmOutcome,
    Offence,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.maturity.keep_snapshot import KEPT_AFTER_DAYS, keep_snapshot
from exchange.coordination.meetings.held_meetings import NewMeeting, enter_meeting, take_back_meeting
from exchange.coordination.meetings.pack.approve_inputs import (
    WaitingForHead,
    approve_inputs,
    draft_inputs,
    waiting_approvals,
)
from exchange.coordination.meetings.pack.local_pack import local_pack
from exchange.flows.node.node import Node
from schemas.vocabulary import MeetingKind
from tests.exchange.coordination.incidents.made_up_incidents import made_up_table
from tests.exchange.coordination.meetings.pack.pack_world import MET
from tests.exchange.coordination.meetings.pack.sent import Sent
from tests.exchange.coordination.region.region_world import BY_HEAD, H2, HEAD, YEAR
from tests.exchange.counted_sql import counted_sql

pytestmark = pytest.mark.slow

NEXT = Half(2027, 1)
BECAUSE = "To the coordinator."


def told(node: Node) -> list[tuple[ApprovedKind, str]]:
    return [(item.what, str(item.period)) for item in waiting_approvals(node)]


def sign(node: Node, item: WaitingForHead) -> None:
    """As the page does that the line leads to."""
    half = Half.parse(str(item.period)) if item.what is not ApprovedKind.REPORT else None
    match item.what:
        case ApprovedKind.REPORT:
            approve_report(node, HEAD, item.period, draft(node, item.period).sha256, BECAUSE)
        case ApprovedKind.ANNEX if half is not None:
            found = draft_annex(node, half)
            assert found is not None
            approve_annex(node, HEAD, half, found.sha256, BECAUSE)
        case ApprovedKind.SNAPSHOT:
            keep_snapshot(node, HEAD, half)
        case ApprovedKind.INPUTS if half is not None:
            approve_inputs(node, HEAD, half, draft_inputs(node, half).sha256, BECAUSE)


def test_what_was_signed_waits_no_more(sent: Sent) -> None:
    sent.world.at(datetime(2027, 1, 9, tzinfo=UTC))
    assert told(sent.world.nodes["RS"]) == [(ApprovedKind.REPORT, "2026")], "the year, whose half-years are approved"
    year, snapshot = waiting_approvals(sent.world.nodes["ME"])
    assert (year.period, snapshot.what, snapshot.period) == (YEAR, ApprovedKind.SNAPSHOT, H2)
    assert snapshot.since == H2.end
    assert snapshot.until == stamp(datetime.fromisoformat(H2.end) + timedelta(days=KEPT_AFTER_DAYS))


def test_the_first_page_asks_two_statements(sent: Sent) -> None:
    with counted_sql() as asked:
        waiting_approvals(sent.world.nodes["RS"])
    reads = [statement for statement in asked if statement.upper().startswith("SELECT")]
    assert len(reads) == 2, reads


def test_what_was_approved_and_has_changed_waits_once_more(sent: Sent) -> None:
    node = sent.world.nodes["AL"]
    sent.world.at(datetime(2027, 1, 10, tzinfo=UTC))
    assert (ApprovedKind.INPUTS, str(H2)) not in told(node)
    number = enter_meeting(node, BY_HEAD, NewMeeting(MeetingKind.LOCAL, date(2026, 12, 20), "A late meeting", MET))
    [again] = [item for item in waiting_approvals(node) if item.what is ApprovedKind.INPUTS]
    assert (again.period, again.again, again.since) == (H2, True, stamp())
    assert not local_pack(node, H2).approved, "the page says so, too"
    sent.world.at(datetime(2027, 1, 11, tzinfo=UTC))
    sign(node, again)
    assert (ApprovedKind.INPUTS, str(H2)) not in told(node)
    for day, back in ((12, True), (13, False)):
        sent.world.at(datetime(2027, 1, day, tzinfo=UTC))
        take_back_meeting(node, BY_HEAD, number, back=back)
        assert ((ApprovedKind.INPUTS, str(H2)) in told(node)) is back, "put back, they are as they were approved"
    assert local_pack(node, H2).approved


def test_each_of_a_half_year_that_is_over_can_be_signed_until_nothing_waits(sent: Sent) -> None:
    node = sent.world.nodes["XK"]
    sent.world.at(datetime(2027, 6, 30, 23, tzinfo=UTC))
    table = made_up_table(3, 40, 0)
    take_import(node, BY_HEAD, NEXT, propose_import(node, BY_HEAD, NEXT, io.BytesIO(table.data)).number)
    assert told(node) == [(ApprovedKind.REPORT, "2026")], "nothing of a half-year that lasts"
    sent.world.at(datetime(2027, 7, 2, tzinfo=UTC))
    waiting = waiting_approvals(node)
    assert [(item.what, str(item.period)) for item in waiting] == [
        (ApprovedKind.REPORT, "2027H1"),
        (ApprovedKind.ANNEX, "2027H1"),
        (ApprovedKind.SNAPSHOT, "2027H1"),
        (ApprovedKind.INPUTS, "2027H1"),
        (ApprovedKind.REPORT, "2026"),
    ]
    assert {item.since for item in waiting[:4]} == {NEXT.end}
    for item in waiting:
        sign(node, item)
    assert told(node) == []


def test_inputs_that_were_approved_before_the_report_wait_once_more(sent: Sent) -> None:
    node = sent.world.nodes["BA"]
    sent.world.at(datetime(2027, 7, 2, tzinfo=UTC))
    inputs = next(item for item in waiting_approvals(node) if item.what is ApprovedKind.INPUTS)
    assert not inputs.again
    sign(node, inputs)
    assert ApprovedKind.INPUTS not in {item.what for item in waiting_approvals(node)}
    sent.world.at(datetime(2027, 7, 3, tzinfo=UTC))
    sign(node, next(item for item in waiting_approvals(node) if item.what is ApprovedKind.REPORT))
    again = next(item for item in waiting_approvals(node) if item.what is ApprovedKind.INPUTS)
    assert (again.again, again.period) == (True, NEXT)


def test_counts_that_contradict_each_other_are_to_be_corrected_first(sent: Sent) -> None:
    node = sent.world.nodes["MK"]
    sent.world.at(datetime(2027, 7, 2, tzinfo=UTC))
    victims = {(PersonRole.VICTIM, Sex.FEMALE, AgeBand.TO_35): 2}
    sheet = Sheet(Offence.ROBBERY, HarmOutcome.KILLED, WeaponKind.PISTOL, 0, victims)
    save_sheet(node, BY_HEAD, NEXT, sheet, seen=0)
    [annex] = [item for item in waiting_approvals(node) if item.what is ApprovedKind.ANNEX]
    assert annex.to_correct
