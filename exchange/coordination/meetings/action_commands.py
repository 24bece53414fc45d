"""``ffp action``: what coordination meetings agreed on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from exchange.cli.acting import Acting, code_of, day_of, maker_as_head, one_of, warn_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.agreed_actions import (
    NewAction,
    add_action,
    change_action,
    list_actions,
    open_actions,
)
from schemas.vocabulary import ActionState, MeetingKind, OfficeRole

app = typer.Typer(help="What coordination meetings agreed on: who does it, and until when.", no_args_is_help=True)
ActionArgument = Annotated[str, typer.Argument(help="Of the action, such as A-2026-7.")]
Because = Annotated[
    str, typer.Option(help="What came of it, or why it will not be done, in one line without any name of a person.")
]
OnDay = Annotated[str | None, typer.Option("--on", help="The day, such as 2026-12-01. Default: today.")]


@app.command("add")
def add(
    title: Annotated[str, typer.Argument(help="What is to be done, in one line, without any name of a person.")],
    owner: Annotated[str, typer.Option(help="The jurisdiction that is to do it, such as MK.")],
    role: Annotated[str, typer.Option(help="In which role, such as head, examiner or legal_officer.")],
    due: Annotated[str, typer.Option(help="Until which day, such as 2027-03-31.")],
    met_on: Annotated[str, typer.Option(help="The day of the meeting that agreed on it.")],
    acting: Acting,
    meeting: Annotated[str, typer.Option(help="Of which kind it was: local, regional or training.")] = "regional",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Sign an action that a meeting agreed on. All peers are told; the next pack carries it on until it is done."""

    new = NewAction(
        title,
        code_of(owner),
        one_of(OfficeRole, role),
        day_of(due),
        one_of(MeetingKind, meeting),
        day_of(met_on),
    )
    with node_at(home) as node:
        maker = maker_as_head(node, acting)
        number, said = add_action(node, maker, new)
    warn_of("title", title)
    tell(as_json, {"number": number, "statement_id": said}, f"{number} is signed; the statement is {said}.")


@app.command("list")
def list_agreed(
    every: Annotated[bool, typer.Option("--all", help="Also what is done or dropped.")] = False,
    half: Annotated[
        str | None, typer.Option(help="This node's own, as the pack of a half-year such as 2026H2 tells of them.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List open actions, this node's own and those of its peers, the first due first."""

    with node_at(home) as node:
        found = list_actions(node) if half is None else open_actions(node, Half.parse(half))
        known = node.jurisdictions
    shown = [item for item in found if every or half is not None or item.is_open]
    if as_json:
        print_json(
            [
                {"statement_id": item.statement_id, "own": item.own, "overdue": item.overdue}
                | item.said.model_dump(mode="json", exclude={"nonce", "made_by"})
                for item in shown
            ]
        )
        return
    headings = ("issuer", "number", "state", "due", "owner", "role", "title")
    rows = [
        [
            item.said.issuer,
            item.said.number,
            "overdue" if item.overdue else item.said.state,
            item.said.due,
            known.name(item.said.owner),
            item.said.owner_role,
            item.said.title,
        ]
        for item in shown
    ]
    print_table([TableColumn(heading) for heading in headings], rows)
    if not rows:
        typer.echo("No action is open.", err=True)
    for footnote in known.footnotes(item.said.owner for item in shown):
        typer.echo(footnote, err=True)


def _closing(word: str, state: str, says: str) -> None:
    """A command that closes an own action: ``done`` and ``drop`` are asked alike, and differ in what is signed."""

    @app.command(word, help=says)
    def close(
        number: ActionArgument,
        because: Because,
        acting: Acting,
        on: OnDay = None,
        home: Home = None,
        as_json: AsJson = False,
    ) -> None:
        closed_on = day_of(on) if on else None
        _change(number, state, acting, home, because=because, on=closed_on, as_json=as_json)


_closing("done", "done", "Say that an own action is done.")
_closing("drop", "dropped", "Say that an own action will not be done.")


@app.command("open")
def reopen(
    number: ActionArgument,
    acting: Acting,
    due: Annotated[str | None, typer.Option(help="Until another day, such as 2027-06-30.")] = None,
    because: Annotated[str | None, typer.Option(help="Why, in one line.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say that an own action is open again, or that it is due on another day."""
    _change(number, "open", acting, home, because=because, due=day_of(due) if due else None, as_json=as_json)


def _change(
    number: str,
    state: str,
    acting: str,
    home: Home,
    *,
    because: str | None,
    on: date | None = None,
    due: date | None = None,
    as_json: bool,
) -> None:
    with node_at(home) as node:
        maker = maker_as_head(node, acting)
        said = change_action(node, maker, number, ActionState(state), on=on, remark=because, due=due)
    if because is not None:
        warn_of("because", because)
    tell(
        as_json,
        {"number": number, "state": state, "statement_id": said},
        f"{number} is {state}; the statement is {said}.",
    )
