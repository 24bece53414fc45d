"""``ffp log``: what a node holds, compared with what was signed; and the logs that signed what does not agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at, opened_here
from exchange.cli.tables import AsJson, print_json, tell
from exchange.home import resolve_home

app = typer.Typer(help="This node's log and those of its peers.", no_args_is_help=True)


@app.command("check")
def check(
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read all statements, heads and scans again, and whatever was made of them: is each still what was signed?

    Exit code 1 when not. What is found stays known to `ffp status` and `ffp doctor` until a later check finds it
    mended."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from exchange.flows.integrity.log_check import check_and_keep

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with node_at(home) as node, Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        found = check_and_keep(node, show)
    if as_json:
        print_json(found)
    else:
        size = found.scan_bytes / 2**20
        logged = f"{found.statements} statements, {found.heads} heads, {found.stamps} time stamps"
        typer.echo(f"Read: {logged}, {found.acts} audit rows, {found.scans} scans ({size:.1f} MiB).")
        for finding in found.findings:
            typer.echo(f"  {finding.subject}: {finding.what}")
        if found.unnamed:
            typer.echo(f"  and {found.unnamed} more")
        typer.echo("All is what was signed." if found.good else _NEXT)
    raise typer.Exit(0 if found.good else 1)


_NEXT = (
    "Not all is what was signed. Stop the node, keep a copy of its folder as it is, and restore what is named from a "
    "backup; tell the peers before it serves again."
)


@app.command("mend")
def mend(home: Home = None, as_json: AsJson = False) -> None:
    """Make again what the database lost of the log's tree, from the statements that are left. A node that is served
    does so by itself."""
    from exchange.flows.log.mend import mend_log

    with node_at(home) as node:
        count = mend_log(node)
    tell(as_json, {"made_again": count}, f"Rows of the log that were made again: {count}. Next: ffp log check")


@app.command("accept-database")
def accept(
    size: Annotated[int, typer.Option(min=0, help="The size of the last head in the database, as `ffp doctor` says.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Continue the log from the database although the file last-head is damaged, or names a later head. The node asks
    its peers first, and signs nothing if one of them holds a later head. If the database was put back to an earlier
    state and no peer has what was signed after it, that is lost."""
    from exchange.flows.log.start import accept_database

    with opened_here(resolve_home(home)) as node:
        aside = accept_database(node, size)
    tell(
        as_json,
        {"size": size, "kept": str(aside) if aside else None},
        f"The log goes on from size {size}. The file is kept as evidence: {aside or 'it was missing'}. Enrolled peers "
        "are asked first: see ffp status.",
        "Scans without a record are set aside in blobs/set-aside: submit those again whose records are lost.",
    )


@app.command("evidence")
def evidence(
    out: Annotated[Path | None, typer.Option(help="A folder to write the signed heads to, two files a case.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show the signed heads that do not agree, as the signed notes that any verifier of such notes takes."""
    from exchange.flows.operate.status import kept_evidence

    with node_at(home) as node:
        found = kept_evidence(node)
    if as_json:
        known = ("log", "found_at", "proven", "detail", "first", "second")
        print_json([{name: getattr(row, name) for name in known} for row in found])
    elif not found:
        typer.echo("No two heads that disagree were ever shown to this node.")
    for row in found:
        if not as_json:
            typer.echo(f"{row.found_at}  {row.log}\n  {row.detail}\n")
        for name, note in (("first", row.first), ("second", row.second)):
            if out is None and not as_json:
                typer.echo(note.decode())
            elif out is not None:
                out.mkdir(parents=True, exist_ok=True)
                path = out / f"{row.log}-{row.digest[:16]}-{name}.note"
                path.write_bytes(note)
                typer.echo(f"  written: {path}", err=as_json)


@app.command("publish")
def publish(
    folder: Annotated[Path, typer.Argument(help="The folder; made if it is not there, brought up to date if it is.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the log's last signed head, its tiles and its time stamps as files for a static server: what anybody needs
    to see that the log only grew, and nothing of what is in it."""
    from exchange.flows.log.publishing import publish_log

    with node_at(home) as node:
        done = publish_log(node, folder)
    fields = {"folder": folder, "size": done.size, "written": done.written, "kept": done.kept}
    said = f"The head of size {done.size} is in {folder}. Files written: {done.written}, there before: {done.kept}."
    tell(as_json, fields, said)
