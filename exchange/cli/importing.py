"""``ffp import``: many exhibits from a table and a folder or zip of scans."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.acting import Acting, maker_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, print_json
from exchange.spreadsheet_cells import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchange.flows.entry.bulk_import import Result

_REPORT_COLUMNS = ("line", "exhibit", "file", "outcome", "statement_id", "why", "may_tell_of_a_person")


def import_records(
    source: Annotated[Path, typer.Argument(help="A folder or a zip with the scans.")],
    table: Annotated[Path, typer.Option("--csv", help="The table, one line a scan: docs/import.md has its columns.")],
    acting: Acting,
    mapping: Annotated[
        str | None, typer.Option("--map", help="Their columns and values: a TOML file, or the built-in nbtrd.")
    ] = None,
    retain_until: Annotated[
        str | None, typer.Option(help="Where the table does not say until when a record is kept: YYYY-MM-DD.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write what became of each line here, as CSV.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Submit the exhibits of a table; a second run submits nothing twice. Exit code 1: some were refused."""
    from rich.console import Console
    from rich.progress import Progress

    from exchange.flows.entry.bulk_import import LineOutcome, import_groups
    from exchange.flows.entry.import_source import open_source
    from exchange.flows.entry.import_table import read_mapping, read_table
    from schemas.vocabulary import Role

    defaults = {} if retain_until is None else {"retention_until": retain_until}
    groups = read_table(table, read_mapping(mapping), defaults)
    if report is not None:
        _write(report, [])  # where it cannot be written, that is told before the work
    results: list[Result] = []
    console = Console(stderr=True)
    try:
        with node_at(home) as node, open_source(source) as scans, Progress(console=console) as progress:
            maker = maker_of(node, acting, Role.EXAMINER)
            bar = progress.add_task("Checking" if dry_run else "Submitting", total=len(groups))
            for found in import_groups(node, maker, scans, groups, dry_run=dry_run):
                results += found
                progress.advance(bar)
    finally:  # also of a run that a full disk ended: the next one goes on
        if report is not None:
            _write(report, results)
    for result in results:
        if result.why:
            typer.echo(f"line {result.line.number}, {result.line.file}: {result.why}", err=True)
        elif result.doubts:
            typer.echo(f"line {result.line.number}: may tell of a person: {result.doubts}", err=True)
    counted = Counter(result.outcome for result in results)
    if as_json:
        lines = [dict(zip(_REPORT_COLUMNS, _told(result), strict=True)) for result in results]
        print_json({"counts": {outcome.replace(" ", "_"): counted[outcome] for outcome in LineOutcome}, "lines": lines})
    else:
        counts = [f"{counted[outcome]} {outcome}" for outcome in LineOutcome if counted[outcome]]
        typer.echo("; ".join(counts) or "no line")
    if counted[LineOutcome.REFUSED]:
        raise typer.Exit(1)


def _write(path: Path, results: Iterable[Result]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_REPORT_COLUMNS)
        for result in results:
            writer.writerow([guarded(str(cell)) for cell in _told(result)])


def _told(result: Result) -> tuple[int | str, ...]:
    """In the order of the report's columns."""
    place = (result.line.number, result.exhibit, result.line.file)
    return (*place, result.outcome, result.statement_id, result.why, result.doubts)
