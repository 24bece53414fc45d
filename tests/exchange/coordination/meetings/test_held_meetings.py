"""Meetings that were held: entered, corrected, taken back; and what of them leaves the node."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.agreed_actions import add_action
from exchange.coordination.meetings.held_meetings import (
    Attendance,
    NewMeeting,
    change_meeting,
    enter_meeting,
    list_meetings,
    meetings_of,
    read_meeting,
    take_back_meeting,
)
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.pack.approve_inputs import draft_inputs
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node, create_node, open_node
from exchange.log.audit_entry import Act, Actor, ActorKind
from exchange.store.access.user_rows import add_user
from exchange.store.log.audit import AuditFilter, search_entries
from schemas.vocabulary import Jurisdiction, MeetingKind, OfficeRole, Role
from tests.exchange.coordination.half_year.monitoring_world import Clock
from tests.exchange.coordination.meetings.test_agreed_actions import HEAD, MET
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

H2 = Half(2026, 2)
BY = Actor(ActorKind.PERSON, "head-1", Role.HEAD)
LOCAL = NewMeeting(
    MeetingKind.LOCAL,
    date(2026, 11, 10),
    "Local coordination meeting",
    (
        Attendance(Institution.POLICE, OfficeRole.INVESTIGATOR, AttendeeSex.WOMEN, 3),
        Attendance(Institution.POLICE, OfficeRole.HEAD, AttendeeSex.MEN, 1),
        Attendance(Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.WOMEN, 2),
        Attendance(Institution.MINISTRY, OfficeRole.LEGAL_OFFICER, AttendeeSex.NOT_STATED, 1),
    ),
)
TRAINING = NewMeeting(
    MeetingKind.TRAINING,
    date(2026, 9, 1),
    "Half a day on the workbench",
    (Attendance(Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.WOMEN, 4),),
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(datetime(2026, 11, 25, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", made)
    return made


@pytest.fixture
def node(tmp_path: Path, clock: Clock, databases: Databases) -> Iterator[Node]:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.XK, url="http://127.0.0.1:9", port=9, database_url=databases.new())
    made = open_node(home)
    with made.store.write() as session:
        add_user(session, "head-1", Role.HEAD)
    yield made
    made.close()


def audited(node: Node) -> list[str | None]:
    wanted = AuditFilter(act=Act.CHANGE_MEETING)
    with node.store.read() as session:
        return [row.entry.asked for row in search_entries(session, wanted, before=None, limit=50)]


def test_a_meeting_is_entered_changed_taken_back_and_put_back(node: Node) -> None:
    number = enter_meeting(node, BY, LOCAL)
    assert [(item.title, item.people, item.counts) for item in list_meetings(node, H2)] == [(LOCAL.title, 7, True)]
    assert set(read_meeting(node, number).attended) == set(LOCAL.attended)
    changed = replace(LOCAL, title="Local meeting in Prishtina", attended=LOCAL.attended[:1])
    change_meeting(node, BY, number, changed)
    found = read_meeting(node, number)
    assert (found.title, found.people, found.attended) == (changed.title, 3, changed.attended)
    take_back_meeting(node, BY, number)
    assert (meetings_of(node, H2), [item.counts for item in list_meetings(node, H2)]) == ([], [False])
    take_back_meeting(node, BY, number, back=False)
    assert [item.meeting_id for item in meetings_of(node, H2)] == [number]
    assert audited(node) == [f"{what}: local 2026-11-10" for what in ("put back", "taken back", "changed", "entered")]


def test_each_half_year_has_its_own(node: Node) -> None:
    for day in ("2026-06-30", "2026-07-01", "2026-11-24"):
        enter_meeting(node, BY, replace(LOCAL, held_on=date.fromisoformat(day)))
    assert [str(item.held_on) for item in meetings_of(node, Half(2026, 1))] == ["2026-06-30"]
    assert [str(item.held_on) for item in meetings_of(node, H2)] == ["2026-07-01", "2026-11-24"]


def test_the_same_meeting_is_kept_once(node: Node) -> None:
    number = enter_meeting(node, BY, LOCAL)
    with pytest.raises(Conflict, match="stands already"):
        enter_meeting(node, BY, LOCAL)
    take_back_meeting(node, BY, number)
    again = enter_meeting(node, BY, LOCAL)
    with pytest.raises(Conflict, match="stands already"):
        take_back_meeting(node, BY, number, back=False)
    with pytest.raises(Conflict, match="so already"):
        take_back_meeting(node, BY, number)
    other = enter_meeting(node, BY, TRAINING)
    with pytest.raises(Conflict, match="stands already"):
        change_meeting(node, BY, other, LOCAL)
    change_meeting(node, BY, again, LOCAL)
    with pytest.raises(NotFound):
        change_meeting(node, BY, 999, LOCAL)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"held_on": date(2026, 11, 26)}, "a day that has come"),
        ({"held_on": date(2017, 12, 31)}, "2018 or later"),
        ({"title": "Two\nlines"}, "one line"),
        ({"title": ""}, "one line"),
        ({"attended": ()}, "a meeting of nobody is not kept"),
        ({"attended": LOCAL.attended * 2}, "Add them up"),
        ({"attended": (replace(LOCAL.attended[0], count=0),)}, "from 1 to"),
        ({"attended": (replace(LOCAL.attended[0], count=5001),)}, "from 1 to"),
    ],
)
def test_what_is_no_meeting_is_refused(node: Node, changes: dict[str, object], refused: str) -> None:
    with pytest.raises(InvalidInput, match=refused):
        enter_meeting(node, BY, replace(LOCAL, **changes))  # type: ignore[arg-type]
    assert list_meetings(node, H2) == []


def test_a_half_year_is_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.coordination.meetings.held_meetings.MOST_MEETINGS", 2)
    enter_meeting(node, BY, LOCAL)
    enter_meeting(node, BY, TRAINING)
    with pytest.raises(Conflict, match="2 meetings at most"):
        enter_meeting(node, BY, replace(LOCAL, title="A third."))


def test_the_pack_has_sums_and_no_cell_of_one_person(node: Node) -> None:
    """Who attended is told by institution and sex, and by role and sex; never by all three."""
    enter_meeting(node, BY, LOCAL)
    enter_meeting(node, BY, replace(LOCAL, held_on=date(2026, 11, 11)))
    enter_meeting(node, BY, TRAINING)
    gone = enter_meeting(node, BY, replace(TRAINING, title="A slip of the pen"))
    take_back_meeting(node, BY, gone)
    written = draft_inputs(node, H2).data
    assert written == draft_inputs(node, H2).data, "the same rows give the same bytes"
    told = json.loads(written)
    assert {name: told[name] for name in ("format", "half", "node", "jurisdiction")} == {
        "format": "ffp-pack-inputs/2",
        "half": "2026H2",
        "node": "ffp-xk",
        "jurisdiction": "XK",
    }
    local = told["held"]["local"]
    assert (local["meetings"], local["people"]) == (2, 14)
    for margin in ("by_institution", "by_role"):
        assert sum(line["count"] for line in local[margin]) == 14
        assert all(len(line) == 3 for line in local[margin])
    counted = Counter[tuple[str, str]]()
    for line in LOCAL.attended * 2:
        counted[line.institution, line.sex] += line.count
    assert {(line["institution"], line["sex"]): line["count"] for line in local["by_institution"]} == counted
    assert told["held"]["regional"] == {"meetings": 0, "people": 0, "by_institution": [], "by_role": []}
    assert [meeting["title"] for meeting in told["meetings"]] == [TRAINING.title, LOCAL.title, LOCAL.title]
    assert "slip of the pen" not in written.decode()
    assert "resolution 1244" in told["footnotes"][0]


def test_the_pack_carries_own_actions(node: Node, clock: Clock) -> None:
    add_action(node, HEAD, MET)
    [action] = json.loads(draft_inputs(node, H2).data)["actions"]
    assert (action["issuer"], action["number"], action["state"], action["owner"]) == (
        "ffp-xk",
        "A-2026-1",
        "open",
        "MK",
    )
    clock.moment = datetime(2027, 8, 1, tzinfo=UTC)
    [later] = json.loads(draft_inputs(node, Half(2027, 2)).data)["actions"]
    assert (later["number"], later["overdue"], action["overdue"]) == ("A-2026-1", True, False)
    with pytest.raises(NotFound, match="has not begun"):
        draft_inputs(node, Half(2028, 1))
