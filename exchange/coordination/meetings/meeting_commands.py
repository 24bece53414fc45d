"""``ffp meeting``: meetings and trainings that were held, with counts of who attended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import HIGHEST, Acting, actor_of, day_of, maker_as_head, one_of, warn_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.handed_out import LanguageOption
from exchange.coordination.meetings.held_meetings import (
    Attendance,
    NewMeeting,
    change_meeting,
    counted_people,
    enter_meeting,
    list_meetings,
    take_back_meeting,
)
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, approved_inputs, draft_inputs
from exchange.coordination.meetings.pack.exercise_files import read_exercise_files
from exchange.coordination.meetings.pack.local_pack import local_pack
from exchange.coordination.meetings.pack_paper.written_pack import inputs_facts, inputs_file, note_pack, pack_files
from exchange.coordination.region_files.release_command import once_signed
from exchange.errors import InvalidInput
from exchange.extras.known import require_extra
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas.vocabulary import MeetingKind, OfficeRole, Role

app = typer.Typer(help="Meetings and trainings that were held, and how many attended.", no_args_is_help=True)
Meeting = Annotated[int, typer.Argument(min=1, max=HIGHEST, help="Its number, as ffp meeting list has it.")]
MeetingWord = Annotated[str, typer.Argument(help="local, regional or training.")]
On = Annotated[str, typer.Option("--on", help="The day on which it was held, such as 2026-11-24.")]
Title = Annotated[str, typer.Option(help="In one line, without any name of a person.")]
PackHalf = Annotated[str, typer.Option("--half", help="The half-year, such as 2026H2.")]
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

    new = _new(kind, on, title, attended)
    with node_at(home) as node:
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

    new = _new(kind, on, title, attended)
    with node_at(home) as node:
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

    with node_at(home) as node:
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

    with node_at(home) as node:
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
    half: PackHalf,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what this node gives to a meeting pack, as JSON that nobody signed yet: to be read before the head approves
    it."""

    with node_at(home) as node:
        found = draft_inputs(node, Half.parse(half))
    out.write_bytes(found.data)
    tell(as_json, {"written": out, "sha256": found.sha256}, f"Written: {out}, SHA-256 {found.sha256}.")


@app.command("approve")
def approve_pack_inputs(
    sha256: Annotated[str, typer.Argument(help="As ffp meeting export or ffp meeting pack said it.", metavar="SHA256")],
    half: PackHalf,
    acting: Acting,
    because: Annotated[str, typer.Option(help="To whom it goes and on what ground, in one line.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Approve what this node gives to the pack of the regional meeting. Once more after a meeting: what was approved
    last counts."""

    wanted = Half.parse(half)
    with node_at(home) as node:
        said = approve_inputs(node, maker_as_head(node, acting), wanted, sha256, because)
    tell(as_json, {"statement": said}, f"The inputs of {wanted} are approved; the statement is {said}.")


@app.command("pack")
def write_pack(
    half: PackHalf,
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    language: LanguageOption = "en",
    pdf: Annotated[bool, typer.Option(help="Whether to write the PDF; that needs the extra pdf.")] = True,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve the inputs of the regional pack first, which are shown.")
    ] = False,
    acting: Annotated[str | None, typer.Option("--as", help="The head, by pseudonym, who approves.")] = None,
    because: Annotated[str | None, typer.Option(help="To whom they go and on what ground, in one line.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether what is shown is approved.")] = False,
    exercises: Annotated[
        Path | None, typer.Option(help="Counts of exercises, as ffp exercise counts wrote them.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the pack of the local meeting: one PDF, a table for each section, and the signed inputs for the regional
    meeting, once the head has approved them: before, or with --approve in the same act."""

    wanted = Half.parse(half)
    if pdf:
        require_extra("pdf", "A meeting pack as PDF; without it: --no-pdf")
    counted = read_exercise_files([exercises], wanted) if exercises is not None else None
    with node_at(home) as node:
        if approve:
            _approve_shown(node, wanted, acting, because, ask=not yes, as_json=as_json)
        found = local_pack(node, wanted, counted)
        with speaking(Spoken(language, directory=lambda: node.jurisdictions, here=node.settings.jurisdiction)):
            inputs = once_signed(lambda: inputs_file(node, found)) if approve else inputs_file(node, found)
            files = [*pack_files(found.pack, with_pdf=pdf), inputs]
        note_pack(node, CONSOLE, found)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files:
        (out / name).write_bytes(content)
    written = [name for name, _content in files]
    fields = {
        "half": str(wanted),
        "approved": found.approved,
        "sha256": found.sha256,
        "folder": out,
        "written": written,
    }
    said = f"Written into {out}: {', '.join(written)}"
    if not found.approved:
        said += (
            f"\nThe head has not approved these inputs, so that a coordinator refuses them: ffp meeting approve "
            f"{found.sha256} --half {wanted} --as HEAD --because TEXT"
        )
    tell(as_json, fields, said)


def _approve_shown(
    node: Node, half: Half, acting: str | None, because: str | None, *, ask: bool, as_json: bool
) -> None:
    """Show what the inputs say, ask, and approve them; nothing where these are approved already."""

    if acting is None or because is None:
        raise InvalidInput("To approve, say who does with --as, and why with --because.")
    maker, found = maker_as_head(node, acting), draft_inputs(node, half)
    before = approved_inputs(node, half)
    if before is not None and before.approval.sha256 == found.sha256:
        return
    for name, fact in [*inputs_facts(found.inputs), ("SHA-256", found.sha256)]:
        typer.echo(f"{name}: {fact}", err=as_json)
    if ask:
        typer.confirm("Approve these inputs for the regional pack?", abort=True, err=as_json)
    approve_inputs(node, maker, half, found.sha256, because)


def _new(kind: str, on: str, title: str, attended: list[str]) -> NewMeeting:
    return NewMeeting(one_of(MeetingKind, kind), day_of(on), title.strip(), tuple(map(_line, attended)))


def _line(text: str) -> Attendance:
    """Raises InvalidInput, which says what of the line is wrong."""

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
