"""``ffp job``: promised work that is not done, why, and to have it tried again."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.acting import HIGHEST
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table
from exchange.errors import InvalidInput

app = typer.Typer(help="Work that was promised and is not done.", no_args_is_help=True)


@app.command("list")
def list_jobs(
    dead: Annotated[bool, typer.Option("--dead", help="Only what was given up.")] = False,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 1000,
    home: Home = None,
) -> None:
    """List jobs: number, state, kind, subject, attempts, when each is tried next, and what it failed of last.

    Dead ones come first; they were given up after as many attempts as max_attempts allows. What waits for a database,
    an object store, a cluster or processes that are away makes no attempt, and is never given up for it."""
    from exchange.flows.operate.promised_work import promised_work
    from schemas.errors import shown

    with node_at(home) as node:
        found = promised_work(node, dead_only=dead, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("No job is dead." if dead else "No job waits; all is done.")
    print_table(
        [
            TableColumn("number", number=True),
            *map(TableColumn, ("state", "kind", "subject")),
            TableColumn("attempts", number=True),
            *map(TableColumn, ("next", "failed of")),
        ],
        [
            [job.number, job.state, job.kind, job.subject, job.attempts, job.next, shown(job.last_error or "", 300)]
            for job in found
        ],
    )


@app.command("retry")
def retry_jobs(
    numbers: Annotated[list[int] | None, typer.Argument(min=1, max=HIGHEST, help="As `ffp job list` has them.")] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All that were given up.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Have dead jobs tried again, with all their attempts. A worker takes them up within a second; nothing changes when
    one of the numbers is not that of a dead job. The audit names them."""
    from exchange.flows.operate.promised_work import retry, retry_all

    if bool(numbers) == all_dead:
        raise InvalidInput("Name the jobs by their numbers, or all with --all-dead. See: ffp job list --dead")
    with node_at(home) as node:
        again = retry_all(node) if all_dead else retry(node, numbers or [])
    if as_json:
        print_json(again)
        return
    columns = [TableColumn("number", number=True), TableColumn("kind"), TableColumn("subject")]
    print_table(columns, [[job.number, job.kind, job.subject] for job in again])
    typer.echo(f"Tried again: {len(again)}. See: ffp job list" if again else "No job is dead.")
