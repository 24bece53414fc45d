"""``ffp incidents``: the incident annex of a half-year, from a table to the approved editions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from exchange.cli.acting import Acting, maker_as_head, one_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.coordination.approved_document import check_digest
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.handed_out import AnnexForm, LanguageOption
from exchange.coordination.incidents.enter_incidents import (
    CountsEntry,
    entered,
    propose_import,
    take_import,
    undo_change,
)
from exchange.coordination.incidents.incident_annex import (
    AnnexDraft,
    ApprovedAnnex,
    approve_annex,
    draft_annex,
    entered_annex,
    find_annex,
)
from exchange.coordination.incidents.incident_paper import hand_out_annex
from exchange.coordination.incidents.incident_words import refused_in_words
from exchange.coordination.incidents.platform_words import TOTAL_TITLES
from exchange.coordination.incidents.read_incident_table import (
    RefusedRow,
    TableEncoding,
    read_incident_table,
    table_template,
)
from exchange.coordination.incidents.told_incidents import exact_totals
from exchange.errors import InvalidInput, NotFound
from exchange.extras.known import require_extra
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Actor, ActorKind
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking

WHAT_IS_SHOWN: Final = "shown"
"""The value of the option that approves what this command shows, in place of a digest."""

app = typer.Typer(help="The incident annex: counts of incidents and persons.", no_args_is_help=True)

Which = Annotated[str, typer.Option("--half", help="The half-year, such as 2026H2: from July on, in UTC.")]


@app.command("template")
def write_template(out: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write a table to begin with: its columns, and a few made-up rows."""

    out.write_bytes(table_template())
    typer.echo(f"Written: {out}. docs/incidents.md says what stands in each column.")


