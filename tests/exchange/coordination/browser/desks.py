"""What coordinators and assessors look at, made up: desks without a node, and what three nodes say for the region."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from exchange.clock import today
from exchange.coordination.desk.desk_app import desk_app
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import propose_import, take_import
from exchange.coordination.maturity.checklist import StepChange, sign_checklist
from exchange.coordination.meetings.agreed_actions import NewAction, add_action, change_action
from exchange.coordination.meetings.held_meetings import Attendance, NewMeeting, enter_meeting
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.log.audit_entry import Actor, ActorKind
from schemas import Maker
from schemas.vocabulary import (
    ActionState,
    Jurisdiction,
    MeetingKind,
    OfficeRole,
    OnboardingState,
    OnboardingStep,
    Role,
    SignedInBy,
)
from tests.exchange.coordination.incidents.made_up_incidents import made_up_table
from tests.exchange.coordination.region.region_world import H1, RegionWorld, start_of_2026
from tests.exchange.running_nodes import RunningNode

DESK_PORT = 8479
COUNTED = Half(2026, 2)
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
BY_HEAD = Actor(ActorKind.PERSON, "head-1", Role.HEAD)
ACTIONS = (
    ("Name the articles that let test fires go to a neighbour.", "MK", OfficeRole.LEGAL_OFFICER, 120),
    ("Test-fire the pistols that were seized at the border in spring.", "RS", OfficeRole.EXAMINER, -12),
    ("Send two investigators to the joint training.", "XK", OfficeRole.HEAD, 45),
    ("Check the instrument on the reference specimen.", "RS", OfficeRole.EXAMINER, 20),
)
LINES = (
    (Institution.FOCAL_POINT, OfficeRole.HEAD, AttendeeSex.WOMEN, 1),
    (Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.MEN, 3),
    (Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.WOMEN, 2),
    (Institution.PROSECUTION, OfficeRole.PROSECUTOR, AttendeeSex.WOMEN, 2),
)


def tell_of_the_region(serbia: RunningNode) -> None:
    """Actions, meetings, an incident annex that is being entered, and one who comes in, at one node."""
    node, met_on = serbia.node, today() - timedelta(days=20)
    numbers = [
        add_action(
            node,
            HEAD,
            NewAction(title, Jurisdiction(owner), role, today() + timedelta(days=due), MeetingKind.REGIONAL, met_on),
        )[0]
        for title, owner, role, due in ACTIONS
    ]
    change_action(node, HEAD, numbers[-1], ActionState.DONE, remark="Checked, within its bounds.")
    attended = tuple(Attendance(*line) for line in LINES)
    enter_meeting(node, BY_HEAD, NewMeeting(MeetingKind.REGIONAL, met_on, "Regional coordination meeting", attended))
    trained = NewMeeting(MeetingKind.TRAINING, today() - timedelta(days=3), "Half a day of training", attended[1:3])
    enter_meeting(node, BY_HEAD, trained)
    entry = propose_import(node, BY_HEAD, COUNTED, io.BytesIO(made_up_table(7, 240, 3).data))
    take_import(node, BY_HEAD, COUNTED, entry.number)
    done = {OnboardingStep.CEREMONY: StepChange(OnboardingState.DONE, remark="Both keys were made before two people.")}
    sign_checklist(node, HEAD, Jurisdiction.MD, done)


def desks(folder: Path) -> Iterator[tuple[str, Starlette, str]]:
    """Each with the name of its picture and the page that is drawn."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = made_up_region(folder / "nodes", monkeypatch)
        inbox = folder / "inbox"
        inbox.mkdir()
        for name, data in world.files(H1):
            (inbox / name).write_bytes(data)
        believed = Believed(fingerprints=world.fingerprints())
        desk = desk_app(PackDesk(inbox, DeskKeys(believed, world.recipient), shipped_indicators()), DESK_PORT)
        yield "region-desk", desk, "/"
        yield "region-report", desk, f"/report/{H1}"
        world.close()


def made_up_region(folder: Path, monkeypatch: pytest.MonkeyPatch) -> RegionWorld:
    """Six nodes after the first half-year of 2026."""
    clock = start_of_2026()
    monkeypatch.setattr("exchange.clock.now", clock)
    world = RegionWorld(folder, clock, 3)
    world.receipts()
    pairs = [(world.enter("RS", to=["MK"]), world.enter("MK", to=["RS"])) for _ in range(6)]
    for one, other in pairs:
        world.at(datetime(2026, 3, 1, tzinfo=UTC))
        world.lead(("RS", one), ("MK", other))
    world.at(datetime(2026, 7, 9, tzinfo=UTC))
    world.approve(H1)
    return world


@contextmanager
def served(app: Starlette, port: int) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
