"""``ffp audit``: who saw and asked what on this node, and whether these rows are still those that were written."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import TableColumn, print_json, print_table
from exchange.errors import InvalidInput

if TYPE_CHECKING:
    from exchange.log.audit_entry import AuditEntry

app = typer.Typer(help="Who saw and asked what, when and why.", no_args_is_help=True)


@app.command("show")
def show(
    actor: Annotated[str | None, typer.Option(help="A pseudonym, or a peer's node id.")] = None,
    subject: Annotated[str | None, typer.Option(help="A statement's id, or a scan's SHA-256.")] = None,
    act: Annotated[str | None, typer.Option(help="One kind of act, such as read-record.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of UTC, 2026-11-25.")] = None,
    batch: Annotated[str | None, typer.Option(help="All rows of one audit-batch statement, by its id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One row a line: the exact bytes that were hashed.")] = False,
    home: Home = None,
) -> None:
    """Show rows, the oldest first. That they were shown is a row too."""
    from exchange.flows.log.audit_rows import CONSOLE, newest_rows, rows_of_batch
    from exchange.log.audit_entry import SUPERVISION, Act, Deed

    if act is not None and act not in list(Act):
        raise InvalidInput(f"The act {act} is none of {', '.join(Act)}.")
    of = day.date() if day else None
    not_stated = None
    with node_at(home) as node:
        if batch is not None:
            found = rows_of_batch(node, batch)
        else:
            found, not_stated = newest_rows(
                node, actor=actor, subject=subject, act=Act(act) if act else None, day=of, limit=limit
            )
        given = {"actor": actor, "subject": subject, "act": act, "day": of and str(of), "batch": batch}
        asked = json.dumps({name: value for name, value in given.items() if value is not None}, sort_keys=True)
        node.audit.note(Deed(CONSOLE, Act.READ_AUDIT, len(found), asked=asked, purpose=SUPERVISION))
    if as_json:
        for entry in found:
            typer.echo(entry.canonical().decode())
    else:
        headings = ("at", "who", "act", "count", "about", "asked", "why")
        columns = [
            TableColumn("number", number=True),
            *(TableColumn(name, number=name == "count") for name in headings),
        ]
        print_table(columns, map(_row, found))
    if not_stated is not None and not as_json:
        typer.echo(f"{not_stated} acts of people without a stated purpose, of all that fit.")


@app.command("verify")
def verify(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was read and found as JSON.")] = False,
) -> None:
    """Compute the root of each batch from its rows again: is it what the log vouches for? Exit code 1 when not."""
    from exchange.flows.integrity.audit_check import verify_audit

    with node_at(home) as node:
        found = verify_audit(node)
    if as_json:
        print_json(found)
    else:
        typer.echo(
            f"Read: {found.rows} rows, {found.batches} batches. Erased when their retention was over: {found.erased} "
            f"rows. Not under a signed head yet: {found.unproven}. Without a stated purpose: {found.not_stated}."
        )
        for subject, what in found.findings:
            typer.echo(f"  {subject}: {what}")
        typer.echo("All rows are those that were written." if found.good else _NEXT)
    raise typer.Exit(0 if found.good else 1)


_NEXT = (
    "Not all is as it was written. Keep a copy of the node's folder as it is, tell the supervisor, and compare with a "
    "backup; whoever could change it can write to the node's database."
)


def _row(entry: AuditEntry) -> list[object]:
    why = f"{entry.purpose or 'purpose not stated'}, {entry.legal_basis or 'legal basis not stated'}"
    about = " ".join(subject[:16] for subject in entry.subjects)
    who = f"{entry.actor} ({entry.role}{'' if entry.token is None else f', token {entry.token}'})"
    return [entry.number, entry.at, who, entry.act, entry.count, about, entry.asked, why]