@app.command("import")
def import_table(
    table: Annotated[Path, typer.Argument(help="The table, a row for each person; - is what comes on stdin.")],
    half: Which,
    acting: Acting,
    encoding: Annotated[
        str, typer.Option(help="Of the table, such as windows-1250; else as it says, or UTF-8.")
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it comes to, keep nothing.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Count the rows of a table in place of what is entered of the half-year. The table is not kept. Exit code 1: some
    rows were refused."""

    wanted, read_as = Half.parse(half), one_of(TableEncoding, encoding)
    with node_at(home) as node:
        maker = maker_as_head(node, acting)
        by = Actor(ActorKind.PERSON, maker.pseudonym, maker.role)
        source = sys.stdin.buffer if str(table) == "-" else table.open("rb")
        with source:
            if dry_run:
                read = read_incident_table(source, wanted, read_as)
            else:
                entry = propose_import(node, by, wanted, source, read_as)
                read = entry.read
        if not dry_run:
            take_import(node, by, wanted, entry.number)
    counts, rows, refused = read.counts, read.rows, read.refused
    said = {
        "half": str(wanted),
        "taken": not dry_run,
        "rows": rows,
        "incidents": counts.incident_total,
        "persons": counts.person_total,
        "refused": len(refused),
    }
    if as_json:
        named = [{"row": row.number, "column": row.column, "why": row.reason} for row in refused]
        print_json(said | {"refused_rows": named})
    else:
        typer.echo(
            f"{wanted}: {rows} rows, {counts.incident_total} incidents, {counts.person_total} persons, "
            f"{len(refused)} rows refused. {'Nothing is kept: a dry run.' if dry_run else 'Taken.'}"
        )
        _tell_refused(refused)
    if refused:
        raise typer.Exit(1)


@app.command()
def show(half: Which, home: Home = None, as_json: AsJson = False) -> None:
    """Say what is entered of a half-year, and with which digest it would be approved."""

    wanted = Half.parse(half)
    with node_at(home) as node:
        state, found = entered(node, wanted), find_annex(node, wanted) or draft_annex(node, wanted)
    totals = {} if found is None else exact_totals(found.exact.counts)
    if as_json:
        print_json({"half": str(wanted), "totals": totals, **_standing(state.current, state.approved, found)})
    elif found is None:
        typer.echo(f"{wanted}: nothing is entered.")
    else:
        rows = [[TOTAL_TITLES[name], count] for name, count in totals.items()]
        print_table([TableColumn("in all"), TableColumn("count", number=True)], rows)
        typer.echo(
            f"{wanted}: {'approved' if state.approved else 'not approved'}. SHA-256 of the manifest: {found.sha256}"
        )


@app.command("undo")
def undo_last(half: Which, acting: Acting, home: Home = None, as_json: AsJson = False) -> None:
    """Go back to what was entered before the last change."""

    wanted = Half.parse(half)
    with node_at(home) as node:
        maker = maker_as_head(node, acting)
        current = entered(node, wanted).current
        if current is None:
            raise NotFound(f"Nothing is entered of {wanted}.")
        undo_change(node, Actor(ActorKind.PERSON, maker.pseudonym, maker.role), wanted, current.number)
    tell(as_json, {"half": str(wanted), "undone": True}, f"{wanted}: the last change is undone.")


@app.command("approve")
def approve_counts(
    half: Which,
    sha256: Annotated[
        str,
        typer.Argument(
            help="Of the manifest, as 'ffp incidents show' says it; or shown: what this command shows, and asks about.",
            metavar="SHA256|shown",
        ),
    ],
    acting: Acting,
    because: Annotated[str, typer.Option(help="To whom it goes and on what ground, in one line.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether what is shown is approved.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Approve both editions of a half-year that is over, for release."""

    wanted = Half.parse(half)
    try:
        digest = "" if sha256 == WHAT_IS_SHOWN else check_digest(sha256.lower())
    except InvalidInput as error:
        raise InvalidInput(
            f"{sha256[:80]} is no SHA-256 of 64 hexadecimal digits. See: ffp incidents show --half {wanted}",
            code="invalid-field",
        ) from error
    with node_at(home) as node:
        if sha256 == WHAT_IS_SHOWN:
            digest = _shown(node, wanted, ask=not yes, as_json=as_json)
        said = approve_annex(node, maker_as_head(node, acting), wanted, digest, because)
    told = f"The incident annex of {wanted} is approved; the statement is {said}."
    tell(as_json, {"half": str(wanted), "statement": said}, told)


def _shown(node: Node, half: Half, *, ask: bool, as_json: bool) -> str:
    """The digest of the annex as it is, once its totals were shown and confirmed. Raises NotFound."""

    found = entered_annex(node, half)
    for name, count in exact_totals(found.exact.counts).items():
        typer.echo(f"{TOTAL_TITLES[name]}: {count}", err=as_json)
    if ask:
        typer.confirm(f"Approve the incident annex of {half} for release?", abort=True, err=as_json)
    return found.sha256


@app.command()
def write(
    half: Which,
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    form: Annotated[AnnexForm, typer.Option(help="Of the file; exact is for a named recipient alone.")] = "json",
    draft: Annotated[bool, typer.Option("--draft", help="Before it is approved; marked as a draft.")] = False,
    language: LanguageOption = "en",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write an edition of the annex, the approval or the manifest that it concerns."""

    wanted = Half.parse(half)
    if form == "pdf":
        require_extra("pdf", "An annex as PDF")
    with node_at(home) as node, speaking(Spoken(language, directory=lambda: node.jurisdictions)):
        made = hand_out_annex(node, CONSOLE, wanted, form, draft=draft)
    out.write_bytes(made.content)
    said = "a draft" if made.draft else "as it was approved"
    tell(as_json, {"half": str(wanted), "written": out, "draft": made.draft}, f"Written: {out}, {said}.")


def _tell_refused(refused: Sequence[RefusedRow]) -> None:
    rows = [[item.column or "-", item.reason, item.count, item.rows] for item in refused_in_words(refused)]
    if rows:
        heads = [TableColumn("column"), TableColumn("why"), TableColumn("count", number=True), TableColumn("rows")]
        print_table(heads, rows)


def _standing(
    current: CountsEntry | None, approved: bool, found: AnnexDraft | ApprovedAnnex | None
) -> dict[str, object]:
    return {
        "way": None if current is None else current.way,
        "entered_by": None if current is None else current.made_by,
        "entered_at": None if current is None else current.made_at,
        "approved": approved,
        "sha256": None if found is None else found.sha256,
    }
