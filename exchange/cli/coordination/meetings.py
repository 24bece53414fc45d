"""``ffp meeting``: meetings and trainings that were held, with counts of who attended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.acting import HIGHEST, Acting, actor_of, one_of, warn_of
from exchange.cli.coordination.actions import day_of
from exchange.cli.node import Home
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.coordination.meetings import Attendance, NewMeeting

app = typer.Typer(help="Meetings and trainings that were held, and how many attended.", no_args_is_help=True)
Meeting = Annotated[int, typer.Argument(min=1, max=HIGHEST, help="Its number, as ffp meeting list has it.")]
MeetingWord = Annotated[str, typer.Argument(help="local, regional or training.")]
On = Annotated[str, typer.Option("--on", help="The day on which it was held, such as 2026-11-24.")]
Title = Annotated[str, typer.Option(help="In one line, without any name of a person.")]
Attended = Annotated[
    list[str],
    typer.Option(
        "--attended",
        help="INSTITUTION:ROLE:SEX=COUNT, such as police:investigator:women=3. Once for each line.",
        metavar="LINE",
    ),
]


@app.command("add")
def add(
    kind: MeetingWord,
    on: On,
    title: Title,
    attended: Attended,
    acting: Acting,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Keep a meeting or training that was held. Count the people of your own jurisdiction, and guests of none: so a
    regional meeting that each node enters adds up."""
    from exchange.flows.coordination.meetings import enter_meeting
    from exchange.flows.node.node import opened
    from schemas.vocabulary import Role

    new = _new(kind, on, title, attended)
    with opened(resolve_home(home)) as node:
        meeting_id = enter_meeting(node, actor_of(node, acting, Role.HEAD), new)
    warn_of("title", title)
    people = sum(line.count for line in new.attended)
    tell(as_json, {"meeting": meeting_id, "people": people}, f"Meeting {meeting_id} is kept, with {people} people.")


@app.command("change")
def change_held(
    meeting: Meeting,
    kind: MeetingWord,
    on: On,
    title: Title,
    attended: Attended,
    acting: Acting,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Replace what is kept of a meeting."""
    from exchange.flows.coordination.meetings import change_meeting
    from exchange.flows.node.node import opened
    from schemas.vocabulary import Role

    new = _new(kind, on, title, attended)
    with opened(resolve_home(home)) as node:
        change_meeting(node, actor_of(node, acting, Role.HEAD), meeting, new)
    warn_of("title", title)
    tell(as_json, {"meeting": meeting}, f"Meeting {meeting} is changed.")


@app.command("remove")
def remove_held(
    meeting: Meeting,
    acting: Acting,
    undo: Annotated[bool, typer.Option("--undo", help="It counts again.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take a meeting back: it counts no more. With --undo it counts again."""
    from exchange.flows.coordination.meetings import take_back_meeting
    from exchange.flows.node.node import opened
    from schemas.vocabulary import Role

    with opened(resolve_home(home)) as node:
        take_back_meeting(node, actor_of(node, acting, Role.HEAD), meeting, back=not undo)
    said = f"Meeting {meeting} counts again." if undo else f"Meeting {meeting} counts no more."
    tell(as_json, {"meeting": meeting, "counts": undo}, said)


@app.command("list")
def list_attended(
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the meetings and trainings of a half-year."""
    from exchange.flows.coordination.meetings import list_meetings
    from exchange.flows.monitoring.half_years import Half
    from exchange.flows.node.node import opened

    with opened(resolve_home(home)) as node:
        found = list_meetings(node, Half.parse(half))
    if as_json:
        print_json(found)
        return
    columns = [
        TableColumn("number"),
        TableColumn("kind"),
        TableColumn("day"),
        TableColumn("people", number=True),
        TableColumn("state"),
        TableColumn("title"),
    ]
    rows = [
        [str(item.meeting_id), item.kind, item.held_on, item.people, "" if item.counts else "taken back", item.title]
        for item in found
    ]
    print_table(columns, rows)
    if not rows:
        typer.echo("No meeting of this half-year is kept here.", err=True)


@app.command("export")
def export_pack_inputs(
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what a meeting pack is made from: own actions, meetings, and sums of who attended, as JSON."""
    import hashlib

    from exchange.flows.coordination.pack_inputs import write_pack_inputs
    from exchange.flows.monitoring.half_years import Half
    from exchange.flows.node.node import opened

    with opened(resolve_home(home)) as node:
        data = write_pack_inputs(node, Half.parse(half))
    out.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    tell(as_json, {"written": out, "sha256": sha256}, f"Written: {out}, SHA-256 {sha256}.")


def _new(kind: str, on: str, title: str, attended: list[str]) -> NewMeeting:
    from exchange.flows.coordination.meetings import NewMeeting
    from schemas.vocabulary import MeetingKind

    return NewMeeting(one_of(MeetingKind, kind), day_of(on), title.strip(), tuple(map(_line, attended)))


def _line(text: str) -> Attendance:
    """Raises InvalidInput, which says what of the line is wrong."""
    from exchange.errors import InvalidInput
    from exchange.flows.coordination.meetings import Attendance, counted_people
    from exchange.flows.coordination.vocabulary import AttendeeSex, Institution
    from schemas.vocabulary import OfficeRole

    who, equals, count = text.partition("=")
    words = who.split(":")
    if len(words) != 3 or not equals:
        raise InvalidInput(f"{text} is not INSTITUTION:ROLE:SEX=COUNT, such as police:investigator:women=3.")
    return Attendance(
        one_of(Institution, words[0]),
        one_of(OfficeRole, words[1]),
        one_of(AttendeeSex, words[2]),
        counted_people(count, who),
    )
