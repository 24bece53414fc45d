"""Six nodes with what a meeting pack tells: made-up law, meetings and trainings, actions, snapshots, an incident
annex."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

from exchange.clock import stamp
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import propose_import, take_import
from exchange.coordination.incidents.incident_annex import approve_annex, draft_annex
from exchange.coordination.maturity.keep_snapshot import keep_snapshot
from exchange.coordination.meetings.held_meetings import Attendance, NewMeeting, enter_meeting
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, draft_inputs, signed_inputs
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import MeetingKind, OfficeRole, Role
from tests.exchange.coordination.incidents.made_up_incidents import made_up_table
from tests.exchange.coordination.law.made_up_law import made_up_law
from tests.exchange.coordination.region.region_world import BY_HEAD, CODES, H1, H2, HEAD, RegionWorld, live

TRAINED = (
    Attendance(Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.WOMEN, 4),
    Attendance(Institution.POLICE, OfficeRole.INVESTIGATOR, AttendeeSex.MEN, 7),
)
MET = (
    Attendance(Institution.FOCAL_POINT, OfficeRole.HEAD, AttendeeSex.WOMEN, 1),
    Attendance(Institution.POLICE, OfficeRole.INVESTIGATOR, AttendeeSex.MEN, 2),
    Attendance(Institution.PROSECUTION, OfficeRole.PROSECUTOR, AttendeeSex.WOMEN, 2),
    Attendance(Institution.MINISTRY, OfficeRole.LEGAL_OFFICER, AttendeeSex.NOT_STATED, 1),
)
TITLES = (
    ("Name the articles that let test fires go to a neighbour.", OfficeRole.LEGAL_OFFICER),
    ("Answer hits that wait for longer than the term.", OfficeRole.EXAMINER),
    ("Send two examiners to the regional training.", OfficeRole.HEAD),
)


def act(world: RegionWorld, code: str, number: str, *, owner: str, due: str, met_on: str, **changes: Any) -> str:
    """An action that the node said, and that all have."""
    title, role = TITLES[int(number.rpartition("-")[2]) % len(TITLES)]
    fields: dict[str, Any] = {
        "number": number,
        "title": title,
        "owner": owner,
        "owner_role": str(role),
        "due": due,
        "meeting": "regional",
        "met_on": met_on,
        "state": "open",
        "closed_on": None,
        "remark": None,
        "stated_at": stamp(),
    }
    return world.say("action", code, [other for other in CODES if other != code], **{**fields, **changes})


def coordinate(world: RegionWorld, half: Half, year: int) -> None:
    """Law, meetings and actions of one half-year."""
    month = 3 if half.number == 1 else 9
    world.at(datetime(year, month, 5, tzinfo=UTC))
    for code, articles in made_up_law().items():
        if articles and half.number == 1:
            said = [article.model_dump(mode="json") for article in articles]
            world.say("law", code, [other for other in CODES if other != code], articles=said, stated_at=stamp())
    world.at(datetime(year, month + 2, 20, tzinfo=UTC))
    for code, node in world.nodes.items():
        if code == "BA":
            continue
        enter_meeting(
            node, BY_HEAD, NewMeeting(MeetingKind.LOCAL, date(year, month, 10), "Local coordination meeting", MET)
        )
        if half.number == 2 or code in ("RS", "MK"):
            enter_meeting(
                node,
                BY_HEAD,
                NewMeeting(MeetingKind.TRAINING, date(year, month, 20), "Half a day of training", TRAINED),
            )
        title = "Regional coordination meeting"
        enter_meeting(node, BY_HEAD, NewMeeting(MeetingKind.REGIONAL, date(year, month + 2, 18), title, MET[:2]))
    if half.number == 1:
        act(world, "RS", "A-2026-1", owner="MK", due="2026-09-30", met_on="2026-05-18")
        act(world, "RS", "A-2026-2", owner="RS", due="2027-03-31", met_on="2026-05-18")
        act(world, "MK", "A-2026-1", owner="RS", due="2026-10-15", met_on="2026-05-18")
        act(world, "AL", "A-2026-3", owner="AL", due="2026-08-31", met_on="2026-05-18")
    else:
        act(world, "XK", "A-2026-4", owner="XK", due="2027-05-31", met_on="2026-11-18")
        closed = {"state": "done", "closed_on": "2026-09-01", "remark": "Two went, and came back with certificates."}
        act(world, "AL", "A-2026-3", owner="AL", due="2026-08-31", met_on="2026-05-18", **closed)


def annex(world: RegionWorld, code: str, half: Half) -> None:
    node = world.nodes[code]
    table = made_up_table(5, 120, 0)
    number = propose_import(node, BY_HEAD, half, io.BytesIO(table.data)).number
    take_import(node, BY_HEAD, half, number)
    found = draft_annex(node, half)
    assert found is not None
    approve_annex(node, HEAD, half, found.sha256, "To the coordinator.")


def approve_all(world: RegionWorld, half: Half) -> list[tuple[str, bytes]]:
    """Each head approves its inputs; the files, by name."""
    files = []
    for code, node in world.nodes.items():
        approve_inputs(node, HEAD, half, draft_inputs(node, half).sha256, "To the coordinator, for the meeting.")
        sign_head(node)
        files.append((f"inputs-{code.lower()}-{half}.json", signed_inputs(node, half)))
    return files


def live_two_halves(world: RegionWorld) -> dict[str, list[tuple[str, bytes]]]:
    """All that the six do in 2026; the files of each half-year: ``2026H2`` the reports, ``inputs 2026H2`` the
    inputs."""
    world.receipts()
    live(world, (H1, H2))
    for node in world.nodes.values():
        with node.store.write() as session:
            add_user(session, "head-1", Role.HEAD)
    files: dict[str, list[tuple[str, bytes]]] = {}
    for half, over in ((H1, datetime(2026, 7, 9, tzinfo=UTC)), (H2, datetime(2027, 1, 9, tzinfo=UTC))):
        coordinate(world, half, 2026)
        world.at(over)
        world.approve(half)
        for code, node in world.nodes.items():
            if code != "ME":
                keep_snapshot(node, HEAD, half)
        if half == H2:
            annex(world, "RS", half)
        for node in world.nodes.values():
            sign_head(node)
        files[str(half)] = [
            (f"report-{name.removesuffix('.json')}-{half}.json", data) for name, data in world.files(half)
        ]
        files[f"inputs {half}"] = approve_all(world, half)
    return files
